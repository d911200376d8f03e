"""Work on a model file in a process of its own, and its end."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.measure.specs import runs, wait_for

PARENT = """
import sys
from pathlib import Path
import numpy as np
from dse.models.subprocess_job import run
sample = np.zeros(1, np.float32)
run("dse.models.quantise_worker", Path(sys.argv[1]), "onnx", done="quantised", samples=[sample])
"""


def children(pid: int) -> list[int]:
    threads = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for thread in threads for child in thread.read_text().split()]


@pytest.mark.skipif(sys.platform != "linux", reason="a guarantee of Linux alone")
def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    os.mkfifo(model)  # reading it waits for ever
    with subprocess.Popen([sys.executable, "-c", PARENT, str(model)]) as parent:
        try:
            wait_for(lambda: children(parent.pid) != [])
            [worker] = children(parent.pid)
        finally:
            parent.kill()
    wait_for(lambda: not runs(worker))
