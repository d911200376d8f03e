"""Which Python runs the worker of a backend."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from dse.core.errors import UnavailableError
from dse.core.registry import BACKENDS
from dse.environments import config, store
from dse.environments.pythons import find_python

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.environments.config import NamedInterpreter


def interpreter(name: str, named: Mapping[str, NamedInterpreter]) -> str:
    """The Python of a backend: the one the user names, its environment's, or else this one.

    Args:
        name: of the backend.
        named: what `config.interpreters` found.

    Raises:
        UnavailableError: what was named is not there, or its environment is not installed.
    """
    if name in named:
        return _configured(name, named[name])
    python = BACKENDS[name].python
    if python is None:
        return sys.executable
    environment = store.read(python)
    if environment is not None and environment.serves(name):
        return str(environment.python)
    if environment is None or name not in environment.backends:
        _check_python(name, python)
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
    environment = store.read(entry.python) if entry.python else None
    if environment is not None and python == str(environment.python):
        return f"dse backends install {name} --reinstall"
    return f"install the runtime, numpy and mlcommons-loadgen for {python}"


def _check_python(name: str, version: str) -> None:
    """Says so where the environment can't even be installed."""
    try:
        find_python(version)
    except UnavailableError as error:
        remedy = f"install it, or give dse backends install {name} --python PATH"
        raise UnavailableError(f"{unusable(name)}{error.problem}", remedy=remedy) from error


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
