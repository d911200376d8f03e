"""Several callers at a time, each in a thread of its own.

Handing a query over to a thread costs some 25 us. So only what needs it goes this way: several
instances of a model, and the Server scenario, where queries arrive whether one is ready or not.
"""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dse.machine.affinity import pin_to

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dse.loadgen._queries import Answer
    from dse.loadgen.samples import Caller, Samples

    Part = tuple[list[int], list[int]]


@contextmanager
def threaded(
    callers: Sequence[Caller], answers: Sequence[Answer], samples: Samples, size: int
) -> Iterator[Answer]:
    """Starts a thread for each caller; they end with the block.

    Each caller has one answer, which completes its samples, at most ``size``, whatever happens.
    Yields what hands a query over: it returns at once.
    """
    parts: queue.SimpleQueue[Part | None] = queue.SimpleQueue()
    threads = [
        threading.Thread(target=_serve, args=(caller, answer, parts, samples, size), daemon=True)
        for caller, answer in zip(callers, answers, strict=True)
    ]

    def issue(ids: list[int], indices: list[int]) -> None:
        for start in range(0, len(ids), size):
            parts.put((ids[start : start + size], indices[start : start + size]))

    for thread in threads:
        thread.start()
    try:
        yield issue
    finally:
        for _ in threads:
            parts.put(None)
        for thread in threads:
            thread.join()


def _serve(
    caller: Caller,
    answer: Answer,
    parts: queue.SimpleQueue[Part | None],
    samples: Samples,
    size: int,
) -> None:
    try:
        with pin_to(caller.cpus):
            _answer_all(answer, parts, size)
    except OSError as error:
        samples.failed(error)
        _answer_all(answer, parts, size)  # with nothing, or LoadGen would wait for ever


def _answer_all(answer: Answer, parts: queue.SimpleQueue[Part | None], size: int) -> None:
    while (part := parts.get()) is not None:
        ids, indices = part
        try:
            while len(ids) < size:  # take along what waits
                if (more := parts.get_nowait()) is None:
                    parts.put(None)
                    break
                ids, indices = ids + more[0], indices + more[1]
        except queue.Empty:
            pass
        for start in range(0, len(ids), size):
            answer(ids[start : start + size], indices[start : start + size])
