"""Describes the model files of a folder: a draft of its ``models.yaml`` by what the files say."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from dse.config import yaml_reader
from dse.core.access import explain_denial
from dse.core.errors import RequestError
from dse.formats.precision import read_precision
from dse.formats.reading import MAX_MODEL_BYTES, read_interface
from dse.models._model_file import check_file, format_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from dse.core.configuration import ModelFormat
    from dse.formats.interface import Interface

    Tell = Callable[[str, str, Interface], "Draft"]
    """Drafts the task's own fields by the model's name, its file and what that declares. Raises a
    RequestError for a file of no such model, or for which the name stands for another one."""
    Recognise = Callable[[str], str | None]
    """The name of the model that a file without a folder and an ending is called after, if any."""

MAX_NAME, MAX_PROBLEM = 100, 300
"""Characters of a name, which may get a few more, and of what is wrong with a file."""
_OWN = "own-"
"""What a name begins with that would stand for another model."""
_PRECISION_WORDS = {
    "fp32": "fp32|float32|float",
    "fp16": "fp16|float16|half",
    "bf16": "bf16|bfloat16",
    "int8": "int8|uint8|quant|quantized",
    "int4": "int4|uint4|w4|q4",
}
"""How the names of files end that tell the precision."""


@dataclass(frozen=True, slots=True)
class Describer:
    """How the models of a task are described.

    Attributes:
        task: the name of the task.
        tell: drafts what the task has to know of a model.
        recognise: names the published model that a file is called after.
        figure: the optional field of a quality that others measured, as YAML.
        explore: the command that explores them; the folder goes in the place of ``{folder}``.
        dataset: what stands for a data set in a command.
        note: what else to know before they are explored, a line; empty for nothing.
    """

    task: str
    tell: Tell
    recognise: Recognise
    figure: str
    explore: str
    dataset: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Draft:
    """Fields of an entry, as far as they are known.

    Attributes:
        fields: in their order; None where somebody has to fill them in.
        comments: by field: what to fill in, that a value is assumed, or what a name stands for.
    """

    fields: Mapping[str, Any]
    comments: Mapping[str, str]

    @property
    def asked(self) -> tuple[str, ...]:
        """The fields that somebody has to fill in."""
        return tuple(field for field, value in self.fields.items() if value is None)


@dataclass(frozen=True, slots=True)
class DescribedFolder:
    """What is known of the files of a folder.

    Attributes:
        entries: of the files that can be described, those in the folder itself first.
        refused: path of each other one and what is wrong with it, a line each.
    """

    entries: tuple[Draft, ...]
    refused: tuple[str, ...]


def describe_folder(folder: Path, tell: Tell, recognise: Recognise) -> DescribedFolder:
    """Describes every file at any depth that is called like a model; hidden ones are left out.

    Files in one folder that differ in precision or format alone become one model: by their names,
    and by the shapes of their inputs and outputs.

    Raises:
        RequestError: the folder can't be read.
    """
    files, refused = _find_files(folder)
    seen: list[_Seen] = []
    for file in files:
        try:
            seen.append(_look(folder, file, tell, recognise))
        except RequestError as error:
            refused.append(_line(file, error))
    entries: list[Draft] = []
    for one, name in zip(seen, _choose_names(seen), strict=True):
        try:
            own = tell(name, one.file, one.interface)
        except RequestError as error:
            refused.append(_line(one.file, error))
            continue
        about = {"name": name, "file": one.file, "precision": one.precision}
        entries.append(Draft({**about, **own.fields}, own.comments))
    return DescribedFolder(tuple(entries), tuple(refused))


def to_yaml(entries: Iterable[Draft]) -> str:
    """The list ``models`` of a manifest; fields that somebody has to fill in are left empty."""
    lines = ["models:\n"]
    for entry in entries:
        start = "  - "
        for field, value in entry.fields.items():
            text = f"{field}:" if value is None else yaml_reader.dump({field: value}).rstrip("\n")
            comment = f"  # {entry.comments[field]}" if field in entry.comments else ""
            lines.append(start + text.replace("\n", "\n    ") + comment + "\n")
            start = "    "
    return "".join(lines)


@dataclass(frozen=True, slots=True)
class _Seen:
    """A file that can be described.

    Attributes:
        file: path below the folder.
        prefix: what the names of its model have to begin with; empty or `_OWN`.
        known: the name of the published model that it is; empty where it is none.
    """

    file: str
    format: ModelFormat
    precision: str
    interface: Interface
    prefix: str = ""
    known: str = ""

    @property
    def stem(self) -> str:
        """The name of the file without what tells precision and format."""
        words = _PRECISION_WORDS[self.precision]
        stem = PurePosixPath(self.file).stem
        return re.sub(rf"(?<=.)[-_.](?:{words})$", "", stem, flags=re.IGNORECASE)

    @property
    def kin(self) -> tuple[object, ...]:
        """What the files of one model have in common."""
        given = [one.shape and sorted(map(str, one.shape[1:])) for one in self.interface.inputs]
        scores = [one.shape and one.shape[-1:] for one in self.interface.outputs]
        name = self.known or self.stem
        return PurePosixPath(self.file).parent, self.prefix, name, given, scores

    @property
    def names(self) -> Iterator[str]:
        """Names that its model may have, the best first."""
        *folders, last = PurePosixPath(self.file).with_suffix("").parts
        for stem in (self.known or self.stem, last):
            yield self.prefix + _to_name(stem)
            yield self.prefix + _to_name("-".join((*folders, stem)))
        yield from (f"{self.prefix}{_to_name(last)}-{number}" for number in count(2))

    def is_of(self, others: list[_Seen]) -> bool:
        """Whether it is a further file of the model that these are of."""
        own = self.precision, self.format
        return all(self.kin == one.kin and own != (one.precision, one.format) for one in others)


def _find_files(folder: Path) -> tuple[list[str], list[str]]:
    """Paths below a folder of what is called like a model; and the folders that can't be read."""
    files: list[str] = []
    refused: list[str] = []

    def refuse(error: OSError) -> None:
        place = Path(error.filename)
        problem = f"can't be read: {explain_denial(error, place, os.R_OK)}"
        if place == folder:
            raise RequestError(problem, file=folder) from error
        refused.append(f"{place.relative_to(folder)}: {problem}")

    for place, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        paths = [Path(place, name) for name in names if not name.startswith(".")]
        files += [p.relative_to(folder).as_posix() for p in paths if format_of(p.name)]
    return sorted(files, key=lambda file: (file.count("/"), file)), refused


def _look(folder: Path, file: str, tell: Tell, recognise: Recognise) -> _Seen:
    """Looks into a file.

    Raises:
        RequestError: it can't be described; with the problem and the remedy.
    """
    if not file.isprintable():
        raise RequestError("its name holds a character that can't be shown", remedy="rename it")
    model_format, path = check_file(folder, file), folder / file
    try:
        if path.stat().st_size > MAX_MODEL_BYTES:
            problem = f"larger than {MAX_MODEL_BYTES >> 30} GiB"
            raise RequestError(problem, remedy="store its weights in a file beside it")
        found, precision = read_interface(path, model_format), read_precision(path, model_format)
    except OSError as error:
        raise RequestError(f"can't be read: {error.strerror or error}") from error
    if found is None:
        raise RequestError("its inputs can't be read: it is damaged", remedy="get it again")
    one = _Seen(file, model_format, precision, found)
    own = replace(one, prefix=_OWN)
    tell(next(own.names), file, found)
    known = recognise(PurePosixPath(file).stem) or recognise(one.stem) or ""
    for each in (replace(one, known=known), one):
        with suppress(RequestError):
            tell(next(each.names), file, found)
            return each
    return own


def _choose_names(seen: Iterable[_Seen]) -> Iterator[str]:
    """Names the model of each file; further files of one model have the same."""
    models: dict[str, list[_Seen]] = {}
    for one in seen:
        name = next(name for name in one.names if one.is_of(models.get(name, [])))
        models.setdefault(name, []).append(one)
        yield name


def _to_name(text: str) -> str:
    """A text as a model may be called."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("._-")[:MAX_NAME] or "model"


def _line(file: str, error: RequestError) -> str:
    problem = f"{error.field}: {error.problem}" if error.field else error.problem
    if len(problem) > MAX_PROBLEM:
        problem = f"{problem[:MAX_PROBLEM]}..."
    return f"{file}: left out: {problem}" + (f"; {error.remedy}" if error.remedy else "")
