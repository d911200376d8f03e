"""The live display. It is redrawn between runs only: nothing competes with a measurement."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from dse.commands.console import print_lines
from dse.core.metrics import METRICS
from dse.core.reasons import describe_failure, generalise
from dse.core.remedies import find_remedy
from dse.core.wording import format_count, format_duration
from dse.report.settling import describe_round
from dse.report.summary import counts
from dse.report.text import frontier_table, marks, number
from dse.study.record import Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Self

    from rich.console import RenderableType

    from dse.exploration.explorer import Budget
    from dse.exploration.planner import Step
    from dse.study.record import Record
    from dse.study.settling import Settling
    from dse.study.study import Study

ROWS = 12
DOING = {
    Purpose.EXPLORE: "measuring",
    Purpose.REPEAT: "measuring again",
    Purpose.ROUND: "comparing",
    Purpose.ANCHOR: "measuring the anchor,",
    Purpose.VALIDATE: "validating",
}


class Display:
    """Shows trials, time left, failures and the frontier; without a terminal a line per trial.

    Args:
        console: on stderr, so that stdout holds results only.
        study: the study being explored.
        budget: bounds the time that is left.
    """

    def __init__(self, console: Console, study: Study, budget: Budget) -> None:
        self._console = console
        self._study = study
        self._budget = budget
        self._now: str = ""
        self._found: float | None = None
        self._settling: Settling | None = None
        self._told: set[str] = set()
        self._begun = time.monotonic()
        self._trials = 0
        self._live = Live(console=console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def say(self, text: str) -> None:
        """A line above the display."""
        print_lines([text], self._console)

    def prepared(self, done: int, total: int, what: str) -> None:
        """Progress of preparing the samples of the data set."""
        if self._console.is_terminal:
            self._now = f"preparing {what}: {done} of {total}"
            if done % 25 == 0 or done == total:
                self._redraw()
        elif done == total:
            self.say(f"prepared {total} {what}")

    def began(self, step: Step) -> None:
        """See `dse.exploration.explorer.ExploreObserver`."""
        self._now = f"{DOING[step.purpose]} {step.configuration}"
        self._redraw()

    def waits(self, why: str) -> None:
        """Shows why it waits; without a terminal each reason is told once."""
        if not self._console.is_terminal:
            self._say_once(why)
        self._now = why
        self._redraw()

    def estimated(self, found: float) -> None:
        """See `dse.exploration.explorer.ExploreObserver`."""
        self._found = found

    def ended(self, step: Step, record: Record, seconds: float) -> None:
        """See `dse.exploration.explorer.ExploreObserver`."""
        self._trials += step.purpose is Purpose.EXPLORE
        if not self._console.is_terminal and not _passes_in_silence(step, record):
            what = "" if step.purpose is Purpose.EXPLORE else f"{step.purpose.value}: "
            line = _line(record, self._study.about.metrics)
            share = "" if self._found is None else f", about {_percent(self._found)} found:"
            self.say(f"{self._progress()}{share} {what}{line} ({seconds:.1f} s)")
        self._explain(record)
        self._doubt(record)
        self._now = ""
        self._redraw()

    def settling(self, state: Settling) -> None:
        """See `dse.exploration.explorer.ExploreObserver`."""
        self._settling = state
        if not self._console.is_terminal:
            self.say(describe_round(state))
        self._redraw()

    def _explain(self, record: Record) -> None:
        """Tells each reason of failures once, where it has no line yet, and what helps."""
        failure = record.outcome.failure
        if failure is None:
            return
        if self._console.is_terminal:
            reason = f"{failure.kind}: {generalise(failure.message)}"
            self._say_once(_line(record, ()), reason)
        if remedy := find_remedy(failure):
            self._say_once(f"remedy: {remedy}")

    def _doubt(self, record: Record) -> None:
        """Tells what speaks against an accuracy, once of each model file on each backend."""
        own = record.configuration
        for note in self._study.results.notes(record.outcome):
            self._say_once(f"note: {own.model} {own.precision}, {own.backend}: {note}")

    def _say_once(self, line: str, what: str = "") -> None:
        if (what or line) not in self._told:
            self.say(line)
        self._told.add(what or line)

    def _redraw(self) -> None:
        if self._console.is_terminal:
            self._live.update(self._render(), refresh=True)

    def _render(self) -> RenderableType:
        numbers = counts(self._study)
        done = len(self._study.records)
        bar = Table.grid(padding=(0, 1))
        bar.add_row(
            ProgressBar(total=done + self._left, completed=done, width=30),
            self._progress(),
            self._time_left(),
            Text(_failures(numbers["failures"]), style="red"),
        )
        points = self._study.frontier()
        parts: list[RenderableType] = [bar, Text(self._now, style="dim", no_wrap=True)]
        if self._settling is not None:
            parts.insert(1, Text(describe_round(self._settling)))
        if points:
            share = "" if self._found is None else f", about {_percent(self._found)} of it found"
            parts.append(
                Text(f"frontier: {format_count(len(points), 'point')}{share}", style="bold")
            )
            mark = marks(self._study.results.frontier)
            table = frontier_table(
                points, self._study.space.objectives, mark, intervals=False, most=ROWS
            )
            parts.append(table)
        return Group(*parts)

    @property
    def _left(self) -> int:
        """How many configurations are still to be measured, at most."""
        left = max(0, self._study.about.planned - len(self._study.records))
        trials = self._budget.trials
        return left if trials is None else min(left, trials - self._trials)

    def _progress(self) -> str:
        done = len(self._study.records)
        return f"{done}/{done + self._left}"

    def _time_left(self) -> str:
        if self._settling is not None:
            return ""
        if not self._trials:
            return "time left: unknown"
        spent = time.monotonic() - self._begun
        seconds = spent / self._trials * self._left
        if self._budget.seconds is not None:
            seconds = min(seconds, max(0.0, self._budget.seconds - spent))
        return f"time left: {format_duration(seconds)}"


def _passes_in_silence(step: Step, record: Record) -> bool:
    """Whether a step has no line of its own: a round has one for all its members."""
    return step.purpose is Purpose.ROUND and record.outcome.failure is None


def _percent(share: float) -> str:
    """Rounded down."""
    return f"{math.floor(1000 * share) / 10:.1f} %"


def _line(record: Record, metrics: Sequence[str]) -> str:
    outcome = record.outcome
    if outcome.failure is not None:
        return f"{record.configuration}: FAILED ({describe_failure(outcome.failure)})"
    values = (
        f"{number(m.metric, m.value)} {METRICS[m.metric].unit}"
        + (" (published)" if m.source.value == "published" else "")
        for m in outcome.measurements
        if m.metric in metrics
    )
    return f"{record.configuration}: {', '.join(values)}"


def _failures(failures: dict[str, int]) -> str:
    return ", ".join(f"{count} {kind}" for kind, count in failures.items())
