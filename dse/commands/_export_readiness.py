"""How far points are from a submission, for the reader."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from dse.core.wording import format_count
from dse.study.database_url import without_password

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dse.submission.evidence import Evidence
    from dse.submission.rules import Breach

MISSING = frozenset({"performance-run", "accuracy-run", "fidelity"})
"""Rules that a further run satisfies; what was valid is not run again."""


@dataclass(frozen=True, slots=True)
class Readiness:
    """A result and everything that keeps it from being valid."""

    result: Evidence
    breaches: tuple[Breach, ...]

    @property
    def complete(self) -> bool:
        """Whether it can be submitted."""
        return not self.breaches

    @property
    def supplied(self) -> bool:
        """Whether ``dse validate`` supplies what is missing, and nothing else is wrong."""
        lacking = [breach for breach in self.breaches if breach.rule in MISSING]
        return bool(lacking) and all(b.short for b in self.breaches if b not in lacking)

    def exportable(self, *, preview: bool) -> bool:
        """Whether it can be exported."""
        return not self._hindering(preview=preview)

    def _hindering(self, *, preview: bool) -> list[Breach]:
        return [breach for breach in self.breaches if not (preview and breach.short)]

    def first_line(self, *, preview: bool) -> str:
        """The point, the scenario and the first thing that keeps it from being exported."""
        result, breach = self.result, self._hindering(preview=preview)[0]
        return f"#{result.record.id} {result.scenario.value}: {breach.rule}: {breach.message}"

    def command(self, study: str, storage: str | None) -> str:
        """What supplies the missing runs; the storage's URL is shown without its password."""
        kept = f"--storage {shlex.quote(without_password(storage))} " if storage else ""
        return (
            f"dse validate {shlex.quote(study)} {kept}--point {self.result.record.id} "
            f"--scenario {self.result.ran.value}"
        )


def readiness_table(judged: Sequence[Readiness]) -> Table:
    """A line for each point and scenario."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("id", justify="right")
    for heading in ("configuration", "scenario"):
        table.add_column(heading, no_wrap=True)
    table.add_column("missing or wrong", overflow="fold")
    for each in judged:
        result = each.result
        inferred = f" from {result.ran.value}" if result.inferred else ""
        table.add_row(
            str(result.record.id),
            Text(str(result.record.configuration)),
            result.scenario.value + inferred,
            Text("\n".join(f"{b.rule}: {b.message}" for b in each.breaches) or "nothing"),
        )
    return table


def readiness_lines(judged: Sequence[Readiness], study: str, storage: str | None) -> Iterator[str]:
    """The commands that supply what is missing, each once, and how much is ready."""
    supplied = [each for each in judged if each.supplied]
    commands = dict.fromkeys(f"  {each.command(study, storage)}" for each in supplied)
    if commands:
        yield "these supply what is missing, with the --models and --dataset of the exploration:"
    yield from commands
    ready = sum(each.complete for each in judged)
    yield f"{ready} of {format_count(len(judged), 'result')} ready"
