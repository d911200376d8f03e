"""Which backends are usable here, in which Python and in which version.

This process imports no runtime: each is asked for in a process of the Python it would run in, so
that one which breaks when it is imported breaks nothing else.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core import thread_limit
from dse.core.backend import Lack
from dse.core.errors import UnavailableError
from dse.core.launcher import launch_command
from dse.core.registry import BACKENDS, backend
from dse.core.worker_environment import worker_environment
from dse.environments import config
from dse.environments.interpreters import ask, interpreter, remedy, unusable
from dse.machine.thread_pool import parallel

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dse.environments.config import NamedInterpreter

IMPORTS = 8
"""Runtimes that are imported at the same time."""
IMPORT_TIMEOUT_S = 120.0
"""The time within which a runtime has to be imported."""


@dataclass(frozen=True, slots=True)
class RuntimeAvailability:
    """Whether a backend is usable here.

    Attributes:
        python: the Python that its worker runs in, or None.
        version: of the runtime; None where it is not usable.
        error: why it is not usable, with a remedy; None where it is.
        lacks: the values of its knobs that its build has not.
    """

    python: str | None
    version: str | None = None
    error: UnavailableError | None = None
    lacks: tuple[Lack, ...] = ()

    @property
    def environment(self) -> str | None:
        """``own`` for the Python of this process, else the path of the other one."""
        return "own" if self.python == sys.executable else self.python


def runtime_availabilities(
    names: Iterable[str], given: Mapping[str, str] | None = None
) -> dict[str, RuntimeAvailability]:
    """Asks all these backends at once.

    Args:
        names: of backends.
        given: the environment of what will be measured, as `worker_environment` takes it.

    Raises:
        RequestError: no backend has such a name, or the user's settings are wrong.
    """
    names = list(names)
    with_runtime = [n for n in names if n in BACKENDS and BACKENDS[n].has_runtime]
    named = config.interpreters() if with_runtime else {}
    answers = parallel(lambda n: _ask(n, named, given), with_runtime, threads=IMPORTS)
    asked = dict(zip(with_runtime, answers, strict=True))
    for name, found in asked.items():
        if found.error and found.error.remedy == thread_limit.REMEDY:  # room for one, perhaps
            asked[name] = _ask(name, named, given)
    return {
        name: asked.get(name) or RuntimeAvailability(sys.executable, backend(name).version())
        for name in names
    }


def _ask(
    name: str, named: Mapping[str, NamedInterpreter], given: Mapping[str, str] | None
) -> RuntimeAvailability:
    try:
        backend(name)  # that of another distribution may be broken
        python = interpreter(name, named)
    except UnavailableError as error:
        return RuntimeAvailability(None, error=error)
    try:
        words = launch_command(python, "dse.environments.probe", name, backend=name)
        told = ask(words, IMPORT_TIMEOUT_S, worker_environment(python, given))
        if told.returncode == 0:
            answer = json.loads(told.stdout)
            lacks = tuple(Lack(*one) for one in answer["lacks"])
            return RuntimeAvailability(python, str(answer["version"]), lacks=lacks)
        reason = _reason(told.returncode, told.stderr)
    except subprocess.TimeoutExpired:
        reason = f"no answer within {IMPORT_TIMEOUT_S:g} s"
    except OSError as error:
        reason = _reason(1, f"{python} can't be started: {error.strerror or error}")
    except (ValueError, KeyError, TypeError):
        reason = f"{python} is not a Python"
    limited = thread_limit.says_thread_limit(reason)
    how = thread_limit.REMEDY if limited else remedy(name, python)
    problem = f"{unusable(name)}{reason}"
    return RuntimeAvailability(python, error=UnavailableError(problem, remedy=how))


def _reason(exit_code: int, stderr: str) -> str:
    if exit_code < 0 and not thread_limit.says_thread_limit(stderr):
        return f"importing its runtime was ended by {signal.Signals(-exit_code).name}"
    if "Unknown option: -P" in stderr:
        return "its Python is older than 3.11"
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if limits := [line for line in lines if thread_limit.says_thread_limit(line)]:
        return f"thread limit: {limits[0]}"
    return lines[-1] if lines else f"importing its runtime ended with exit code {exit_code}"
