"""A study with runs by MLPerf's rules: LoadGen's own logs of ten minutes, kept in ``golden/``.

Only the accuracy log, of some megabytes, is made here: by a formula, with labels to match.
"""

from __future__ import annotations

import gzip
import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dse.core.checksums import digest
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement, Outcome, Source
from dse.core.metrics import METRICS_OF, Scenario
from dse.loadgen.compliance import TESTS
from dse.loadgen.logs import ACCURACY, DETAIL, PREFIX
from dse.machine.system import System
from dse.measure.spec import (
    VALID,
    MetricRequest,
    ModelFiles,
    Official,
    Spec,
    TaskSpec,
)
from dse.space.plan import resolve
from dse.space.reading import space_from_dict
from dse.study.folder import StudyFolder
from dse.study.metadata import StudyMetadata
from dse.study.record import Purpose
from dse.study.revisions import distributions
from dse.study.study import Study
from dse.submission._logs import SUMMARY
from dse.tasks.image_classification.labels import LABELS_FILE
from dse.tasks.image_classification.preprocessing import Preprocessing, to_form
from dse.tasks.image_classification.task import ImageClassification
from dse.tasks.task import InputFiles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dse.core.configuration import KnobValue
    from dse.core.measurement import FidelityName

GOLDEN = Path(__file__).parent / "golden"
MODEL, FILE = "mobilenet-v1-0.25-128", "mobilenet_v1_0.25_128_quant.tflite"
CONFIGURATION = Configuration(MODEL, "int8", "litert", 1, 1)
SHA256 = "cb273c23ee76374b05b9583177e28aa19744858a7679c56a250e83d0333da785"
DATASET = "e39e8640d089dff2697483245698c66343767e9f100a6e0072e6bd45a0f2dcb4"
VERSION = "1.2.3"
"""Of this program, by which the runs were taken."""
IMAGES, GOOD = 50_000, 18_806
PERCENT = 100 * GOOD / IMAGES
VALUES = {
    Scenario.SINGLE_STREAM: 0.558172,
    Scenario.MULTI_STREAM: 0.642368,
    Scenario.OFFLINE: 2089.1,
    Scenario.SERVER: 2056.29,
}
"""What the logs give; those of MultiStream and Server are made from the log of SingleStream."""
TARGETS = {Scenario.SINGLE_STREAM: 0.6062875, Scenario.OFFLINE: 2283.7149187960736}
BOTH = (Scenario.SINGLE_STREAM, Scenario.OFFLINE)
MODES = ("performance", "accuracy")
EDGE = (Scenario.SINGLE_STREAM, Scenario.MULTI_STREAM, Scenario.OFFLINE)
LOGGED = range(0, IMAGES, 50)
"""The samples whose answers a compliance run has logged, each of them twice."""

ELSEWHERE = System(
    cpu="Example CPU 9000",
    architecture="x86_64",
    microcode="0x1",
    available_cpus=2,
    physical_cores=2,
    cpu_quota=None,
    max_mhz=((3700, 2),),
    memory_bytes=32 << 30,
    governor="performance",
    virtualised=False,
    operating_system="Some Linux 1",
    kernel="6.1.0",
)
"""A machine that is not this one."""
TOLD = """\
status: available
system_name: Test Board 1
host_processors_per_node: 1
host_processor_core_count: 2
host_memory_configuration: 2 x 16 GiB DDR5 4800 MT/s
host_storage_capacity: 1 x 512 GB
host_storage_type: NVMe SSD
host_networking: Ethernet 1 Gb/s
host_network_card_count: 1
cooling: air
retraining: "no"
"""
"""A system.yaml that says all of `ELSEWHERE` that the study does not know."""
OF_ANY_MACHINE = "host_processor_model_name: some CPU\nhost_memory_capacity: 1 GiB\n"
"""What it says besides where a study of this machine may not tell."""


class Files:
    """Models on offer: all of them."""

    def models(self) -> tuple[str, ...]:
        return (MODEL,)

    def obstacle(self, model: str, precision: str, backend: str) -> str | None:
        del model, precision, backend
        return None

    def knob_obstacle(self, point: Configuration) -> str | None:
        del point
        return None


def labels() -> np.ndarray[Any, np.dtype[np.int64]]:
    """The labels of the data set."""
    return np.arange(IMAGES, dtype=np.int64) * 7919 % 1000


def accuracy_log(images: Iterable[int] = range(IMAGES)) -> str:
    """An accuracy log as LoadGen writes it, of which so many predictions are right as were."""
    lines, right_ones = [], labels().tolist()
    for image in images:
        label = right_ones[image]
        right = image * 7 % IMAGES < GOOD
        data = (label if right else (label + 1) % 1000).to_bytes(8, "little").hex().upper()
        lines.append(f'{{ "seq_id" : {image}, "qsl_idx" : {image}, "data" : "{data}" }}')
    return "[\n" + ",\n".join(lines) + "\n]\n"


@dataclass(frozen=True, slots=True)
class Data:
    """Where the labels and the accuracy log lie that runs share."""

    folder: Path

    def make(self) -> None:
        np.save(self.labels, labels())
        (self.folder / ACCURACY).write_text(accuracy_log())

    @property
    def labels(self) -> Path:
        return self.folder / LABELS_FILE


def key(scenario: Scenario, configuration: Configuration = CONFIGURATION) -> str:
    return digest([configuration.key, scenario.value])


def accuracy_key(configuration: Configuration = CONFIGURATION) -> str:
    return digest([configuration.key, "accuracy"])


def write_study(
    folder: Path,
    data: Data,
    scenarios: Sequence[Scenario] = BOTH,
    validated: Sequence[Scenario] | None = None,
    tests: Sequence[str] = (),
    **changes: Any,
) -> Path:
    """A study of one configuration, explored and validated.

    Args:
        folder: the study's.
        data: what the runs share.
        scenarios: of the objectives.
        validated: those of them that have valid runs; None for all.
        tests: the compliance runs beside them, in the closed division.
        changes: to what the study is about.
    """
    objectives = ["accuracy_percent", *(METRICS_OF[each] for each in scenarios)]
    space = space_from_dict(
        {
            "models": [MODEL],
            "precisions": ["int8"],
            "backends": ["litert"],
            "threads": [1],
            "batch_sizes": [1],
            "objectives": objectives,
        }
    )
    plan = resolve(space, Files(), 2, 2)
    about = StudyMetadata(
        ELSEWHERE.as_dict(), space.as_dict(), 1, (), DATASET, "file", {"litert": "2.3.0"}
    )
    study = Study.create(StudyFolder(folder), space, plan, replace(about, **changes), None)
    choices = distributions(plan)
    explored = [
        Measurement("accuracy_percent", PERCENT, accuracy_key(), Source.MEASURED, run="explored"),
        *(
            Measurement(METRICS_OF[each], VALUES[each], key(each), Source.MEASURED, run="explored")
            for each in scenarios
        ),
    ]
    trial = study.begin(CONFIGURATION, choices)
    for measurement in explored:
        study.keep(trial, measurement)
    study.finish(trial, Outcome(tuple(explored)))
    for scenario in scenarios if validated is None else validated:
        for mode in (*MODES, *tests):
            trial = study.begin(CONFIGURATION, choices, Purpose.VALIDATE)
            measurement = write_run(folder / "runs", data, scenario, mode, closed=bool(tests))
            study.keep(trial, measurement)
            study.finish(trial, Outcome((measurement,)))
    return folder


def write_run(
    runs: Path, data: Data, scenario: Scenario, mode: str, *, closed: bool = False
) -> Measurement:
    """The folder of a valid run, and what was measured."""
    timed, test = mode != "accuracy", TESTS.get(mode)
    name = f"{scenario.value}-{mode}"
    official = Official(scenario, not timed, TARGETS.get(scenario, 2000.0), key(scenario))
    task = MetricRequest(METRICS_OF[scenario], key(scenario))
    spec = Spec(
        run=name,
        folder=runs / name,
        configuration=CONFIGURATION,
        model=ModelFiles(Path(FILE)),
        task=TaskSpec(
            ImageClassification.worker,
            to_form(Preprocessing(128, dtype="uint8", label_offset=1)),
            InputFiles({"pixels": Path("pixels.npy"), "labels": data.labels}, DATASET),
        ),
        requests=(task if timed else MetricRequest("accuracy_percent", accuracy_key()),),
        fidelity=VALID,
        official=official,
    )
    logs = runs / name / mode
    logs.mkdir(parents=True)
    (runs / name / "spec.json").write_text(spec.to_json())
    (runs / name / "user.conf").write_text(official.user_conf)
    golden = GOLDEN / ("Offline" if scenario is Scenario.OFFLINE else "SingleStream")
    golden /= "performance" if timed else "accuracy"
    (logs / DETAIL).write_bytes(gzip.decompress((golden / f"{DETAIL}.gz").read_bytes()))
    (logs / SUMMARY).write_bytes((golden / SUMMARY).read_bytes())
    (logs / "mlperf_log_trace.json").touch()
    if scenario is Scenario.MULTI_STREAM:
        as_scenario(logs, scenario)
    if test is not None:
        edit_log(logs, {f"effective_{name}": value for name, value in test.settings.items()})
    if test is not None and test.answers:
        (logs / ACCURACY).write_text(accuracy_log([*LOGGED, *LOGGED]))
    elif timed:
        (logs / ACCURACY).write_text("[\n]\n")
    else:
        shutil.copyfile(data.folder / ACCURACY, logs / ACCURACY)
        shutil.copyfile(data.labels, runs / name / LABELS_FILE)
    details: dict[str, KnobValue] = {
        "model_file": FILE,
        "weights": "origin not stated",
        "calibrated_on": 0,
        "made_from": "",
        "dse": VERSION,
        "scenario": scenario.value,
        "mode": mode,
        "timed_key": key(scenario),
        "model_sha256": SHA256,
        "dataset": DATASET,
        **({"closed": True} if closed and timed else {}),
    }
    value = VALUES[scenario] if timed else PERCENT
    metric, of = spec.requests[0].metric, spec.requests[0].key
    fidelity: FidelityName = "valid" if test is None else "compliance"
    return Measurement(metric, value, of, Source.MEASURED, fidelity, name, details=details)


def as_scenario(logs: Path, scenario: Scenario) -> None:
    """Lets logs of SingleStream say that they are of another scenario."""
    edit_log(logs, {"effective_scenario": scenario.value})
    summary = logs / SUMMARY
    summary.write_text(summary.read_text().replace("SingleStream", scenario.value))


def edit_log(logs: Path, values: Mapping[str, Any]) -> None:
    """Changes what a detail log says, or adds it; None takes it out."""
    file = logs / DETAIL
    lines = file.read_text().splitlines()
    entries = [json.loads(line.removeprefix(PREFIX)) for line in lines]
    missing = set(values) - {entry["key"] for entry in entries}
    entries[-1:-1] = [{**entries[0], "key": name} for name in missing]
    changed = [{**each, "value": values.get(each["key"], each["value"])} for each in entries]
    kept = [PREFIX + json.dumps(each) for each in changed if each["value"] is not None]
    file.write_text("\n".join(kept) + "\n")
