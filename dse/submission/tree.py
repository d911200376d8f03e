"""The files of a submission: what stands where."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from dse.core.configuration import CPU
from dse.core.worker_environment import format_variables
from dse.loadgen.logs import read_responses
from dse.submission import _readmes
from dse.submission._logs import KEPT, accuracy_log, read_bytes
from dse.submission.description import NO_ACCELERATOR
from dse.submission.names import model_name, system_id
from dse.tasks.benchmark import OPEN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dse.submission.evidence import Evidence, SubmittedRun
    from dse.tasks.benchmark import Benchmark

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
        objectives: of the study; not only what is exported, as more may follow into the same tree.
        retraining: whether the models were trained further, in words.
        preview: whether it is a preview, whose runs may be too short.
        benchmark: of whose task the models are.
        environment: the variables that were set for the sake of the study.
        equivalence: how the models are the reference model, in words; empty in the open division.
    """

    submitter: str
    hardware: str
    description: Mapping[str, str]
    versions: Mapping[str, str]
    objectives: Sequence[str]
    retraining: str
    preview: bool
    benchmark: Benchmark
    environment: Mapping[str, str] = field(default_factory=dict)
    equivalence: str = ""


@dataclass(slots=True)
class Tree:
    """Files by path below the root of the submission.

    Attributes:
        files: their contents.
        originals: accuracy logs that stand in it cut short, whole.
        result_folders: the folder of each result, which holds nothing else.
        division: the folder that all of it lies in.
    """

    files: dict[PurePosixPath, bytes] = field(default_factory=dict)
    originals: dict[PurePosixPath, Path] = field(default_factory=dict)
    result_folders: list[PurePosixPath] = field(default_factory=list)
    division: str = OPEN


@dataclass(frozen=True, slots=True)
class NamedResult:
    """A result with the names that it has in the submission.

    Attributes:
        result, performance, accuracy: the result and its two runs.
        system: of the hardware with a runtime and its knobs.
        model: with its precision.
        place: the folder of the model below that of the system.
    """

    result: Evidence
    performance: SubmittedRun
    accuracy: SubmittedRun
    system: str
    model: str
    place: str


def name_result(result: Evidence, about: SubmissionInfo) -> NamedResult:
    """Names a result.

    Raises:
        ValueError: one of its runs is missing.
    """
    if result.performance is None or result.accuracy is None:
        raise ValueError("a result without its runs has no name in a submission")
    configuration = result.record.configuration
    version, model = about.versions[configuration.backend], model_name(configuration)
    hardware, place = about.hardware, model
    if about.benchmark.closed:  # there the folder has the name of the benchmark, not the model's
        hardware, place = f"{hardware}-{model}", about.benchmark.rules.benchmark
    system = system_id(hardware, configuration, version)
    return NamedResult(result, result.performance, result.accuracy, system, model, place)


_SHORT = {"float32": "fp32", "float16": "fp16"}
"""MLPerf's names of types of inputs; other types have their own names."""


def build(results: Sequence[Evidence], about: SubmissionInfo) -> Tree:
    """The tree of complete results.

    Raises:
        DseError: a log can't be read.
    """
    benchmark = about.benchmark
    tree = Tree(division=benchmark.division)
    root = PurePosixPath(benchmark.division) / about.submitter
    named = [name_result(result, about) for result in results]
    models = sorted({each.model for each in named})
    if not benchmark.closed:
        tree.files[root / MAPPING] = as_json(dict.fromkeys(models, benchmark.rules.benchmark))
    about_calibration = _readmes.calibration(benchmark.task.noun)
    tree.files[root / "documentation" / "calibration.md"] = about_calibration.encode()
    for each in named:
        _add_system(tree, root, each, about)
        _add_source(tree, root, each, about)
        _add_result(tree, root, each, about)
        for test in each.result.compliance:
            _add_compliance(tree, root, each, test, about)
    return tree


def as_json(value: object) -> bytes:
    """The text of a JSON file."""
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode()


def _add_system(tree: Tree, root: PurePosixPath, named: NamedResult, about: SubmissionInfo) -> None:
    configuration = named.result.record.configuration
    framework = f"{configuration.backend} {about.versions[configuration.backend]}"
    flat = configuration.as_dict()
    knobs = [f"{name}={flat[name]}" for name in flat if name not in ("model", "precision")]
    notes = [about.description["sw_notes"], f"knobs: {', '.join(knobs)}"]
    if about.environment:
        notes.append(f"environment: {format_variables(about.environment)}")
    told = about.description
    if configuration.device == CPU:  # whatever else the machine has
        told = {name: NO_ACCELERATOR.get(name, value) for name, value in told.items()}
    description = {
        **told,
        "framework": framework,
        "other_software_stack": _software(named, about),
        "sw_notes": "; ".join(filter(None, notes)),
    }
    tree.files[root / "systems" / f"{named.system}.json"] = as_json(description)


def _software(named: NamedResult, about: SubmissionInfo) -> str:
    """What the runs were made with; that of all results of a system is the same or stands apart."""
    run = named.performance
    loadgen = run.log.values.get("loadgen_version", "") if run.log is not None else ""
    own = f"dse {run.noted.dse or ''}, MLPerf LoadGen {loadgen}"
    return "; ".join(filter(None, [own, about.description["other_software_stack"]]))


def _add_source(tree: Tree, root: PurePosixPath, named: NamedResult, about: SubmissionInfo) -> None:
    configuration = named.result.record.configuration
    folder = root / "src" / named.model
    noted, noun = named.performance.noted, about.benchmark.task.noun
    about_model = _readmes.model_readme(named.model, configuration, noun, preview=about.preview)
    about_file = _readmes.source_readme(
        named.model,
        named.system,
        configuration,
        noted,
        noun,
        preview=about.preview,
        equivalence=about.equivalence,
    )
    space = _readmes.space_of(configuration, about.objectives)
    tree.files[folder / "README.md"] = about_model.encode()
    tree.files[folder / named.system / "README.md"] = about_file.encode()
    tree.files[folder / named.system / "space.yaml"] = space.encode()
    # A file that was made here is not one that anybody could put beside a manifest.
    if named.performance.spec is not None and not noted.made_from:
        manifest = _readmes.manifest_of(
            configuration, named.performance, named.performance.spec.task.form, about.benchmark.task
        )
        tree.files[folder / named.system / "models.yaml"] = manifest.encode()


def _add_result(tree: Tree, root: PurePosixPath, named: NamedResult, about: SubmissionInfo) -> None:
    result, performance, accuracy = named.result, named.performance, named.accuracy
    folder = _folder(root, named)
    task = about.benchmark.task
    readme = _readmes.result_readme(
        result,
        named.model,
        named.system,
        performance.noted.dse or "",
        about.environment,
        task,
        preview=about.preview,
    )
    log = accuracy_log(accuracy.logs)
    score = task.score(read_responses(accuracy.logs), accuracy.folder)
    files = {
        MEASUREMENTS: as_json(_measurements(named, about)),
        "user.conf": performance.user_conf.encode(),
        "README.md": readme.encode(),
        "accuracy/accuracy.txt": task.accuracy_text(score, log.sha256).encode(),
        "accuracy/mlperf_log_accuracy.json": log.shown,
    }
    for name in KEPT:
        files[f"accuracy/{name}"] = read_bytes(accuracy.logs / name)
        files[f"performance/run_1/{name}"] = read_bytes(performance.logs / name)
    tree.files |= {folder / name: content for name, content in files.items()}
    tree.originals[folder / "accuracy/mlperf_log_accuracy.json"] = log.whole
    tree.result_folders.append(folder)


def _folder(root: PurePosixPath, named: NamedResult) -> PurePosixPath:
    return root / "results" / named.system / named.place / named.result.scenario.value


def _add_compliance(
    tree: Tree, root: PurePosixPath, named: NamedResult, test: str, about: SubmissionInfo
) -> None:
    """What a compliance run logged, and what its verification came to."""
    folder, run = _folder(root, named) / test, named.result.compliance[test]
    found = named.result.verify(test, about.benchmark)
    texts = {"verify_performance.txt": found.performance.text}
    if found.answers is not None:
        log = accuracy_log(run.logs)
        place = folder / "accuracy/mlperf_log_accuracy.json"
        tree.files[place], tree.originals[place] = log.shown, log.whole
        texts["verify_accuracy.txt"] = found.answers.text
        texts["accuracy/accuracy.txt"] = f"hash={log.sha256}\n"
        logs = {"baseline": accuracy_log(named.accuracy.logs), "compliance": log}
        for (name, of), score in zip(logs.items(), found.scores or (), strict=False):
            text = about.benchmark.task.accuracy_text(score, of.sha256)
            texts[f"accuracy/{name}_accuracy.txt"] = text
    tree.files |= {folder / name: text.encode() for name, text in texts.items()}
    for name in KEPT:
        tree.files[folder / "performance/run_1" / name] = read_bytes(run.logs / name)


def _measurements(named: NamedResult, about: SubmissionInfo) -> dict[str, str]:
    configuration, run = named.result.record.configuration, named.performance
    spec = run.spec
    task = about.benchmark.task
    dtype = task.signature(spec.task.form).inputs[0].dtype if spec is not None else "float32"
    noted = run.noted
    return {
        "input_data_types": _SHORT.get(dtype, dtype),
        "retraining": about.retraining,
        "starting_weights_filename": noted.made_from or noted.model_file or "",
        "weight_data_types": configuration.precision,
        "weight_transformations": noted.weights or "" if noted.made_from else "none",
    }
