"""An answer in words: at most seven lines of 80 columns, the conclusion first."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from dse.core.configuration import CPU
from dse.core.measurement import Source
from dse.core.metrics import METRICS
from dse.core.paths import shorten_home
from dse.core.wording import WIDTH, format_count
from dse.report.quantities import provenance
from dse.report.standing import UNDECIDED
from dse.report.text import number, phrase, reach, short_settings, words_and_unit
from dse.study.decisions import Order
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from dse.answer.choice import Answer, KeptLimit, Miss, RunnerUp
    from dse.answer.deployment import Deployment
    from dse.answer.limits import Limit
    from dse.core.configuration import Configuration
    from dse.report.view import View
    from dse.study.record import Record

HASH_DIGITS = 12
"""Shown of a checksum; JSON has all of it."""
SURE, UNSURE = 0.995, 0.005
"""Chances nearer to 1 and 0 are told as bounds."""
LEAST_SHARE = 0.001
MAX_APART = 0.05
"""Where values tell another ratio than rounds, by more than this in its logarithm, that is said."""
MAX_TOLD = 2
"""More limits than this are told one by one in JSON only."""


def answer_lines(view: View, answer: Answer, deployed: Deployment) -> list[str]:
    """The answer, in seven lines at most.

    Args:
        view: the points that count.
        answer: the one that was chosen.
        deployed: what to deploy of it.
    """
    record = answer.record
    metrics = [answer.goal.name, *(kept.limit.metric for kept in answer.limits)]
    shown = dict.fromkeys([*metrics, *(each.name for each in view.objectives)])
    lines = [
        configuration_line(record, deployed.version),
        _joined(_value(view, record, name) for name in shown),
        f"  {_best(view, answer)}",
        *([f"  {_standing(answer, answer.runner_up)}"] if answer.runner_up else []),
        *(f"  {line}" for line in _values_apart(view, answer)),
        *_model_lines(deployed),
    ]
    return list(map(fitted, lines))


def code_lines(deployed: Deployment, file: Path | None) -> list[str]:
    """The code after an empty line, or the file that it was written to."""
    if file is not None:
        return [f"  code: {file}"]
    return ["", *deployed.code] if deployed.code else []


def miss_lines(view: View, miss: Miss, lacking: Mapping[str, int]) -> list[str]:
    """That nothing fits, and what comes closest.

    Args:
        view: the points that count.
        miss: the closest point.
        lacking: the number of points without a value, by metric.
    """
    if all(record.outcome.failure for record in view.study.records.values()):
        return ["nothing is measured yet"]
    if not view.records:
        return ["no measured point keeps to the constraints and conditions"]
    if miss.record is None:
        total = len(view.records)
        counts = (
            f"{phrase(name)} is unknown for {'all' if count == total else count} of {total} points"
            for name, count in lacking.items()
        )
        return [fitted(f"nothing to choose from: {'; '.join(counts)}")]
    wanted = " and ".join(map(_limit, miss.limits))
    lines = [f"no point meets {wanted}", f"closest: {configuration_line(miss.record)}"]
    if not miss.missed:
        lines.append("  it does by its values, but not with the chance that was asked for")
    gaps = (_gap(view, miss.record, each) for each in miss.missed)
    return list(map(fitted, [*lines, *(f"  {gap}" for gap in gaps)]))


def configuration_line(record: Record, version: str = "") -> str:
    """A configuration with its id; in short where it would be too wide."""
    own = record.configuration
    begun = f"#{record.id} {own.model} {own.precision}, {f'{own.backend} {version}'.strip()}"
    line = f"{begun}, {', '.join(_settings(own))}"
    return line if len(line) <= WIDTH else f"{begun} {short_settings(own)}"


def _settings(own: Configuration) -> Iterator[str]:
    copies = f"{own.instances} x " if own.instances > 1 else ""
    yield f"{copies}{format_count(own.threads, 'thread')}"
    yield f"batch {own.batch_size}"
    if own.pinned:
        yield "pinned"
    if own.device != CPU:
        yield f"on {own.device}"
    yield from (f"{name}={value}" for name, value in own.knobs)


def fitted(line: str) -> str:
    """A line of 80 columns at most: the middle of its longest word is left out, then its end."""
    if len(line) <= WIDTH:
        return line
    longest = max(line.split(), key=len)
    kept = len(longest) - (len(line) - WIDTH) - 1
    if kept >= HASH_DIGITS:
        half = kept // 2
        return line.replace(longest, f"{longest[: kept - half]}…{longest[-half:]}", 1)
    return f"{line[: WIDTH - 1]}…"


def worded(name: str, value: float) -> str:
    """A value with its metric and unit, such as ``p90 1.936 ms``."""
    if name not in METRICS:
        return f"{name} {value:g}"
    words, unit = words_and_unit(name)
    return f"{words} {number(name, value)} {unit}" if unit else f"{number(name, value)} {words}"


def _value(view: View, record: Record, name: str) -> str:
    value = view.value(record, name)
    if value is None:
        return f"{words_and_unit(name)[0]} unknown"
    found, amount = record.outcome.measurement(name), view.amount(record, name)
    interval = amount.interval if amount else found.interval if found else None
    published = " published" if found and found.source is Source.PUBLISHED else ""
    return f"{worded(name, value)}{reach(value, interval)}{published}"


def _joined(parts: Iterable[str]) -> str:
    """Parts in one line; where it would be too wide, the last ones are left out."""
    line, *others = parts
    for part in others:
        if len(f"  {line}, {part}") > WIDTH:
            return f"  {line}"
        line = f"{line}, {part}"
    return f"  {line}"


def _best(view: View, answer: Answer) -> str:
    """In what it is best, of how many points, and how surely it keeps the limits."""
    goal, count = answer.goal, answer.count
    way = "highest" if goal.direction == "maximize" else "lowest"
    best = f"{way} {phrase(goal.name)} of"
    points = format_count(count, "point")
    told = [note for note in view.notes(answer.record) if note != UNDECIDED]
    notes = "".join(f"; {note}" for note in told)
    if not answer.limits:
        return f"{best} {points}{notes}"
    kept = [f"{_limit(each.limit)} ({_sure(each, answer.record)})" for each in answer.limits]
    chances = [-1.0 if math.isnan(each.chance) else each.chance for each in answer.limits]
    least_sure = kept[chances.index(min(chances))]
    begun = f"{best} {points} within {format_count(len(kept), 'limit')}"
    lines = [f"{best} {count} with {', '.join(kept)}{notes}"] if len(kept) <= MAX_TOLD else []
    lines += [f"{begun}; {least_sure}{notes}", f"{begun}{notes}"]
    return next((line for line in lines if len(line) <= WIDTH - 2), lines[-1])


def _limit(limit: Limit) -> str:
    words, unit = words_and_unit(limit.metric)
    return f"{words} {'<=' if limit.upper else '>='} {limit.value:g} {unit}".rstrip()


def _sure(kept: KeptLimit, record: Record) -> str:
    """How surely a limit is kept."""
    found = record.outcome.measurement(kept.limit.metric)
    if math.isnan(kept.chance) and found is not None and found.source is Source.PUBLISHED:
        return "published"
    return _chance(kept.chance).replace(" % sure", " %")


def _chance(chance: float) -> str:
    if math.isnan(chance):
        return "noise unknown"
    if chance >= SURE:
        return "> 99 % sure" if chance < 1 else "sure"
    return "< 1 % sure" if chance <= UNSURE else f"{100 * chance:.0f} % sure"


def _standing(answer: Answer, runner_up: RunnerUp) -> str:
    """How the answer stands to the runner-up."""
    goal = answer.goal
    record, own = runner_up.record, runner_up.record.configuration
    same = own.model == answer.record.configuration.model
    model = "" if same else f"{own.model} "
    name = f"#{record.id} {model}{own.precision}, {own.backend}"
    if runner_up.order is Order.TIE:
        return f"tied with {name}"
    rounds = f" in {format_count(runner_up.rounds, 'round')}" if runner_up.rounds else ""
    sure = "" if runner_up.chance == 1 else f" ({_chance(runner_up.chance)})"
    better = runner_up.ratio > 1 if goal.direction == "minimize" else runner_up.ratio < 1
    distance = _distance(runner_up, answer)
    if better or runner_up.ratio == 1 or math.isnan(runner_up.ratio):
        return f"ahead of {name} by {distance}{rounds}{sure}"
    return f"{name} may be {distance} better{rounds}{sure}"


def _values_apart(view: View, answer: Answer) -> Iterator[str]:
    """Why rounds tell another distance than the values do, where it is far from it.

    A value is of the minutes in which it was taken, and a round compares two points within seconds.
    """
    goal, runner_up = answer.goal, answer.runner_up
    if runner_up is None or not runner_up.rounds or not runner_up.ratio > 0:
        return
    values = [view.value(each, goal.name) for each in (runner_up.record, answer.record)]
    if None in values or min(float(value or 0) for value in values) <= 0:
        return
    other, own = (float(value or 0) for value in values)
    if abs(math.log(other / own / runner_up.ratio)) > MAX_APART:
        told = f"{number(goal.name, own)} and {number(goal.name, other)}"
        unit = words_and_unit(goal.name)[1]
        told = f"{told} {unit}".rstrip() if unit else f"{told} {words_and_unit(goal.name)[0]}"
        yield f"(values {told}: from different minutes, rounds count)"


def _distance(runner_up: RunnerUp, answer: Answer) -> str:
    """How far the answer is ahead: qualities by their difference, all else in percent."""
    goal = answer.goal
    values = [each.outcome.values.get(goal.name) for each in (answer.record, runner_up.record)]
    if goal.quality and values[0] is not None and values[1] is not None:
        return f"{number(goal.name, abs(values[0] - values[1]))} points"
    if math.isnan(runner_up.ratio) or not runner_up.ratio:
        return "an unknown share"
    ahead = abs(1 / runner_up.ratio - 1)
    if ahead < LEAST_SHARE:
        return "less than 0.1 %"
    return f"{100 * ahead:.{0 if ahead >= 0.1 else 1}f} %"


def _model_lines(deployed: Deployment) -> list[str]:
    if not deployed.files:
        return [f"  model: {deployed.origin}"]
    return [
        f"  model: {_shown(deployed.files[0])}",
        f"  SHA-256 {deployed.sha256[:HASH_DIGITS]}..., {deployed.origin}",
    ]


def _shown(path: Path) -> str:
    """A path from the user's home, with the beginning of each checksum in it."""
    return re.sub(r"[0-9a-f]{16,}", lambda found: f"{found[0][:6]}…", shorten_home(str(path)))


def _gap(view: View, record: Record, limit: Limit) -> str:
    value = view.value(record, limit.metric) or 0.0
    way = "above" if limit.upper else "below"
    if METRICS[limit.metric].quality:
        points = number(limit.metric, limit.excess(value))
        return f"{worded(limit.metric, value)} is {points} points {way} the limit"
    share = 100 * limit.share(value)
    shown = f"{share:.0f}" if share >= 10 else f"{share:.2g}"
    return f"{worded(limit.metric, value)} is {shown} % {way} the limit"


def point_lines(view: View, record: Record, deployed: Deployment) -> list[str]:
    """A point with each of its values and how that was taken.

    Args:
        view: its study.
        record: the point.
        deployed: what to deploy of it.
    """
    noun = registry.task(view.study.about.task).noun
    lines = [configuration_line(record, deployed.version)]
    for measurement in record.outcome.measurements:
        value = _value(view, record, measurement.metric)
        lines += [f"  {value}", f"    {provenance(measurement, noun)}"]
    lines += [
        f"  {name} {amount.value:g}" for name, amount in view.assessed(record).amounts.items()
    ]
    if record.outcome.failure is not None:
        lines.append(f"  failed, {record.outcome.failure.kind}: {record.outcome.failure.message}")
    lines += [f"  note: {note}" for note in view.notes(record)]
    return [*lines, *_model_lines(deployed)]
