"""How a run fails inside the worker."""

from __future__ import annotations

from dse.core.measurement import FailureKind

OUT_OF_MEMORY_SIGNS = (
    *("bad_alloc", "Failed to allocate", "Cannot allocate memory", "MemoryError"),
    *("failed to map segment", "cannot map zero-fill pages"),
)
"""What C++ runtimes, the C library and its loader say when memory can't be had."""


class RunFailedError(Exception):
    """A run ended without a usable measurement."""

    def __init__(self, kind: FailureKind, message: str) -> None:
        self.kind = kind
        super().__init__(message)


def says_out_of_memory(text: str) -> bool:
    """Whether an error text or a stderr tail tells of memory that ran out."""
    return any(sign in text for sign in OUT_OF_MEMORY_SIGNS)


def failed(kind: FailureKind, error: BaseException) -> RunFailedError:
    """The failure an exception of a runtime amounts to.

    Args:
        kind: what it is unless the exception tells of exhausted memory.
        error: what the runtime raised.
    """
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if says_out_of_memory(text):
        return RunFailedError(FailureKind.OUT_OF_MEMORY, text)
    return RunFailedError(kind, text)
