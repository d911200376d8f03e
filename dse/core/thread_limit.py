"""The system's limit of processes and threads: how it is tried, recognised and told.

Standard library only. A runtime that gets fewer threads than it asks for may hang (ONNX Runtime),
crash, or compute with those it has and say nothing (XNNPACK): so they are tried beforehand.
"""

from __future__ import annotations

import _thread
import os
import threading

SIGNS = (
    *("can't start new thread", "pthread_create failed", "pthread_create: "),
    *("Resource temporarily unavailable", "thread limit: "),
)
"""What Python, the C library, C++ runtimes and this module say when no thread can be started."""
REMEDY = "raise the limit of processes and threads: `ulimit -u`, or pids.max of the control group"
STACK_BYTES = 1 << 16


def says_thread_limit(text: str) -> bool:
    """Whether an error text or a stderr tail tells that no more threads can be started."""
    return any(sign in text for sign in SIGNS)


def can_start_threads(count: int) -> bool:
    """Whether a number of threads can run beside this one.

    They are tried in a process of their own, which leaves nothing in this one. It is one of them.
    """
    try:
        child = os.fork()
    except BlockingIOError:
        return False
    if child:
        return os.waitpid(child, 0)[1] == 0
    started = False
    try:
        started = _start_threads(count - 1)
    finally:  # whatever is raised: the rest of the program is not for this copy of it
        os._exit(0 if started else 1)


def _start_threads(count: int) -> bool:
    """Starts threads that wait until their process ends."""
    threading.stack_size(STACK_BYTES)  # else they would need memory
    gate = _thread.allocate_lock()
    gate.acquire()
    try:
        for _ in range(count):
            _thread.start_new_thread(gate.acquire, ())
    except RuntimeError:
        return False
    return True
