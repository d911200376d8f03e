"""Writes docs/runtimes.md, which model runs in which precision on which runtime.

    python -m tests.runtimes_page [MODEL ...]

Builds every model of the catalogue (or those named, and then only prints), in every precision that
the builtin provider makes, and has each usable runtime predict a batch of two with it, in the
Python and the process of its own that a worker would have. Takes a quarter of an hour.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.backend import LoadError, LoadRequest, Scores, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.registry import BACKENDS, backend
from dse.environments.availability import RuntimeAvailability, runtime_availabilities
from dse.tasks.image_classification.inputs import RandomInputs
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.image_classification.models.catalogue import CATALOGUE, published_pairs
from tests.backends.remote import Connection, RemoteError, RemoteRuntime
from tests.image_models import classes_of, preprocessing_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from dse.core.configuration import KnobValue

PAGE = Path(__file__).parents[1] / "docs" / "runtimes.md"
REFERENCE = "onnxruntime"
BATCH_SIZE = 2
BF16: tuple[tuple[str, KnobValue], ...] = (("inference_precision", "bf16"),)

HEAD = """# Which runtime runs what

{conclusion}

`make runtimes` writes this page: each runtime loads each model of the catalogue, as the builtin
provider makes it, and predicts a batch of two. A cell lists the precisions that ran and gave finite
scores for both samples. bf16 is OpenVINO's arithmetic on an fp32 file, on a CPU that has it.

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
    names: dict[str, Server],
) -> Iterator[tuple[str, str, tuple[tuple[str, KnobValue], ...]]]:
    """The reference first."""
    for name in sorted(names, key=lambda name: name != REFERENCE):
        yield name, "fp32", ()
        if name == "openvino":
            yield name, "fp32", BF16
        if "int8" in backend(name).precisions:
            yield name, "int8", ()


def page(models: Sequence[str], usable: dict[str, RuntimeAvailability], results: Results) -> str:
    names = list(usable)
    lines = ["| model | " + " | ".join(f"{n} {usable[n].version}" for n in names) + " |"]
    lines.append("|---" * (len(names) + 1) + "|")
    for model in models:
        cells = [", ".join(results.ran[model, name]) or "-" for name in names]
        lines.append(f"| {model} | " + " | ".join(cells) + " |")
    pairs = [pair for pair in published_pairs() if pair[0] in models]
    light = [n for n in ("litert", REFERENCE) if n in names]
    served = sum(any(p in results.ran[m, n] for n in light) for m, p in pairs)
    conclusion = (
        f"{served} of the {len(pairs)} published pairs of model and precision run on "
        f"{' or '.join(light)}."
    )
    words = [
        "The largest difference between the scores of two runtimes on the same random pixels, in",
        "standard deviations of the scores; in int8, between two runtimes that read the same file:",
        "",
    ]
    for label, apart in results.apart.items():
        words.append(f"- {label}: " + ", ".join(f"{who} {a:.1g}" for who, a in apart.items()))
    reasons = defaultdict(list)
    for (model, name, label), reason in results.reasons.items():
        reasons[name, label, reason[:200]].append(model)
    failed = [
        f"- {name} {label}, {', '.join(which)}: {reason}"
        for (name, label, reason), which in reasons.items()
    ]
    if failed:
        words += ["", "What did not run:", "", *failed]
    return HEAD.format(conclusion=conclusion) + "\n".join([*lines, "", *words]) + "\n"


def main() -> int:
    models = sys.argv[1:] or list(CATALOGUE)
    found = runtime_availabilities(name for name in BACKENDS if backend(name).formats)
    usable = {name: one for name, one in found.items() if one.error is None}
    text = page(models, usable, tried(models, usable))
    if len(models) == len(CATALOGUE):
        PAGE.write_text(text, encoding="utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
