"""Which Python runs the worker of a backend."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

from dse.core import thread_limit
from dse.core.errors import RequestError, UnavailableError
from dse.core.registry import BACKENDS
from dse.core.worker_environment import installer_environment
from dse.environments import _store, config

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dse.environments.config import NamedInterpreter


VERSION_TIMEOUT_S = 20.0
"""The time within which a Python has to say its version."""


def interpreter(name: str, named: Mapping[str, NamedInterpreter]) -> str:
    """The Python of a backend: the one that the user names, that of its environment, or this one.

    Args:
        name: of the backend.
        named: what `config.interpreters` found.

    Raises:
        UnavailableError: what was named is not there, or its environment is not installed.
    """
    if name in named:
        return _configured(name, named[name])
    place = _store.place_of(name)
    if place is None:
        return sys.executable
    environment = _store.read_environment(place)
    if environment is not None and environment.serves(name):
        return str(environment.python)
    if environment is None or name not in environment.backends:
        _check_python(name, _store.python_of(place))
        problem = "its environment is not installed"
    else:
        problem = "its environment was installed for another version of mlperf-dse"
    raise UnavailableError(f"{unusable(name)}{problem}", remedy=f"dse backends install {name}")


def unusable(name: str) -> str:
    """The beginning of every reason why a backend can't be used."""
    return f"backend '{name}' is not usable here: "


def remedy(name: str, python: str) -> str:
    """What to do about a runtime that can't be used in the Python it should run in."""
    entry = BACKENDS[name]
    if python == sys.executable:
        if entry.distribution:
            return f"install what {entry.distribution} needs"
        return f"pip install 'mlperf-dse[{entry.extra}]'" if entry.extra else "reinstall mlperf-dse"
    place = _store.place_of(name)
    environment = _store.read_environment(place) if place else None
    if environment is not None and python == str(environment.python):
        return f"dse backends install {name} --reinstall"
    return f"install the runtime, numpy and mlcommons-loadgen for {python}"


def _check_python(name: str, version: str) -> None:
    """Says so where the environment can't even be installed."""
    try:
        find_python(version)
    except UnavailableError as error:
        raise UnavailableError(f"{unusable(name)}{error.problem}", remedy=error.remedy) from error


def _configured(name: str, named: NamedInterpreter) -> str:
    path = named.path
    if path.is_file() and os.access(path, os.X_OK):
        return str(path)
    raise UnavailableError(
        f"{unusable(name)}{path} is not an executable file",
        file=config.config_file(),
        line=named.line,
        field=f"interpreters.{name}",
        remedy="name a Python, or remove the line",
    )


def ask(
    command: Sequence[str], timeout_s: float, variables: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Runs an interpreter; what it prints and its exit code are the answer.

    Args:
        command: the interpreter first.
        timeout_s: how long it may take.
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
        timeout=timeout_s,
        check=False,
        env=variables,
    )


def find_python(version: str, named: Path | None = None) -> str:
    """A Python of that minor version: this one, else one on the PATH.

    Args:
        version: such as ``3.11``.
        named: the one to take instead.

    Raises:
        RequestError: the named one is not of that version.
        UnavailableError: no such Python was found.
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
        remedy=f"install it, such as with uv python install {version}, or name one with dse "
        "backends install --python PATH",
    )


def _candidates(version: str) -> Iterator[str]:
    if version == "{}.{}".format(*sys.version_info):
        yield sys.executable
    # All of them: the first may be a shim of a version manager that leads nowhere.
    for folder in os.get_exec_path():
        if found := shutil.which(f"python{version}", path=folder):
            yield found


def _version(interpreter: str) -> str | None:
    """What an interpreter says it is; None where it says nothing."""
    code = "import sys; print(*sys.version_info[:2], sep='.')"
    try:
        told = ask(
            [interpreter, "-I", "-c", code], VERSION_TIMEOUT_S, installer_environment(interpreter)
        )
    except BlockingIOError as error:
        problem = f"{interpreter} can't be started: {error.strerror}"
        raise UnavailableError(problem, remedy=thread_limit.REMEDY) from error
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return None
    return told.stdout.strip() if told.returncode == 0 else None
