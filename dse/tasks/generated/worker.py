"""Models of any kind in the worker, fed with made-up inputs. Imports only numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.backend import UnsupportedError
from dse.core.generated_inputs import GeneratedInputs
from dse.core.signature import Signature

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dse.core.backend import Batch, Outputs
    from dse.core.signature import Form
    from dse.tasks.task import InputFiles, Inputs, Score

NO_ANSWER = "no answer to generated inputs is right or wrong"


class GeneratedWorker:
    """Makes inputs up; see `dse.tasks.task.TaskWorker`.

    Args:
        form: the signature of the model, see `dse.core.signature.Signature.as_dict`.
        files: not used.
    """

    def __init__(self, form: Form, files: InputFiles) -> None:
        del files
        self.signature = Signature.from_dict(form)
        self.scores = None

    def inputs(self, count: int, seed: int) -> Inputs:
        """``count`` made-up samples."""
        return GeneratedInputs(count, self.signature, seed)

    def different_batches(self, inputs: Inputs, size: int, seed: int) -> Iterator[Batch]:
        """Five batches of different samples."""
        many = GeneratedInputs(5 * size, self.signature, seed)
        yield many.call(range(4 * size, 5 * size))
        yield many.call(_after_the_first(size, size))
        yield inputs.call([index % inputs.count for index in range(size)])
        yield many.call(_after_the_first(2 * size, size))
        yield many.call(range(3 * size, 4 * size))

    def check(self, outputs: Outputs, size: int) -> None:
        """Looks for an output that has a row for each sample."""
        shapes = [(name, None if array is None else array.shape) for name, array in outputs]
        if size == 1 or any(shape is None or shape[:1] == (size,) for _, shape in shapes):
            return
        listed = ", ".join(f"{name} {_words(shape or ())}" for name, shape in shapes)
        raise UnsupportedError(
            f"the model takes a batch of {size} and has no answer for each sample "
            f"({listed}): one call counts as one sample, at batch size 1"
        )

    def encode(self, outputs: Outputs, count: int) -> Sequence[bytes]:
        """Refuses: made-up inputs have no right answers."""
        del outputs, count
        raise UnsupportedError(NO_ANSWER)

    def score(self, responses: Mapping[int, bytes], count: int) -> Score:
        """Refuses: made-up inputs have no right answers."""
        del responses, count
        raise ValueError(NO_ANSWER)

    def save_truth(self, folder: Path, count: int) -> None:
        """Writes nothing: made-up inputs have no right answers."""


def _after_the_first(start: int, size: int) -> Sequence[int]:
    """Sample 0, and others from a start on; others alone where there is room for one."""
    return [0, *range(start + 1, start + size)] if size > 1 else [start]


def _words(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape)) or "a single number"
