"""From a float32 model file to one in int8, by static post-training quantisation.

Usually weights become int8 with a scale per output channel, activations 8 bits with a scale per
tensor and a zero point; see `dse.core.quantisation` for what else there is. Input and output stay
float32: so one form serves both precisions and the runtimes convert at their own speed, which costs
one pass over the input.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

from dse.core.quantisation import Method, usual
from dse.core.requirements import Requirement
from dse.models import subprocess_job

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from dse.core.backend import Batch
    from dse.core.configuration import KnobValue, ModelFormat
    from dse.core.quantisation import Way
    from dse.core.signature import Form
    from dse.models.calibration import Calibration


QUANTISATION_VERSION = 4
"""Raised with every change that gives a file other bytes: files of older versions stay unused."""

QUANTISATION_WORKER = "dse.models.quantise_worker"

_LIBRARIES: Mapping[ModelFormat, str] = {"onnx": "onnxruntime", "tflite": "ai-edge-quantizer"}
NNCF = Requirement("int8 files by nncf", ("nncf",), "nncf")
_MODULES: Mapping[ModelFormat, tuple[str, ...]] = {
    "onnx": ("onnx", "onnxruntime"),
    "tflite": ("ai_edge_litert", "ai_edge_quantizer"),
}


@dataclass(frozen=True, slots=True)
class Quantisation:
    """How a file is quantised.

    Attributes:
        model_format: of the file and of the result.
        form: how a sample becomes the input of the model in that format.
        calibration: what shows how far each activation reaches.
        knobs: those of the method that are not to be as usual.
    """

    model_format: ModelFormat
    form: Form
    calibration: Calibration
    knobs: Mapping[str, KnobValue] = field(default_factory=dict)

    @property
    def way(self) -> Way:
        """What is quantised."""
        return find_way(self.model_format, self.calibration)

    @property
    def method(self) -> Method:
        """How it is quantised."""
        return Method.from_knobs(self.knobs, self.way)

    def identity(self) -> list[Any]:
        """All that the result depends on beside the file, as a JSON value.

        Raises:
            UnavailableError: a library that this takes is not installed.
        """
        needed = need(self.model_format)
        by_nncf = self.method.quantizer == "nncf"
        for one in (needed, NNCF) if by_nncf else (needed,):
            if not one.met:
                raise one.error()
        try:
            found = library(self.model_format)
        except ImportError as error:
            raise needed.error(error) from error
        own: list[Any] = ["products"] if self.calibration.products_only else []
        if changes := self.method.changes(self.way):
            own.append(changes)
        if by_nncf:
            own.append(f"nncf {metadata.version('nncf')}")
        return [QUANTISATION_VERSION, found, *own, *self.calibration.identity(self.form)]

    def of(self, model: Path, kept: Sequence[str] = ()) -> bytes:
        """The int8 file of a float32 file.

        Args:
            model: the float32 file.
            kept: layers that stay in float32, by the names that `rank` gives.

        Raises:
            ModelError: the library can't quantise the model.
            DseError: the temporary folder can't be written.
        """
        return quantise(model, self.way, self.calibration.samples(self.form), self.method, kept)

    def rank(self, model: Path) -> bytes:
        """The layers of a file that may stay in float32; see the function `rank`.

        Raises:
            ModelError: the library can't quantise the model.
            DseError: the temporary folder can't be written.
        """
        return rank(model, self.way, self.calibration.samples(self.form), self.method)


def find_way(model_format: ModelFormat, calibration: Calibration) -> Way:
    """What is quantised of a file of a format."""
    if calibration.products_only and model_format == "onnx":
        return "onnx-products"
    return model_format


def need(model_format: ModelFormat) -> Requirement:
    """What quantising files of a format takes."""
    return Requirement(f"int8 {model_format} models", _MODULES[model_format], "quantise")


def library(model_format: ModelFormat) -> str:
    """Name and version of what quantises a format: other versions give other files.

    Raises:
        ImportError: it is not installed.
    """
    name = _LIBRARIES[model_format]
    return f"{name} {metadata.version(name)}"


def quantise(
    model: Path,
    way: Way,
    samples: Iterable[Batch],
    method: Method | None = None,
    kept: Sequence[str] = (),
) -> bytes:
    """The int8 file of a float32 file.

    Args:
        model: has one input, float32, unless only products are quantised.
        way: which library quantises what.
        samples: inputs of batch 1, in the model's layout and order; at least one.
        method: how, but for the number of layers that stay in float32; None for the usual one.
        kept: the names of these.

    Raises:
        ModelError: the library can't quantise the model.
        DseError: the temporary folder can't be written.
    """
    return _run(model, way, samples, method or usual(way), kept)


def rank(model: Path, way: Way, samples: Iterable[Batch], method: Method) -> bytes:
    """The layers that `quantise` may keep in float32, those that cost the most accuracy first.

    Args:
        model: see `quantise`.
        way: see `quantise`.
        samples: see `quantise`.
        method: see `quantise`.

    Returns:
        A JSON list of their names.

    Raises:
        ModelError: the library can't quantise the model.
        DseError: the temporary folder can't be written.
    """
    return _run(model, way, samples, method, None)


def _run(
    model: Path, way: Way, samples: Iterable[Batch], method: Method, kept: Sequence[str] | None
) -> bytes:
    word = json.dumps({"way": way, "changes": method.changes(way), "kept": kept})
    return subprocess_job.run(QUANTISATION_WORKER, model, word, done="quantised", samples=samples)
