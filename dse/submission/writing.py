"""Puts a tree on disk: beside what is there already, and over nothing that differs."""

from __future__ import annotations

import filecmp
import json
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from dse.errors import RequestError
from dse.paths import atomic_write
from dse.submission.logs import read_bytes
from dse.submission.tree import MAPPING, as_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.submission.tree import Tree

SHOWN = 3
"""Differing files that are named."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the files.

    Attributes:
        new: how many are new.
        same: how many were there already.
        replaced: how many took the place of others.
    """

    new: int
    same: int
    replaced: int


def originals_of(output: Path) -> Path:
    """The folder of whole accuracy logs: beside the tree, which may not hold them."""
    return output.with_name(f"{output.name}-originals")


def write(tree: Tree, output: Path, submitter: str, *, force: bool) -> Written:
    """Writes a tree. What other exports of the submitter have put there stays.

    Args:
        tree: the files.
        output: the root of the submission.
        submitter: the organisation.
        force: whether files that differ are replaced.

    Raises:
        RequestError: something there differs, or is of another submitter.
        DseError: a file can't be read or written.
    """
    _refuse_other_submitters(output, submitter)
    files = {**tree.files}
    mapping = PurePosixPath("open") / submitter / MAPPING
    files[mapping] = _merged(output / mapping, files[mapping])
    there = {name: output / name for name in files if _is_there(output / name)}
    differing = [
        name for name, file in there.items() if name != mapping and _differs(file, files[name])
    ]
    strange = _strangers(tree, output)
    if (differing or strange) and not force:
        _refuse_differences(output, [*differing, *strange])
    for name in strange:
        (output / name).unlink()
    for name, content in files.items():
        if name not in there or _differs(output / name, content):
            with atomic_write(output / name) as file:
                file.write(content)
    _archive(tree.originals, originals_of(output))
    new = len(files) - len(there)
    return Written(new, len(there) - len(differing), len(differing))


def _is_there(file: Path) -> bool:
    return file.exists() or file.is_symlink()


def _differs(file: Path, content: bytes) -> bool:
    return file.is_symlink() or not file.is_file() or read_bytes(file) != content


def _refuse_other_submitters(output: Path, submitter: str) -> None:
    root = output / "open"
    others = sorted(p.name for p in root.iterdir() if p.name != submitter) if root.is_dir() else []
    if others:
        raise RequestError(
            f"{output} is of another submitter, {others[0]}",
            field="--output",
            remedy="give another folder: a tree is of one submitter",
        )


def _refuse_differences(output: Path, names: list[PurePosixPath]) -> None:
    shown = ", ".join(map(str, names[:SHOWN]))
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    raise RequestError(
        f"{output} holds other files than this export would write: {shown}{more}",
        field="--output",
        remedy="give another folder, or --force to replace them",
    )


def _merged(file: Path, content: bytes) -> bytes:
    """The model mapping with the models of earlier exports.

    Raises:
        RequestError: the one that is there is none.
    """
    if not _is_there(file):
        return content
    try:
        before = json.loads(read_bytes(file))
    except (ValueError, RecursionError) as error:
        raise RequestError(f"no model mapping: {error}", file=file) from error
    if not _is_mapping(before):
        raise RequestError("no model mapping: not one text for each model", file=file)
    return as_json({**before, **json.loads(content)})


def _is_mapping(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(each, str) for each in value.values())


def _strangers(tree: Tree, output: Path) -> list[PurePosixPath]:
    """Files within the folders of results that the results have not."""
    return [
        name
        for place in tree.places
        for file in sorted((output / place).rglob("*"))
        if not file.is_dir() and (name := PurePosixPath(file.relative_to(output))) not in tree.files
    ]


def _archive(originals: Mapping[PurePosixPath, Path], folder: Path) -> None:
    for name, file in originals.items():
        target = folder / name
        if target.is_file() and filecmp.cmp(target, file, shallow=False):
            continue
        with file.open("rb") as source, atomic_write(target) as copy:
            shutil.copyfileobj(source, copy)
