"""DeepSparse 1.8, the last release that runs models; its wheels end at Python 3.11 and numpy 1."""

from __future__ import annotations

import os
from importlib import metadata
from typing import TYPE_CHECKING, Any, ClassVar

from dse.contract import LoadError, LoadRequest, UnsupportedError

from .streamed import STREAMS, Streamed, streams

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dse.contract import Knob
    from dse.types import ModelFormat


class DeepSparse:
    """DeepSparse's engine, compiled for one batch size, a number of cores and of streams."""

    name: ClassVar[str] = "deepsparse"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("onnx",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "int8")
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (STREAMS,)

    def version(self) -> str:
        """The installed version of DeepSparse."""
        _library()
        return metadata.version("deepsparse")

    def load(self, request: LoadRequest) -> Streamed:
        """Compiles the model for the configuration's batch, threads and streams."""
        count = streams(request)
        library = _library()
        try:
            engine = library.Engine(
                # Absolute: a name that starts with `zoo:` or `hf:` would be downloaded.
                str(request.model_file.absolute()) if request.model_file else "",
                batch_size=request.configuration.batch_size,
                num_cores=request.configuration.threads,
                num_streams=count,
                scheduler="multi_stream" if count > 1 else "single_stream",
            )
        except (RuntimeError, ValueError, OSError) as error:
            kind = UnsupportedError if "NOT_IMPLEMENTED" in str(error) else LoadError
            raise kind(str(error)) from error
        inputs = len(engine.input_names)
        if inputs != 1:
            raise UnsupportedError(f"the model has {inputs} inputs, not one")
        # The library would lower the number without a word where the CPU has fewer cores.
        if engine.num_streams != count:
            raise UnsupportedError(f"{count} streams, of which this CPU has {engine.num_streams}")
        return Streamed([_Stream(engine) for _ in range(count)])


def _library() -> Any:
    os.environ["NM_DISABLE_ANALYTICS"] = "1"  # else it reports each import and each model
    import deepsparse

    return deepsparse


class _Stream:
    """The engine as one thread calls it."""

    def __init__(self, engine: Any) -> None:
        self._run = engine.run

    def bind(self, batch: NDArray[Any]) -> list[NDArray[Any]]:
        # The engine would make a copy of anything else, in the measured time and without a word.
        if not batch.flags.c_contiguous:
            raise ValueError("the batch is not C-contiguous")
        return [batch]

    def predict(self, bound: list[NDArray[Any]]) -> NDArray[np.generic]:
        # False: shape and dtype are checked by the engine itself.
        scores: NDArray[np.generic] = self._run(bound, False)[0]
        return scores

    def close(self) -> None:
        del self._run
