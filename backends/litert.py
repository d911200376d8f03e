"""LiteRT (the successor of TensorFlow Lite) through the ai-edge-litert package."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, ClassVar

from ._tflite_interpreter import XNNPACK, code, load

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.backend import Knob, LoadRequest, Model
    from dse.core.configuration import ModelFormat
    from dse.core.signature import Input


class LiteRT:
    """LiteRT's interpreter, with or without its XNNPACK delegate."""

    name: ClassVar[str] = "litert"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("tflite",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16", "int8", "int4")
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (XNNPACK,)

    def version(self) -> str:
        """The installed version of ai-edge-litert."""
        import ai_edge_litert.interpreter  # noqa: F401  # the native part must load, too

        return metadata.version("ai-edge-litert")

    def refusals(self) -> tuple[type[Exception], ...]:
        """The bindings raise nothing but these."""
        return RuntimeError, ValueError

    def load(self, request: LoadRequest) -> Model:
        """Creates an interpreter whose input is resized to the configuration's batch."""
        from ai_edge_litert import interpreter

        return load(request, interpreter)

    def code(self, request: LoadRequest, inputs: Sequence[Input]) -> list[str]:
        """See `dse.core.backend.Deployable`."""
        return code(request, inputs, "ai_edge_litert")
