"""The provider that needs no files: it builds BERT-like encoders with untrained weights.

Speed depends on the architecture and not on the weights, so it is valid. F1 is not: only a
published one can be used.
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
from dse.tasks.question_answering._encoder import ENCODERS, Encoder, onnx_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.core.measurement import PublishedQuality
    from dse.core.signature import Form

BUILDER_VERSION = 1
"""Version of the builder, raised with every change of the bytes: older files stay unused."""
WEIGHTS = "untrained (builtin)"
PRECISION = "fp32"
_NEED = Requirement("builtin onnx models", ("onnx",), "builtin")


def build(name: str, encoder: Encoder) -> tuple[Path, str]:
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


def _folder() -> Path:
    return cache_dir() / "models" / "builtin"


def _stem(name: str, encoder: Encoder) -> str:
    return f"{name}.{digest([BUILDER_VERSION, *encoder.dimensions])}"


class BuiltinProvider:
    """Builds encoders in fp32 as ONNX; see `dse.models.provider.Provider`."""

    name = BUILTIN
    trained = False

    def models(self) -> tuple[str, ...]:
        """The names of the encoders, the largest first."""
        return tuple(ENCODERS)

    def precisions(self, model: str) -> tuple[str, ...]:
        """The one precision in which it builds a model."""
        _encoder(model)
        return (PRECISION,)

    def obstacle(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
        """Why a file in any of these formats is unavailable; None if one is available."""
        if problem := _refusal(model, precision, formats):
            return problem
        if _NEED.met or cache.find(_folder(), _stem(model, ENCODERS[model]), ".onnx"):
            return None
        return _NEED.obstacle

    def published(self, model: str, precision: str) -> PublishedQuality | None:
        """The published F1 of the trained weights that the untrained ones stand for."""
        return ENCODERS[model].published.get(precision) if model in ENCODERS else None

    def form(self, model: str, _precision: str, _formats: tuple[ModelFormat, ...]) -> Form:
        """How a question becomes the input of the file that `artefact` would give."""
        return _encoder(model).form.to_form()

    def artefact(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> Artefact:
        """The file of a model, built on first use; a large one takes some seconds."""
        encoder = _encoder(model)
        if problem := _refusal(model, precision, formats):
            remedy = "give a folder of model files instead"
            raise RequestError(f"{model} {precision}: {problem}", remedy=remedy)
        path, sha256 = build(model, encoder)
        form, published = encoder.form.to_form(), encoder.published.get(precision)
        return Artefact(path, "onnx", sha256, form, WEIGHTS, published)


def _encoder(model: str) -> Encoder:
    if model not in ENCODERS:
        raise RequestError(f"builtin has no model '{model}'", remedy=suggest(model, ENCODERS))
    return ENCODERS[model]


def _refusal(model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
    """Why a file is not offered, on any machine; None if it is."""
    if model not in ENCODERS:
        return f"builtin has no model '{model}'"
    if precision != PRECISION:
        return f"builtin builds no {precision} of it yet"
    if "onnx" not in formats:
        return f"builtin builds no {' or '.join(formats) or 'other format'} of it yet"
    return None
