"""What ``dse system --check --drift`` measures, and what it says of that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.commands.interrupts import interrupts
from dse.core.wording import format_count, format_duration
from dse.exploration.noise import configuration
from dse.exploration.noise_series import DIFFERENCES_PERCENT, METRIC, measure_series
from dse.machine.measuring_lock import WAITING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dse.exploration.noise_parts import Estimate, NoiseParts
    from dse.exploration.noise_series import NoiseSeries

MAX_SHOWN_S = 100 * 86400.0
TITLE_WIDTH = 23


def measure(
    duration_s: float, say: Callable[[str], None], announce: Callable[[str], None]
) -> tuple[NoiseSeries, bool]:
    """Measures until the time is over or Ctrl-C ends it after the pair in hand.

    Args:
        duration_s: how long.
        say: tells the user what is waited for.
        announce: tells how long it takes.

    Returns:
        What was measured, and whether it was interrupted.

    Raises:
        UnavailableError: no runtime that could be measured is installed.
        DseError: a probe of the first pair failed, or there is no room for its logs.
    """
    said = set[str]()

    def wait() -> None:
        if WAITING not in said:
            said.add(WAITING)
            say(WAITING)

    with interrupts(say) as asked:
        announce(
            f"measuring the noise over time, {about(duration_s)}: leave the machine alone; "
            "Ctrl-C ends it early"
        )
        series = measure_series(duration_s, waits=wait, stop=lambda: asked.wanted)
        return series, asked.wanted


def drift_lines(series: NoiseSeries, parts: NoiseParts) -> Iterator[str]:
    """What a series says, in lines of at most 80 columns, the conclusion first."""
    times = {
        percent: about(60 * series.minutes_until_told_apart(parts, percent))
        for percent in DIFFERENCES_PERCENT
    }
    low, middle, high = DIFFERENCES_PERCENT
    yield f"noise over time: telling {middle:g} % apart takes {times[middle]} here"
    yield f"  {low:g} % takes {times[low]}, {high:g} % {times[high]}"
    yield f"  two configurations in turn, about {series.round_s:.1f} s a round; more take longer"
    yield _line("standard deviation", f"{_percent(parts.sd)} of a {METRIC.title}")
    yield _line("", f"{_percent(parts.ratio_sd)} of the ratio of two neighbours")
    yield from _shares(parts)
    yield _line("correlation time", correlation_text(parts.correlation_s, parts))
    yield from _correlations(parts)
    yield from _origin(series, parts)


def _line(title: str, text: str) -> str:
    return f"  {title:{TITLE_WIDTH}}{text}"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def about(seconds: float) -> str:
    """A span of time in words, such as ``about 40 s``."""
    return "more than 100 d" if seconds > MAX_SHOWN_S else f"about {format_duration(seconds)}"


def _shares(parts: NoiseParts) -> Iterator[str]:
    low, high = (100 * end for end in parts.common_interval)
    yield _line(
        "share of the variance",
        f"{100 * parts.common:.0f} % common to neighbours, which ratios cancel",
    )
    yield _line("", f"(95 % interval: {low:.0f} to {high:.0f} %)")
    if parts.between is not None and parts.within is not None:
        yield _line("", f"{100 * parts.between:.0f} % between processes")
        yield _line("", f"{100 * parts.within:.0f} % within a process")


def correlation_text(found: Estimate | None, parts: NoiseParts) -> str:
    """The correlation time in words, as far as the series tells it."""
    if found is None:
        return "unknown: nothing varies"
    if found.low is None and found.high is None:
        seen = "hardly anything is common" if parts.common_interval[0] == 0 else "too few values"
        return f"unknown: {seen}"
    likely = "" if found.value is None else f"{found.value:.2g} s, "
    if found.high is None:
        return f"{likely}more than {found.low:.2g} s"
    if found.low is None:
        return f"{likely}less than {found.high:.2g} s"
    return f"{likely}between {found.low:.2g} and {found.high:.2g} s"


def _correlations(parts: NoiseParts) -> Iterator[str]:
    """A row of lags and one of each kind of correlation."""
    found = parts.correlations
    if found:
        lags = "".join(f"{one.lag_s:6.0f}" for one in found)
        yield _line("seconds apart", lags)
        for title, kind in (("correlation of the two", "other"), ("  of one alone", "same")):
            values = (getattr(one, kind) for one in found)
            shown = (f"{'-':>6}" if value is None else f"{value:6.2f}" for value in values)
            yield _line(title, "".join(shown))


def _origin(series: NoiseSeries, parts: NoiseParts) -> Iterator[str]:
    """What was measured, and what of it did not count."""
    count = format_count(len(series.processes), "process", "processes")
    yield f"measured in turn, {count} in {about(series.seconds)}:"
    for place in (0, 1):
        probed = configuration(series.backend, place)
        yield f"  {probed.model} {probed.precision}, {series.backend} {series.version}, 1 thread"
    if parts.left_out:
        yield f"  {parts.left_out} far from their neighbours, left out"
    disturbed = series.disturbances
    if disturbed:
        used = "left out" if parts.count + parts.left_out < len(series.processes) else "used"
        yield f"  {len(disturbed)} disturbed, {used}; such as by: {disturbed[0]}"
