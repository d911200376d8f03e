"""The samples of a run: what LoadGen has loaded, ready for each caller, and the first error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dse.loadgen.callers import Caller
    from dse.tasks.inputs import Inputs


class PredictionError(Exception):
    """The runtime raised in the middle of a run; the original error is the cause."""


class Samples:
    """Loaded samples, by index.

    Args:
        inputs: where they come from.
        callers: those that predict; each gets its own bound form of a sample.
        bind: whether samples are predicted as they are; else they are gathered into batches.

    Attributes:
        arrays: (1, ...) of each loaded sample; empty for others.
        bound: by caller and index, what `dse.contract.Model.predict` takes.
        errors: what went wrong; the run has failed if there is one.
    """

    def __init__(self, inputs: Inputs, callers: Sequence[Caller], *, bind: bool) -> None:
        self.inputs = inputs
        self.arrays: list[NDArray[Any]] = [np.empty(0)] * inputs.count
        self.bound: list[list[Any]] = [[None] * inputs.count for _ in callers]
        self.errors: list[BaseException] = []
        self._callers = callers if bind else ()

    def load(self, indices: list[int]) -> None:
        """Keeps an error from LoadGen, as `failed` does."""
        if self.errors:
            return
        try:
            loaded = self.inputs.batch(indices)
            for position, index in enumerate(indices):
                sample = loaded[position : position + 1]
                self.arrays[index] = sample
                for caller, bound in zip(self._callers, self.bound, strict=False):
                    bound[index] = caller.model.bind(sample)
        except BaseException as error:  # noqa: BLE001
            self.errors.append(error)

    def unload(self, indices: list[int]) -> None:
        """Frees samples."""
        for index in indices:
            self.arrays[index] = np.empty(0)
            for bound in self.bound:
                bound[index] = None

    def failed(self, error: BaseException) -> None:
        """Keeps an error from LoadGen, with which the process would crash or wait for ever.

        From then on nothing is predicted and every query is completed with a sentinel, so that the
        run ends; it is then reported as failed and no figure of it is used.
        """
        if isinstance(error, Exception):
            wrapped = PredictionError(f"{type(error).__name__}: {error}")
            wrapped.__cause__ = error
            error = wrapped
        self.errors.append(error)
