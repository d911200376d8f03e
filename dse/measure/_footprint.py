"""What it costs to have a model loaded: time and memory.

Taken first in a fresh worker, since whatever ran before would leave its memory behind. One
instance in the SingleStream setup always comes first: what a runtime prepares once in a
process is part of its load time, and leaves some memory behind as well.
"""

from __future__ import annotations

import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.details import CostDetails
from dse.core.metrics import LOAD_TIME, PEAK_MEMORY
from dse.machine.procfs import read_text
from dse.measure._run_result import RunResult

if TYPE_CHECKING:
    from dse.measure._loaded_model import LoadedModel

CALLS = 2
"""The calls of each instance: a runtime may plan its memory in the first and take it in the
second."""
RESET_PEAK = "5"
"""Written to ``clear_refs``, makes the peak what is resident now (proc_pid_clear_refs(5))."""
_SELF = Path("/proc/self")
_MIB = 1 << 20


def take_footprint(loaded: LoadedModel) -> dict[str, RunResult]:
    """Load time, and peak memory where that is wanted.

    Raises:
        RunFailedError, UnsupportedError, LoadError: see `LoadedModel.warm_up`.
    """
    loaded.prepare()
    loaded.close()
    baseline = resident_bytes()
    reset_peak()
    started = time.perf_counter()
    loaded.callers(loaded.single)
    results = {LOAD_TIME.name: RunResult(1e3 * (time.perf_counter() - started), CostDetails())}
    if any(request.metric == PEAK_MEMORY.name for request in loaded.spec.requests):
        if loaded.whole != loaded.single:
            loaded.close()
            reset_peak()
        loaded.warm_up(loaded.whole, CALLS)
        details = CostDetails(baseline_mib=round(baseline / _MIB, 3))
        results[PEAK_MEMORY.name] = RunResult(peak_bytes() / _MIB, details)
    return results


def resident_bytes() -> int:
    """The memory of this process that is resident; at its peak where only that is known."""
    return _status_bytes("VmRSS") or _most_bytes()


def peak_bytes() -> int:
    """The most memory of this process that was resident since the last `reset_peak`."""
    # Linux's getrusage does not forget the process that started this one.
    return _status_bytes("VmHWM") or _most_bytes()


def reset_peak() -> bool:
    """Makes the peak what is resident now; returns whether this system can."""
    try:
        (_SELF / "clear_refs").write_text(RESET_PEAK)
    except OSError:
        return False
    return True


def _status_bytes(field: str) -> int:
    """A field of ``/proc/self/status``; 0 where there is none."""
    lines = read_text(_SELF / "status").splitlines()
    found = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return 1024 * int(next(found, "0"))


def _most_bytes() -> int:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else 1024 * most
