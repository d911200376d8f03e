"""A backend whose cost is known: ONNX Runtime, each of whose calls takes some percent longer.

After the runtime's call it spins for a share of the time that the call took. So the ratio of its
times to those without the extra cost is known, whatever the machine does meanwhile.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar

from dse.core import registry
from dse.core.backend import Knob, Runtime

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import LoadRequest, Model, Outputs
    from dse.core.configuration import ModelFormat

NAME = "slowed"
TARGET = "benchmarks.deciding.slowed:Slowed"
KNOB = "extra_percent"


class Slowed:
    """ONNX Runtime with an extra cost."""

    name: ClassVar[str] = NAME
    formats: ClassVar[tuple[ModelFormat, ...]] = ("onnx",)
    precisions: ClassVar[tuple[str, ...]] = ("fp32",)
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (
        Knob(KNOB, (), 0.0, "time that each call takes longer, in percent"),
    )

    def version(self) -> str:
        """The version of ONNX Runtime."""
        return _runtime().version()

    def load(self, request: LoadRequest) -> _Slowed:
        """Loads the model as ONNX Runtime does."""
        return _Slowed(_runtime().load(request), float(request.knob(KNOB, 0.0)) / 100)


def _runtime() -> Runtime:
    found = registry.backend("onnxruntime")
    assert isinstance(found, Runtime)
    return found


class _Slowed:
    """A model that spins after each call, for a share of what the call took."""

    def __init__(self, model: Model, share: float) -> None:
        self._share, self._model = share, model
        self.bind, self.close = model.bind, model.close

    def predict(self, bound: Any) -> NDArray[np.generic]:
        clock = time.perf_counter_ns
        begun = clock()
        answer = self._model.predict(bound)
        ended = clock()
        until = ended + self._share * (ended - begun)
        while clock() < until:
            pass
        return answer

    def outputs(self, bound: Any) -> Outputs:
        return self._model.outputs(bound)
