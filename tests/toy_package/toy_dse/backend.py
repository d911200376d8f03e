"""A backend that sums its input, so many times as a knob says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from dse.core.backend import Knob, LoadRequest

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Outputs
    from dse.core.configuration import ModelFormat

CLASSES = 1000


class Toy:
    """Scores each class by the sum of the input."""

    name: ClassVar[str] = "toy"
    formats: ClassVar[tuple[ModelFormat, ...]] = ()
    precisions: ClassVar[tuple[str, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = (Knob("rounds", (1, 2, 4), 1, "sums of each input"),)

    def version(self) -> str:
        """The version of what it computes."""
        return "7"

    def load(self, request: LoadRequest) -> _Sum:
        """Loads nothing."""
        return _Sum(int(request.knob("rounds", 1)))


class _Sum:
    def __init__(self, rounds: int) -> None:
        self._rounds = rounds

    def bind(self, batch: NDArray[Any]) -> NDArray[Any]:
        return batch

    def predict(self, bound: NDArray[Any]) -> NDArray[np.generic]:
        import numpy as np

        sums = np.zeros(len(bound), np.float32)
        for _ in range(self._rounds):
            sums += bound.reshape(len(bound), -1).sum(axis=1, dtype=np.float32)
        return np.repeat(sums[:, None], CLASSES, axis=1)

    def outputs(self, bound: NDArray[Any]) -> Outputs:
        return (("scores", self.predict(bound)),)

    def close(self) -> None:
        self._rounds = 0
