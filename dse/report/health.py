"""How far the values of a study can be trusted: noise, drift and disturbances, in lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.measurement import Source
from dse.core.metrics import METRICS
from dse.core.wording import format_count, join_some
from dse.report.settling import describe_frontier, describe_left_out, describe_need
from dse.report.summary import MAX_NAMED, drifted_lines
from dse.report.text import number
from dse.study.settling import near_misses, settling_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dse.core.intervals import Spread
    from dse.study.drift import TrialId, Window
    from dse.study.study import Study


def health(study: Study) -> list[str]:
    """Everything there is to say; nothing where nothing was measured here."""
    lines = [*_noise(study), *_anchor(study), *_drifts(study), *machines(study), *disturbed(study)]
    return [*lines, *_frontier(study), *drifted_lines(study)]


def _noise(study: Study) -> Iterator[str]:
    measured = study.results.measured
    for name in study.about.metrics:
        known = measured.spreads(name) if METRICS[name].timed else {}
        if known:
            shown = "; ".join(f"{kind}: {_spread(found)}" for kind, found in known.items())
            yield f"noise of {METRICS[name].title}: {shown}"


def _spread(spread: Spread) -> str:
    times = format_count(spread.degrees, "repetition")
    # Of few values it may be the larger one, and then says nothing of outliers.
    bulk = f"{100 * spread.bulk:.1f} % without outliers, " if spread.bulk < spread.sd else ""
    return f"{100 * spread.sd:.1f} % ({bulk}from {times})"


def _anchor(study: Study) -> Iterator[str]:
    anchor = study.results.anchor
    if anchor is None:
        return
    ranges, most = [], 0
    for estimate in study.results.timed(anchor.outcome):
        name = estimate.metric
        values = [m.value for m in study.results.measured.all(estimate.key, "probe")]
        if values:
            low, high = number(name, min(values)), number(name, max(values))
            ranges.append(f"{METRICS[name].title} {low} to {high} {METRICS[name].unit}")
            most = max(most, len(values))
    if most > 1:
        yield f"anchor #{anchor.id}, measured {most} times: {'; '.join(ranges)}"


def _drifts(study: Study) -> Iterator[str]:
    drifts = study.results.measured.drifts()
    several = len({host for _, host in drifts}) > 1
    for (metric, host), windows in sorted(drifts.items()):
        where = f" on {host}" if several else ""
        for window in windows:
            yield (
                f"drift of {METRICS[metric].title}{where}: the anchor gave "
                f"{100 * window.change:+.0f} % {_span(window)}"
            )


def machines(study: Study) -> Iterator[str]:
    """Machines that differ in speed though they look the same; nothing where none does."""
    for (metric, machine), change in sorted(study.results.measured.deviations().items()):
        yield (
            f"machines differ: {METRICS[metric].title} of the anchor on {machine} is "
            f"{1 + change:.2g} times that of the study's first machine; what it measured counts "
            "only where nothing else is known"
        )


def _span(window: Window) -> str:
    since = f"after trial {_trial(window.after)}" if window.after else "from the start"
    until = f"until trial {_trial(window.before)}" if window.before else "and still does"
    return f"{since} {until}"


def _trial(trial_id: TrialId) -> str:
    """As its run folders are named."""
    return f"{trial_id[0]}-{trial_id[1]:06d}"


def disturbed(study: Study) -> Iterator[str]:
    """How many measurements were disturbed, and by what; nothing where none was."""
    taken = [each.measurement for each in study.results.measured]
    timed = [m for m in taken if m.source is Source.MEASURED and METRICS[m.metric].timed]
    causes = [m.disturbed for m in timed if m.disturbed]
    if causes:
        such = f", the last by: {causes[-1]}"
        yield f"disturbed: {len(causes)} of {format_count(len(timed), 'timed measurement')}{such}"


def _frontier(study: Study) -> Iterator[str]:
    frontier = study.results.frontier
    if frontier:
        state = settling_of(study)
        yield f"frontier: {describe_frontier(state)}"
        if frontier.contenders.left_out:
            yield f"left out: {describe_left_out(frontier.contenders)}"
        if state.undecided:
            yield f"undecided: {describe_need(state.needed_s)}"
    if near := near_misses(study.results, study.space.constraints):
        ids = join_some([f"#{record.id}" for record in near], MAX_NAMED)
        count = format_count(len(near), "point")
        yield f"at a bound: {count} beyond it, perhaps by noise alone ({ids})"
    if not frontier and any(record.outcome.failure is None for record in study.records.values()):
        yield "frontier: no measured point keeps to the constraints"
