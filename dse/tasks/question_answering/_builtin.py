"""The provider that needs no files: it builds BERT-like encoders with untrained weights.

Speed depends on the architecture and on which weights are zero, and not on their values, so it is
valid. F1 is not: only a published one can be used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.config.messages import suggest
from dse.core.checksums import digest
from dse.core.errors import RequestError
from dse.core.paths import cache_dir
from dse.core.requirements import Requirement
from dse.models import cache
from dse.models.provider import BUILTIN, Artefact
from dse.models.quantise import Quantisation, need
from dse.tasks.question_answering._architectures import ENCODERS, Encoder
from dse.tasks.question_answering._calibration import RANDOM_TOKENS
from dse.tasks.question_answering._onnx_file import onnx_bytes
from dse.tasks.question_answering._prior import counts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.core.inference_cost import ModelCounts
    from dse.core.measurement import PublishedQuality
    from dse.core.signature import Form, Signature

BUILDER_VERSION = 2
"""Version of the builder, raised with every change of the bytes: older files stay unused."""
WEIGHTS = "untrained (builtin)"
PRECISIONS = ("fp32", "int8")
_NEED = Requirement("builtin onnx models", ("onnx",), "builtin")


def build_fp32(name: str, encoder: Encoder) -> tuple[Path, str]:
    """Builds an encoder in the cache, or finds it there undamaged.

    Returns:
        The file's path and SHA-256.

    Raises:
        UnavailableError: the library that writes the format is not installed.
        DseError: the cache can't be written to.
    """

    def make() -> bytes:
        try:
            return onnx_bytes(encoder)
        except ImportError as error:
            raise _NEED.error(error) from error

    return cache.build(_folder(), _stem(name, encoder), ".onnx", make)


def build_int8(name: str, encoder: Encoder) -> tuple[Path, str]:
    """Builds an encoder whose linear layers compute in int8, or finds it in the cache undamaged.

    Returns:
        The file's path and SHA-256.

    Raises:
        UnavailableError: a required library is not installed.
        DseError: the library fails, or the cache can't be written to.
    """
    quantisation = Quantisation("onnx", encoder.form.to_form(), RANDOM_TOKENS)
    key = digest([BUILDER_VERSION, *encoder.identity, *quantisation.identity()])
    return cache.build(
        _folder(),
        f"{name}.int8.{key}",
        ".onnx",
        lambda: quantisation.of(build_fp32(name, encoder)[0]),
    )


def _folder() -> Path:
    return cache_dir() / "models" / "builtin"


def _stem(name: str, encoder: Encoder) -> str:
    return f"{name}.{digest([BUILDER_VERSION, *encoder.identity])}"


class BuiltinProvider:
    """Builds encoders in fp32 and int8 as ONNX; see `dse.models.provider.Provider`."""

    name = BUILTIN
    trained = False

    def models(self) -> tuple[str, ...]:
        """The names of the encoders, the largest first, each before its pruned variants."""
        return tuple(ENCODERS)

    def precisions(self, model: str) -> tuple[str, ...]:
        """The precisions in which it builds a model."""
        _encoder(model)
        return PRECISIONS

    def obstacle(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
        """Why a file in any of these formats is unavailable; None if one is available."""
        if problem := _refusal(model, precision, formats):
            return problem
        if precision == "int8":
            return need("onnx").obstacle
        if _NEED.met or cache.find(_folder(), _stem(model, ENCODERS[model]), ".onnx"):
            return None
        return _NEED.obstacle

    def published(self, model: str, precision: str) -> PublishedQuality | None:
        """The published F1 of the trained weights that the untrained ones stand for."""
        return ENCODERS[model].published.get(precision) if model in ENCODERS else None

    def counts(self, model: str, _signature: Callable[[Form], Signature]) -> ModelCounts | None:
        """What would be counted in its file, which need not be built for that."""
        return counts(model) if model in ENCODERS else None

    def form(self, model: str, _precision: str, _formats: tuple[ModelFormat, ...]) -> Form:
        """How a question becomes the input of the file that `artefact` would give."""
        return _encoder(model).form.to_form()

    def artefact(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> Artefact:
        """The file of a model, built on first use; a large one or int8 takes some seconds."""
        encoder = _encoder(model)
        if problem := _refusal(model, precision, formats):
            remedy = "give a folder of model files instead"
            raise RequestError(f"{model} {precision}: {problem}", remedy=remedy)
        weights = [WEIGHTS, encoder.pruning.words]
        if precision == "int8":
            path, sha256 = build_int8(model, encoder)
            weights.append(f"int8 calibrated on {RANDOM_TOKENS.description}")
        else:
            path, sha256 = build_fp32(model, encoder)
        return Artefact(
            path=path,
            format="onnx",
            sha256=sha256,
            form=encoder.form.to_form(),
            weights=", ".join(filter(None, weights)),
            published=encoder.published.get(precision),
        )


def _encoder(model: str) -> Encoder:
    if model not in ENCODERS:
        near = suggest(model, ENCODERS) or ""
        dense = (name for name, one in ENCODERS.items() if not one.pruning.percent)
        remedy = near if near.startswith("did you mean") else suggest(model, dense)
        raise RequestError(f"builtin has no model '{model}'", remedy=remedy)
    return ENCODERS[model]


def _refusal(model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
    """Why a file is not offered, on any machine; None if it is."""
    if model not in ENCODERS:
        return f"builtin has no model '{model}'"
    if precision not in PRECISIONS:
        return f"builtin builds no {precision} of it yet"
    if "onnx" not in formats:
        return f"models that answer questions are not converted to {' or '.join(formats)}"
    return None
