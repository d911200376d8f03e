"""``dse system``."""

from __future__ import annotations

import json
from dataclasses import asdict
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from dse.cli.options import json_option
from dse.cli.output import write_line
from dse.core.errors import RequestError, UnavailableError
from dse.core.wording import format_count

if TYPE_CHECKING:
    from dse.exploration.noise import Noise
    from dse.machine.checks import Check
    from dse.machine.system import System

PROBES = 8
"""The default number of probes: it gives the standard deviation to about a quarter of itself, in
half a minute."""
SECONDS_PER_PROBE = 4
WIDTH = 80
LISTS = ("instruction sets", "caches")
"""Fields whose lines grow long and are wrapped."""


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="List what would disturb measurements here, and measure how much results vary.",
)
@click.option(
    "--probes",
    type=click.IntRange(min=0, max=1000),
    help=f"Number of measurements that --check makes, 0 for none [default: {PROBES}].",
)
@json_option
def system(*, check: bool, probes: int | None, as_json: bool) -> None:
    """Describe this CPU and print the fingerprint that a study is bound to."""
    from dse.environments.config import with_given_name
    from dse.machine.detect import detect

    if probes is not None and not check:
        raise RequestError("--probes needs --check", remedy="give --check as well")
    here = with_given_name(detect())
    if check:
        _check(here, PROBES if probes is None else probes, as_json=as_json)
    elif as_json:
        click.echo(json.dumps({"fingerprint": here.fingerprint, **here.as_dict()}))
    else:
        for name, text in here.describe():
            line = f"{name}: {text}"
            for part in wrap(line, WIDTH, subsequent_indent="  ") if name in LISTS else [line]:
                write_line(part)


def _check(here: System, probes: int, *, as_json: bool) -> None:
    """First the checks and then the probes: the checks themselves would disturb these."""
    from dse.machine.checks import check_machine

    checks = check_machine(here.virtualised)
    if not as_json:
        _print_checks(here, checks)
        if probes:
            seconds = probes * SECONDS_PER_PROBE
            write_line(f"measuring the noise, about {seconds} s: leave the machine alone", err=True)
    try:
        noise = _noise(probes) if probes else None
        missing = ""
    except UnavailableError as error:
        noise, missing = None, str(error)
    if as_json:
        found = {"fingerprint": here.fingerprint, "checks": [asdict(check) for check in checks]}
        figure = noise.as_dict() if noise else {"unavailable": missing or "not asked for"}
        click.echo(json.dumps({**found, "noise": figure}))
    elif missing:
        write_line(missing)
    elif noise:
        _print_noise(noise)


def _noise(probes: int) -> Noise:
    from dse.exploration.noise import measure_noise
    from dse.machine.measuring_lock import WAITING

    return measure_noise(probes, waits=lambda: write_line(WAITING, err=True))


def _print_checks(here: System, checks: list[Check]) -> None:
    write_line(f"CPU: {here.title}, fingerprint {here.fingerprint}")
    width = max(len(check.name) for check in checks)
    for check in checks:
        write_line(f"{check.state:7}  {check.name:{width}}  {check.found}")
        if check.remedy:
            write_line(f"{'':7}  {'':{width}}  -> {check.remedy}")


def _print_noise(noise: Noise) -> None:
    from dse.core.metrics import METRICS
    from dse.exploration.noise import configuration

    count, probed = len(noise.disturbances), configuration(noise.backend)
    write_line(
        f"noise: {probed.model} {probed.precision}, {noise.backend} {noise.version}, 1 thread, "
        f"{format_count(count, 'process', 'processes')}"
    )
    for name, values in noise.values.items():
        metric, sd = METRICS[name], noise.sd_percent(name)
        spread = "" if sd is None else f", standard deviation {sd:.1f} %"
        write_line(
            f"  {metric.title}: {min(values):.4g} to {max(values):.4g} {metric.unit}{spread}, "
            f"range {noise.range_percent(name):.1f} %"
        )
    such = f", such as by: {noise.disturbed[0]}" if noise.disturbed else ""
    write_line(f"  {len(noise.disturbed)} of {count} disturbed{such}")
