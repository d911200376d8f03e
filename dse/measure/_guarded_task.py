"""The task's half in the worker. Errors name the task: its code may be another distribution's."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from dse.core.backend import UnsupportedError
from dse.core.measurement import FailureKind
from dse.core.wording import format_count
from dse.measure._run_result import RunFailedError, to_failure
from dse.tasks.shapes import ShapedWorker, shapes_of
from dse.tasks.task import Score

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dse.core.backend import Batch, Outputs
    from dse.core.signature import Signature
    from dse.measure.spec import TaskSpec
    from dse.tasks.task import Inputs, TaskWorker


class GuardedTask:
    """A `dse.tasks.task.TaskWorker` whose answers are checked against its contract.

    Args:
        spec: names the class, and tells what it is made from.

    Attributes:
        signature, scores: see `dse.tasks.task.TaskWorker`.
        signatures: see `dse.tasks.shapes.ShapedWorker`; of any other task the signature alone.

    Raises:
        ImportError: there is no such task here.
        RunFailedError: it raises what it must not, or answers with something else than it must;
            the same holds for each method.
    """

    def __init__(self, spec: TaskSpec) -> None:
        self._name = spec.name or spec.worker
        module, _, name = spec.worker.partition(":")
        with self._blamed("its constructor"):
            kind: type[TaskWorker] = getattr(import_module(module), name)
            self._worker = kind(spec.form, spec.inputs)
            self.signature, self.scores = self._worker.signature, self._worker.scores
            self.signatures: tuple[Signature | None, ...] = (self.signature,)
            if isinstance(self._worker, ShapedWorker):
                self.signatures = self._worker.signatures

    def inputs(self, count: int, seed: int) -> Inputs:
        """See `dse.tasks.task.TaskWorker.inputs`."""
        with self._blamed("inputs"):
            inputs = self._worker.inputs(count, seed)
            _check_shapes(shapes_of(inputs), inputs.count, len(self.signatures))
            return inputs

    def different_batches(self, inputs: Inputs, size: int, seed: int) -> Iterator[Batch]:
        """See `dse.tasks.task.TaskWorker.different_batches`."""
        with self._blamed("different_batches"):
            yield from self._worker.different_batches(inputs, size, seed)

    def check(self, outputs: Outputs, size: int) -> None:
        """See `dse.tasks.task.TaskWorker.check`."""
        with self._blamed("check"):
            self._worker.check(outputs, size)

    def encode(self, outputs: Outputs, count: int) -> Sequence[bytes]:
        """See `dse.tasks.task.TaskWorker.encode`."""
        with self._blamed("encode"):
            responses = self._worker.encode(outputs, count)
            if len(responses) != count:
                raise ValueError(
                    f"{format_count(len(responses), 'response')} to {format_count(count, 'sample')}"
                )
            if wrong := [each for each in responses if not isinstance(each, bytes)]:
                raise TypeError(f"a response is {type(wrong[0]).__name__}, not bytes")
            return responses

    def score(self, responses: Mapping[int, bytes], count: int) -> Score:
        """See `dse.tasks.task.TaskWorker.score`."""
        with self._blamed("score"):
            found = self._worker.score(responses, count)
            if not isinstance(found, Score):
                raise TypeError(f"the score is {type(found).__name__}, not Score")
            if found.right is not None:
                _check_right(found.right, int(found.details.get("total", count)))
            return found

    def save_truth(self, folder: Path, count: int) -> None:
        """See `dse.tasks.task.TaskWorker.save_truth`."""
        with self._blamed("save_truth"):
            self._worker.save_truth(folder, count)

    @contextmanager
    def _blamed(self, method: str) -> Iterator[None]:
        """Tells the task's name and method with what is raised in the block.

        What a task refuses, it refuses in its own words; an answer that makes no sense is an
        invalid run, and anything else a crash.
        """
        try:
            yield
        except (UnsupportedError, ImportError, MemoryError):
            raise
        except Exception as error:  # a task may raise anything
            where = f"the task {self._name} failed in {method}"
            if isinstance(error, ValueError):
                raise RunFailedError(FailureKind.INVALID_RUN, f"{where}: {error}") from error
            failure = to_failure(error)
            raise RunFailedError(failure.kind, f"{where}: {failure}") from error


def _check_shapes(shapes: Sequence[int], count: int, known: int) -> None:
    """Holds the shapes of samples against the number of samples, and of shapes.

    Raises:
        ValueError: there is another number of them, or one is not known.
    """
    if len(shapes) != count or not set(shapes) <= set(range(known)):
        told, number = format_count(len(shapes), "sample"), format_count(known, "shape")
        raise ValueError(f"the shapes of {told}, not of {count:,}, or not of the {number}")


def _check_right(right: Sequence[bool], count: int) -> None:
    """Holds which answers are right against the number of what is scored.

    Raises:
        ValueError: there is another number of them, or one is not True or False.
    """
    if len(right) != count:
        told = format_count(len(right), "answer")
        raise ValueError(f"it tells of {told}, not of {count:,}, what is right")
    for index, each in enumerate(right):
        if each not in (True, False):
            raise ValueError(f"answer {index} is right: {each!r}, not True or False")
