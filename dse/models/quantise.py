"""From a float32 model file to one in int8, by static post-training quantisation.

Weights become int8 with a scale per output channel, activations 8 bits with a scale per tensor
and a zero point. Input and output stay float32: so one form serves both precisions and the
runtimes convert at their own speed, which costs one pass over the input.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from typing import TYPE_CHECKING, Any, Literal

from dse.core.requirements import Requirement
from dse.models import subprocess_job

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from dse.core.backend import Batch
    from dse.core.configuration import ModelFormat
    from dse.core.signature import Form
    from dse.models.calibration import Calibration

    Way = Literal["onnx", "onnx-products", "tflite"]
    """What the worker is told: the format, and whether nothing but products is quantised."""

QUANTISATION_VERSION = 3
"""Raised with every change that gives a file other bytes: files of older versions stay unused."""

QUANTISATION_WORKER = "dse.models.quantise_worker"

_LIBRARIES: Mapping[ModelFormat, str] = {"onnx": "onnxruntime", "tflite": "ai-edge-quantizer"}
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
    """

    model_format: ModelFormat
    form: Form
    calibration: Calibration

    @property
    def way(self) -> Way:
        """How the worker quantises it."""
        if self.calibration.products_only and self.model_format == "onnx":
            return "onnx-products"
        return self.model_format

    def identity(self) -> list[Any]:
        """All that the result depends on beside the file, as a JSON value.

        Raises:
            UnavailableError: a library that this takes is not installed.
        """
        needed = need(self.model_format)
        if not needed.met:
            raise needed.error()
        try:
            found = library(self.model_format)
        except ImportError as error:
            raise needed.error(error) from error
        own = ["products"] if self.calibration.products_only else []
        return [QUANTISATION_VERSION, found, *own, *self.calibration.identity(self.form)]

    def of(self, model: Path) -> bytes:
        """The int8 file of a float32 file.

        Raises:
            ModelError: the library can't quantise the model.
            DseError: the temporary folder can't be written.
        """
        samples = self.calibration.samples(self.form)
        return quantise(model, self.way, samples)


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


def quantise(model: Path, way: Way, samples: Iterable[Batch]) -> bytes:
    """The int8 file of a float32 file.

    Args:
        model: has one input, float32, unless only products are quantised.
        way: which library quantises what.
        samples: inputs of batch 1, in the model's layout and order; at least one.

    Raises:
        ModelError: the library can't quantise the model.
        DseError: the temporary folder can't be written.
    """
    return subprocess_job.run(QUANTISATION_WORKER, model, way, done="quantised", samples=samples)
