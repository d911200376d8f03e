"""How far points are from a submission, for the reader."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.text import Text

from dse.commands._points import division_words, format_ids, point_cells, point_table
from dse.commands.next_step import command
from dse.core.wording import WIDTH, format_count, join_some, wrap_words
from dse.submission.description import FLAGS
from dse.submission.rules import Breach
from dse.tasks.benchmark import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dse.core.metrics import Scenario
    from dse.report.word_table import WordTable
    from dse.submission.evidence import Evidence

MAX_NAMED = 6
"""Results that are named of those that break a rule alike."""
COMPLIANCE = "compliance-run"
"""The rule that asks for the compliance tests of the closed division."""
MISSING = frozenset({"performance-run", "accuracy-run", COMPLIANCE, "fidelity"})
"""Rules that a further run satisfies; what was valid is not run again."""
ALL_SCENARIOS = "all-scenarios"
"""The rule of the closed division that a result breaks for others' sake."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """A result and everything that keeps it from being valid.

    Attributes:
        result: the point in its scenario.
        breaches: the rules that it breaks.
        preview: whether it is meant for a preview, which may break some of them.
    """

    result: Evidence
    breaches: tuple[Breach, ...]
    preview: bool

    @property
    def supplied(self) -> bool:
        """Whether ``dse validate`` supplies what is missing, and nothing else is wrong."""
        runs = any(breach.rule in MISSING for breach in self.hindering)
        return runs and self.previewable and not any(each.lasting for each in self.hindering)

    @property
    def previewable(self) -> bool:
        """Whether a preview can be made of it, once it has been run."""
        return all(breach.short or breach.rule in MISSING for breach in self.hindering)

    @property
    def exportable(self) -> bool:
        """Whether it can be exported."""
        return not self.hindering

    @property
    def hindering(self) -> list[Breach]:
        """What keeps it from being exported."""
        return [breach for breach in self.breaches if not self.expected(breach)]

    @property
    def remedy(self) -> str:
        """What helps where no further run does; empty where nothing is known to."""
        return next(filter(None, (breach.remedy for breach in self.hindering)), "")

    def expected(self, breach: Breach) -> bool:
        """Whether it may break a rule all the same."""
        return self.preview and breach.short

    @property
    def first_line(self) -> str:
        """The point, the scenario and the first thing that keeps it from being exported."""
        result, breach = self.result, self.hindering[0]
        return f"#{result.record.id} {result.scenario.value}: {breach.rule}: {breach.message}"


def together(judged: Sequence[Readiness]) -> list[Readiness]:
    """Results of the closed division, which are exported with all scenarios of a point or not."""
    broken = {each.result.record.id: each for each in judged if not each.exportable}
    return [_beside(each, broken.get(each.result.record.id)) for each in judged]


def _beside(own: Readiness, broken: Readiness | None) -> Readiness:
    if broken is None or not own.exportable:
        return own
    message = f"{broken.result.scenario.value} of the same point is not complete"
    return replace(own, breaches=(*own.breaches, Breach(ALL_SCENARIOS, message)))


def readiness_table(judged: Sequence[Readiness]) -> WordTable:
    """A line for each point and scenario, with the rules that it breaks; see `breach_lines`."""
    table = point_table(("scenario", False), ("missing or wrong", False))
    for each in judged:
        result = each.result
        told = [", ".join(dict.fromkeys(b.rule for b in each.hindering))]
        expected = dict.fromkeys(b.rule for b in each.breaches if each.expected(b))
        told += [f"expected here: {', '.join(expected)}"] if expected else []
        table.add_row(
            *point_cells(result.record),
            result.scenario.value + (f" from {result.ran.value}" if result.inferred else ""),
            Text("\n".join(filter(None, told)) or "nothing"),
        )
    return table


def breach_lines(judged: Sequence[Readiness]) -> list[str]:
    """What is missing or wrong, once for all results that it concerns."""
    results: dict[Breach, list[str]] = {}
    for each in judged:
        name = f"#{each.result.record.id} {each.result.scenario.value}"
        for breach in dict.fromkeys(each.hindering):
            results.setdefault(breach, []).append(name)
    every = f"all {len(judged)} results"
    rules = list(dict.fromkeys(breach.rule for breach in results))
    lines = []
    for breach, of in sorted(results.items(), key=lambda item: rules.index(item[0].rule)):
        which = every if 1 < len(of) == len(judged) else join_some(of, MAX_NAMED)
        lines += wrap_words(f"{breach.rule}: {breach.message} ({which})", WIDTH)
    return lines


def supplying(
    judged: Sequence[Readiness], study: str, storage: str | None, division: str = OPEN
) -> list[str]:
    """The commands that supply what is missing: one for all points that lack the same scenarios.

    Args:
        judged: the results.
        study: as it was given.
        storage: the URL that was given, if one was.
        division: of the submission.
    """
    lacking: dict[int, dict[Scenario, None]] = {}
    for each in judged:
        if each.supplied:
            lacking.setdefault(each.result.record.id, {})[each.result.ran] = None
    groups: dict[tuple[Scenario, ...], list[int]] = {}
    for id_, scenarios in lacking.items():
        groups.setdefault(tuple(scenarios), []).append(id_)
    rehearsal = ["--rehearsal"] if any(each.preview for each in judged) else []
    return [
        command(
            "validate",
            study,
            storage,
            *("--points", format_ids(ids)),
            *division_words(division),
            *(word for each in group for word in ("--scenario", each.value)),
            *rehearsal,
        )
        for group, ids in groups.items()
    ]


def lasting_remedies(judged: Sequence[Readiness]) -> list[str]:
    """What helps results that no further run makes valid, each thing once."""
    remedies = (breach.remedy for each in judged for breach in each.breaches)
    return list(dict.fromkeys(filter(None, remedies)))


def remedy_lines(judged: Sequence[Readiness], division: str) -> list[str]:
    """What helps, in lines; compliance runs that such results lack as well come after all else."""
    remedies = lasting_remedies(judged)
    stuck = (each for each in judged if any(breach.lasting for breach in each.hindering))
    if any(breach.rule == COMPLIANCE for each in stuck for breach in each.hindering):
        validate = " ".join(["dse validate STUDY", *division_words(division)])
        remedies.append(f"then `{validate}` makes the compliance runs as well")
    return [f"remedy: {each}" for each in remedies]


def count_results(results: Sequence[Evidence]) -> str:
    """How many results of how many points."""
    points = len({result.record.id for result in results})
    return f"{format_count(len(results), 'result')} of {format_count(points, 'point')}"


def field_lines(missing: Sequence[str], file: Path | None) -> Iterator[str]:
    """The fields of the system description that are missing, and where to put them."""
    if not missing:
        return
    where = str(file) if file else "a system.yaml (--system)"
    yield f"fields of the system missing in {where}:"
    for name in missing:
        yield f"  {name}" + (f" (or {FLAGS[name]})" if name in FLAGS else "")


def summary_line(
    chosen: Sequence[Evidence], judged: Sequence[Readiness], missing: Sequence[str]
) -> str:
    """What would be exported, and what is lacking."""
    hindered = sum(not each.exportable for each in judged)
    lacking = [
        *([format_count(hindered, "result")] if hindered else []),
        *([format_count(len(missing), "field") + " of the system"] if missing else []),
    ]
    ready = count_results(chosen) if chosen else "nothing"
    return f"to export: {ready}; lacking: {', '.join(lacking) or 'nothing'}"
