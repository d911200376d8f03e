"""Runs a module of this package in any Python, even if the package is not installed there.

`launch_command` gives the command, which starts this file by its path. This file makes the packages
importable from their present folders and calls the ``main`` of the module. Other libraries in those
folders stay invisible: they belong to this Python and may not suit the other one. Nothing but the
standard library, and numpy where it is installed.
"""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import json
import os
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ctypes
    from collections.abc import Mapping
    from importlib.machinery import ModuleSpec
    from typing import NoReturn

PACKAGES = ("dse", "dse.backends")
"""Packages whose folders a worker needs; in a checkout the second does not lie in the first."""
PR_SET_PDEATHSIG = 1
"""prctl(2): the signal that a process gets when the thread that started it ends."""
NUMPY_THREADS = "OPENBLAS_NUM_THREADS"
"""The variable that bounds the threads of numpy's own library."""


def launch_command(
    interpreter: str,
    module: str,
    *arguments: str,
    backend: str = "",
    task: str = "",
    folders: Mapping[str, str] | None = None,
    bound: bool = False,
) -> list[str]:
    """The command that runs a module's ``main`` in an interpreter.

    Args:
        interpreter: path of a Python 3.11 or later.
        module: full name; its ``main`` reads ``sys.argv[1:]`` and returns an exit code.
        arguments: arguments of the module.
        backend: the one that the module uses: its package comes along where it is another
            distribution's.
        task: the class of the task's half in the worker, as ``module:name``; its package comes
            along, too.
        folders: folders of further packages by name.
        bound: whether the process ends when this one dies.

    Raises:
        KeyError: no backend has that name.
        ModuleNotFoundError: the package of the backend or of the task is not there.
    """
    found, offered = {**{name: _place(name) for name in PACKAGES}, **(folders or {})}, {}
    if backend:
        from dse.core.registry import BACKENDS

        entry = BACKENDS[backend]
        if entry.distribution:
            found[entry.package], offered = _place(entry.package), {backend: entry.target}
    if task and (package := task.partition(":")[0].partition(".")[0]) != "dse":
        found[package] = _place(package)
    known = json.dumps(
        {
            "folders": found,
            "backends": offered,
            "path": _pythonpath_folders(interpreter),
            "parent": os.getpid() if bound else 0,
        }
    )
    # -P: a file in the working directory must not take the place of a module of the same name.
    return [interpreter, "-P", str(Path(__file__).absolute()), known, module, *arguments]


def _place(package: str) -> str:
    """The folder of a package, or the file of a module."""
    module = importlib.import_module(package)
    folders: list[str] = list(getattr(module, "__path__", ()))
    return folders[0] if folders else str(module.__file__)


def _pythonpath_folders(interpreter: str) -> list[str]:
    """The folders of PYTHONPATH, for this Python only; to another Python they are foreign.

    They are passed on as arguments. The variable itself does not reach the process, since a
    ``sitecustomize`` in such a folder, as profilers and tracers install it, would run there too.
    """
    if interpreter != sys.executable:
        return []
    folders = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    return [os.path.abspath(folder) for folder in folders if folder]  # noqa: PTH100


class _Folders:
    """Finds packages in given folders.

    It has what `importlib.abc.MetaPathFinder` asks for, whose import takes 8 ms.
    """

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


def _die_with(parent: int) -> None:
    """Ends this process when its parent dies, so that nothing works on unseen."""
    if not parent:
        return
    if sys.platform == "linux":
        _c_library().prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the request above
        sys.exit("the parent process is gone")


def _import_numpy() -> None:
    """Imports numpy without the threads that it starts else, one per CPU.

    They would use their CPUs for some 30 ms before they sleep, and nothing here needs them. The
    variable is gone before a runtime is imported, which may have such a library of its own.
    """
    given = os.environ.get(NUMPY_THREADS)
    os.environ[NUMPY_THREADS] = given or "1"
    with suppress(ImportError):  # who needs it says so
        import numpy  # noqa: F401, ICN001
    if given is None:
        del os.environ[NUMPY_THREADS]


def _leave(code: int) -> NoReturn:
    """Ends this process as Python does, but leaves its memory to the system.

    To take apart an interpreter that has a runtime loaded takes up to a tenth of a second.
    """
    atexit._run_exitfuncs()  # noqa: SLF001  # such as what removes temporary folders
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    with suppress(ImportError):  # a Python may have been built without ctypes
        _c_library().fflush(None)
    os._exit(code)


def _c_library() -> ctypes.CDLL:
    import ctypes

    return ctypes.CDLL(None)


def main() -> int:
    """Runs the module named on the command line."""
    _, known, module, *arguments = sys.argv
    found = json.loads(known)
    _die_with(found["parent"])
    sys.path[:0] = found["path"]
    sys.meta_path.insert(0, _Folders(found["folders"]))
    sys.argv = [module, *arguments]
    for name, target in found["backends"].items():
        importlib.import_module("dse.core.registry").BACKENDS.offer(name, target)
    _import_numpy()
    code: int = importlib.import_module(module).main()
    return code


if __name__ == "__main__":
    _leave(main())
