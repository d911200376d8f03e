"""``dse system``."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from dse.cli.options import DURATION, json_option
from dse.core.errors import DseError, RequestError, UnavailableError
from dse.core.wording import WIDTH, format_count, format_duration, wrap_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dse.exploration.noise import Noise
    from dse.machine.checks import Check
    from dse.machine.system import System

    Tell = Callable[..., None]
    """Prints lines, with ``err`` on stderr; or nothing where JSON is asked for."""

PROBES = 8
"""The default number of probes: it gives the standard deviation to about a quarter of itself, in
half a minute."""
SECONDS_PER_PROBE = 4
DRIFT_S = 300.0
"""The default of --duration."""
NOT_ASKED = "not asked for"


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="List what would disturb measurements here, and measure how much results vary.",
)
@click.option(
    "--probes",
    type=click.IntRange(min=0, max=1000),
    help="Number of measurements that --check makes, 0 for none "
    f"[default: {PROBES}; 0 with --drift].",
)
@click.option(
    "--drift",
    is_flag=True,
    help="With --check: measure how the noise changes with time, and how long it takes here to "
    "decide between two configurations.",
)
@click.option(
    "--duration",
    metavar="DURATION",
    type=DURATION,
    help="Time that --drift measures [default: 5m].",
)
@json_option
def system(
    *, check: bool, probes: int | None, drift: bool, duration: float | None, as_json: bool
) -> int:
    """Describe this CPU and print the fingerprint that a study is bound to.

    --check shows what disturbs measurements here, and how much they vary. --drift also shows how
    long it takes here to decide between two configurations that differ by 5 %.

    \b
    Examples:
      dse system --check
      dse system --check --drift --duration 10m
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.next_step import print_next
    from dse.environments.config import with_given_name
    from dse.machine.detect import detect

    if drift and not check:
        raise RequestError("--drift needs --check", remedy="give --check as well")
    if duration is not None and not drift:
        raise RequestError("--duration needs --drift", remedy="give --check --drift as well")
    if probes is not None and not check:
        raise RequestError("--probes needs --check", remedy="give --check as well")
    here = with_given_name(detect())
    if check:
        wanted = (0 if drift else PROBES) if probes is None else probes
        return _check(here, wanted, (duration or DRIFT_S) if drift else None, as_json=as_json)
    if as_json:
        click.echo(json.dumps({"fingerprint": here.fingerprint, **here.as_dict()}))
    else:
        for name, text in here.describe():
            _print(*wrap_words(f"{name}: {text}", WIDTH))
        print_next("dse system --check")
    return 0


def _check(here: System, probes: int, drift_s: float | None, *, as_json: bool) -> int:
    """First the checks and then the probes: the checks themselves would disturb these.

    Returns:
        The exit code.
    """
    from dse.machine.checks import check_machine

    tell: Tell = _stay_silent if as_json else _print
    checks = check_machine(here.virtualised)
    tell(*_check_lines(here, checks))
    noise = _check_noise(probes, tell)
    drift, code = _check_drift(drift_s, tell)
    if as_json:
        found = {"fingerprint": here.fingerprint, "checks": [asdict(check) for check in checks]}
        click.echo(json.dumps({**found, "noise": noise, "drift": drift}))
    return code


def _check_noise(probes: int, tell: Tell) -> dict[str, Any]:
    """Measures and tells the noise figure; returns it as a JSON object."""
    if not probes:
        return {"unavailable": NOT_ASKED}
    from dse.exploration.noise import measure_noise
    from dse.machine.measuring_lock import WAITING

    needed = format_duration(probes * SECONDS_PER_PROBE)
    tell(f"measuring the noise, about {needed}: leave the machine alone", err=True)
    try:
        noise = measure_noise(probes, waits=lambda: _print(WAITING, err=True))
    except UnavailableError as error:
        tell(str(error))
        return {"unavailable": str(error)}
    tell(*_noise_lines(noise))
    return noise.as_dict()


def _check_drift(duration_s: float | None, tell: Tell) -> tuple[dict[str, Any], int]:
    """Measures and tells the noise over time; returns a JSON object and the exit code."""
    if duration_s is None:
        return {"unavailable": NOT_ASKED}, 0
    from dse.commands.interrupts import INTERRUPTED
    from dse.commands.system_drift import drift_lines, measure

    code = 0
    try:
        say = partial(_print, err=True)
        series, interrupted = measure(duration_s, say, partial(tell, err=True))
        code = INTERRUPTED if interrupted else 0
        if series.failure:
            say(f"ended early: {series.failure}")
            code = DseError.exit_code
        parts = series.parts()
    except UnavailableError as error:
        tell(str(error))
        return {"unavailable": str(error)}, code
    tell(*drift_lines(series, parts))
    return series.as_dict(parts), code


def _check_lines(here: System, checks: list[Check]) -> Iterator[str]:
    yield f"CPU: {here.title}, fingerprint {here.fingerprint}"
    width = max(len(check.name) for check in checks)
    for check in checks:
        yield from _row(f"{check.state:7}  {check.name:{width}}  ", check.found)
        if check.remedy:
            yield from _row(" " * (7 + 2 + width + 2), f"-> {check.remedy}")


def _row(begun: str, text: str) -> list[str]:
    """A row of the table: its last column is wrapped within itself."""
    return [
        f"{begun if number == 0 else ' ' * len(begun)}{line}"
        for number, line in enumerate(wrap_words(text, WIDTH - len(begun)))
    ]


def _noise_lines(noise: Noise) -> Iterator[str]:
    from dse.core.metrics import METRICS
    from dse.exploration.noise import configuration

    count, probed = len(noise.disturbances), configuration(noise.backend)
    processes = format_count(count, "process", "processes")
    version = f"{noise.backend} {noise.version}"
    yield f"noise: {probed.model} {probed.precision}, {version}, 1 thread, {processes}"
    for name, values in noise.values.items():
        metric, sd = METRICS[name], noise.sd_percent(name)
        spread = "" if sd is None else f", standard deviation {sd:.1f} %"
        ends = f"{min(values):.4g} to {max(values):.4g} {metric.unit}"
        yield f"  {metric.title}: {ends}{spread}, range {noise.range_percent(name):.1f} %"
    such = f", such as by: {noise.disturbed[0]}" if noise.disturbed else ""
    yield f"  {len(noise.disturbed)} of {count} disturbed{such}"


def _print(*lines: str, err: bool = False) -> None:
    from dse.commands.console import console, print_lines

    print_lines(lines, console(stderr=err), width=WIDTH)


def _stay_silent(*_: str, err: bool = False) -> None:
    del err
