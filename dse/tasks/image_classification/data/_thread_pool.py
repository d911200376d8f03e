"""Processes many files in threads: hashing and decoding release the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from dse.machine.affinity import available_cpus

if TYPE_CHECKING:
    from collections.abc import Sequence

Progress = Callable[[int, int], None]
"""Callback with (done, total), called after each finished item in the caller's thread."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def parallel(
    work: Callable[[_Item], _Result], items: Sequence[_Item], progress: Progress | None = None
) -> list[_Result]:
    """Applies ``work`` to every item, in threads; the results are in the order of the items.

    Raises:
        Exception: the exception of the first item, in order, that failed; items that have not
            started are cancelled.
    """
    results: list[_Result] = []
    pool = ThreadPoolExecutor(len(available_cpus()), thread_name_prefix="dse-tasks")
    try:
        for result in pool.map(work, items):
            results.append(result)
            if progress is not None:
                progress(len(results), len(items))
    finally:
        pool.shutdown(cancel_futures=True)
    return results
