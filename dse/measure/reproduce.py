"""The command that does again what one worker did, to see for oneself how it ends."""

from __future__ import annotations

import json
import os
import shlex
import sys
from typing import TYPE_CHECKING, Any

from dse.core import launcher
from dse.core.worker_environment import worker_environment
from dse.measure.spec import SPEC_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NEW_FOLDER = '"$(mktemp -d)"'
"""A new folder for the logs: those of the failed run stay as they are."""


def command(run: Path) -> str | None:
    """A line for a shell, in which the worker of a run folder is run again.

    Args:
        run: the folder.

    Returns:
        None where the folder no longer holds what the worker was told.
    """
    file = run.absolute() / SPEC_FILE
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(stored, dict):
        return None
    # Older versions did not write down which Python it was.
    interpreter = str(stored.get("interpreter") or sys.executable)
    words = _words(interpreter, file, stored)
    given = stored.get("environment")  # which older versions did not write down either
    variables = _variables(worker_environment(interpreter, given))
    return f"env -i {variables} {shlex.join(words)} --folder {NEW_FOLDER}"


def _words(interpreter: str, file: Path, stored: Mapping[str, Any]) -> list[str]:
    """The command, with the packages of other distributions as far as they are there."""
    wanted = [interpreter, "dse.measure.worker", str(file)]
    backend, task = stored["configuration"]["backend"], stored.get("task", {}).get("worker", "")
    try:
        return launcher.launch_command(*wanted, backend=backend, task=task)
    except (KeyError, ModuleNotFoundError):
        return launcher.launch_command(*wanted)


def _variables(environment: Mapping[str, str]) -> str:
    """As a shell takes them; what comes from the shell itself stands without its value."""
    return " ".join(
        f'{name}="${name}"' if os.environ.get(name) == value else shlex.join([f"{name}={value}"])
        for name, value in environment.items()
    )
