"""The texts of a submission, for whoever repeats its runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.config import yaml_reader
from dse.core.configuration import CONFIGURATION_FIELDS, CPU
from dse.core.metrics import METRICS, Scenario
from dse.core.worker_environment import format_variables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.core.configuration import Configuration
    from dse.core.details import OfficialDetails
    from dse.core.signature import Form
    from dse.submission.evidence import Evidence, SubmittedRun
    from dse.tasks.task import Task

UNVERIFIED = "Result not verified by MLCommons Association."
_INFERRED = {
    (
        Scenario.SINGLE_STREAM,
        Scenario.MULTI_STREAM,
    ): "eight times LoadGen's early-stopping estimate of the 99th percentile",
    (Scenario.SINGLE_STREAM, Scenario.OFFLINE): "the inverse of the mean latency",
    (Scenario.MULTI_STREAM, Scenario.OFFLINE): "eight over the mean latency of a query",
}
"""How the result of a scenario follows from runs of another one: (ran, wanted)."""


def heading(text: str, noun: str, *, preview: bool) -> str:
    """The first line of a text; before it, for a preview, that its results are not valid."""
    if not preview:
        return f"# {text}"
    return (
        "**PREVIEW. This is not a valid MLPerf result**: its runs are shorter, or over fewer "
        f"{noun}, than the rules ask for. It shows what a submission would look like and must not "
        f"be submitted or quoted.\n\n# {text}"
    )


def calibration(noun: str) -> str:
    """The text on how models were calibrated, with the noun of a sample in the plural."""
    return f"""# Calibration

`src/<model>/<system>/README.md` says for each model where its file comes from and, where it is a
quantised one, how it was made.

Models that `dse` quantises itself are quantised after training and statically: weights per channel
to int8, activations per tensor, with ranges from a fixed number of {noun} of the data set, chosen
by its order. Quantised files that were given to `dse` ran as they are.
"""


def space_of(configuration: Configuration, objectives: Sequence[str]) -> str:
    """A search space of this one configuration, as the text of its file."""
    return yaml_reader.dump(
        {
            "models": [configuration.model],
            "precisions": [configuration.precision],
            "backends": {configuration.backend: dict(configuration.knobs)},
            "threads": [configuration.threads],
            "batch_sizes": [configuration.batch_size],
            "instances": [configuration.instances],
            "pinned": [configuration.pinned],
            **({} if configuration.device == CPU else {"devices": [configuration.device]}),
            "objectives": list(objectives),
        }
    )


def manifest_of(configuration: Configuration, run: SubmittedRun, form: Form, task: Task) -> str:
    """A ``models.yaml`` of the file that ran, as the text of its file."""
    entry = {
        "name": configuration.model,
        "file": run.noted.model_file or "",
        "precision": configuration.precision,
        **task.manifest_entry(form, run.noted.model_sha256 or ""),
    }
    return yaml_reader.dump({"models": [entry]})


def result_readme(
    result: Evidence,
    model: str,
    system: str,
    version: str,
    environment: Mapping[str, str],
    task: Task,
    *,
    preview: bool,
) -> str:
    """The README of a result; the model and the system by their names in the submission."""
    runs = [result.performance, result.accuracy, *result.compliance.values()]
    table = _table(result.record.configuration, system)
    lines = "".join(_run_line(run, task.noun) for run in runs if run is not None)
    title = heading(f"{model}, {result.scenario.value}", task.noun, preview=preview)
    again = _repetition(result, f"src/{model}/{system}/", version, environment, task)
    return f"""{title}

{UNVERIFIED}

{_inference(result)}{table}
## The runs

{lines}
{again}"""


def _repetition(
    result: Evidence, folder: str, version: str, environment: Mapping[str, str], task: Task
) -> str:
    """How to repeat the runs of a result, whose sources lie in a folder."""
    data = task.noun.upper()
    division = " --division closed" if result.compliance else ""
    variables = "".join(
        f" --env {format_variables({name: value})}" for name, value in environment.items()
    )
    return f"""## To repeat them

```text
pip install 'mlperf-dse[all]=={version}'
dse explore space.yaml --study repeat --models MODELS --dataset {data}{variables}
dse validate repeat --models MODELS --dataset {data} --scenario {result.ran.value}{division}
```

`space.yaml` lies in `{folder}`, beside what is to be known of the model file. `MODELS`
is a folder with that file and a `models.yaml`, `{data}` one with {task.dataset_files}.
"""


def _inference(result: Evidence) -> str:
    if not result.inferred:
        return ""
    how = _INFERRED[result.ran, result.scenario]
    return (
        f"**Inferred**: {result.scenario.value} was not measured. The runs are those of "
        f"{result.ran.value}, and the result is {how}, as the rules allow for edge systems.\n\n"
    )


def _beside(data: str) -> str:
    """What the hash is of where a model's weights lie in further files; else empty."""
    return f" (of all its files: its weights lie in `{data}`)" if data else ""


def _table(configuration: Configuration, system: str) -> str:
    flat = configuration.as_dict()
    rows = [("system", system), *((name, flat[name]) for name in CONFIGURATION_FIELDS)]
    rows += [("device", configuration.device)] if configuration.device != CPU else []
    rows += list(configuration.knobs)
    lines = [f"| {name.replace('_', ' ')} | {value} |\n" for name, value in rows]
    return "".join(["| | |\n|---|---|\n", *lines])


def _run_line(run: SubmittedRun, noun: str) -> str:
    measurement, noted = run.measurement, run.noted
    metric = METRICS[measurement.metric]
    told = f", `user.conf`: `{run.user_conf.strip()}`" if noted.mode != "accuracy" else ""
    return (
        f"- {noted.mode}: {metric.title} {measurement.value:.6g} {metric.unit}, "
        f"model file `{noted.model_file or ''}` with SHA-256 `{noted.model_sha256 or ''}`"
        f"{_beside(noted.model_data or '')}, "
        f"{noun} `{(noted.dataset or '')[:16] or 'random'}`{told}\n"
    )


def model_readme(model: str, configuration: Configuration, noun: str, *, preview: bool) -> str:
    """The README of a model, in ``src/``; the same whatever it ran on."""
    return f"""{heading(model, noun, preview=preview)}

Architecture `{configuration.model}`, precision {configuration.precision}.

The runs are by `dse` (the Python package `mlperf-dse`). Each folder here is of one system: its file
of the model, and the search space of its configuration. The README of a result says how to run it.
"""


def source_readme(
    model: str,
    system: str,
    configuration: Configuration,
    origin: OfficialDetails,
    noun: str,
    *,
    preview: bool,
    equivalence: str = "",
) -> str:
    """The README of a model on a system, with its file, hash, and where its weights come from."""
    data = _beside(origin.model_data or "")
    same = f"- equivalence to the reference model: {equivalence}\n" if equivalence else ""
    return f"""{heading(f"{model} on {system}", noun, preview=preview)}

- file: `{origin.model_file or ""}`, SHA-256 `{origin.model_sha256 or ""}`{data}
- weights: {origin.weights or "as the file has them"}
- made by `dse`: {_making(configuration, origin.made_from or "")}
{same}"""


def _making(configuration: Configuration, made_from: str) -> str:
    if made_from:
        return f"from `{made_from}`, as said above; `dse` makes it again from that file"
    if configuration.precision == "int8":
        return "no; the quantised file was given to it and not calibrated here"
    return "no"
