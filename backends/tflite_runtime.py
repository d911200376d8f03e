"""tflite-runtime, the predecessor of LiteRT: the runtime of the published results.

Its last wheels, of 2.14, are for Python 3.11 and numpy 1, and run quantised models without XNNPACK.
"""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, ClassVar

from dse.core.backend import LoadError

from ._tflite_interpreter import XNNPACK, code, load
from ._tflite_structure import check

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.backend import Knob, LoadRequest, Model
    from dse.core.configuration import ModelFormat
    from dse.core.signature import Input


class TFLiteRuntime:
    """tflite-runtime's interpreter, with or without its XNNPACK delegate."""

    name: ClassVar[str] = "tflite-runtime"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("tflite",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "fp16", "int8")
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (XNNPACK,)

    def version(self) -> str:
        """The installed version of tflite-runtime."""
        import tflite_runtime.interpreter  # noqa: F401  # the native part must load, too

        return metadata.version("tflite-runtime")

    def refusals(self) -> tuple[type[Exception], ...]:
        """The bindings raise nothing but these."""
        return RuntimeError, ValueError

    def load(self, request: LoadRequest) -> Model:
        """Creates an interpreter whose input is resized to the configuration's batch."""
        from tflite_runtime import interpreter

        try:
            check(request.model_file.read_bytes() if request.model_file else b"")
        except (OSError, ValueError) as error:
            raise LoadError(str(error)) from error
        return load(request, interpreter)

    def code(self, request: LoadRequest, inputs: Sequence[Input]) -> list[str]:
        """See `dse.core.backend.Deployable`."""
        return code(request, inputs, "tflite_runtime")
