"""Tests keep nobody waiting who measures on this machine, and wait for nobody."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dse.machine.measuring_lock import MEASURING, measuring_lock


@pytest.fixture(scope="session")
def seen() -> tuple[Path, Path]:
    """The folder of the locks as the widest fixtures see it, here and in a process they start."""
    code = "import tempfile; print(tempfile.gettempdir())"
    started = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return Path(tempfile.gettempdir()), Path(started.stdout.rstrip())


def test_no_fixture_takes_the_lock_of_the_machine(seen: tuple[Path, Path], isolated: Path) -> None:
    """The folder was made for this session: nobody else has locks in it."""
    assert set(seen) == {isolated / "temporary"}
    with measuring_lock() as come:
        assert come
    assert (isolated / "temporary" / MEASURING).exists()
