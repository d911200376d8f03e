"""What ``dse models describe`` does: drafts the manifest of a folder, and says what it lacks."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import TYPE_CHECKING

from dse.commands.console import console, print_lines
from dse.commands.log import messages
from dse.commands.next_step import print_next
from dse.config.yaml_reader import MAX_YAML_BYTES
from dse.core.errors import RequestError
from dse.core.paths import write_named
from dse.core.wording import WIDTH, format_count, wrap_words
from dse.models.describing import describe_folder, to_yaml
from dse.models.manifest import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dse.models.describing import DescribedFolder, Describer, Draft

HEAD = """\
# Written by dse models describe, and read by dse explore --models.
# Fill in what is empty, and correct what is assumed. Each entry may also have:
#   weights: where they come from, in words
"""
SHOWN = 2
"""Names of files in a line that is about many."""


def run(folder: Path, output: Path | None, describers: Sequence[Describer], *, force: bool) -> None:
    """Writes the draft; prints a summary on stdout and what is left to do on stderr.

    Args:
        folder: of the model files.
        output: the file to write; None for the folder's own manifest.
        describers: of the tasks that the models may be for; the first one is tried first.
        force: whether a file that is there may be replaced.

    Raises:
        RequestError: the folder has no model that can be described, or the file is there.
        DseError: the file can't be written.
    """
    target = output or folder / FILE_NAME
    _check_places(folder, target, force=force)
    err = messages()
    describer, described = _describe(folder, describers)
    print_lines(described.refused, err, "yellow")
    if not described.entries:
        kinds = "usable .onnx or .tflite file" if described.refused else ".onnx or .tflite file"
        raise RequestError(
            f"no {kinds} in the folder", file=folder, remedy="give the folder of your model files"
        )
    _write(target, f"{HEAD}#   {describer.figure}\n{to_yaml(described.entries)}")
    print_lines([f"{target}: {_count(described)}"], console())
    for line in filter(None, (*_open_lines(described.entries), describer.note)):
        print_lines(wrap_words(line, WIDTH), err)
    if target.absolute() != (folder / FILE_NAME).absolute():
        print_lines([f"to use it, move it to {folder / FILE_NAME}"], err)
    asked = any(entry.asked for entry in described.entries)
    following = _next_step(described.entries, folder, describer)
    print_next(f"fill in {target}" if asked else None, following)


def _describe(folder: Path, describers: Iterable[Describer]) -> tuple[Describer, DescribedFolder]:
    """Describes a folder for the task that most of its files are for."""
    found: list[tuple[Describer, DescribedFolder]] = []
    for each in describers:
        found.append((each, describe_folder(folder, each.tell, each.recognise)))
        if not found[-1][1].refused:
            break
    describer, described = max(found, key=lambda pair: len(pair[1].entries))
    others = {entry.fields["file"]: other.task for other, each in found for entry in each.entries}
    return describer, replace(
        described, refused=tuple(_of_other_task(line, others) for line in described.refused)
    )


def _of_other_task(line: str, tasks: Mapping[str, str]) -> str:
    """Why a file is left out, where it is described for another task.

    Args:
        line: of `DescribedFolder.refused`.
        tasks: of files that can be described.
    """
    file, left_out, _ = line.partition(": left out: ")
    if file not in tasks:
        return line
    return f"{file}{left_out}a model of {tasks[file]}; describe it in a folder of its own"


def _check_places(folder: Path, target: Path, *, force: bool) -> None:
    if not folder.is_dir():
        problem = "is not a folder" if folder.exists() else "no such folder"
        raise RequestError(problem, file=folder, remedy="give the folder of your model files")
    if target.is_dir():
        raise RequestError("is a folder", file=target, field="--output", remedy="name a file")
    if not force and (target.is_symlink() or target.exists()):
        raise RequestError(
            "already exists",
            file=target,
            remedy="give another file with --output, or --force to replace it",
        )


def _write(target: Path, text: str) -> None:
    data = text.encode()
    if len(data) > MAX_YAML_BYTES:
        raise RequestError(
            f"would be larger than the {MAX_YAML_BYTES >> 20} MiB that are read",
            file=target,
            remedy="describe the folders in it one by one",
        )
    with write_named(target) as file:
        file.write(data)


def _count(described: DescribedFolder) -> str:
    """How many files and models there are."""
    models = len({entry.fields["name"] for entry in described.entries})
    files = format_count(len(described.entries), "file")
    left_out = f", {len(described.refused)} left out" if described.refused else ""
    return f"{files} of {format_count(models, 'model')} described{left_out}"


def _open_lines(entries: Sequence[Draft]) -> Iterator[str]:
    """What there is to fill in and to look at before the models are explored."""
    asked: dict[tuple[str, ...], list[str]] = {}
    for entry in entries:
        asked.setdefault(entry.asked, []).append(entry.fields["file"])
    for fields, files in asked.items():
        if fields:
            yield f"fill in: {', '.join(f'`{field}`' for field in fields)} of {_join(files)}"
    if assumed := dict.fromkeys(each for entry in entries for each in _assumed(entry)):
        yield f"assumed: {', '.join(assumed)}; correct what differs"
    if known := dict.fromkeys(_known(entries)):
        names = _join(list(known))
        yield f"published accuracy taken for {names}; rename any other model"


def _next_step(entries: Sequence[Draft], folder: Path, describer: Describer) -> str:
    """The command that comes next."""
    explore = describer.explore.format(folder=shlex.quote(str(folder)))
    all_known = len(_known(entries)) == len(entries)
    return explore if all_known else f"{explore} --dataset {describer.dataset}"


def _known(entries: Iterable[Draft]) -> list[str]:
    """The names that stand for models with a published quality."""
    return [entry.fields["name"] for entry in entries if "name" in entry.comments]


def _assumed(entry: Draft) -> Iterator[str]:
    for field in entry.comments:
        if entry.fields[field] is not None and field != "name":
            yield f"`{field}: {entry.fields[field]}`"


def _join(names: Sequence[str]) -> str:
    """Some names, and how many there are beside them."""
    if len(names) <= SHOWN:
        return " and ".join(names)
    return f"{', '.join(names[:SHOWN])} and {format_count(len(names) - SHOWN, 'other')}"
