"""Works on many things in threads: hashing, decoding and waiting release the interpreter's lock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from dse.machine.affinity import available_cpus

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Progress = Callable[[int, int], None]
"""Callback with (done, total), called after each finished item in the caller's thread."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def parallel(
    work: Callable[[_Item], _Result],
    items: Sequence[_Item],
    progress: Progress | None = None,
    threads: int | None = None,
) -> list[_Result]:
    """Applies ``work`` to every item, in threads; the results are in the order of the items.

    Args:
        work: may be done more than once with an item.
        items: what it is applied to.
        progress: see `Progress`.
        threads: their number; None for one per CPU.

    Raises:
        Exception: the exception of the first item, in order, that failed; items that have not
            started are cancelled.
    """
    results: list[_Result] = []
    pool = ThreadPoolExecutor(threads or len(available_cpus()), thread_name_prefix="dse")
    try:
        for result in _started(pool, work, items):
            results.append(result)
            if progress is not None:
                progress(len(results), len(items))
    finally:
        pool.shutdown(cancel_futures=True)
    return results


def _started(
    pool: ThreadPoolExecutor, work: Callable[[_Item], _Result], items: Sequence[_Item]
) -> Iterator[_Result]:
    """The results, computed in this thread if the system lets no other one start."""
    try:
        return pool.map(work, items)
    except RuntimeError:
        return map(work, items)
