"""Finds a Python of a certain version, and asks one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from dse.core.errors import RequestError, UnavailableError
from dse.core.worker_environment import installer_environment

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

PATIENCE_S = 20.0


def ask(
    command: Sequence[str], patience_s: float, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs an interpreter; what it prints and its exit code are the answer.

    Args:
        command: the interpreter first.
        patience_s: how long it may take.
        variables: its whole environment.

    Raises:
        OSError: it can't be started.
        subprocess.TimeoutExpired: it took longer; it has been killed.
    """
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=patience_s,
        check=False,
        env=variables,
    )


def find_python(version: str, named: Path | None = None) -> str:
    """A Python of that minor version: this one, else one on the PATH.

    Args:
        version: such as ``3.11``.
        named: the one to take instead.

    Raises:
        RequestError: the named one is none of that version.
        UnavailableError: there is none.
    """
    if named is not None:
        if (found := _version(str(named))) != version:
            what = f"is Python {found}" if found else "can't be run as a Python"
            raise RequestError(
                f"{named} {what}", field="--python", remedy=f"name a Python {version}"
            )
        return str(named.absolute())
    for candidate in _candidates(version):
        if _version(candidate) == version:
            return candidate
    raise UnavailableError(
        f"Python {version} is needed, and there is no python{version} on the PATH",
        remedy=f"install Python {version}, or name one with --python",
    )


def _candidates(version: str) -> Iterator[str]:
    if version == _of(sys.version_info):
        yield sys.executable
    # All of them: the first may be a shim of a version manager that leads nowhere.
    for folder in os.get_exec_path():
        if found := shutil.which(f"python{version}", path=folder):
            yield found


def _version(interpreter: str) -> str | None:
    """What an interpreter says it is; None where it says nothing."""
    code = "import sys; print(*sys.version_info[:2], sep='.')"
    try:
        told = ask([interpreter, "-I", "-c", code], PATIENCE_S, installer_environment(interpreter))
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return told.stdout.strip() if told.returncode == 0 else None


def _of(version: tuple[int | str, ...]) -> str:
    return f"{version[0]}.{version[1]}"
