"""The limit of processes and threads: met, recognised and told."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from dse.core.measurement import Failure, FailureKind
from dse.core.remedies import find_remedy
from dse.core.thread_limit import REMEDY, can_start_threads, says_thread_limit
from dse.measure._run_result import to_failure
from tests.measure.specs import spec

if TYPE_CHECKING:
    from pathlib import Path

LIMITED = """
import os, resource, sys
{imports}
if os.geteuid() == 0:
    os.setuid(20_000 + os.getpid())  # a limit does not hold for root
resource.setrlimit(resource.RLIMIT_NPROC, ({limit}, {limit}))
{body}
"""


def run_limited(imports: str, body: str, limit: int = 1, text: str = "") -> list[str]:
    """What code prints as a user who may have no more processes and threads than a limit.

    Args:
        imports: comes first, since that user may not be allowed to read the libraries.
        body: runs within the limit.
        limit: counts everything that the user runs.
        text: on stdin.
    """
    code = LIMITED.format(imports=imports, body=body, limit=limit)
    told = subprocess.run(
        [sys.executable, "-c", code],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        cwd="/",
    )
    assert told.returncode == 0, told.stderr
    return told.stdout.splitlines()


def test_threads_are_tried_without_a_trace() -> None:
    before = threading.active_count()
    assert can_start_threads(1)
    assert can_start_threads(16)
    assert threading.active_count() == before


def test_the_process_that_tries_never_goes_on() -> None:
    code = (
        "import sys\n"
        "from dse.core.thread_limit import can_start_threads\n"
        "def interrupt(frame, *_):\n"
        "    if frame.f_code.co_name == '_start_threads':\n"
        "        raise KeyboardInterrupt\n"
        "sys.settrace(interrupt)\n"
        "print(can_start_threads(1))\n"
    )
    words = [sys.executable, "-c", code]
    told = subprocess.run(words, capture_output=True, text=True, check=True)
    assert (told.stdout, "Traceback" in told.stderr) == ("False\n", False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user, who runs no more")
def test_the_limit_counts_what_is_started_beside_this_thread() -> None:
    body = "print([can_start_threads(count) for count in (1, 4, 5)])"
    imports = "from dse.core.thread_limit import can_start_threads"
    assert run_limited(imports, body, limit=5) == ["[True, True, False]"]


def test_work_is_done_in_this_thread_where_no_other_one_starts() -> None:
    body = "print(parallel(abs, [-1, 2, -3], lambda done, total: print(done, total)))"
    imports = "import threading\nfrom dse.machine.thread_pool import parallel"
    found = run_limited(imports, body)
    assert found == ["1 3", "2 3", "3 3", "[1, 2, 3]"]


def test_a_runtime_that_can_not_be_asked_is_not_called_missing() -> None:
    imports = (
        "from dse.environments.availability import runtime_availabilities\n"
        "import dse.core.registry, dse.backends.litert\n"
        "runtime_availabilities(['null'])"
    )
    body = (
        "e = runtime_availabilities(['litert'])['litert'].error; print(f'{e.problem}\\n{e.remedy}')"
    )
    problem, remedy = run_limited(imports, body)
    assert "thread limit: " in problem
    assert "Resource temporarily unavailable" in problem
    assert remedy == REMEDY


def test_a_worker_says_beforehand_that_there_is_no_room(tmp_path: Path) -> None:
    order = spec(tmp_path, "latency_p90_ms").to_json()
    imports = (
        "import linecache, sys, dse.backends.null\n"
        "from dse.measure import runs, spec, worker\n"
        "order = spec.Spec.from_json(sys.stdin.read())"
    )
    body = "kind, message = worker._work(order, 1); print(f'{kind.value}: {message}')"
    assert run_limited(imports, body, text=order) == [
        "crash: thread limit: no room for 1 of the model and 3 of LoadGen and the runtime"
    ]


@pytest.mark.parametrize(
    "text",
    [
        "can't start new thread",
        "PosixThread pthread_create failed, error code: 11 error msg: Resource temporarily ...",
        "OpenBLAS blas_thread_init: pthread_create failed for thread 1 of 2: Resource tempor...",
        "Exception from src/inference/src/cpp/core.cpp:117:\nResource temporarily unavailable\n",
    ],
)
def test_what_runtimes_say_is_a_failure_that_passes(text: str) -> None:
    assert says_thread_limit(text)
    failed = to_failure(RuntimeError(text), (RuntimeError,))
    assert failed.kind is FailureKind.CRASH
    assert str(failed).startswith("thread limit: ")
    assert find_remedy(Failure(failed.kind, str(failed))) == REMEDY
