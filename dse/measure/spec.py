"""What the parent tells a worker and what the worker answers, both as JSON.

Standard library only: the worker may run in an interpreter that holds little else.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from dse.core.configuration import Configuration, KnobValue
from dse.core.metrics import Scenario
from dse.core.signature import Signature
from dse.tasks.image_classification.preprocessing import Preprocessing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.core.measurement import FidelityName


@dataclass(frozen=True, slots=True)
class Fidelity:
    """How long a measurement runs.

    Attributes:
        name: what the measurement counts as.
        min_duration_ms: shortest duration of a timed LoadGen run.
        min_query_count: fewest queries of a SingleStream run.
        performance_samples: samples that stay loaded during a timed run.
        warm_up_calls: predictions before each run, at least.
        warm_up_ms: warm-up goes on for this long, or for 20 predictions.
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

STANDARD = replace(PROBE, name="standard", min_duration_ms=2000, min_query_count=256)
"""What may be on the frontier is measured so, several times: on most machines more differs from one
process to the next than within a run, so repeating tells more than going on for longer."""

VALID = Fidelity(
    name="valid",
    min_duration_ms=600_000,
    min_query_count=1,
    performance_samples=1024,
    warm_up_calls=5,
    warm_up_ms=500,
)
"""MLPerf's own rules: duration and samples are those of LoadGen's mlperf.conf, which also has the
fewest queries of each scenario; nothing of it is set by us."""

REHEARSAL = replace(VALID, name="rehearsal", min_duration_ms=1000, min_query_count=128)
"""The same with everything shortened that takes long."""
REHEARSED_IMAGES = 64
"""Images of the accuracy run of a rehearsal, at most."""

RUN_LENGTHS: dict[FidelityName, Fidelity] = {
    fidelity.name: fidelity for fidelity in (PROBE, STANDARD, VALID, REHEARSAL)
}
"""The fidelities by name. Whoever writes a spec looks up here how long its runs last; the project's
own tests enter shorter ones. No option and no variable of a shell does."""


@dataclass(frozen=True, slots=True)
class InputSource:
    """Where the samples come from: a pixel cache with its labels, or random pixels.

    Attributes:
        pixels: file of (n, R, R, 3) uint8 pixels; None for random ones.
        labels: file of n int64 labels; None where there is no data set.
        seed: seed of random pixels.
        dataset: fingerprint of the data set; empty where there is none.
    """

    pixels: Path | None = None
    labels: Path | None = None
    seed: int = 0
    dataset: str = ""


@dataclass(frozen=True, slots=True)
class MetricRequest:
    """One metric to take, and the key under which its value will be remembered.

    Attributes:
        extra: whether it is taken on the way, where a run gives it anyway, and missed by nobody.
    """

    metric: str
    key: str
    extra: bool = False


STREAMS = (Scenario.SINGLE_STREAM, Scenario.MULTI_STREAM)
"""The scenarios that ask again as soon as they are answered."""


USER_CONF = "user.conf"
LABELS = "labels.npy"
"""Of the images of an official accuracy run, in their order; both files lie in the run folder."""


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
    """

    scenario: Scenario
    accuracy: bool
    target: float
    timed_key: str = ""

    @property
    def user_conf(self) -> str:
        """The text of the run's user.conf."""
        name = "target_latency" if self.scenario in STREAMS else "target_qps"
        return f"*.{self.scenario.value}.{name} = {self.target:.9f}\n"

    @property
    def mode(self) -> str:
        """``performance`` or ``accuracy``: also the folder of the logs within that of the run."""
        return "accuracy" if self.accuracy else "performance"


@dataclass(frozen=True, slots=True)
class Spec:
    """Everything a worker needs for one configuration.

    Attributes:
        run: name of the run folder, as stored with each measurement.
        folder: the run folder itself; LoadGen's logs land below it.
        tasks: the metrics to take, in order.
        settings: the files the search space gives the backend.
        memory_limit_bytes: the most memory the worker may allocate; 0 for no limit.
        interpreter: the Python that runs it; empty until one does.
        official: how its one task is taken by MLPerf's own settings; None for any other run.
        signature: of a model that is fed with random numbers; None for an image classifier.
        classes: number of a classifier's scores; None where it is not known.
        beside: further files that the model's own is read with, such as its weights.
        environment: the variables that are set for the study's sake; None for those of the shell
            that `dse.core.worker_environment` lets pass.
    """

    run: str
    folder: Path
    configuration: Configuration
    model_file: Path | None
    preprocessing: Preprocessing
    inputs: InputSource
    tasks: tuple[MetricRequest, ...]
    fidelity: Fidelity
    settings: Mapping[str, Path]
    memory_limit_bytes: int = 0
    interpreter: str = ""
    official: Official | None = None
    signature: Signature | None = None
    classes: int | None = None
    beside: tuple[Path, ...] = ()
    environment: Mapping[str, str] | None = None

    def to_json(self) -> str:
        """The spec as JSON text; the inverse of `from_json`."""
        data = asdict(self)
        data["configuration"] = self.configuration.as_dict()
        return json.dumps(data, indent=1, default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads what `to_json` wrote."""
        data = json.loads(text)
        configuration: dict[str, KnobValue] = data["configuration"]
        inputs: dict[str, Any] = data["inputs"]
        files = {name: _path(inputs[name]) for name in ("pixels", "labels")}
        return cls(
            run=data["run"],
            folder=Path(data["folder"]),
            configuration=Configuration.from_dict(configuration),
            model_file=_path(data["model_file"]),
            preprocessing=Preprocessing.from_dict(data["preprocessing"]),
            inputs=InputSource(**{**inputs, **files}),
            tasks=tuple(MetricRequest(**task) for task in data["tasks"]),
            fidelity=Fidelity(**data["fidelity"]),
            settings={name: Path(path) for name, path in data["settings"].items()},
            memory_limit_bytes=data["memory_limit_bytes"],
            interpreter=data.get("interpreter", ""),
            official=_official(data.get("official")),
            signature=_signature(data.get("signature")),
            classes=data.get("classes"),
            beside=tuple(map(Path, data.get("beside", ()))),
            environment=data.get("environment"),
        )


def _path(text: str | None) -> Path | None:
    return Path(text) if text is not None else None


def _official(data: Mapping[str, Any] | None) -> Official | None:
    return Official(**{**data, "scenario": Scenario(data["scenario"])}) if data else None


def _signature(data: Mapping[str, Any] | None) -> Signature | None:
    return Signature.from_dict(data) if data else None


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
