"""Arguments and options that several commands share."""

from __future__ import annotations

import re
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from collections.abc import Callable

_Command = TypeVar("_Command", bound="Callable[..., Any]")

study_argument = click.argument("study", metavar="STUDY")
storage_option = click.option(
    "--storage",
    metavar="URL",
    help="Optuna storage of the study [default: study.db in its folder].",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")

_DERIVED = (
    click.option(
        "--metric",
        "metrics",
        metavar="'NAME [UNIT] = EXPRESSION'",
        multiple=True,
        help="Compute a further metric, such as 'per_watt = throughput_samples_per_s / watts'. "
        "Can be given several times; one may use those before it.",
    ),
    click.option(
        "--where",
        "conditions",
        metavar="EXPRESSION",
        multiple=True,
        help="Only points for which it holds, such as 'latency_p90_ms < 15 and threads <= 2'.",
    ),
    click.option(
        "--objective",
        "objectives",
        metavar="NAME:DIRECTION",
        multiple=True,
        help="Find the frontier by these in place of the study's objectives; a direction is "
        "minimize or maximize.",
    ),
    click.option(
        "--facts",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="A YAML file of numbers that these may use, such as a price, for all or some CPUs.",
    ),
)

_UNITS_S = {"": 1.0, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_UNITS_BYTES = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}

MAX_SECONDS = 366 * 86400.0
MAX_BYTES = 1 << 50


def derived_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for metrics, conditions and objectives of the user.

    The command gets what they say as ``derivation``, a `dse.derived.derivation.Derivation`.
    """

    @wraps(command)
    def reading(
        *,
        metrics: tuple[str, ...],
        conditions: tuple[str, ...],
        objectives: tuple[str, ...],
        facts: Path | None,
        **options: Any,
    ) -> Any:
        from dse.derived.derivation import Derivation

        derivation = Derivation.parse(metrics, conditions, objectives, facts)
        return command(derivation=derivation, **options)

    for option in reversed(_DERIVED):
        reading = option(reading)
    return reading


class Duration(click.ParamType[float]):
    """A span of time such as ``90s``, ``30m``, ``2h`` or ``1d``; in seconds without a unit."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """The span in seconds."""
        if isinstance(value, float):
            return value
        seconds = _quantity(str(value), _UNITS_S)
        if not seconds:
            self.fail(f"'{value}' is not a span of time; write 90s, 30m, 2h or 1d", param, ctx)
        if seconds > MAX_SECONDS:
            self.fail(f"'{value}' is more than 366 days", param, ctx)
        return seconds


class Size(click.ParamType[int]):
    """An amount of memory such as ``800MiB`` or ``4GiB``; in bytes without a unit."""

    name = "size"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """The amount in bytes."""
        if isinstance(value, int):
            return value
        size = _quantity(str(value), _UNITS_BYTES)
        if not size:
            self.fail(f"'{value}' is not an amount of memory; write 800MiB or 4GiB", param, ctx)
        if size > MAX_BYTES:
            self.fail("more than any machine has; write 800MiB or 4GiB", param, ctx)
        return int(size)


class Ids(click.ParamType[tuple[int, ...]]):
    """Ids of points such as ``3`` or ``3,7``."""

    name = "ids"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The ids, in their order."""
        if isinstance(value, tuple):
            return value
        numbers = whole_numbers(str(value))
        if not numbers:
            self.fail(f"'{value}' is not a list of point ids; write 3 or 3,7", param, ctx)
        return numbers


class Percents(click.ParamType[tuple[float, ...]]):
    """Shares such as ``70`` or ``65,70``."""

    name = "percents"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, ...]:
        """The shares in percent, in their order."""
        if isinstance(value, tuple):
            return value
        plain = re.fullmatch(r"\d{1,3}(\.\d{1,9})?(,\d{1,3}(\.\d{1,9})?)*", str(value))
        found = tuple(map(float, str(value).split(","))) if plain else ()
        if not found or max(found) > 100:
            self.fail(f"'{value}' is not a list of percentages; write 70 or 65,70", param, ctx)
        return found


class Assignment(click.ParamType[tuple[str, str]]):
    """A text such as ``NAME=VALUE``.

    Args:
        pattern: of the whole, with a group for the name and one for the value.
        problem: what is wrong with any other text, to be said after the text itself.
    """

    name = "assignment"

    def __init__(self, pattern: str, problem: str) -> None:
        self._pattern = re.compile(pattern, re.DOTALL)
        self._problem = problem

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The name and the value."""
        if isinstance(value, tuple):
            return value
        found = self._pattern.fullmatch(str(value))
        if found is None:
            self.fail(f"'{value}' {self._problem}", param, ctx)
        return found[1], found[2]


def _check_variables(
    ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    from dse.core.worker_environment import why_refused

    names = [name for name, _ in value]
    for name, text in value:
        if problem := why_refused(name, text):
            raise click.BadParameter(problem, ctx, param)
        if names.count(name) > 1:
            raise click.BadParameter(f"'{name}' is given twice", ctx, param)
    return value


environment_option = click.option(
    "--env",
    "environment",
    metavar="NAME=VALUE",
    type=Assignment(r"([^=]*)=(.*)", "is not a variable with its value; write NAME=VALUE"),
    multiple=True,
    callback=_check_variables,
    help="Set an environment variable for the measuring processes, which inherit few of the "
    "shell's; it is recorded with the results. Can be given several times.",
)
run_timeout_option = click.option(
    "--run-timeout",
    type=Duration(),
    default="300s",
    show_default=True,
    help="Longest time for one configuration, beside its accuracy run.",
)
memory_limit_option = click.option(
    "--memory-limit",
    type=Size(),
    help="Most memory for one configuration [default: nine tenths of what is free].",
)


def repeats_option(default: int) -> Callable[[_Command], _Command]:
    """The option ``--repeats``.

    Args:
        default: how often, where it is not given.
    """
    return click.option(
        "--repeats",
        type=click.IntRange(min=0, max=100),
        default=default,
        show_default=True,
        help="Re-measure each possible frontier point N times, with longer runs.",
    )


def whole_numbers(text: str) -> tuple[int, ...]:
    """The numbers of a list such as ``1,2``, in their order; empty where it is none."""
    plain = re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9})*", text)
    return tuple(map(int, text.split(","))) if plain else ()


def _quantity(text: str, units: dict[str, float] | dict[str, int]) -> float | None:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if match is None or match[2] not in units:
        return None
    return float(match[1]) * units[match[2]]
