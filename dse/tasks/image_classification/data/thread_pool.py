"""Many files at once, in threads: hashing and decoding release the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from dse.machine.affinity import available_cpus

if TYPE_CHECKING:
    from collections.abc import Sequence

Progress = Callable[[int, int], None]
"""Called with (done, total) after each finished item, in the caller's own thread."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def thread_count() -> int:
    """The number of CPUs this process may run on."""
    return len(available_cpus())


def parallel(
    work: Callable[[_Item], _Result], items: Sequence[_Item], progress: Progress | None = None
) -> list[_Result]:
    """Applies ``work`` to every item, in threads.

    Returns:
        The results in the order of the items.

    Raises:
        Exception: what ``work`` raised for the first item, in order, that it failed on; items
            not begun by then are given up.
    """
    results: list[_Result] = []
    pool = ThreadPoolExecutor(thread_count(), thread_name_prefix="dse-tasks")
    try:
        for result in pool.map(work, items):
            results.append(result)
            if progress is not None:
                progress(len(results), len(items))
    finally:
        pool.shutdown(cancel_futures=True)
    return results
