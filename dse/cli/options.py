"""Arguments, options and types of options that several commands share."""

from __future__ import annotations

import re
from functools import partial, wraps
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dse.cli.completion import complete_objective, complete_study
from dse.exploration.request import BORROWER, SAMPLERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from dse.answer.limits import BelowBest

_Command = TypeVar("_Command", bound="Callable[..., Any]")
T = TypeVar("T")

_UNITS_S = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_UNITS_BYTES = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_UNITS_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
_UNITS_MIB = {"KiB": 2.0**-10, "MiB": 1.0, "GiB": 2.0**10}
MAX_SECONDS = 366 * 86400.0
MAX_BYTES = 1 << 50


def into(request: str) -> Callable[[Callable[[Any], T]], Callable[..., T]]:
    """Hands a command its options as one object, whose fields are named like them.

    Args:
        request: the class, as ``module:name``; imported when the command runs.
    """

    def decorate(command: Callable[[Any], T]) -> Callable[..., T]:
        @wraps(command)
        def called(**options: Any) -> T:
            module, _, name = request.partition(":")
            return command(getattr(import_module(module), name)(**options))

        return called

    return decorate


class Parsed(click.ParamType[T]):
    """The type of an option whose text is read by a function.

    Args:
        name: stands for the value in the help.
        parse: reads the text; raises a ValueError that says what is wrong with it.
    """

    def __init__(self, name: str, parse: Callable[[str], T]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> T:
        """The value; a default that is not a text is taken as it is."""
        if not isinstance(value, str):
            default: T = value
            return default
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _seconds(text: str, *, zero: bool = False) -> float:
    if zero and re.fullmatch(r"0(s|m|min|h|d)?", text.strip()):
        return 0.0
    examples = "0, 90s, 30m, 2h or 1d" if zero else "90s, 30m, 2h or 1d"
    seconds = _quantity(text, _UNITS_S, "a span of time", examples)
    if seconds > MAX_SECONDS:
        raise ValueError(f"'{text}' is more than 366 days")
    return seconds


def _bytes(text: str) -> int:
    size = _quantity(text, _UNITS_BYTES, "an amount of memory", "800MiB or 4GiB")
    if size > MAX_BYTES:
        raise ValueError("more than any machine has; write 800MiB or 4GiB")
    return int(size)


def _quality(text: str) -> float | BelowBest:
    from dse.answer.limits import parse_quality

    return parse_quality(text)


def _quantity(text: str, units: Mapping[str, float], noun: str, examples: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z/]*)", text.strip())
    value = float(match[1]) * units.get(match[2], 0.0) if match else 0.0
    if not value:
        raise ValueError(f"'{text}' is not {noun}; write {examples}")
    return value


def _ids(text: str) -> tuple[int, ...]:
    numbers = whole_numbers(text)
    if not numbers:
        raise ValueError(f"'{text}' is not a list of point ids; write 3 or 3,7")
    return numbers


def _percents(text: str) -> tuple[float, ...]:
    from dse.compare.criteria import parse_accuracies

    return parse_accuracies(text)


def _variable(text: str) -> tuple[str, str]:
    from dse.core.worker_environment import why_refused

    name, equals, value = text.partition("=")
    if not equals:
        raise ValueError(f"'{text}' is not a variable with its value; write NAME=VALUE")
    if problem := why_refused(name, value):
        raise ValueError(problem)
    return name, value


def whole_numbers(text: str) -> tuple[int, ...]:
    """The numbers of a list such as ``1,2``, in their order; empty for any other text."""
    plain = re.fullmatch(r"[0-9]{1,9}(,[0-9]{1,9})*", text)
    return tuple(map(int, text.split(","))) if plain else ()


DURATION = Parsed("duration", _seconds)
"""Seconds, of a text such as ``90s``, ``30m``, ``2h`` or ``1d``."""
LIMIT = Parsed("duration", partial(_seconds, zero=True))
"""The same, or 0."""
SIZE = Parsed("size", _bytes)
"""Bytes, of a text such as ``800MiB`` or ``4GiB``."""
LATENCY = Parsed(
    "latency", partial(_quantity, units=_UNITS_MS, noun="a latency", examples="5ms, 800us or 0.2s")
)
"""Milliseconds, of a text such as ``5ms``, ``800us`` or ``0.2s``."""
MEBIBYTES = Parsed(
    "size",
    partial(_quantity, units=_UNITS_MIB, noun="an amount of memory", examples="512MiB or 1GiB"),
)
"""Mebibytes, of a text such as ``512MiB`` or ``1GiB``."""
RATE = Parsed(
    "rate", partial(_quantity, units={"": 1.0, "/s": 1.0}, noun="a rate", examples="200 or 200/s")
)
"""Samples per second, of a text such as ``200`` or ``200/s``."""
ACCURACY = Parsed("quality", _quality)
"""A quality in its own unit, of a text such as ``70``; or of ``best-2`` one below the best."""
IDS = Parsed("ids", _ids)
"""Ids of points, of a text such as ``3`` or ``3,7``."""
PERCENTS = Parsed("percents", _percents)
"""Percentages, of a text such as ``70`` or ``65,70``."""
VARIABLE = Parsed("variable", _variable)
"""Name and value, of a text such as ``NAME=VALUE``."""


def unique_names(
    ctx: click.Context, param: click.Parameter, value: tuple[tuple[str, Any], ...]
) -> dict[str, Any]:
    """A callback: the pairs of an option that may be given several times, by their names."""
    names = [name for name, _ in value]
    for name in names:
        if names.count(name) > 1:
            raise click.BadParameter(f"'{name}' is given twice", ctx, param)
    return dict(value)


study_argument = click.argument("study", metavar="STUDY", shell_complete=complete_study)
storage_option = click.option(
    "--storage",
    metavar="URL",
    help="URL of the study's Optuna storage [default: study.db in its folder].",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def _code_file(_ctx: click.Context, _param: click.Parameter, value: Path | None) -> Path | None:
    """A callback: refuses where no code can be written, before anything is computed."""
    from dse.core.errors import RequestError
    from dse.core.paths import check_named

    if value is None:
        return None
    if value == Path("-"):
        remedy = "leave the option out: the code is on stdout then"
        raise RequestError("'-' is no file", field="--code", remedy=remedy)
    if not value.name:
        raise RequestError(f"'{value}' is no file", field="--code", remedy="name a file")
    check_named(value)
    return value


code_option = click.option(
    "--code",
    "code_file",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_code_file,
    help="Write the code to deploy it to this file instead of stdout.",
)
environment_option = click.option(
    "--env",
    "environment",
    metavar="NAME=VALUE",
    type=VARIABLE,
    multiple=True,
    callback=unique_names,
    help="Set an environment variable for the measuring processes, which inherit few of the "
    "shell's; it is recorded with the results. Can be given several times.",
)
run_timeout_option = click.option(
    "--run-timeout",
    type=DURATION,
    default="300s",
    show_default=True,
    help="Longest time for one configuration, not counting its accuracy run.",
)
memory_limit_option = click.option(
    "--memory-limit",
    type=SIZE,
    help="Memory limit for one configuration [default: nine tenths of the free memory].",
)


def settle_option(default: float | None, words: str) -> Callable[[_Command], _Command]:
    """The option ``--settle``.

    Args:
        default: seconds where it is not given; None for as long as exploring took.
        words: what that means.
    """
    return click.option(
        "--settle",
        type=LIMIT,
        default=default,
        help="Compare undecided frontier points for at most this long, e.g. 10m; 0 measures "
        f"everything once, without rounds or an anchor [default: {words}].",
    )


_OBJECTIVE = click.option(
    "--objective",
    "objectives",
    metavar="NAME:DIRECTION",
    multiple=True,
    shell_complete=complete_objective,
    help="Optimise this metric (minimize or maximize) instead of the study's objectives. "
    "Can be given several times.",
)
_DERIVED = (
    click.option(
        "--metric",
        "metrics",
        metavar="'NAME [UNIT] = EXPRESSION'",
        multiple=True,
        help="Compute another metric, such as 'per_watt = throughput_samples_per_s / watts'. "
        "Can be given several times; an expression may use the metrics before it.",
    ),
    click.option(
        "--where",
        "conditions",
        metavar="EXPRESSION",
        multiple=True,
        help="Use only points that satisfy this, such as 'latency_p90_ms < 15 and threads <= 2'. "
        "Can be given several times.",
    ),
    _OBJECTIVE,
    click.option(
        "--facts",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="A YAML file of further numbers for expressions, such as a price, for all CPUs or "
        "some of them.",
    ),
)


def derived_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for metrics, conditions and objectives of the user.

    The command gets what they say as ``derivation``, a `dse.derived.derivation.Derivation`.
    """
    return _with_derivation(command, _DERIVED)


def derivation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same without objectives, for a command that has other options for them."""
    return _with_derivation(command, [each for each in _DERIVED if each is not _OBJECTIVE])


def point_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options for the points that a command takes: named ones, or those of a frontier.

    The command gets ``points``, ``decided`` and what `derived_options` give.
    """
    decided = click.option(
        "--decided",
        is_flag=True,
        help="Take only points that are certainly on the frontier.",
    )
    points = click.option(
        "--points",
        metavar="IDS",
        type=IDS,
        default=(),
        help="Take these points, such as 3,7 [default: those of the frontier].",
    )
    return points(decided(derived_options(command)))


class Repeatable(click.Command):
    """A command that is told how it was called: ``words``, what follows its name."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Reads the words, and keeps them as they are."""
        words = tuple(args)
        rest = super().parse_args(ctx, args)
        ctx.params["words"] = words
        return rest


def _with_derivation(
    command: Callable[..., Any], options: Sequence[Callable[..., Any]]
) -> Callable[..., Any]:
    @wraps(command)
    def reading(
        *,
        metrics: tuple[str, ...],
        conditions: tuple[str, ...],
        facts: Path | None,
        objectives: tuple[str, ...] = (),
        **others: Any,
    ) -> Any:
        from dse.derived.derivation import Derivation

        derivation = Derivation.parse(metrics, conditions, objectives, facts)
        return command(derivation=derivation, **others)

    for option in reversed(options):
        reading = option(reading)
    return reading


sampler_option = click.option(
    "--sampler",
    type=click.Choice(SAMPLERS),
    default=BORROWER,
    show_default=True,
    help="How to choose the next configuration.",
)
seed_option = click.option(
    "--seed",
    metavar="N",
    type=click.IntRange(min=0),
    default=0,
    show_default=True,
    help="Random seed; the same seed gives the same order.",
)
stop_gain_option = click.option(
    "--stop-gain",
    metavar="PERCENT",
    type=click.FloatRange(min=0, max=100),
    default=1.0,
    show_default=True,
    help="Stop when the remaining configurations are expected to add less than this to the "
    "frontier's hypervolume; 0 measures everything. Needs the sampler 'frontier'.",
)
