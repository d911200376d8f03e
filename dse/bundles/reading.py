"""Reads a bundle, which may be anybody's: all of it is checked."""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NoReturn, cast

from dse.bundles._forms import FORMS, EndForm, HeaderForm, SummaryForm, TrialForm
from dse.bundles._lines import ended_trial
from dse.bundles.bundle import Bundle, RunSummary
from dse.config import yaml_reader
from dse.core.access import explain_denial
from dse.core.errors import RequestError
from dse.core.measurement import FIDELITY_ORDER
from dse.core.metrics import METRICS
from dse.space.reading import space_from_dict
from dse.study.metadata import StudyMetadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pydantic import BaseModel

    from dse.space.space import SearchSpace
    from dse.study.merged import EndedTrial

MAGIC = b"\x1f\x8b"
MAX_FILE_BYTES = 256 << 20
MAX_BYTES = 1 << 30
"""Of all lines. A trial takes about 3 KB."""
MAX_LINE_BYTES = 8 << 20
MAX_LINES = 2_000_000
MIN_TIMED = 1e-9
"""The least value of a latency or a rate, whatever its unit: their logarithms are drawn."""
AGAIN = "get it again, or write it again with `dse bundle`"


def is_bundle(path: Path) -> bool:
    """Whether a file seems to be a bundle; False where it can't be read."""
    try:
        with path.open("rb") as stream:
            return stream.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read_bundle(path: Path) -> Bundle:
    """Reads and checks a bundle.

    Raises:
        RequestError: it can't be read, is another kind of file, was cut or changed, or holds
            something that no study holds; names file, line and field.
    """
    lines = _forms(path)
    _, header = next(lines, (0, None))
    if not isinstance(header, HeaderForm):
        raise RequestError("is not a bundle", file=path, line=1, remedy=AGAIN)
    space = _space(header, path)
    about = _about(header, space)
    choices = cast("dict[str, tuple[Any, ...]]", header.choices)
    trials: dict[str, EndedTrial] = {}
    summaries = []
    for number, form in lines:
        if isinstance(form, TrialForm):
            with _at(path, number):
                _check_trial(form, space)
                trial = ended_trial(form, choices)
                _check_parameters(trial, choices)
                if trials.setdefault(trial.identity, trial) is not trial:
                    raise RequestError(f"has the trial {trial.identity} a second time")
        elif isinstance(form, SummaryForm):
            summaries.append(RunSummary(form.run, form.path, form.text))
        else:
            raise RequestError("a second header", file=path, line=number, remedy=AGAIN)
    return Bundle(
        file=path,
        study=header.study,
        about=about,
        space=space,
        signature=header.signature,
        choices=choices,
        trials=list(trials.values()),
        summaries=summaries,
    )


def _forms(path: Path) -> Iterator[tuple[int, BaseModel]]:
    """The lines but the last one, each with its number; raises where that is wrong."""
    digest, count = hashlib.sha256(), 0
    for number, line in _lines(path):
        with _at(path, number):
            form = _form(line)
        if isinstance(form, EndForm):
            if (form.lines, form.sha256) != (count, digest.hexdigest()):
                raise RequestError("was changed or damaged", file=path, remedy=AGAIN)
            count = -1
            continue
        if count < 0:
            raise RequestError("goes on after its end", file=path, line=number, remedy=AGAIN)
        digest.update(line)
        count += 1
        yield number, form
    if count >= 0:
        raise RequestError("is incomplete", file=path, remedy=AGAIN)


def _form(line: bytes) -> BaseModel:
    try:
        data = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"is not JSON: {error}") from error
    kind = data.get("kind") if isinstance(data, dict) else None
    if not isinstance(kind, str) or kind not in FORMS:
        raise RequestError("is not a line of a bundle", field="kind")
    if kind == "header" and data.get("version") not in (None, 1):
        raise RequestError("was written by a later version", remedy="install that version")
    return yaml_reader.check(data, FORMS[kind])


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number of JSON")


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of the file, of limited length and number."""
    with _reading_errors(path):
        if path.stat().st_size > MAX_FILE_BYTES:
            raise RequestError(f"is larger than {MAX_FILE_BYTES >> 20} MiB", file=path)
        left = MAX_BYTES
        with gzip.open(path) as stream:
            for number in range(1, MAX_LINES + 1):
                line = stream.readline(MAX_LINE_BYTES + 1)
                left -= len(line)
                if len(line) > MAX_LINE_BYTES or left < 0:
                    problem = "holds more than a bundle may"
                    raise RequestError(problem, file=path, line=number, remedy=AGAIN)
                if not line:
                    return
                yield number, line
    problem = f"has more than {MAX_LINES:,} lines"
    raise RequestError(problem, file=path, remedy="bundle a smaller study")


@contextmanager
def _reading_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except (gzip.BadGzipFile, zlib.error) as error:
        raise RequestError("is not a bundle, or damaged", file=path, remedy=AGAIN) from error
    except EOFError as error:
        raise RequestError("is incomplete", file=path, remedy=AGAIN) from error
    except OSError as error:
        denial = explain_denial(error, path)
        raise RequestError(f"can't be read: {denial}", file=path) from error


@contextmanager
def _at(path: Path, line: int) -> Iterator[None]:
    """Says of an error of the block in which line it is."""
    try:
        yield
    except RequestError as error:
        remedy = error.remedy or AGAIN
        field = error.field
        raise RequestError(
            error.problem, file=path, line=line, field=field, remedy=remedy
        ) from error


def _space(header: HeaderForm, path: Path) -> SearchSpace:
    with _at(path, 1):
        return space_from_dict(header.about.space)


def _about(header: HeaderForm, space: SearchSpace) -> StudyMetadata:
    """The description, whose space is as this version writes it."""
    data = header.about.model_dump(mode="json")
    if data["tie_percent"] is None:
        del data["tie_percent"]
    return StudyMetadata.from_dict({**data, "space": space.as_dict()})


def _check_trial(form: TrialForm, space: SearchSpace) -> None:
    """Checks what the fields of a trial say together.

    Raises:
        RequestError: they contradict each other or the space; names the field.
    """
    if form.values is not None:
        if form.configuration is None or not form.counts:
            raise RequestError("has values of no configuration", field="values")
        if len(form.values) != len(space.objectives):
            expected = len(space.objectives)
            raise RequestError(f"{len(form.values)} values, not {expected}", field="values")
        # A trial of a round keeps the values of its configuration: its own are brief.
        told = {m.metric: m.value for m in _told(form) if m.fidelity in FIDELITY_ORDER}
        for objective, value in zip(space.objectives, form.values, strict=True):
            if told.get(objective, value) != value:
                problem = f"{value:g} of {objective}, but {told[objective]:g} in the outcome"
                raise RequestError(problem, field="values")
        if form.outcome is None:
            raise RequestError("has values without an outcome", field="outcome")
    if form.round is not None and form.round.position >= form.round.size:
        raise RequestError("lies outside of its round", field="round.position")
    for measurement in (*form.own, *_told(form)):
        if METRICS[measurement.metric].timed and measurement.value < MIN_TIMED:
            raise RequestError(f"{measurement.value:g} of {measurement.metric}", field="value")


def _check_parameters(trial: EndedTrial, choices: Mapping[str, tuple[Any, ...]]) -> None:
    """Checks that a trial has values that its space's parameters can have.

    Raises:
        RequestError: it has others; names the field.
    """
    for name, value in trial.parameters.items():
        if value not in choices.get(name, ()):
            problem = f"{value!r} is none of the choices in the header"
            raise RequestError(problem, field=f"configuration.{name}")


def _told(form: TrialForm) -> tuple[Any, ...]:
    return form.outcome.measurements if form.outcome else ()
