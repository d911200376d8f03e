"""Puts a tree on disk: beside what is there already, and over nothing that differs."""

from __future__ import annotations

import filecmp
import json
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from dse.core.checksums import digest
from dse.core.errors import RequestError
from dse.core.paths import LEFTOVER, atomic_write, cache_dir, exclusive
from dse.submission._logs import read_bytes
from dse.submission.tree import MAPPING, as_json
from dse.tasks.benchmark import DIVISIONS

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
        replaced: how many took the place of others; the model mapping of earlier exports, too.
    """

    new: int
    same: int
    replaced: int


def originals_of(output: Path) -> Path:
    """The folder of whole accuracy logs: beside the tree, which may not hold them."""
    return output.with_name(f"{output.name}-originals")


def write(tree: Tree, output: Path, submitter: str, *, force: bool) -> Written:
    """Writes a tree. What other exports of the submitter have put there stays.

    Killed anywhere, the same again completes it. Two at once take turns.

    Args:
        tree: the files.
        output: the root of the submission.
        submitter: the organisation.
        force: whether files that differ are replaced.

    Raises:
        RequestError: something there differs, or is of another submitter.
        DseError: a file can't be read or written.
    """
    with exclusive(cache_dir() / "submissions" / f"{digest(str(output.resolve()))}.lock"):
        _refuse_other_submitters(output, submitter)
        _refuse_links(tree, output)
        root = PurePosixPath(tree.division) / submitter
        mapping, files = root / MAPPING, dict(tree.files)
        if mapping in files:
            files[mapping] = _merged(output / mapping, files[mapping])
        there = [name for name in files if _is_there(output / name)]
        changing = [name for name in there if _differs(output / name, files[name])]
        strange = _strangers(tree, output)
        refused = [name for name in (*changing, *strange) if name != mapping]
        if refused and not force:
            _refuse_differences(output, refused)
        _tidy(output / root)
        for name in strange:
            (output / name).unlink()
        for name, content in files.items():
            if name not in there or name in changing:
                with atomic_write(output / name) as file:
                    file.write(content)
        _archive(tree.originals, originals_of(output))
        _remove_empty(output / root)
    return Written(len(files) - len(there), len(there) - len(changing), len(changing))


def _is_there(file: Path) -> bool:
    return file.exists() or file.is_symlink()


def _differs(file: Path, content: bytes) -> bool:
    return file.is_symlink() or not file.is_file() or read_bytes(file) != content


def _refuse_other_submitters(output: Path, submitter: str) -> None:
    roots = (output / division for division in DIVISIONS)
    there = sorted(p.name for root in roots if root.is_dir() for p in root.iterdir() if p.is_dir())
    others = [name for name in there if name != submitter]
    if others:
        raise RequestError(
            f"{output} is of another submitter, {others[0]}",
            field="--output",
            remedy="give another folder: a tree is of one submitter",
        )


def _refuse_links(tree: Tree, output: Path) -> None:
    """Refuses folders that are links: what lies behind them is not the submission's."""
    folders = {parent for name in tree.files for parent in name.parents} - {PurePosixPath(".")}
    links = sorted(str(folder) for folder in folders if (output / folder).is_symlink())
    if links:
        raise RequestError(
            f"{output / links[0]} is a link",
            field="--output",
            remedy="put the folder itself there, or give another --output",
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
    found = []
    for folder in tree.result_folders:
        for file in sorted((output / folder).rglob("*")):
            name = PurePosixPath(file.relative_to(output))
            inner = file.is_dir() and not file.is_symlink()
            if not (inner or name in tree.files or LEFTOVER.fullmatch(file.name)):
                found.append(name)
    return found


def _tidy(root: Path) -> None:
    """Removes what killed exports of the submitter have left behind, whatever they exported."""
    for file in list(root.rglob("*.tmp")):
        if LEFTOVER.fullmatch(file.name):
            file.unlink()


def _remove_empty(root: Path) -> None:
    """Removes folders that hold nothing: a submission may have none."""
    for folder in sorted(root.rglob("*"), reverse=True):  # inner ones first
        if folder.is_dir() and not folder.is_symlink() and not any(folder.iterdir()):
            folder.rmdir()


def _archive(originals: Mapping[PurePosixPath, Path], folder: Path) -> None:
    _tidy(folder)
    for name, file in originals.items():
        target = folder / name
        if target.is_file() and filecmp.cmp(target, file, shallow=False):
            continue
        with file.open("rb") as source, atomic_write(target) as copy:
            shutil.copyfileobj(source, copy)
