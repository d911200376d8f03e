"""What the parent tells a worker and what the worker answers, both as JSON.

Standard library only: the worker may run in an interpreter that holds little else.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from dse.core.configuration import Configuration
from dse.core.metrics import Scenario
from dse.tasks.task import InputFiles, Rules

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.core.measurement import FidelityName
    from dse.core.signature import Form


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How long a measurement runs.

    Attributes:
        name: what the measurement counts as.
        min_duration_ms: shortest duration of a timed LoadGen run.
        min_query_count: fewest queries of a SingleStream run.
        performance_samples: samples that stay loaded during a timed run.
        warm_up_calls: predictions before the first run of a loaded model, at least.
        warm_up_ms: the warm-up goes on for this long, or for 20 predictions.
    """

    name: FidelityName
    min_duration_ms: int
    min_query_count: int
    performance_samples: int
    warm_up_calls: int
    warm_up_ms: int


PROBE = Fidelity(
    name="probe",
    min_duration_ms=1000,
    min_query_count=128,
    performance_samples=64,
    warm_up_calls=3,
    warm_up_ms=100,
)
"""A probe takes about a second per scenario: enough queries that their p90 is stable."""

BRIEF = replace(PROBE, name="brief", min_duration_ms=200, min_query_count=32)
"""A run of a round. More differs between processes than within a run, so for the same time two or
three of these tell two configurations apart better than one probe. Its p90 may lie a percent or two
beside that of a probe: it is held against other brief runs only."""

VALID = Fidelity(
    name="valid",
    min_duration_ms=600_000,
    min_query_count=1,
    performance_samples=1024,
    warm_up_calls=5,
    warm_up_ms=500,
)
"""MLPerf's own rules: LoadGen takes the duration, and the fewest queries of each scenario, from its
mlperf.conf, and the task says how many samples stay loaded; we set none of these."""

REHEARSAL = replace(VALID, name="rehearsal", min_duration_ms=1000, min_query_count=128)
"""The same, with shorter durations and fewer queries."""
REHEARSED_SAMPLES = 64
"""The most samples of a rehearsal's accuracy run."""

RUN_LENGTHS: dict[FidelityName, Fidelity] = {
    fidelity.name: fidelity for fidelity in (BRIEF, PROBE, VALID, REHEARSAL)
}
"""The fidelities of new runs, by name; earlier versions had a further one. Whoever writes a spec
looks up here how long its runs last; the project's own tests enter shorter ones. No option and no
variable of a shell does."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """A model on disk.

    Attributes:
        path: the file to load; None for a backend that needs none.
        beside: further files that it is read with, such as its weights.
    """

    path: Path | None = None
    beside: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """What the model is fed with, and how its answers are scored.

    Attributes:
        worker: the task's half in the worker, as ``module:Class``.
        form: how a sample becomes the model's input, in the task's own terms.
        inputs: the samples of the data set; no files for made-up samples.
        seed: of made-up samples, not negative.
        rules: MLPerf's numbers for the task; None where it has no benchmark of it.
        name: of the task, for messages.
    """

    worker: str
    form: Form
    inputs: InputFiles = field(default_factory=InputFiles)
    seed: int = 0
    rules: Rules | None = None
    name: str = ""


@dataclass(frozen=True, slots=True)
class MetricRequest:
    """One metric to take, and the key under which its value will be remembered.

    Attributes:
        extra: whether it is only taken where another run gives it anyway.
    """

    metric: str
    key: str
    extra: bool = False


STREAMS = (Scenario.SINGLE_STREAM, Scenario.MULTI_STREAM)
"""The scenarios that ask again as soon as they are answered."""
SPEC_FILE = "spec.json"
STDERR_FILE = "stderr.txt"
USER_CONF = "user.conf"
"""The file that an official run is told by, in the run folder."""


@dataclass(frozen=True, slots=True)
class Official:
    """A run by MLPerf's own settings.

    Attributes:
        scenario: how LoadGen asks.
        accuracy: an accuracy run over the data set instead of a timed one.
        target: what LoadGen is told to expect: milliseconds per query (SingleStream, MultiStream)
            or samples per second.
        timed_key: key of the timed measurement. An accuracy run has that of the timed run that it
            belongs to, so that both are known to be of one configuration.
        closed: whether it is by the rules of the closed division, by which a timed run returns its
            answers.
        test: the compliance test that it is the run of; empty for none.
    """

    scenario: Scenario
    accuracy: bool
    target: float
    timed_key: str = ""
    closed: bool = False
    test: str = ""

    @property
    def user_conf(self) -> str:
        """The text of the run's user.conf."""
        name = "target_latency" if self.scenario in STREAMS else "target_qps"
        return f"*.{self.scenario.value}.{name} = {self.target:.9f}\n"

    @property
    def mode(self) -> str:
        """``performance``, ``accuracy`` or the test: also the folder of the logs in the run's."""
        return "accuracy" if self.accuracy else self.test or "performance"


@dataclass(frozen=True, slots=True)
class Spec:
    """Everything a worker needs for one configuration.

    Attributes:
        run: name of the run folder, as stored with each measurement.
        folder: the run folder itself; LoadGen's logs land below it.
        configuration: how the model is loaded.
        model: the files of the model.
        task: what the model is fed with.
        requests: the metrics to take, in order.
        fidelity: how long each run lasts.
        settings: the files the search space gives the backend, by name.
        official: how the one metric is taken by MLPerf's own settings; None for any other run.
        memory_limit_bytes: the most memory the worker may allocate; 0 for no limit.
        interpreter: the Python that runs the worker; empty until it is started.
        environment: the variables that the study sets; None for those of the shell that
            `dse.core.worker_environment` lets pass.
    """

    run: str
    folder: Path
    configuration: Configuration
    model: ModelFiles
    task: TaskSpec
    requests: tuple[MetricRequest, ...]
    fidelity: Fidelity
    settings: Mapping[str, Path] = field(default_factory=dict)
    official: Official | None = None
    memory_limit_bytes: int = 0
    interpreter: str = ""
    environment: Mapping[str, str] | None = None

    def to_json(self) -> str:
        """The spec as JSON text; the inverse of `from_json`."""
        data = asdict(self)
        data["configuration"] = self.configuration.as_dict()
        return json.dumps(data, indent=1, default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads what `to_json` wrote, in this version or an earlier one."""
        data = json.loads(text)
        if "task" not in data:
            data = _current(data)
        model = data["model"]
        return cls(
            run=data["run"],
            folder=Path(data["folder"]),
            configuration=Configuration.from_dict(data["configuration"]),
            model=ModelFiles(_path(model["path"]), tuple(map(Path, model["beside"]))),
            task=_task(data["task"]),
            requests=tuple(MetricRequest(**request) for request in data["requests"]),
            fidelity=Fidelity(**data["fidelity"]),
            settings=_paths(data["settings"]),
            official=_official(data["official"]),
            memory_limit_bytes=data["memory_limit_bytes"],
            interpreter=data["interpreter"],
            environment=data["environment"],
        )


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None


def _paths(texts: Mapping[str, str]) -> dict[str, Path]:
    return {name: Path(text) for name, text in texts.items()}


def _official(data: Mapping[str, Any] | None) -> Official | None:
    return Official(**{**data, "scenario": Scenario(data["scenario"])}) if data else None


def _task(data: Mapping[str, Any]) -> TaskSpec:
    inputs, rules = data["inputs"], data["rules"]
    if rules is not None:
        named = rules["scenarios"].items()
        scenarios = {category: tuple(map(Scenario, names)) for category, names in named}
        tests = tuple(rules.get("compliance_tests", ()))
        rules = Rules(**{**rules, "scenarios": scenarios, "compliance_tests": tests})
    files = InputFiles(_paths(inputs["files"]), inputs["dataset"], inputs["noun"])
    return TaskSpec(data["worker"], data["form"], files, data["seed"], rules, data.get("name", ""))


def _current(older: Mapping[str, Any]) -> dict[str, Any]:
    """A spec of a version that knew two tasks, in today's fields."""
    from dse.tasks.registry import DEFAULT, task

    source = dict(older["inputs"])
    seed, dataset = source.pop("seed", 0), source.pop("dataset", "")
    files = {name: path for name, path in source.items() if path is not None}
    signature, classes = older.get("signature"), older.get("classes")
    earlier = task("generated" if signature else DEFAULT)
    rules = None if earlier.rules is None else asdict(earlier.rules)
    form = signature or {**older["preprocessing"], **({"classes": classes} if classes else {})}
    return {
        "official": None,
        "interpreter": "",
        "environment": None,
        **older,
        "model": {"path": older["model_file"], "beside": older.get("beside", ())},
        "task": {
            "worker": earlier.worker,
            "form": form,
            "inputs": {"files": files, "dataset": dataset, "noun": earlier.noun if files else ""},
            "seed": seed,
            "rules": rules,
        },
        "requests": older["tasks"],
    }


MessageKind = Literal["measurement", "failure", "done"]


def encode_message(kind: MessageKind, body: Mapping[str, Any]) -> bytes:
    """One line of the worker's answer."""
    return (json.dumps({"kind": kind, "body": dict(body)}) + "\n").encode()


def decode_message(line: bytes) -> tuple[MessageKind, dict[str, Any]] | None:
    """A line of the worker's answer; None for one that was cut short."""
    try:
        message = json.loads(line)
        return message["kind"], message["body"]
    except (ValueError, KeyError, TypeError):
        return None
