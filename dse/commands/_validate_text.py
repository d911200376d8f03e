"""What a validation prints: its schedule beforehand, a line for each run, and the values."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from dse.answer.text import worded
from dse.commands._points import point_cells, point_table
from dse.commands.console import print_lines
from dse.core.details import OfficialDetails
from dse.core.metrics import METRICS
from dse.core.reasons import describe_failure
from dse.core.wording import WIDTH, format_count, format_duration, join_some, wrap_words
from dse.measure.spec import STREAMS
from dse.report.text import number

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import Console

    from dse.core.measurement import Measurement, Outcome
    from dse.core.plausibility import Note
    from dse.measure.spec import Official
    from dse.report.word_table import WordTable
    from dse.study.record import Record
    from dse.submission.rules import Breach
    from dse.validate.schedule import Schedule, ScheduledRun

    Notes = Callable[[Outcome], Sequence[Note]]

MAX_NAMED = 12
"""Points that are named of those that break a rule."""
VERDICTS = {"valid": "VALID", "compliance": "PASSED", "rehearsal": "rehearsed"}
"""What is said of a run by its fidelity."""
MAX_FOUR_DIGITS = 10_000
"""From here on four digits do not tell the whole number."""


def unfit_lines(unfit: Mapping[int, Sequence[Breach]]) -> list[str]:
    """Of which points ``dse export`` refuses whatever is run, and why.

    Args:
        unfit: the rules that they break, by their ids.
    """
    ids: dict[Breach, list[str]] = {}
    for id_, broken in unfit.items():
        for breach in broken:
            ids.setdefault(breach, []).append(f"#{id_}")
    lines = ["`dse export` would refuse valid runs of these points:"]
    for breach, of in ids.items():
        reason = f"  {breach.rule}: {breach.message} ({join_some(of, MAX_NAMED)})"
        lines += wrap_words(reason, WIDTH)
    return lines


def schedule_table(schedule: Schedule) -> WordTable:
    """The runs to take, with what LoadGen is told to expect and the time they take."""
    table = point_table(("scenario mode", False), ("expecting", True), ("time", True))
    for run in schedule.runs:
        official = run.official
        table.add_row(
            *point_cells(run.record),
            f"{official.scenario.value} {official.mode}",
            _expecting(official, official.target),
            format_duration(run.expected_s),
        )
    return table


def schedule_lines(schedule: Schedule) -> list[str]:
    """What the table does not say: the total, what is done already, and what can't be run."""
    lines = [
        line
        for refused in schedule.refused
        for line in wrap_words(
            f"can't be run: #{refused.record.id} {refused.record.configuration}, "
            f"{refused.scenario.value}: {refused.reason}",
            WIDTH,
        )
    ]
    if schedule.valid:
        lines.append(f"valid already: {format_count(schedule.valid, 'run')}")
    total = f", about {format_duration(schedule.expected_s)}" if schedule.runs else ""
    return [*lines, f"to do: {format_count(len(schedule.runs), 'run')}{total}"]


def _expecting(official: Official, target: float) -> str:
    digits = ".4g" if target < MAX_FOUR_DIGITS else ".0f"
    return f"{target:{digits}} {'ms' if official.scenario in STREAMS else 'samples/s'}"


def values_table(taken: Sequence[tuple[Record, Measurement]]) -> WordTable:
    """What the runs gave, and where their logs lie."""
    table = point_table(("scenario", False), ("value", True), ("run", False))
    for record, each in taken:
        table.add_row(*point_cells(record), _ran(each), worded(each.metric, each.value), each.run)
    return table


def _ran(measurement: Measurement) -> str:
    """The scenario of an official run, and the compliance test if it is one."""
    noted = OfficialDetails.of(measurement.details)
    test = "" if noted.mode in ("performance", "accuracy") else f" {noted.mode}"
    return f"{noted.scenario}{test}"


class Progress:
    """Lines of 80 columns for each run: nothing is drawn while one is measured.

    Args:
        console: on stderr.
        schedule: tells how much is left.
        notes: what speaks against the quality of an outcome.
    """

    def __init__(self, console: Console, schedule: Schedule, notes: Notes) -> None:
        self._console = console
        self._notes = notes
        self._left = list(schedule.runs)
        self._total = len(schedule.runs)
        self._deadline: float | None = None

    def say(self, text: str) -> None:
        """Prints a text in lines that fit."""
        print_lines(wrap_words(text, WIDTH), self._console)

    def still(self) -> str:
        """How much longer the run in hand takes, in words."""
        if self._deadline is None:
            return ""
        return f" (about {format_duration(max(0.0, self._deadline - time.monotonic()))} more)"

    def waits(self, why: str) -> None:
        """See `dse.validate.validator.ValidationObserver`."""
        self.say(why)

    def began(self, run: ScheduledRun) -> None:
        """See `dse.validate.validator.ValidationObserver`."""
        self._left = self._left[self._left.index(run) :]
        left_s = sum(each.expected_s for each in self._left)
        self._deadline = time.monotonic() + run.expected_s
        place = self._total - len(self._left) + 1
        official = run.official
        what = f"#{run.record.id} {official.scenario.value} {official.mode}"
        left = f"about {format_duration(left_s)} left"
        self.say(f"run {place} of {self._total}: {what}, {left}")

    def invalid(self, run: ScheduledRun, reason: str, target: float) -> None:
        """See `dse.validate.validator.ValidationObserver`."""
        self._deadline = time.monotonic() + run.expected_s
        self.say(f"  INVALID: {reason}; again, expecting {_expecting(run.official, target)}")

    def ended(self, run: ScheduledRun, outcome: Outcome, seconds: float) -> None:
        """See `dse.validate.validator.ValidationObserver`."""
        self._deadline = None
        del run
        if outcome.failure is not None:
            self.say(f"  FAILED ({describe_failure(outcome.failure)})")
        for each in outcome.measurements:
            value = f"{number(each.metric, each.value)} {METRICS[each.metric].unit}"
            spoilt = f"; disturbed: {each.disturbed}" if _disturbed(each) else ""
            self.say(f"  {VERDICTS[each.fidelity]}: {value} ({format_duration(seconds)}){spoilt}")
        for note in self._notes(outcome):
            self.say(f"  note: {note}")


def _disturbed(measurement: Measurement) -> bool:
    return METRICS[measurement.metric].timed and bool(measurement.disturbed)
