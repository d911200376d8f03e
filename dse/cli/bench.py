"""``dse bench``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from dse.cli.options import (
    DURATION,
    Parsed,
    environment_option,
    into,
    json_option,
    memory_limit_option,
    run_timeout_option,
    settle_option,
    unique_names,
    whole_numbers,
)
from dse.core.metrics import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable

    from dse.commands.bench.request import BenchRequest

MAX_NUMBER = 65_536


def _numbers(text: str) -> tuple[int, ...]:
    numbers = whole_numbers(text)
    if not numbers:
        raise ValueError(f"'{text}' is not a list of numbers; write 2 or 1,2,4")
    for number in numbers:
        if not 1 <= number <= MAX_NUMBER:
            raise ValueError(f"expected 1 to {MAX_NUMBER}, not {number}")
    if len(set(numbers)) < len(numbers):
        raise ValueError(f"'{text}' names a number twice")
    return numbers


def _names(text: str, known: Iterable[str]) -> tuple[str, ...]:
    """The names of a list such as ``a,b``, as they are usually written."""
    usual = {name.lower(): name for name in known}
    names = [name.strip().lower() for name in text.split(",")]
    for name in names:
        if name not in usual:
            raise ValueError(f"'{name}' is unknown; known are {', '.join(usual.values())}")
    if len(set(names)) < len(names):
        raise ValueError(f"'{text}' names one twice")
    return tuple(usual[name] for name in names)


def _backends(text: str) -> tuple[str, ...]:
    from dse.core.registry import BACKENDS

    return _names(text, (name for name, entry in BACKENDS.items() if entry.has_runtime))


def _scenarios(text: str) -> tuple[Scenario, ...]:
    return tuple(map(Scenario, _names(text, Scenario)))


def _dimension(text: str) -> tuple[str, int]:
    name, _, size = text.rpartition("=")
    if not name.strip() or re.fullmatch(r"[0-9]{1,9}", size.strip()) is None:
        raise ValueError(f"'{text}' is not the size of a dimension; write NAME=384")
    return name.strip(), int(size)


def _values(text: str) -> tuple[str, str]:
    name, _, values = text.rpartition("=")
    if not name.strip() or not values.strip():
        raise ValueError(f"'{text}' gives no input a value; write NAME=20 or NAME=1,2,3")
    return name.strip(), values.strip()


NUMBERS = Parsed("numbers", _numbers)
"""Numbers from 1, of a text such as ``2`` or ``1,2,4``."""


@click.command()
@click.argument("model", metavar="MODEL")
@click.option(
    "--backend",
    "backends",
    metavar="NAMES",
    type=Parsed("names", _backends),
    default=(),
    help="Runtimes to use, e.g. onnxruntime,openvino [default: the first that is installed and "
    "reads the file].",
)
@click.option(
    "--scenario",
    "scenarios",
    metavar="NAMES",
    type=Parsed("names", _scenarios),
    default="SingleStream",
    show_default=True,
    help="LoadGen's scenarios: SingleStream, MultiStream, Offline, Server.",
)
@click.option(
    "--threads",
    metavar="NUMBERS",
    type=NUMBERS,
    default=(),
    help="Threads of each instance, e.g. 1,2,4 [default: one per core].",
)
@click.option(
    "--batch-size",
    "batch_sizes",
    metavar="NUMBERS",
    type=NUMBERS,
    default="1",
    show_default=True,
    help="Samples per call, in scenarios that send several.",
)
@click.option(
    "--instances",
    metavar="NUMBERS",
    type=NUMBERS,
    default="1",
    show_default=True,
    help="Copies of the model that run side by side, in scenarios that allow it.",
)
@click.option(
    "--dim",
    "dims",
    metavar="NAME=SIZE",
    type=Parsed("size", _dimension),
    multiple=True,
    callback=unique_names,
    help="Size of a dimension that the file leaves open. Can be given several times.",
)
@click.option(
    "--input",
    "values",
    metavar="NAME=VALUES",
    type=Parsed("values", _values),
    multiple=True,
    callback=unique_names,
    help="Fill an input with these values: one for all of its elements, such as steps=20, or one "
    "for each, such as size=224,224. Can be given several times.",
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
    help="Draw token ids below this number if no table in the model bounds them [default: 100].",
)
@click.option(
    "--duration",
    type=DURATION,
    help="Shortest duration of each run [default: 1s, and 128 queries].",
)
@settle_option(0.0, "0")
@click.option(
    "--study", metavar="NAME", help="Keep results and logs in this study [default: keep none]."
)
@run_timeout_option
@memory_limit_option
@environment_option
@json_option
@into("dse.commands.bench.request:BenchRequest")
def bench(request: BenchRequest) -> int:
    """Measure any model with random inputs that fit its signature.

    MODEL is an ONNX or TFLite file, or hf:owner/repo[/file.onnx][@revision] on the Hugging Face
    hub. With several values, as in --threads 1,2, every combination is measured.
    Inputs that decide how much is computed (steps, sizes, k) are found in the file, set to 1 and
    listed; --input sets them to other values.
    Accuracy stays unknown, because the purpose of the model is unknown.

    \b
    Examples:
      dse bench model.onnx
      dse bench model.tflite --threads 1,2 --batch-size 1,8 --scenario SingleStream,Offline
    """  # noqa: D301  # click keeps the lines after this mark
    from dse.commands.bench.session import run

    return run(request)
