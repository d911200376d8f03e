"""The provider that needs no files: it builds the catalogue's architectures with untrained weights.

Speed depends on the architecture and not on the weights, so it is valid. Accuracy is not: only a
published one can be used.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dse.core.checksums import digest
from dse.core.errors import RequestError
from dse.core.paths import cache_dir
from dse.core.requirements import Requirement
from dse.models import cache
from dse.models.provider import BUILTIN, Artefact
from dse.models.quantise import Quantisation, need
from dse.tasks.image_classification.models.calibration import RANDOM_PIXELS
from dse.tasks.image_classification.models.catalogue import CATALOGUE, variant
from dse.tasks.image_classification.models.graph import counts
from dse.tasks.image_classification.preprocessing import to_form

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.core.inference_cost import ModelCounts
    from dse.core.measurement import PublishedQuality
    from dse.core.signature import Form, Signature
    from dse.models.calibration import Calibration
    from dse.tasks.image_classification.models.catalogue import Variant
    from dse.tasks.image_classification.models.graph import Graph
    from dse.tasks.image_classification.preprocessing import Layout

BUILDER_VERSION = 1
"""Version of the builder, raised with every change of the bytes: older files stay unused."""

WEIGHTS = "untrained (builtin)"
BUILTIN_FORMATS: tuple[ModelFormat, ...] = ("onnx", "tflite")
BUILTIN_PRECISIONS = ("fp32", "int8")

_NEEDS: Mapping[ModelFormat, Requirement] = {
    "onnx": Requirement("builtin onnx models", ("onnx",), "builtin"),
    "tflite": Requirement("builtin tflite models", ("ai_edge_litert",), "litert"),
}


def build_fp32(graph: Graph, model_format: ModelFormat = "onnx") -> tuple[Path, str]:
    """Builds a graph in fp32 in the cache, or finds it there undamaged.

    Returns:
        The file's path and SHA-256.

    Raises:
        UnavailableError: the library that writes the format is not installed.
        DseError: the cache can't be written to.
    """
    if found := _cached(graph, model_format):
        return found
    try:
        data = _bytes(graph, model_format)
    except ImportError as error:
        raise _NEEDS[model_format].error(error) from error
    return cache.store(_folder(), _stem(graph), f".{model_format}", data)


def build_int8(
    graph: Graph, model_format: ModelFormat, form: Form, calibration: Calibration
) -> tuple[Path, str]:
    """Builds a graph in int8 in the cache, or finds it there undamaged.

    Args:
        graph: the network.
        model_format: format of the file.
        form: how an image becomes the input of the model in that format.
        calibration: the samples that show the range of each activation.

    Returns:
        The file's path and SHA-256.

    Raises:
        UnavailableError: a required library is not installed.
        DseError: the library fails, or the cache can't be written to.
    """
    quantisation = Quantisation(model_format, form, calibration)
    key = digest([BUILDER_VERSION, graph.digest, *quantisation.identity()])
    return cache.build(
        _folder(),
        f"{graph.name}.int8.{key}",
        f".{model_format}",
        lambda: quantisation.of(build_fp32(graph, model_format)[0]),
    )


def _bytes(graph: Graph, model_format: ModelFormat) -> bytes:
    if model_format == "onnx":
        from dse.tasks.image_classification.models._onnx_writer import onnx_bytes

        return onnx_bytes(graph)
    from dse.tasks.image_classification.models._tflite_writer import tflite_bytes

    return tflite_bytes(graph)


def _need(precision: str, model_format: ModelFormat) -> Requirement:
    return need(model_format) if precision == "int8" else _NEEDS[model_format]


def _folder() -> Path:
    return cache_dir() / "models" / "builtin"


def _stem(graph: Graph) -> str:
    return f"{graph.name}.{digest([BUILDER_VERSION, graph.digest])}"


def _cached(graph: Graph, model_format: ModelFormat) -> tuple[Path, str] | None:
    return cache.find(_folder(), _stem(graph), f".{model_format}")


class BuiltinProvider:
    """Builds the catalogue's architectures in fp32 and int8, as ONNX and as TFLite.

    Args:
        calibration: the samples for int8 calibration.
    """

    name = BUILTIN
    trained = False

    def __init__(self, calibration: Calibration = RANDOM_PIXELS) -> None:
        self._calibration = calibration

    def models(self) -> tuple[str, ...]:
        """All names of the catalogue."""
        return tuple(CATALOGUE)

    def precisions(self, model: str) -> tuple[str, ...]:
        """The precisions in which it builds a model."""
        variant(model)
        return BUILTIN_PRECISIONS

    def obstacle(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
        """Why a file in any of these formats is unavailable; None if one is available."""
        if problem := _refusal(model, precision, formats):
            return problem
        offered = [one for one in formats if one in BUILTIN_FORMATS]
        if any(_within_reach(model, precision, one) for one in offered):
            return None
        return _need(precision, offered[0]).obstacle

    def published(self, model: str, precision: str) -> PublishedQuality | None:
        """The published accuracy of the trained weights that the untrained ones stand for."""
        return CATALOGUE[model].published.get(precision) if model in CATALOGUE else None

    def counts(self, model: str, _signature: Callable[[Form], Signature]) -> ModelCounts | None:
        """What would be counted in its file, which need not be built for that."""
        return counts(CATALOGUE[model].graph()) if model in CATALOGUE else None

    def form(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> Form:
        """How an image becomes the input of the file that `artefact` would give."""
        return _form(variant(model), _chosen(model, precision, formats))

    def artefact(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> Artefact:
        """The file of a model, built on first use; int8 takes some seconds."""
        known, chosen = variant(model), _chosen(model, precision, formats)
        form, weights = _form(known, chosen), WEIGHTS
        if precision == "int8":
            built = build_int8(known.graph(), chosen, form, self._calibration)
            weights = f"{WEIGHTS}, int8 calibrated on {self._calibration.description}"
        else:
            built = build_fp32(known.graph(), chosen)
        return Artefact(
            path=built[0],
            format=chosen,
            sha256=built[1],
            form=form,
            weights=weights,
            published=known.published.get(precision),
        )


def _chosen(model: str, precision: str, formats: tuple[ModelFormat, ...]) -> ModelFormat:
    """The format of the file: the first that can be built here, else the first that is offered."""
    if problem := _refusal(model, precision, formats):
        remedy = "give a folder of model files instead"
        raise RequestError(f"{model} {precision}: {problem}", remedy=remedy)
    offered = [one for one in formats if one in BUILTIN_FORMATS]
    return next((one for one in offered if _within_reach(model, precision, one)), offered[0])


def _form(known: Variant, model_format: ModelFormat) -> Form:
    layout: Layout = "NCHW" if model_format == "onnx" else "NHWC"
    return to_form(replace(known.preprocessing, layout=layout), known.classes)


def _within_reach(model: str, precision: str, model_format: ModelFormat) -> bool:
    """Whether a file can be built here, or has been built before."""
    if _need(precision, model_format).met:
        return True
    # The name of an int8 file contains a version that is unknown without the library.
    return precision == "fp32" and _cached(CATALOGUE[model].graph(), model_format) is not None


def _refusal(model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
    """Why a file is not offered, on any machine; None if it is."""
    if model not in CATALOGUE:
        return f"builtin has no model '{model}'"
    if precision not in BUILTIN_PRECISIONS:
        return f"builtin builds no {precision} yet"
    if not set(formats) & set(BUILTIN_FORMATS):
        return f"builtin builds no {' or '.join(formats) or 'other format'} yet"
    return None
