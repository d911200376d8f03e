"""The files of a submission: what stands where."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from dse.core.worker_environment import format_variables
from dse.submission import readmes
from dse.submission.logs import KEPT, accuracy_log, accuracy_text, read_bytes
from dse.submission.names import model_name, system_id
from dse.submission.release import BENCHMARK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dse.submission.evidence import Evidence, SubmittedRun

MAPPING = "model_mapping.json"
MEASUREMENTS = "measurements.json"


@dataclass(frozen=True, slots=True)
class SubmissionInfo:
    """What all results of an export have in common.

    Attributes:
        submitter: the organisation.
        hardware: the name of the system, the first part of its ids.
        description: of the system, but for what depends on runtime and knobs.
        versions: of the runtimes, by backend.
        objectives: of the study; not only what is exported, for more may follow into the same tree.
        retraining: whether the models were trained further, in words.
        preview: whether the results are no valid ones.
        environment: the variables that were set for the sake of the study.
    """

    submitter: str
    hardware: str
    description: Mapping[str, str]
    versions: Mapping[str, str]
    objectives: Sequence[str]
    retraining: str
    preview: bool
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Tree:
    """Files by path below the root of the submission.

    Attributes:
        files: their contents.
        originals: accuracy logs that stand in it cut short, whole.
        places: the folder of each result, which holds nothing else.
    """

    files: dict[PurePosixPath, bytes] = field(default_factory=dict)
    originals: dict[PurePosixPath, Path] = field(default_factory=dict)
    places: list[PurePosixPath] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Placed:
    """A result with the names that it has in the submission."""

    result: Evidence
    performance: SubmittedRun
    accuracy: SubmittedRun
    system: str
    model: str


def place(result: Evidence, about: SubmissionInfo) -> Placed:
    """Names a result.

    Raises:
        ValueError: one of its runs is missing.
    """
    if result.performance is None or result.accuracy is None:
        raise ValueError("a result without its runs has no place in a submission")
    configuration = result.record.configuration
    version = about.versions[configuration.backend]
    system = system_id(about.hardware, configuration, version)
    model = model_name(configuration)
    return Placed(result, result.performance, result.accuracy, system, model)


_SHORT = {"float32": "fp32", "float16": "fp16"}
"""What MLPerf calls the types of inputs; others by their own names."""


def build(results: Sequence[Evidence], about: SubmissionInfo) -> Tree:
    """The tree of complete results.

    Raises:
        DseError: a log can't be read.
    """
    tree = Tree()
    root = PurePosixPath("open") / about.submitter
    placed = [place(result, about) for result in results]
    models = sorted({each.model for each in placed})
    tree.files[root / MAPPING] = as_json(dict.fromkeys(models, BENCHMARK))
    tree.files[root / "documentation" / "calibration.md"] = readmes.CALIBRATION.encode()
    for each in placed:
        _add_system(tree, root, each, about)
        _add_source(tree, root, each, about)
        _add_result(tree, root, each, about)
    return tree


def as_json(value: object) -> bytes:
    """The text of a JSON file."""
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def _add_system(tree: Tree, root: PurePosixPath, placed: Placed, about: SubmissionInfo) -> None:
    configuration = placed.result.record.configuration
    framework = f"{configuration.backend} {about.versions[configuration.backend]}"
    flat = configuration.as_dict()
    knobs = [f"{name}={flat[name]}" for name in flat if name not in ("model", "precision")]
    notes = [about.description["sw_notes"], f"knobs: {', '.join(knobs)}"]
    if about.environment:
        notes.append(f"environment: {format_variables(about.environment)}")
    description = {
        **about.description,
        "framework": framework,
        "other_software_stack": _software(placed, about),
        "sw_notes": "; ".join(filter(None, notes)),
    }
    tree.files[root / "systems" / f"{placed.system}.json"] = as_json(description)


def _software(placed: Placed, about: SubmissionInfo) -> str:
    """What the runs were made with; that of all results of a system is the same or stands apart."""
    run = placed.performance
    loadgen = run.log.values.get("loadgen_version", "") if run.log is not None else ""
    own = f"dse {run.detail('dse')}, MLPerf LoadGen {loadgen}"
    return "; ".join(filter(None, [own, about.description["other_software_stack"]]))


def _add_source(tree: Tree, root: PurePosixPath, placed: Placed, about: SubmissionInfo) -> None:
    configuration = placed.result.record.configuration
    folder = root / "src" / placed.model
    names = ("model_file", "model_sha256", "model_data", "weights", "made_from")
    origin = {name: placed.performance.detail(name) for name in names}
    about_model = readmes.model_readme(placed.model, configuration, preview=about.preview)
    about_file = readmes.source_readme(
        placed.model, placed.system, configuration, origin, preview=about.preview
    )
    space = readmes.space_of(configuration, about.objectives)
    tree.files[folder / "README.md"] = about_model.encode()
    tree.files[folder / placed.system / "README.md"] = about_file.encode()
    tree.files[folder / placed.system / "space.yaml"] = space.encode()
    # A file that was made here is not one that anybody could put beside a manifest.
    if placed.performance.spec is not None and not origin["made_from"]:
        preprocessing = placed.performance.spec.preprocessing
        manifest = readmes.manifest_of(configuration, preprocessing, placed.performance)
        tree.files[folder / placed.system / "models.yaml"] = manifest.encode()


def _add_result(tree: Tree, root: PurePosixPath, placed: Placed, about: SubmissionInfo) -> None:
    result, performance, accuracy = placed.result, placed.performance, placed.accuracy
    folder = root / "results" / placed.system / placed.model / result.scenario.value
    readme = readmes.result_readme(
        result,
        placed.model,
        placed.system,
        performance.detail("dse"),
        about.environment,
        preview=about.preview,
    )
    log = accuracy_log(accuracy.logs)
    total = int(accuracy.log.number("effective_accuracy_sample_count")) if accuracy.log else 0
    files = {
        MEASUREMENTS: as_json(_measurements(placed, about)),
        "user.conf": performance.user_conf.encode(),
        "README.md": readme.encode(),
        "accuracy/accuracy.txt": accuracy_text(
            accuracy.measurement.value, total, log.sha256
        ).encode(),
        "accuracy/mlperf_log_accuracy.json": log.shown,
    }
    for name in KEPT:
        files[f"accuracy/{name}"] = read_bytes(accuracy.logs / name)
        files[f"performance/run_1/{name}"] = read_bytes(performance.logs / name)
    tree.files |= {folder / name: content for name, content in files.items()}
    tree.originals[folder / "accuracy/mlperf_log_accuracy.json"] = log.whole
    tree.places.append(folder)


def _measurements(placed: Placed, about: SubmissionInfo) -> dict[str, str]:
    configuration, run = placed.result.record.configuration, placed.performance
    spec = run.spec
    dtype = spec.preprocessing.dtype if spec is not None else "float32"
    made_from = run.detail("made_from")
    return {
        "input_data_types": _SHORT.get(dtype, dtype),
        "retraining": about.retraining,
        "starting_weights_filename": made_from or run.detail("model_file"),
        "weight_data_types": configuration.precision,
        "weight_transformations": run.detail("weights") if made_from else "none",
    }
