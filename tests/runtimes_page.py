"""Writes docs/runtimes.md, which model runs in which precision on which runtime.

    python -m tests.runtimes_page [MODEL ...]

Builds every model of the catalogue (or those named, and then only prints), in every precision that
the builtin provider makes, and has each usable runtime predict a batch of two with it, in the
Python and the process of its own that a worker would have. Takes an hour, most of it for what
ExecuTorch's exporter makes, which is kept.
"""

from __future__ import annotations

import sys
import textwrap
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.backend import LoadError, LoadRequest, Scores, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.registry import BACKENDS, backend
from dse.environments.availability import RuntimeAvailability, runtime_availabilities
from dse.machine.detect import detect
from dse.machine.instruction_sets import BF16
from dse.tasks.image_classification.inputs import RandomInputs
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.image_classification.models.catalogue import CATALOGUE, published_pairs
from tests.backends.remote import Connection, RemoteError, RemoteRuntime
from tests.image_models import classes_of, preprocessing_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from dse.core.configuration import KnobValue

PAGE = Path(__file__).parents[1] / "docs" / "runtimes.md"
REFERENCE = "onnxruntime"
BATCH_SIZE = 2
PRECISIONS = ("fp32", "bf16", "int8")

HEAD = """# Which runtime runs what

{conclusion}

`make runtimes` writes this page: each runtime loads each model of the catalogue, as the builtin
provider makes it, and predicts a batch of two. It runs a model in a precision if the scores of both
are finite. bf16 is arithmetic on an fp32 file, on a CPU that has it{lacking}.

"""


@dataclass(slots=True)
class Results:
    """What ran, by model and runtime; why the rest did not; and how far scores lie apart."""

    ran: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    reasons: dict[tuple[str, str, str], str] = field(default_factory=dict)
    apart: dict[str, dict[str, float]] = field(default_factory=lambda: {"fp32": {}, "int8": {}})


class Server:
    """A runtime in a process of its own, started again after a crash."""

    def __init__(self, name: str, python: str) -> None:
        self.name, self._python = name, python
        self._connection: Connection | None = None

    def scores(
        self, model: str, precision: str, knobs: tuple[tuple[str, KnobValue], ...]
    ) -> NDArray[Any]:
        formats = backend(self.name).formats
        artefact = BuiltinProvider().artefact(model, precision, formats)
        batch = RandomInputs(BATCH_SIZE, preprocessing_of(artefact), seed=0).call(range(BATCH_SIZE))
        configuration = Configuration(model, precision, self.name, 1, BATCH_SIZE, knobs)
        if self._connection is None:
            self._connection = Connection(self._python, self.name)
        try:
            runtime = RemoteRuntime(self.name, self._connection)
            loaded = runtime.load(LoadRequest(configuration, artefact.path, {}, scores=Scores()))
            scores = loaded.predict(loaded.bind(batch))
            loaded.close()
        except (EOFError, BrokenPipeError) as error:
            self._connection = None
            raise RemoteError("the process ended") from error
        if scores.shape != (BATCH_SIZE, classes_of(artefact)) or not np.isfinite(scores).all():
            raise RemoteError(f"scores of shape {scores.shape}, or not all finite")
        return scores


def tried(models: Sequence[str], usable: dict[str, RuntimeAvailability]) -> Results:
    results = Results()
    servers = {name: Server(name, found.python or "") for name, found in usable.items()}
    for model in models:
        references: dict[tuple[str, str], tuple[str, NDArray[Any]]] = {}
        for name, precision, knobs in _cases(servers):
            label = "bf16" if knobs else precision
            try:
                scores = servers[name].scores(model, precision, knobs)
            except (LoadError, UnsupportedError, RemoteError) as error:
                reason = " ".join(str(error).split())
                results.reasons[model, name, label] = reason
                sys.stderr.write(f"{model} {label}, {name}: {reason}\n")
                continue
            results.ran[model, name].append(label)
            if label in results.apart:
                # int8 files of two formats are quantised by two libraries: no two numbers agree.
                file_format = backend(name).formats[0] if label == "int8" else ""
                first, reference = references.setdefault((label, file_format), (name, scores))
                apart = float(np.abs(scores - reference).max() / reference.std())
                between = f"{name} and {first}"
                if name != first:
                    before = results.apart[label].get(between, 0.0)
                    results.apart[label][between] = max(before, apart)
        sys.stderr.write(f"{model}: { ({n: results.ran[model, n] for n in servers}) }\n")
    return results


def _cases(
    names: Iterable[str],
) -> Iterator[tuple[str, str, tuple[tuple[str, KnobValue], ...]]]:
    """The reference first."""
    for name in sorted(names, key=lambda name: name != REFERENCE):
        yield name, "fp32", ()
        for knob in bf16_knobs(name):
            yield name, "fp32", ((knob, "bf16"),)
        if "int8" in backend(name).precisions:
            yield name, "int8", ()


def bf16_knobs(name: str) -> list[str]:
    """The knobs of a runtime that choose bf16, where this CPU has it."""
    has = set(detect().instruction_sets or ())
    return [
        knob.name
        for knob in backend(name).knobs
        if "bf16" in knob.values and has.intersection(knob.requires.get("bf16", BF16))
    ]


def page(models: Sequence[str], versions: Mapping[str, str], results: Results) -> str:
    """What ran, as a page in Markdown: a sentence, a row for each runtime, and the exceptions."""
    cells = {
        (name, label): _cell(models, name, label, results)
        for name in versions
        for label in PRECISIONS
    }
    lines = ["| runtime | version | " + " | ".join(PRECISIONS) + " |", "|---" * 5 + "|"]
    lines += [
        f"| {name} | {version} | " + " | ".join(cells[name, label] for label in PRECISIONS) + " |"
        for name, version in versions.items()
    ]
    exceptions = _exceptions(models, results)
    pairs = [pair for pair in published_pairs() if pair[0] in models]
    light = [name for name in ("litert", REFERENCE) if name in versions]
    served = sum(any(p in results.ran[m, n] for n in light) for m, p in pairs)
    rest = ", but for the exceptions below" if exceptions else ""
    conclusion = (
        f"Each runtime runs all {len(models)} models of the catalogue in every precision that its "
        f"row names{rest}. Of the {len(pairs)} published pairs of model and precision, {served} "
        f"run on {' or '.join(light)}."
    )
    lacking = "" if any(map(bf16_knobs, versions)) else ", which this one has not"
    text = HEAD.format(conclusion=textwrap.fill(conclusion, 100), lacking=lacking)
    return text + "\n".join([*lines, "", *_apart(results), *exceptions]) + "\n"


def _cell(models: Sequence[str], name: str, label: str, results: Results) -> str:
    ran = sum(label in results.ran[model, name] for model in models)
    if ran == len(models):
        return "all"
    tried = any((name, label) == which[1:] for which in results.reasons)
    return f"{ran} of {len(models)}" if ran or tried else "-"


def _apart(results: Results) -> list[str]:
    words = [
        "The largest difference between the scores of two runtimes on the same random pixels, in",
        "standard deviations of the scores; in int8, between two runtimes that read the same file:",
        "",
    ]
    for label, apart in results.apart.items():
        told = f"- {label}: " + ", ".join(f"{who} {a:.1g}" for who, a in apart.items())
        words += textwrap.wrap(told, 100, subsequent_indent="  ", break_on_hyphens=False)
    return words


def _exceptions(models: Sequence[str], results: Results) -> list[str]:
    """What did not run, as a list; a reason that several models share is said once."""
    reasons = defaultdict(list)
    for (model, name, label), reason in results.reasons.items():
        reasons[name, label, reason[:200]].append(model)
    if not reasons:
        return []
    return ["", "What did not run:", ""] + [
        f"- {name} {label}, {'all' if len(which) == len(models) else ', '.join(which)}: {reason}"
        for (name, label, reason), which in reasons.items()
    ]


def main() -> int:
    models = sys.argv[1:] or list(CATALOGUE)
    found = runtime_availabilities(name for name in BACKENDS if backend(name).formats)
    usable = {name: one for name, one in found.items() if one.error is None}
    versions = {name: one.version or "" for name, one in usable.items()}
    text = page(models, versions, tried(models, usable))
    if len(models) == len(CATALOGUE):
        PAGE.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
