"""Installs the environments that some backends need, each as a whole or not at all."""

from __future__ import annotations

import contextlib
import logging
import secrets
import shutil
import subprocess
from typing import TYPE_CHECKING

from dse.core.errors import DseError, RequestError
from dse.core.paths import exclusive
from dse.core.registry import BACKENDS, backend
from dse.core.worker_environment import installer_environment
from dse.environments import _store
from dse.environments._store import Environment
from dse.environments.interpreters import find_python

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

LOG = logging.getLogger(__name__)
LOG_FILE = "install.log"
UNREACHABLE = ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "ProxyError")
"""Messages of pip about a package index that does not answer."""


def install(names: Sequence[str], *, python: Path | None = None, anew: bool = False) -> None:
    """Installs the runtimes of some backends in the environments they share.

    What an environment holds already stays in it. The log tells what is going on.

    Args:
        names: of backends.
        python: the interpreter to make the environment with; None to look for one.
        anew: whether to install again what is there.

    Raises:
        RequestError: a backend needs no environment, or there is no Python for it.
        DseError: pip or the disk failed; what was there before is still in force.
    """
    wanted: dict[str, list[str]] = {}
    for name in names:
        wanted.setdefault(_place(name), []).append(name)
    for place, asked in sorted(wanted.items()):
        with exclusive(_store.folder_of(place) / "lock"):
            current = _store.read_environment(place)
            there = current is not None and all(current.serves(name) for name in asked)
            if current and there and not anew and python is None:
                LOG.info("%s: installed in %s", ", ".join(asked), current.folder)
            else:
                _install(place, asked, find_python(_store.python_of(place), python))


def _place(name: str) -> str:
    backend(name)
    entry, place = BACKENDS[name], _store.place_of(name)
    if place is None:
        how = f"is installed by pip install 'mlperf-dse[{entry.extra}]'" if entry.extra else None
        raise RequestError(f"{name} {how or 'has no runtime to install'}")
    return place


def _install(place: str, asked: Sequence[str], python: str) -> None:
    """Only for the holder of the lock of that place."""
    current = _store.read_environment(place)
    wanted = sorted({*asked, *(current.backends if current else ())} & set(BACKENDS))
    _remove_others(place, current)
    # Never into the one in force: a worker may run there. Nor into what was left by another
    # installation, whose pip may still be at work though its parent was killed.
    folder = _store.folder_of(place) / secrets.token_hex(4)
    words = ", ".join(wanted)
    LOG.info("installing %s in %s (up to a gigabyte, some minutes)", words, folder)
    with contextlib.ExitStack() as failed:
        failed.callback(shutil.rmtree, folder, ignore_errors=True)
        _build(python, folder, wanted)
        digests = {name: _store.digest_of(name) for name in wanted}
        _store.write_environment(place, Environment(folder, digests))
        failed.pop_all()
    LOG.info("%s: installed", words)


def _remove_others(place: str, current: Environment | None) -> None:
    for folder in _store.folder_of(place).iterdir():
        if folder.is_dir() and (current is None or folder != current.folder):
            shutil.rmtree(folder, ignore_errors=True)


def _build(python: str, folder: Path, names: Sequence[str]) -> None:
    log = folder.parent / LOG_FILE
    new = str(Environment(folder, {}).python)
    pip = [new, "-I", "-m", "pip", "install", "--no-deps", "--no-input", "--progress-bar=off"]
    pip += ["--disable-pip-version-check", "--retries=2"]
    for name in names:
        pip += ["--requirement", str(_store.requirements_file(name))]
    with contextlib.suppress(FileNotFoundError):
        log.unlink()
    _run([python, "-I", "-m", "venv", str(folder)], log)
    _run(pip, log)


def _run(command: Sequence[str], log: Path) -> None:
    try:
        with log.open("ab") as output:
            ended = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                check=False,
                env=installer_environment(command[0]),
            )
    except OSError as error:
        where = error.filename or log
        raise DseError(f"{where}: {error.strerror or error}") from error
    if ended.returncode:
        text = log.read_text(encoding="utf-8", errors="replace")
        raise DseError(f"the installation failed: {_reason(text)}; the whole output is in {log}")


def _reason(log: str) -> str:
    """The one line of an installation's output that says why it failed."""
    if any(word in log for word in UNREACHABLE):
        return "the package index can't be reached"
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line for line in lines if line.upper().startswith("ERROR:")]
    return (errors or lines or ["no word of why"])[-1]
