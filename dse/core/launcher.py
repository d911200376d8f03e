"""Runs a module of this package in any Python, though the package need not be installed there.

`command` tells how to; run by its path, this file is what that command starts. It lets the packages
be imported from where they lie here, and calls the ``main`` of the module. What lies beside them
stays out of sight: those libraries belong to this Python and may be wrong for the other one.
Standard library only.
"""

from __future__ import annotations

import importlib
import importlib.util
import json
import os
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from importlib.machinery import ModuleSpec

PACKAGES = ("dse", "dse.backends")
"""Those whose folders a worker needs; in a checkout they don't lie in one another."""


def launch_command(
    interpreter: str,
    module: str,
    *arguments: str,
    backend: str = "",
    folders: Mapping[str, str] | None = None,
) -> list[str]:
    """The command that runs a module's ``main`` in an interpreter.

    Args:
        interpreter: a Python 3.11 or later.
        module: its full name; its ``main`` returns an exit code and reads ``sys.argv[1:]``.
        arguments: for the module.
        backend: the one that the module uses: its package comes along where it is another
            distribution's.
        folders: further packages by name, each with its folder.

    Raises:
        KeyError: no backend has that name.
        ModuleNotFoundError: its package is not there.
    """
    found, offered = {**_package_folders(), **(folders or {})}, {}
    if backend:
        from dse.core.registry import BACKENDS

        entry = BACKENDS[backend]
        if entry.distribution:
            found[entry.package], offered = _place(entry.package), {backend: entry.target}
    known = json.dumps(
        {"folders": found, "backends": offered, "path": _pythonpath_folders(interpreter)}
    )
    # -P: a file in the working directory that is named like a module must not take its place.
    return [interpreter, "-P", str(Path(__file__).absolute()), known, module, *arguments]


def _package_folders() -> dict[str, str]:
    return {name: _place(name) for name in PACKAGES}


def _place(package: str) -> str:
    """The folder of a package, or the file of a module."""
    module = importlib.import_module(package)
    folders: list[str] = list(getattr(module, "__path__", ()))
    return folders[0] if folders else str(module.__file__)


def _pythonpath_folders(interpreter: str) -> list[str]:
    """The folders of PYTHONPATH, for this Python only: to another one they are foreign.

    Named here, they lead to the same libraries. The variable itself does not reach the process: a
    ``sitecustomize`` in such a folder, as profilers and tracers put it there, would run in it, too.
    """
    if interpreter != sys.executable:
        return []
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [os.path.abspath(folder) for folder in folders if folder]  # noqa: PTH100


class _Folders(MetaPathFinder):
    """Finds packages in the folders it was told, and modules in their files."""

    def __init__(self, folders: Mapping[str, str]) -> None:
        self._folders = folders

    def find_spec(self, fullname: str, *_: object) -> ModuleSpec | None:
        folder = self._folders.get(fullname)
        if folder is None:
            return None
        if folder.endswith(".py"):
            return importlib.util.spec_from_file_location(fullname, folder)
        file = Path(folder, "__init__.py")
        return importlib.util.spec_from_file_location(
            fullname, file, submodule_search_locations=[folder]
        )


def main() -> int:
    """Runs the module named on the command line."""
    _, known, module, *arguments = sys.argv
    found = json.loads(known)
    sys.path[:0] = found["path"]
    sys.meta_path.insert(0, _Folders(found["folders"]))
    sys.argv = [module, *arguments]
    for name, target in found["backends"].items():
        importlib.import_module("dse.core.registry").BACKENDS.offer(name, target)
    code: int = importlib.import_module(module).main()
    return code


if __name__ == "__main__":
    sys.exit(main())
