"""Which runtime gains from weights that are zero, and from int8.

    python -m benchmarks.sparsity [--write] [--minutes M] [--model NAME] [--tokens N]
                                  [--backend NAME ...]

Takes the SingleStream latency of an untrained builtin encoder on all CPUs: dense and pruned, in
fp32 and int8, on each runtime that is usable here. A round has all variants of one runtime in
random order, each in a process of its own, and speeds are compared within rounds; there are as many
as fit into the minutes, one of each runtime at least. Files are made before, which takes minutes
where they are not in the cache. `--write` puts the table into docs/question-answering.md.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.laboratory.page import filled
from dse.core.configuration import Configuration
from dse.core.details import TimedDetails
from dse.core.errors import DseError
from dse.core.metrics import LATENCY
from dse.core.reasons import boil_down
from dse.environments.availability import runtime_availabilities
from dse.machine.affinity import available_cpus
from dse.machine.detect import detect
from dse.machine.measuring_lock import measuring_lock
from dse.measure.runner import Limits, run_worker
from dse.measure.spec import RUN_LENGTHS, MetricRequest, ModelFiles, Spec, TaskSpec
from dse.tasks.question_answering._architectures import ENCODERS
from dse.tasks.question_answering._builtin import build_fp32, build_int8
from dse.tasks.registry import task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

PAGE = Path(__file__).parents[1] / "docs" / "question-answering.md"
SECTION = "sparsity"
RUNTIMES = ("onnxruntime", "openvino", "deepsparse")
SUFFIXES = ("", "-sparse80", "-sparse90", "-sparse95", "-sparse90-block4")
PRECISIONS = ("fp32", "int8")
DENSE = ("", "fp32")
QUERIES = 6
"""Queries of a run, whose median counts: few, as one of a dense BERT-base takes up to a second."""
LIMITS = Limits(timeout_s=300.0, memory_bytes=0)

Variant = tuple[str, str]
"""What the model's name ends with, and its precision."""
Round = dict[Variant, float]
"""Latencies in milliseconds."""


@dataclass(frozen=True, slots=True)
class File:
    """A variant of the model.

    Attributes:
        path: of the file.
        spec: what it is fed with.
    """

    path: Path
    spec: TaskSpec


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 the work failed, 2 the request was wrong, told in one line."""
    options = _options(arguments)
    try:
        if options.write:
            filled(PAGE.read_text(encoding="utf-8"), PAGE, SECTION, "")  # before minutes are spent
        pythons = _usable(options.backend)
        files = make_files(options.model, options.tokens)
        found = measure(pythons, files, 60 * options.minutes)
    except DseError as error:
        sys.stderr.write(f"sparsity: {error}\n")
        return error.exit_code
    text = f"{_caption(options.model, options.tokens)}\n\n{table(found)}"
    sys.stdout.write(f"{text}\n")
    if options.write:
        page = filled(PAGE.read_text(encoding="utf-8"), PAGE, SECTION, text)
        PAGE.write_text(page, encoding="utf-8")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    dense = [name for name, one in ENCODERS.items() if not one.pruning.percent]
    parser.add_argument("--write", action="store_true", help="into docs/question-answering.md")
    parser.add_argument("--minutes", type=float, default=9.0, help="of all rounds; default 9")
    parser.add_argument("--model", choices=dense, default="bert-base")
    parser.add_argument("--tokens", type=int, default=384, help="of a sample; default 384")
    parser.add_argument("--backend", nargs="+", choices=RUNTIMES, default=list(RUNTIMES))
    return parser.parse_args(arguments)


def _usable(backends: Sequence[str]) -> dict[str, str]:
    """The Python of each backend that is usable here; says which is not.

    Raises:
        DseError: none is.
    """
    usable = {}
    for name, found in runtime_availabilities(backends).items():
        if found.python is None or found.error is not None:
            sys.stderr.write(f"{name} is left out: {found.error}\n")
        else:
            usable[name] = found.python
    if not usable:
        raise DseError("no runtime is usable here")
    return usable


def make_files(model: str, tokens: int) -> dict[Variant, File]:
    """The files of all variants of a model for samples of some tokens, made where need be."""
    files, given = {}, task("question-answering")
    for suffix in SUFFIXES:
        name = f"{model}{suffix}"
        encoder = replace(ENCODERS[name], sequence_length=tokens)
        spec = TaskSpec(given.worker, encoder.form.to_form(), rules=given.rules)
        for precision, build in zip(PRECISIONS, (build_fp32, build_int8), strict=True):
            sys.stderr.write(f"{name} {precision}\n")
            files[suffix, precision] = File(build(name, encoder)[0], spec)
    return files


def measure(
    pythons: Mapping[str, str], files: Mapping[Variant, File], seconds: float
) -> dict[str, list[Round]]:
    """Rounds of each runtime in turn, as many as fit into a time.

    Args:
        pythons: the Python of each runtime.
        files: of the variants.
        seconds: of all rounds; each runtime has one at least.

    Returns:
        The rounds by runtime.
    """
    rounds: dict[str, list[Round]] = {name: [] for name in pythons}
    took: dict[str, float] = dict.fromkeys(pythons, 0.0)
    end = time.monotonic() + seconds
    while True:
        for name, python in pythons.items():
            if rounds[name] and time.monotonic() + took[name] > end:
                return rounds
            begun = time.monotonic()
            rounds[name].append(_round(name, python, files))
            took[name] = time.monotonic() - begun
            sys.stderr.write(f"{name}: round {len(rounds[name])} took {took[name]:.0f} s\n")


def _round(name: str, python: str, files: Mapping[Variant, File]) -> Round:
    order = random.sample(list(files), len(files))
    with TemporaryDirectory(prefix="dse-sparsity-") as folder, measuring_lock():
        return {
            variant: _latency_ms(name, python, files[variant], variant, Path(folder, str(place)))
            for place, variant in enumerate(order)
        }


def _latency_ms(name: str, python: str, file: File, variant: Variant, folder: Path) -> float:
    """The median latency of a run.

    Raises:
        DseError: it failed.
    """
    suffix, precision = variant
    configuration = Configuration(f"encoder{suffix}", precision, name, len(available_cpus()), 1)
    spec = Spec(
        run=folder.name,
        folder=folder,
        configuration=configuration,
        model=ModelFiles(file.path),
        task=file.spec,
        requests=(MetricRequest(LATENCY.name, configuration.key),),
        fidelity=replace(RUN_LENGTHS["brief"], min_query_count=QUERIES, warm_up_calls=1),
    )
    outcome = run_worker(spec, LIMITS, interpreter=python)
    if outcome.failure is not None:
        raise DseError(f"{configuration} failed: {boil_down(outcome.failure.message)}")
    found = TimedDetails.of(outcome.measurements[0].details).p50_ms
    assert found is not None  # of a SingleStream run it is known
    return found


def _caption(model: str, tokens: int) -> str:
    machine = f"{detect().cpu} with {len(available_cpus())} CPUs"
    return (
        f"`python -m benchmarks.sparsity` on {machine}: median latency in ms\n"
        f"of `{model}` with {tokens} tokens; in brackets the speed relative to dense fp32\n"
        "on the same runtime, the median of rounds:"
    )


def table(found: Mapping[str, Sequence[Round]]) -> str:
    """The latencies as a table in Markdown, with the speed relative to dense fp32."""
    lines = [
        f"| weights | precision | {' | '.join(found)} |",
        f"|---|---|{'---:|' * len(found)}",
    ]
    for suffix in SUFFIXES:
        for precision in PRECISIONS:
            cells = (_cell(rounds, (suffix, precision)) for rounds in found.values())
            lines.append(f"| {_words(suffix)} | {precision} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(rounds: Sequence[Round], variant: Variant) -> str:
    latency = median(one[variant] for one in rounds)
    speed = median(one[DENSE] / one[variant] for one in rounds)
    return f"{latency:.3g} (x {speed:.2f})"


def _words(suffix: str) -> str:
    pruning = ENCODERS[f"bert-base{suffix}"].pruning
    return pruning.words or "dense"


if __name__ == "__main__":
    sys.exit(main())
