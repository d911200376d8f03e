"""The kernel ends a worker for lack of memory: one failure, and the study goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.brief import BRIEFLY
from tests.commandline import PATIENCE_S, none_left
from tests.replays import failures, write_space

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.commandline import Command

GROUPS = Path("/sys/fs/cgroup")
LIMIT_BYTES = 700 << 20
"""Room for the parent and a worker; the worker's own bound lies far beyond it."""


@pytest.fixture
def group() -> Iterator[Path]:
    """A control group with little memory, where this user may make one."""
    first, name = (GROUPS / "memory", "memory.limit_in_bytes")
    if not first.is_dir():
        first, name = GROUPS, "memory.max"
    folder = first / f"dse-test-{os.getpid()}"
    try:
        folder.mkdir()
        (folder / name).write_text(str(LIMIT_BYTES))
    except OSError as error:
        pytest.skip(f"no control group with a memory limit can be made here: {error}")
    try:
        yield folder
    finally:
        folder.rmdir()


def run_in(group: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command of this program within the group."""
    code = (
        "import os; from pathlib import Path;"
        f"Path('{group}/cgroup.procs').write_text(str(os.getpid())); {BRIEFLY[1]}"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE_S,
        check=False,
    )


def test_a_worker_that_the_kernel_kills(command: Command, here: Path, group: Path) -> None:
    fields = {"models": "a", "threads": 1, "batch_sizes": 1, "objectives": ["latency_p90_ms"]}
    faults = {"null": {"fault": ["eat_memory", "refuse", "none"], "delay_ms": 0.5}}
    space = write_space(here, backends=faults, **fields)
    explore = ["explore", str(space), "--sampler", "grid", "--settle", "0"]
    ended = run_in(group, *explore, "--memory-limit", "64GiB")
    assert ended.returncode == 0, ended.stderr
    assert none_left(here)
    assert command.counts("space")[:3] == (1, 2, 0)
    killed = next(
        f for f in failures(here / "studies/space/study.db") if f["kind"] != "unsupported"
    )
    assert (killed["kind"], killed["attempts"]) == ("out_of_memory", 2)
    assert killed["message"] == "killed by the kernel for lack of memory"


def test_within_a_group_its_memory_is_planned_with(
    command: Command, here: Path, group: Path
) -> None:
    """The worker's own bound comes before the kernel's, and too long a run is refused."""
    fields = {"models": "a", "threads": 1, "batch_sizes": 1, "objectives": ["latency_p90_ms"]}
    faults = {"null": {"fault": ["eat_memory", "none"], "delay_ms": 0.1}}
    space = write_space(here, backends=faults, **fields)
    ended = run_in(group, "explore", str(space), "--settle", "0")
    assert ended.returncode == 0, ended.stderr
    assert f"(control group: {LIMIT_BYTES >> 20} MiB)" in ended.stderr
    (failure,) = failures(here / "studies/space/study.db")
    assert failure["kind"] == "out_of_memory"
    assert "killed by the kernel" not in failure["message"]
    ended = run_in(group, "validate", "space", "--anyway")
    assert ended.returncode == 1, ended.stderr
    told = " ".join(ended.stderr.split())
    assert "LoadGen generates its queries in advance: at least " in told
    assert f"(the control group grants {LIMIT_BYTES >> 20} MiB)" in told
    # Outside the group it is another system.
    answer = command("explore", space)
    assert answer.code == 2
    assert f"memory limit in MiB: none here, {LIMIT_BYTES >> 20} in the study" in answer.err
