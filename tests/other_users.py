"""Files of another user, for tests that run as root, and processes that may not touch them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

OTHER = 12345
"""The number of a user without a name."""
RIGHTS = "-dac_override,-dac_read_search,-fowner,-chown"
"""What lets root into every file."""


def give_away(place: Path, mode: int) -> Path:
    """Makes a file or folder another user's, with a mode that holds for that one."""
    if os.geteuid() != 0:
        pytest.skip("only root can give files to another user")
    place.chmod(mode)
    os.chown(place, OTHER, OTHER)
    return place


def run_unprivileged(*words: str, **variables: str | None) -> subprocess.CompletedProcess[str]:
    """Runs Python as a user whom the modes of files bind.

    Args:
        words: of Python's command line.
        variables: of the environment, beside those of this process; None for one that is not set.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("there is no setpriv")
    command = [setpriv, f"--bounding-set={RIGHTS}", sys.executable, *words]
    environment = {**os.environ, **variables}
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in environment.items() if value is not None},
    )
