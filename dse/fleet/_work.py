"""What a node does for a coordinator; Dask calls these functions by their names."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.errors import DseError
from dse.core.launcher import launch_command
from dse.fleet import _files
from dse.fleet.spec import LEFT, Answer, AssignmentSpec

if TYPE_CHECKING:
    from pathlib import Path

    from dse.fleet.place import Place

LAUNCHERS = (
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MALLOC_TRIM_THRESHOLD_"),
    "PYTHONHASHSEED",
)
"""Variables that launchers of Dask workers set, and that would reach what is measured."""
SPEC, KNOWN, ANSWER, BUNDLE, STOP, LOG = (
    *("assignment.json", "known.bundle", "answer.json", "answer.bundle", "stop", "stderr.txt"),
)
"""The files in the folder of an assignment."""
TAIL_BYTES = 2000


@dataclass(slots=True)
class _Node:
    """The node of this process.

    Attributes:
        place: its folder; None in a process that is no node.
        own: folders with files that need not be sent.
        leaving: whether it begins nothing more.
        in_hand: how many assignments it works at, or lets end.
    """

    place: Place | None = None
    own: tuple[Path, ...] = ()
    leaving: bool = False
    in_hand: int = 0


_node = _Node()


def serve(place: Place, own: tuple[Path, ...] = ()) -> None:
    """Says where the node of this process keeps its files, and which folders have more."""
    _node.place, _node.own, _node.leaving = place, own, False


def leave() -> None:
    """Begins nothing more, and asks the assignment in hand to end after the run in hand."""
    _node.leaving = True
    stop()


def in_hand() -> int:
    """How many assignments have not ended."""
    return _node.in_hand


def _place() -> Place:
    if _node.place is None:
        raise DseError("this Dask worker is no node of a fleet; start it with `dse fleet node`")
    return _node.place


def do(spec: str, bundle: bytes) -> tuple[str, bytes]:
    """Works at an assignment in a process of its own, and waits for that.

    Args:
        spec: an `AssignmentSpec` as JSON.
        bundle: what the node may not know of the CPU's study; empty for nothing.

    Returns:
        An `Answer` as JSON, and the bundle of what the coordinator does not have.
    """
    place, id_ = _place(), AssignmentSpec.from_json(spec).id
    if _node.leaving:
        return Answer(id_, end=LEFT).to_json(), b""
    _node.in_hand += 1
    folder = place.assignments / f"{_safe(id_)}-{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True)
        (folder / SPEC).write_text(spec, encoding="utf-8")
        (folder / KNOWN).write_bytes(bundle)
        return _done(folder, place, id_)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        _node.in_hand -= 1


def _done(folder: Path, place: Place, id_: str) -> tuple[str, bytes]:
    words = launch_command(sys.executable, "dse.fleet.assignment", str(folder), bound=True)
    with (folder / LOG).open("wb") as log:
        code = subprocess.run(
            words,
            cwd=place.path,
            env=clean_environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the node, which asks for an orderly end
            check=False,
        ).returncode
    answer = folder / ANSWER
    if not answer.is_file():
        tail = (folder / LOG).read_bytes()[-TAIL_BYTES:].decode(errors="replace").split("\n")
        last = next((line for line in reversed(tail) if line.strip()), "it said nothing")
        return Answer(id_, error=f"the process ended with code {code}: {last}").to_json(), b""
    bundle = folder / BUNDLE
    content = bundle.read_bytes() if bundle.is_file() else b""
    return answer.read_text(encoding="utf-8"), content


def clean_environment() -> dict[str, str]:
    """The variables of this process without those that launchers and Dask have set."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in LAUNCHERS and not name.startswith("DASK_")
    }


def stop() -> None:
    """Asks the assignment in hand to end after the run in hand."""
    for folder in _place().folders():
        (folder / STOP).touch()


def lacking(manifest: str) -> list[str]:
    """The checksums of what the node lacks of a `dse.fleet._files.Manifest`."""
    wanted = _files.Manifest.from_json(manifest)
    _files.use_own(_place(), wanted, _node.own)
    return _files.lacking(_place(), wanted)


def take(parts: list[tuple[str, int, bytes, int]]) -> None:
    """Takes parts of files, each with its arguments of `dse.fleet._files.take`."""
    for sha256, offset, content, size in parts:
        _files.take(_place(), sha256, offset, content, size)


def assemble(manifest: str) -> None:
    """Makes a folder from what has come."""
    _files.assemble(_place(), _files.Manifest.from_json(manifest))


def _safe(id_: str) -> str:
    """An id as the name of a folder."""
    kept = "".join(c for c in id_ if c.isalnum() or c in "-_")
    return kept[:80] or json.dumps(len(id_))
