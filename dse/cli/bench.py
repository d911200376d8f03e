"""``dse bench``."""

from __future__ import annotations

from typing import Any

import click

from dse.cli.options import (
    Assignment,
    Duration,
    environment_option,
    json_option,
    memory_limit_option,
    repeats_option,
    run_timeout_option,
    whole_numbers,
)
from dse.core.metrics import Scenario
from dse.core.registry import BACKENDS

MAX_NUMBER = 65_536


class Numbers(click.ParamType[tuple[int, ...]]):
    """Numbers such as ``2`` or ``1,2,4``, each from 1."""

    name = "numbers"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The numbers, in their order."""
        if isinstance(value, tuple):
            return value
        numbers = whole_numbers(str(value))
        if not numbers:
            self.fail(f"'{value}' is not a list of numbers; write 2 or 1,2,4", param, ctx)
        for number in numbers:
            if not 1 <= number <= MAX_NUMBER:
                self.fail(f"expected 1 to {MAX_NUMBER}, not {number}", param, ctx)
        if len(set(numbers)) < len(numbers):
            self.fail(f"'{value}' names a number twice", param, ctx)
        return numbers


class Names(click.ParamType[tuple[str, ...]]):
    """Names such as ``a`` or ``a,b``."""

    name = "names"

    def __init__(self, known: tuple[str, ...]) -> None:
        self._known = {name.lower(): name for name in known}

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The names, in their order and as they are usually written."""
        if isinstance(value, tuple):
            return value
        names = [name.strip().lower() for name in str(value).split(",")]
        for name in names:
            if name not in self._known:
                known = ", ".join(self._known.values())
                self.fail(f"'{name}' is unknown; known are {known}", param, ctx)
        if len(set(names)) < len(names):
            self.fail(f"'{value}' names one twice", param, ctx)
        return tuple(self._known[name] for name in names)


@click.command()
@click.argument("model", metavar="MODEL")
@click.option(
    "--backend",
    "backends",
    metavar="NAMES",
    type=Names(tuple(name for name, entry in BACKENDS.items() if entry.has_runtime)),
    default=(),
    help="Runtimes to run it with [default: the first that is installed and reads the file].",
)
@click.option(
    "--scenario",
    "scenarios",
    metavar="NAMES",
    type=Names(tuple(Scenario)),
    default="SingleStream",
    show_default=True,
    help="SingleStream, MultiStream, Offline, Server: how LoadGen asks.",
)
@click.option(
    "--threads",
    metavar="NUMBERS",
    type=Numbers(),
    default=(),
    help="Threads of each instance [default: one per core].",
)
@click.option(
    "--batch-size",
    "batch_sizes",
    metavar="NUMBERS",
    type=Numbers(),
    default="1",
    show_default=True,
    help="Samples per call, where a scenario gives it several.",
)
@click.option(
    "--instances",
    metavar="NUMBERS",
    type=Numbers(),
    default="1",
    show_default=True,
    help="Copies of the model side by side, where a scenario lets them.",
)
@click.option(
    "--dim",
    "dims",
    metavar="NAME=SIZE",
    type=Assignment(
        r"\s*(.*\S)\s*=\s*([0-9]{1,9})\s*", "is not the size of a dimension; write NAME=384"
    ),
    multiple=True,
    help="Size of a dimension that the file leaves open; can be given several times.",
)
@click.option(
    "--input",
    "values",
    metavar="NAME=VALUES",
    type=Assignment(
        r"\s*(.*\S)\s*=\s*([^=]*[^=\s])\s*",
        "gives no input a value; write NAME=20 or NAME=1,2,3",
    ),
    multiple=True,
    help="Fill an input with these values, such as steps=20 or size=224,224: one for all of its "
    "elements, or one for each, with commas. Can be given several times.",
)
@click.option(
    "--signature",
    metavar="NAME",
    help="Signature of a TFLite file to measure [default: that of its first subgraph].",
)
@click.option(
    "--vocabulary",
    metavar="NUMBER",
    type=click.IntRange(min=1, max=2**31 - 1),
    help="Draw ids below this number where no table of the model bounds them [default: 100].",
)
@click.option(
    "--duration",
    type=Duration(),
    help="Shortest duration of each run [default: 1s, and 128 queries].",
)
@repeats_option(default=0)
@click.option(
    "--study", metavar="NAME", help="Keep the results and the logs in this study [default: none]."
)
@run_timeout_option
@memory_limit_option
@environment_option
@json_option
def bench(**options: Any) -> int:
    """Measure any model with random inputs that fit its own signature.

    MODEL is an ONNX or TFLite file, or hf:owner/repo[/file.onnx][@revision] of the Hugging Face
    hub. Options that take several values, such as --threads 1,2, try every combination.
    Inputs that decide how much is computed (steps, sizes, k) are found in the file, get 1 and are
    named; --input gives them other values.
    Accuracy is unknown: nobody knows what the model is for.
    """
    from dse.commands.bench.request import BenchRequest
    from dse.commands.bench.session import run
    from dse.core.errors import RequestError

    for option, given, twice in (
        ("--dim", options["dims"], "gives a dimension two sizes"),
        ("--input", options["values"], "fills an input twice"),
    ):
        if len({name for name, _ in given}) < len(given):
            raise RequestError(twice, field=option, remedy="give each of them once")
    options["dims"] = tuple((name, int(size)) for name, size in options["dims"])
    options["scenarios"] = tuple(map(Scenario, options["scenarios"]))
    return run(BenchRequest(**options))
