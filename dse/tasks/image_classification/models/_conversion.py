"""Converts ONNX files of the catalogue's architectures to TFLite."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dse.core.requirements import Requirement
from dse.models import subprocess_job
from dse.models.derived import Derived, derive
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.preprocessing import input_type

if TYPE_CHECKING:
    from dse.core.configuration import ModelFormat
    from dse.core.signature import Form
    from dse.models.provider import Artefact

CONVERSION_VERSION = 1
"""Version of the conversion, raised with every change of the bytes: older files stay unused."""

CONVERSION_WORKER = "dse.tasks.image_classification.models.convert_worker"
CONVERSION_REQUIREMENT = Requirement(
    "tflite models made from onnx", ("onnx", "onnxruntime", "ai_edge_litert"), "quantise"
)


class Converted(Derived):
    """Offers each fp32 ONNX file with a name of the catalogue as TFLite as well.

    The weights are read from the file, which must have the architecture of its name.
    """

    def _concerns(self, model: str, precision: str, model_format: ModelFormat) -> bool:
        return (
            (precision, model_format) == ("fp32", "tflite")
            and model in CATALOGUE
            and self._inner.obstacle(model, "fp32", ("onnx",)) is None
        )

    def _hindrance(self, model: str, _precision: str, _model_format: ModelFormat) -> str | None:
        dtype = input_type(self._inner.form(model, "fp32", ("onnx",)))
        if dtype != "float32":
            return f"tflite is made from onnx files with float32 input, not {dtype}"
        return CONVERSION_REQUIREMENT.obstacle

    def _form(self, model: str, _model_format: ModelFormat) -> Form:
        return {**self._inner.form(model, "fp32", ("onnx",)), "layout": "NHWC"}

    def _make(self, model: str, model_format: ModelFormat) -> Artefact:
        source = self._inner.artefact(model, "fp32", ("onnx",))
        graph = CATALOGUE[model].graph()

        def make() -> bytes:
            return subprocess_job.run(
                CONVERSION_WORKER, source.path, model, done="converted to TFLite"
            )

        depends = [CONVERSION_VERSION, graph.digest]
        path, sha256 = derive("converted", f"{model}.tflite", source, depends, make)
        return replace(
            source,
            path=path,
            format=model_format,
            sha256=sha256,
            beside=(),
            form=self._form(model, model_format),
            weights=f"{source.weights}, converted from ONNX",
            made_from=source.path.name,
        )
