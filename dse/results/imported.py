"""Results of others as they are kept beside the studies: one file in a folder of its own."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_serializer,
)

from dse.config import yaml_reader
from dse.core.configuration import KnobValue
from dse.core.errors import RequestError
from dse.core.measurement import Source
from dse.core.metrics import METRICS
from dse.core.paths import atomic_write, exclusive, remove_leftovers
from dse.results._tree import evidence
from dse.results.table import MAX_NAME, MAX_TEXT, OFFLINE_POWER, ResultTable, Row
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dse.study.folder import StudyFolder

MAX_BYTES = 256 << 20
CHUNK_BYTES = 1 << 20
AGAIN = "import the results again"


def _known_metric(name: str) -> str:
    if name not in METRICS and name != OFFLINE_POWER:
        raise ValueError(f"'{name}' is not a metric")
    return name


def _known_task(name: str) -> str:
    return registry.task(name).name  # from now on its quality is a metric


Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME)]
TaskName = Annotated[str, AfterValidator(_known_task)]
MetricName = Annotated[str, AfterValidator(_known_metric)]
Value = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Bound = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SourceForm(_Form):
    """What was read: a file, or a tree with the digest of all files in it that count."""

    file: Name
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class RowForm(_Form):
    """See `dse.results.table.Row`, whose fields it has."""

    label: Name
    configuration: dict[Name, KnobValue]
    values: dict[MetricName, Value]
    sources: dict[MetricName, Source]
    intervals: dict[MetricName, tuple[Bound, Bound]]
    inferred: frozenset[MetricName]
    valid: frozenset[MetricName]
    samples: Annotated[Count | None, Field(alias="images")]

    @field_serializer("inferred", "valid")
    def _in_order(self, names: frozenset[str]) -> list[str]:
        return sorted(names)


class ImportedSystemForm(_Form):
    """See `dse.results.table.ResultTable`, whose fields it has."""

    name: Name
    task: TaskName = registry.DEFAULT  # earlier imports name none
    origin: Name
    cpu: Text
    cores: Count | None
    ghz: Value | None
    software: Text
    accelerator: Text
    release: Text
    description: dict[Name, Text]
    left_out: tuple[Text, ...]
    rows: tuple[RowForm, ...]


class RecordForm(_Form):
    """The file."""

    form: Literal["imported MLPerf results, 1"] = "imported MLPerf results, 1"
    sources: tuple[SourceForm, ...]
    systems: tuple[ImportedSystemForm, ...]


@dataclass(frozen=True, slots=True)
class Import:
    """What an import holds.

    Attributes:
        sources: name and SHA-256 of what was read.
        results: the systems.
    """

    sources: Sequence[SourceForm]
    results: Sequence[ResultTable]


def keep(read: Import, folder: StudyFolder) -> bool:
    """Keeps an import in a folder, whole or not at all.

    Args:
        read: what to keep.
        folder: like that of a study; it must hold none, and no import of other sources.

    Returns:
        Whether anything was written; the same was there otherwise.

    Raises:
        RequestError: the folder holds something else.
        DseError: it can't be written.
    """
    text = import_text(read)
    if folder.begun:
        problem = "holds a study"
        raise RequestError(problem, file=folder.path, remedy="choose another place with --name")
    with exclusive(folder.lock):
        remove_leftovers(folder.imported)
        if folder.imported.exists():
            if folder.imported.read_bytes() == text:
                return False
            _check_replaceable(folder, read.sources)
        with atomic_write(folder.imported) as file:
            file.write(text)
    return True


def read_import(path: Path) -> Import:
    """Reads what `keep` has written.

    Args:
        path: the file itself.

    Raises:
        RequestError: it is another kind of file, or damaged.
    """
    try:
        record = yaml_reader.check(_json(path), RecordForm)
    except RequestError as error:
        raise RequestError(error.problem, file=path, field=error.field, remedy=AGAIN) from error
    return Import(record.sources, tuple(map(_results, record.systems)))


def source(path: Path) -> SourceForm:
    """What a file or tree is called, and its digest.

    Raises:
        RequestError: it can't be read.
    """
    return SourceForm(file=path.resolve().name or "/", sha256=sha256_of(path))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, or of the names and digests of all files of a tree that count.

    Raises:
        RequestError: it can't be read.
    """
    if path.is_dir():
        lines = (
            f"{each.relative_to(path).as_posix()} {sha256_of(each)}" for each in evidence(path)
        )
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        problem = f"can't be read: {error.strerror}"
        raise RequestError(problem, file=path, remedy="name another file") from error
    return digest.hexdigest()


def name_for(path: Path) -> str:
    """The name of a folder for the results of a file or tree; empty where there is none in it."""
    name = path.resolve().name if path.is_dir() else path.stem
    return re.sub(r"[^A-Za-z0-9._@+-]+", "-", name).lstrip("._@+-")[:100]


def _check_replaceable(folder: StudyFolder, sources: Iterable[SourceForm]) -> None:
    """The same sources may be read in another way by now; others need another place."""
    known = read_import(folder.imported).sources
    if list(known) != list(sources):
        raise RequestError(
            f"holds other results, of {', '.join(each.file for each in known)}",
            file=folder.path,
            remedy="choose another place with --name, or remove that folder",
        )


def import_text(read: Import) -> bytes:
    """What the file of an import holds; the inverse of `read_import`.

    Raises:
        RequestError: a value of it can't be kept; names the field.
    """
    try:
        systems = tuple(map(_system_form, read.results))
    except ValidationError as error:
        told = error.errors(include_url=False)[0]
        field, problem = yaml_reader.field_name(told["loc"]), f"can't be kept: {told['msg']}"
        named = ", ".join(each.file for each in read.sources)
        raise RequestError(problem, file=named, field=field, remedy="correct it there") from error
    record = RecordForm(sources=tuple(read.sources), systems=systems)
    return f"{json.dumps(record.model_dump(mode='json', by_alias=True), indent=1)}\n".encode()


def _system_form(results: ResultTable) -> ImportedSystemForm:
    rows = tuple(RowForm(**_fields(row, RowForm)) for row in results.rows)
    own = _fields(results, ImportedSystemForm)
    return ImportedSystemForm(**own | {"origin": Path(results.origin).name, "rows": rows})


def _results(system: ImportedSystemForm) -> ResultTable:
    return ResultTable(**dict(system) | {"rows": tuple(map(_row, system.rows))})


def _row(row: RowForm) -> Row:
    """A row; what is published has no interval, which earlier versions gave to qualities."""
    own = {m: ends for m, ends in row.intervals.items() if row.sources.get(m) is Source.MEASURED}
    return Row(**dict(row) | {"intervals": own})


def _fields(value: Row | ResultTable, form: type[BaseModel]) -> dict[str, Any]:
    """What a form keeps. Nothing that was measured here is imported, and so no note on it is."""
    return {name: getattr(value, name) for name in form.model_fields}


def _json(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise RequestError(f"is larger than {MAX_BYTES >> 20} MiB")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise RequestError(f"can't be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise RequestError(f"is not JSON: {error}") from error
