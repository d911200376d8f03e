"""Studies and imports side by side: what ``dse compare`` says, as tables."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import urlencode

from dse.compare.choice import next_command, sort_by
from dse.compare.comparison import compare
from dse.compare.conclusion import conclude, level_words, model, value_words
from dse.compare.criteria import parse_accuracies
from dse.compare.notes import comparison_notes, marks, origin_words
from dse.compare.picture import draw_frontiers
from dse.compare.summary import as_csv
from dse.compare.systems import gather_systems
from dse.core.errors import RequestError
from dse.core.wording import format_command
from dse.serve.asked import Asked
from dse.serve.looking._study_page import place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.datastructures import QueryParams

    from dse.compare.comparison import Comparison, SystemOrder
    from dse.compare.criteria import Criterion
    from dse.compare.systems import ComparedSystem
    from dse.serve.looking.library import Library

MAX_SOURCES = 100
"""How many studies and imports are compared at most."""
FIELDS = {"--by": "by", "--accuracy": "accuracy", "--task": "task", "--source": "source"}
"""The field of the form of each option; further ones are those of `Asked`."""
_DRAWING = Lock()
"""Matplotlib's settings are those of the process."""


@dataclass(frozen=True, slots=True)
class CompareForm:
    """What a reader chose to compare, as the address of the page says it.

    Attributes:
        sources: names of studies and imports.
        by: name of the criterion to sort by; empty for the first.
        accuracy: the accuracies to compare at; empty for the usual ones.
        task: name of the only task that counts; empty for all.
        accelerators: whether systems with an accelerator count.
        asked: metrics, conditions and objectives.
    """

    sources: tuple[str, ...] = ()
    by: str = ""
    accuracy: str = ""
    task: str = ""
    accelerators: bool = False
    asked: Asked = field(default_factory=Asked)

    @classmethod
    def of(cls, query: QueryParams) -> Self:
        """Reads an address."""
        by, accuracy, task = (query.get(name, "").strip() for name in ("by", "accuracy", "task"))
        sources = tuple(dict.fromkeys(filter(None, query.getlist("source"))))
        return cls(sources, by, accuracy, task, "accelerators" in query, Asked.of(query.getlist))

    @property
    def query(self) -> str:
        """The end of the address that says the same."""
        plain = [("by", self.by), ("accuracy", self.accuracy), ("task", self.task)]
        plain += [("accelerators", "on" if self.accelerators else "")]
        pairs = [*(("source", name) for name in self.sources), *filter(lambda p: p[1], plain)]
        own = self.asked.query.removeprefix("?")
        return "?" + "&".join(filter(None, [urlencode(pairs), own]))

    @property
    def command(self) -> str:
        """The command that says the same."""
        plain = {"--by": self.by, "--accuracy": self.accuracy, "--task": self.task}
        given = [word for option, text in plain.items() if text for word in (option, text)]
        given += ["--accelerators"] if self.accelerators else []
        return format_command(["compare", *self.sources, *given, *self.asked.options])


def compared(form: CompareForm, library: Library) -> tuple[Comparison, SystemOrder | None]:
    """Compares what was chosen.

    Args:
        form: what that is.
        library: has the studies and imports.

    Raises:
        NotFoundError: a name is that of none.
        RequestError: something is wrong with what was chosen; names the option.
        DseError: one of them can't be read.
    """
    if len(form.sources) > MAX_SOURCES:
        problem = f"more than {MAX_SOURCES} are too many to compare"
        raise RequestError(problem, field="--source", remedy="choose fewer")
    derivation = form.asked.derivation()
    tables = [table for name in form.sources for table in library.results(name)]
    if form.task:
        tables = [table for table in tables if table.task == form.task]
        if not tables:
            problem = f"none of them has results of the task '{form.task}'"
            raise RequestError(problem, field="--task", remedy="choose another one")
    try:
        accuracies = parse_accuracies(form.accuracy) if form.accuracy else ()
    except ValueError as error:
        raise RequestError(str(error), field="--accuracy") from error
    gathered = gather_systems(tables, derivation)
    made = compare(gathered, accuracies, accelerators=form.accelerators)
    return made, sort_by(made, form.by or None)


def shown(comparison: Comparison, order: SystemOrder | None) -> dict[str, Any]:
    """What the page shows of a comparison."""
    return {
        "conclusion": conclude(comparison, order),
        "tables": list(_rank_tables(comparison, order)),
        "systems": [_system(comparison, each) for each in comparison.systems],
        "agreements": [
            {
                "name": _named(each.system),
                "variants": str(len(each.differences)),
                "samples": ", ".join(f"{count:,}" for count in each.samples),
                "mean": f"{each.mean:+.2f}",
                "mean_absolute": f"{each.mean_absolute:.2f}",
                "largest": f"{each.differences[0].points:+.2f}",
            }
            for each in comparison.agreements
        ],
        "noun": comparison.gathered.task.noun,
        "notes": comparison_notes(comparison),
        "next": next_command(comparison, order),
        "criteria": [(each.name, each.words) for each in comparison.criteria],
    }


def compared_csv(comparison: Comparison) -> bytes:
    """The frontiers as a table."""
    return as_csv(comparison).encode(errors="replace")


def compared_picture(comparison: Comparison) -> bytes:
    """The frontiers as a picture (PNG).

    Raises:
        UnavailableError: matplotlib is not installed.
        RequestError: there is nothing to draw.
    """
    with _DRAWING, TemporaryDirectory(prefix="dse-picture-") as folder:
        file = Path(folder) / "compared.png"
        try:
            draw_frontiers(comparison.ranked, file)
        except RequestError as error:  # of a file that nobody has asked for
            raise RequestError(error.problem, remedy=error.remedy) from error
        return file.read_bytes()


def _rank_tables(comparison: Comparison, order: SystemOrder | None) -> Iterator[dict[str, Any]]:
    """A table for each criterion, the one to sort by first."""
    for criterion in (order.criterion, *comparison.others(order.criterion)) if order else ():
        found = comparison.sort(criterion, comparison.accuracies)
        if found is not None:
            yield _rank_table(comparison, found)


def _rank_table(comparison: Comparison, order: SystemOrder) -> dict[str, Any]:
    criterion = order.criterion
    unit = f" [{criterion.unit}]" if criterion.unit else ""
    cells: dict[int, list[dict[str, Any]]] = {system.number: [] for system in order.systems}
    for accuracy in order.accuracies:
        row = _cells(comparison, criterion, accuracy)
        for number, own in cells.items():
            own.append(row.get(number, {"text": "", "model": "", "best": False}))
    return {
        "title": f"{criterion.words}{unit}",
        "sorted": f"best first at {level_words(comparison, order.accuracy)}",
        "accuracies": [f"≥ {accuracy:g} %" for accuracy in order.accuracies],
        "rows": [
            {**_named(each), "cpu": each.results.cpu or "unknown", "cells": cells[each.number]}
            for each in order.systems
        ],
    }


def _cells(
    comparison: Comparison, criterion: Criterion, accuracy: float
) -> dict[int, dict[str, Any]]:
    """The values at an accuracy, by the numbers of the systems."""
    standings = comparison.ranking(criterion, accuracy).standings
    return {
        each.system.number: {
            "text": f"{value_words(each, criterion)} {marks(each, criterion)}".rstrip(),
            "model": model(each.entry),
            "best": place == 0,
        }
        for place, each in enumerate(standings)
    }


def _named(system: ComparedSystem) -> dict[str, Any]:
    """A system's number and name, and the address of its page where it is a study."""
    address = place_of(system.results.name) if system.measured else ""
    return {"number": system.number, "name": system.name, "address": address}


def _system(comparison: Comparison, system: ComparedSystem) -> dict[str, Any]:
    results, hardware = system.results, system.hardware
    beside = f"; {hardware.evidence}" if hardware.kind == "accelerator" else ""
    return {
        **_named(system),
        "cpu": f"{results.cpu or 'unknown'}{beside}",
        "cores": "" if results.cores is None else str(results.cores),
        "ghz": "" if results.ghz is None else f"{results.ghz:g}",
        "software": results.software,
        "points": f"{len(system.entries):,}",
        "origin": origin_words(system, comparison.gathered.task.noun),
    }
