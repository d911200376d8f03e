"""An answer in words: at most six lines of 80 columns, the conclusion first."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from dse.core.measurement import Source
from dse.core.metrics import METRICS
from dse.core.wording import format_count
from dse.report.quantities import provenance
from dse.report.text import heading, number
from dse.study.decisions import Order
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from dse.answer.choice import Answer, KeptLimit, Miss, RunnerUp
    from dse.answer.deployment import Deployment
    from dse.answer.limits import Limit
    from dse.core.configuration import Configuration
    from dse.core.metrics import Metric
    from dse.report.view import View
    from dse.study.record import Record

WIDTH = 80
HASH_DIGITS = 12
"""Shown of a checksum; JSON has all of it."""
SURE, UNSURE = 0.995, 0.005
"""Chances nearer to 1 and 0 are told as bounds."""


def answer_lines(view: View, answer: Answer, deployed: Deployment) -> list[str]:
    """The answer.

    Args:
        view: the points that count.
        answer: the one that was chosen.
        deployed: what to deploy of it.
    """
    record, goal = answer.record, answer.goal
    metrics = dict.fromkeys([goal.name, *(kept.limit.metric for kept in answer.limits)])
    further = (each.name for each in view.objectives if each.name not in metrics)
    shown = [*metrics, *further]
    points = format_count(answer.count, "point")
    keep = "keeps to the limits" if answer.count == 1 else "keep to the limits"
    best = "the only one" if answer.count == 1 else f"best of {points}"
    return [
        configuration_line(record, deployed.version),
        _joined(_value(view, record, name) for name in shown),
        f"{best} by {title(goal)}{'' if answer.count == 1 else f' that {keep}'}",
        *([_kept_line(answer.limits)] if answer.limits else []),
        *([_runner_up_line(answer.runner_up, goal)] if answer.runner_up else []),
        *_model_lines(deployed),
    ]


def miss_lines(view: View, miss: Miss, goal: Metric, lacking: dict[str, int]) -> list[str]:
    """That nothing fits, and what comes closest.

    Args:
        view: the points that count.
        miss: the closest point.
        goal: what was asked for.
        lacking: the number of points without a value, by metric.
    """
    if miss.record is None:
        total = len(view.records)
        if not total:
            return ["no point was measured and keeps to the constraints and conditions"]
        names = ", ".join(map(_title, lacking)) or title(goal)
        return [f"no point has a value of: {names}"]
    wanted = " and ".join(_limit(each) for each in miss.limits)
    record = miss.record
    gaps = _joined(_gap(view, record, each) for each in miss.missed)
    return [
        f"no point keeps {wanted}",
        f"closest: {configuration_line(record)}",
        gaps,
    ]


def configuration_line(record: Record, version: str = "") -> str:
    """A configuration with its id; in short where it would be too wide."""
    own = record.configuration
    runtime = f"{own.backend} {version}".strip()
    begun = f"#{record.id} {own.model} {own.precision}, {runtime}"
    line = f"{begun}, {', '.join(_settings(own))}"
    return line if len(line) <= WIDTH else f"{begun} {short_settings(own)}"


def _settings(own: Configuration) -> Iterator[str]:
    copies = f"{own.instances} x " if own.instances > 1 else ""
    yield f"{copies}{format_count(own.threads, 'thread')}"
    yield f"batch {own.batch_size}"
    if own.pinned:
        yield "pinned"
    yield from (f"{name}={value}" for name, value in own.knobs)


def short_settings(own: Configuration) -> str:
    """Threads, batch and instances in short, such as ``t2 b8 i2``, then what is not the default."""
    parts = [f"t{own.threads}", f"b{own.batch_size}"]
    parts += [f"i{own.instances}"] if own.instances > 1 else []
    parts += ["pinned"] if own.pinned else []
    return " ".join([*parts, *(f"{name}={value}" for name, value in own.knobs)])


def title(metric: Metric) -> str:
    """A metric in a few words, without its unit."""
    return _title(metric.name)


def _title(name: str) -> str:
    if name not in METRICS:
        return name
    return re.sub(r" \[.*\]$", "", heading(name)) if "[" in heading(name) else heading(name)


def worded(name: str, value: float) -> str:
    """A value with its metric and unit, such as ``p90 1.936 ms``."""
    if name not in METRICS:
        return f"{name} {value:g}"
    found = re.fullmatch(r"(.*) \[(.*)\]", heading(name))
    shown = number(name, value)
    return f"{found[1]} {shown} {found[2]}" if found else f"{shown} {heading(name)}"


def _value(view: View, record: Record, name: str) -> str:
    value = view.value(record, name)
    if value is None:
        return f"{_title(name)} unknown"
    found, amount = record.outcome.measurement(name), view.amount(record, name)
    interval = amount.interval if amount else found.interval if found else None
    published = " published" if found and found.source is Source.PUBLISHED else ""
    return f"{worded(name, value)}{_reach(value, interval)}{published}"


def _reach(value: float, interval: tuple[float, float] | None) -> str:
    """How far an interval reaches, to the farther end."""
    if interval is None or not value:
        return ""
    reach = max(abs(end - value) for end in interval) / abs(value)
    return f" ± {100 * reach:.{0 if reach >= 0.1 else 1}f} %" if reach else ""


def _joined(parts: Iterable[str]) -> str:
    """Parts in one line; further ones are left out where it would be too wide."""
    line = ""
    for part in parts:
        longer = f"{line}, {part}" if line else part
        if len(longer) > WIDTH - 2:
            break
        line = longer
    return f"  {line}"


def _limit(limit: Limit) -> str:
    name, sign = limit.metric, "<=" if limit.upper else ">="
    found = re.fullmatch(r"(.*) \[(.*)\]", heading(name)) if name in METRICS else None
    if found:
        return f"{found[1]} {sign} {limit.value:g} {found[2]}"
    return f"{_title(name)} {sign} {limit.value:g}"


def _chance(chance: float) -> str:
    if math.isnan(chance):
        return "noise unknown"
    if chance >= SURE:
        return "> 99 % sure" if chance < 1 else "sure"
    return "< 1 % sure" if chance <= UNSURE else f"{100 * chance:.0f} % sure"


def _kept_line(limits: Sequence[KeptLimit]) -> str:
    told = (f"{_limit(kept.limit)} ({_chance(kept.chance)})" for kept in limits)
    return f"  keeps {' and '.join(told)}"


def _runner_up_line(runner_up: RunnerUp, goal: Metric) -> str:
    record, own = runner_up.record, runner_up.record.configuration
    name = f"#{record.id} {own.model} {own.precision}, {own.backend}"
    if runner_up.order is Order.TIE:
        return f"  tied with {name}"
    rounds = f", {format_count(runner_up.rounds, 'round')}" if runner_up.rounds else ""
    return (
        f"  ahead of {name} by {_distance(runner_up, goal)} ({_chance(runner_up.chance)}{rounds})"
    )


def _distance(runner_up: RunnerUp, goal: Metric) -> str:
    """How far the answer is ahead, in percent of the runner-up."""
    if math.isnan(runner_up.ratio) or not runner_up.ratio:
        return "an unknown share"
    ahead = abs(1 / runner_up.ratio - 1) if goal.timed or goal.direction == "minimize" else None
    if ahead is None:
        ahead = abs(1 / runner_up.ratio - 1)
    return f"{100 * ahead:.{0 if ahead >= 0.1 else 1}f} %"


def _model_lines(deployed: Deployment) -> list[str]:
    if deployed.model is None or deployed.model.path is None:
        return [f"  model: {deployed.origin}"]
    return [
        f"  model: {deployed.model.path}",
        f"  SHA-256 {deployed.sha256[:HASH_DIGITS]}..., {deployed.origin}",
    ]


def _gap(view: View, record: Record, limit: Limit) -> str:
    value = view.value(record, limit.metric) or 0.0
    way = "above" if limit.upper else "below"
    found = re.fullmatch(r"(.*) \[(.*)\]", heading(limit.metric))
    unit = f" {found[2]}" if found else ""
    gap = number(limit.metric, limit.excess(value))
    return f"{worded(limit.metric, value)} is {gap}{unit} {way} the limit"


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
