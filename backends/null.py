"""A backend without a runtime: a constant answer, after a set delay, with a set fault.

It makes the whole command line testable on any machine. Its timings say what the tool itself
costs and nothing about a model.
"""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING, ClassVar

from dse.core.backend import Knob, LoadRequest, UnsupportedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs
    from dse.core.configuration import ModelFormat

WIDTH = 1000
"""The number of scores in a row."""
CALLS_BEFORE_FAULT = 50
"""A fault strikes in the middle of a run, past any warm-up."""
BITE_BYTES = 64 << 20


class Null:
    """Gives every sample the same row of scores, the first of which is the highest."""

    name: ClassVar[str] = "null"
    formats: ClassVar[tuple[ModelFormat, ...]] = ()
    precisions: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob("delay_ms", (), 0.0, "time each prediction sleeps, in milliseconds"),
        Knob(
            "fault",
            ("none", "refuse", "raise", "segfault", "hang", "eat_memory"),
            "none",
            f"what goes wrong: at loading (refuse), or at call {CALLS_BEFORE_FAULT}",
        ),
    )

    def version(self) -> str:
        """The version of the null backend's behaviour."""
        return "1"

    def load(self, request: LoadRequest) -> _Constant:
        """Loads nothing; refuses if told to."""
        fault = str(request.knob("fault", "none"))
        if fault == "refuse":
            raise UnsupportedError("refused, as asked for")
        delay_s = float(request.knob("delay_ms", 0.0)) / 1e3
        return _Constant(request.configuration.batch_size, delay_s, fault)


class _Constant:
    """What is bound is the answer: the scores of as many rows as the batch has."""

    def __init__(self, batch_size: int, delay_s: float, fault: str) -> None:
        import numpy as np

        self._scores = np.zeros((batch_size, WIDTH), np.float32)
        self._scores[:, 0] = 1.0
        self._delay_s = delay_s
        self._fault = fault
        self._calls = 0

    def bind(self, batch: Batch) -> NDArray[np.generic]:
        return self._scores if isinstance(batch, tuple) else self._scores[: len(batch)]

    def predict(self, bound: NDArray[np.generic]) -> NDArray[np.generic]:
        if self._fault != "none":
            self._calls += 1
            if self._calls > CALLS_BEFORE_FAULT:
                _strike(self._fault)
        if self._delay_s:
            time.sleep(self._delay_s)
        return bound

    def outputs(self, bound: NDArray[np.generic]) -> Outputs:
        return (("scores", self.predict(bound)),)

    def close(self) -> None:
        self._fault = "none"


def _strike(fault: str) -> None:
    if fault == "raise":
        raise RuntimeError("raised, as asked for")
    if fault == "segfault":
        ctypes.string_at(0)
    if fault == "hang":
        while True:
            time.sleep(3600)
    if fault == "eat_memory":
        eaten = []
        while True:
            eaten.append(b"x" * BITE_BYTES)
