"""The values that travel between the layers: configurations, measurements, failures.

Standard library only: a worker imports this in an interpreter that may hold nothing else.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Literal, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KnobValue = str | int | float | bool
Direction = Literal["maximize", "minimize"]
ModelFormat = Literal["onnx", "tflite"]
Layout = Literal["NHWC", "NCHW"]
InputDtype = Literal["uint8", "int8", "float16", "float32"]

INPUT_BYTES: Mapping[str, int] = {"uint8": 1, "int8": 1, "float16": 2, "float32": 4}
"""The types of image classifiers' inputs, with the size of one number."""
PRECISIONS = ("fp32", "fp16", "bf16", "int8")


def canonical_json(value: Any) -> str:
    """The one text of a JSON value: sorted keys, no spaces, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """The first 16 hex digits of the SHA-256 of a JSON value's canonical text."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def together(checksums: Sequence[str]) -> str:
    """The SHA-256 of a model, from those of its files in 64 hex digits, its own first.

    That of its file, or where it has several that of the text of all of them in a row.
    """
    if len(checksums) == 1:
        return checksums[0]
    return hashlib.sha256("".join(checksums).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Metric:
    """A measured quantity; its name carries the unit.

    Attributes:
        timed: whether it varies from one run to the next.
        batched: whether it depends on batch size and instances.
        estimated: whether it is no more than an estimate, which every output then says.
    """

    name: str
    unit: str
    direction: Direction
    title: str
    timed: bool = True
    batched: bool = False
    estimated: bool = False


ACCURACY = Metric("accuracy_percent", "%", "maximize", "top-1 accuracy", timed=False)
LATENCY = Metric("latency_p90_ms", "ms", "minimize", "SingleStream p90 latency")
THROUGHPUT = Metric(
    "throughput_samples_per_s", "samples/s", "maximize", "Offline throughput", batched=True
)
MULTI_STREAM = Metric(
    "multistream_latency_p99_ms",
    "ms",
    "minimize",
    "MultiStream p99 latency, 8 samples",
    batched=True,
)
SERVER = Metric(
    "server_throughput_samples_per_s",
    "samples/s",
    "maximize",
    "Server throughput, p99 <= 15 ms",
    batched=True,
)
MODEL_SIZE = Metric("model_size_mib", "MiB", "minimize", "model file size", timed=False)
PEAK_MEMORY = Metric(
    "peak_memory_mib", "MiB", "minimize", "peak memory of the worker process", batched=True
)
LOAD_TIME = Metric("load_time_ms", "ms", "minimize", "time to load one instance")
CPU_TIME = Metric(
    "cpu_time_per_sample_ms", "ms", "minimize", "CPU time per SingleStream inference, all threads"
)
ENERGY = Metric(
    "energy_per_sample_mj",
    "mJ",
    "minimize",
    "energy per SingleStream inference, estimate of the whole machine",
    estimated=True,
)
COSTS = (MODEL_SIZE, PEAK_MEMORY, LOAD_TIME, CPU_TIME, ENERGY)
"""What a configuration costs; recorded on the way, whether asked for or not."""
METRICS: Mapping[str, Metric] = {
    m.name: m for m in (ACCURACY, LATENCY, THROUGHPUT, MULTI_STREAM, SERVER, *COSTS)
}
MULTI_STREAM_SAMPLES = 8
"""Samples per query of the MultiStream scenario, by MLPerf's rules."""
DEFAULT_OBJECTIVES = (ACCURACY.name, LATENCY.name, THROUGHPUT.name)


class Scenario(StrEnum):
    """LoadGen's scenarios, by its own names."""

    SINGLE_STREAM = "SingleStream"
    MULTI_STREAM = "MultiStream"
    OFFLINE = "Offline"
    SERVER = "Server"


SCENARIOS: Mapping[str, Scenario] = {
    LATENCY.name: Scenario.SINGLE_STREAM,
    MULTI_STREAM.name: Scenario.MULTI_STREAM,
    THROUGHPUT.name: Scenario.OFFLINE,
    SERVER.name: Scenario.SERVER,
}
"""The scenario in which a timed metric is taken."""
METRICS_OF: Mapping[Scenario, str] = {scenario: name for name, scenario in SCENARIOS.items()}
"""The timed metric that a scenario gives."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """One point of a search space.

    Attributes:
        model: a name that the provider offers.
        precision: a name in `PRECISIONS`.
        backend: a name in the registry.
        threads: of each instance.
        batch_size: samples per call of the runtime, where a scenario gives it several.
        knobs: the backend's own parameters, by name, in sorted order.
        instances: copies of the model that predict side by side, where a scenario lets them.
        pinned: whether each instance keeps to CPUs of its own.
    """

    model: str
    precision: str
    backend: str
    threads: int
    batch_size: int
    knobs: tuple[tuple[str, KnobValue], ...] = ()
    instances: int = 1
    pinned: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "knobs", tuple(sorted(self.knobs)))

    def as_dict(self) -> dict[str, KnobValue]:
        """The flat form of the JSON outputs: the fields, then the knobs."""
        return {
            "model": self.model,
            "precision": self.precision,
            "backend": self.backend,
            "threads": self.threads,
            "batch_size": self.batch_size,
            "instances": self.instances,
            "pinned": self.pinned,
            **dict(self.knobs),
        }

    @classmethod
    def from_dict(cls, flat: Mapping[str, KnobValue]) -> Self:
        """The inverse of `as_dict`; instances and pinning may be left out."""
        knobs = tuple((name, v) for name, v in flat.items() if name not in CONFIGURATION_FIELDS)
        return cls(
            model=str(flat["model"]),
            precision=str(flat["precision"]),
            backend=str(flat["backend"]),
            threads=int(flat["threads"]),
            batch_size=int(flat["batch_size"]),
            knobs=knobs,
            instances=int(flat.get("instances", 1)),
            pinned=bool(flat.get("pinned", False)),
        )

    @property
    def key(self) -> str:
        """The identity of the configuration: a hash of its canonical JSON.

        Instances and pinning came later: they count where they are not the default, so that
        older studies keep their keys.
        """
        flat = self.as_dict()
        late = {"instances": 1, "pinned": False}
        return digest({name: v for name, v in flat.items() if late.get(name) != v})

    def cpus(self, metric: str) -> int:
        """How many CPUs are kept busy while a metric is taken."""
        return self.threads * (self.instances if METRICS[metric].batched else 1)

    def __str__(self) -> str:
        knobs = "".join(f", {name}={value}" for name, value in self.knobs)
        threads = f"{self.threads} thread{'s' if self.threads > 1 else ''}"
        copies = f"{self.instances} instances of " if self.instances > 1 else ""
        pinned = ", pinned" if self.pinned else ""
        return (
            f"{self.model} {self.precision}, {self.backend}, {copies}{threads}, "
            f"batch {self.batch_size}{pinned}{knobs}"
        )


CONFIGURATION_FIELDS = (
    *("model", "precision", "backend", "threads", "batch_size"),
    *("instances", "pinned"),
)


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How an image becomes a model's input, and a model's output a label.

    The image is cropped to its central ``crop`` (a fraction of the shorter side), resized to
    ``resolution`` x ``resolution`` pixels, and each channel becomes ``(pixel - mean) / scale``.
    An integer input takes the pixel itself (``int8``: less 128), or, where ``quantisation`` gives
    the input's scale and zero point, the integer that stands for the normalised value.
    Label = arg max of the scores - ``label_offset`` (1 where class 0 is a background class).
    """

    resolution: int
    layout: Layout = "NHWC"
    dtype: InputDtype = "float32"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    crop: float = 0.875
    interpolation: Literal["bilinear", "bicubic"] = "bilinear"
    label_offset: int = 0
    quantisation: tuple[float, int] | None = None

    def as_dict(self) -> dict[str, Any]:
        """A JSON object, and part of the keys of measurements.

        The quantisation came later: it counts where there is one, so that older studies keep
        their keys.
        """
        fields = asdict(self)
        return fields if self.quantisation else {k: fields[k] for k in fields if k != _LATE}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads what `as_dict` wrote."""
        several = {name: tuple(data[name]) for name in ("mean", "scale", _LATE) if data.get(name)}
        return cls(**{**data, **several})


_LATE = "quantisation"


class FailureKind(StrEnum):
    """The ways in which a configuration can fail."""

    UNSUPPORTED = "unsupported"  # the runtime refuses the configuration
    LOAD = "load"  # the model can't be loaded
    OUT_OF_MEMORY = "out_of_memory"
    TIMEOUT = "timeout"
    CRASH = "crash"  # an exception or a signal in the middle of the work
    INVALID_RUN = "invalid_run"  # LoadGen calls the run INVALID or logs an error


TRANSIENT_FAILURES = frozenset(
    {
        FailureKind.OUT_OF_MEMORY,
        FailureKind.TIMEOUT,
        FailureKind.CRASH,
        FailureKind.INVALID_RUN,
    }
)
"""Kinds that may go another way at a second try."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a configuration has no complete measurement.

    Attributes:
        kind: the way it failed.
        message: the reason in the runtime's words.
        stderr_tail: the last lines of the worker's stderr.
        attempts: how often it was tried; 0 where a failure with the same key was remembered.
        key: the key of the measurement that failed.
        run: the run folder of the last try, empty where there was none.
    """

    kind: FailureKind
    message: str
    stderr_tail: str = ""
    attempts: int = 1
    key: str = ""
    run: str = ""


class Source(StrEnum):
    """Where a value comes from."""

    MEASURED = "measured"
    PUBLISHED = "published"
    REPLAYED = "replayed"  # read from a table of recorded measurements


FidelityName = Literal["probe", "standard", "rehearsal", "valid"]
LADDER: tuple[FidelityName, ...] = ("probe", "standard", "valid")
"""The fidelities that tell of a configuration, from the shortest to MLPerf's own."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One value of one metric.

    Attributes:
        metric: a name in `METRICS`; the value is in that metric's unit.
        key: the hash of everything the value depends on.
        source: measured here, published by others, or replayed from a table.
        fidelity: how long the run was: a ``probe`` or a ``standard`` one, one by MLPerf's own
            rules (``valid``), or the ``rehearsal`` of such a one, which counts for nothing.
        run: the run folder that holds the LoadGen logs, empty where there was no run.
        interval: the confidence interval (95 %) of the value, where one is known.
        seconds: what taking it cost, in seconds of wall time.
        details: further figures of the run and where the value was published.
    """

    metric: str
    value: float
    key: str
    source: Source
    fidelity: FidelityName = "probe"
    run: str = ""
    interval: tuple[float, float] | None = None
    seconds: float = 0.0
    details: Mapping[str, KnobValue] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """A JSON object; the inverse of `from_dict`."""
        return {
            "metric": self.metric,
            "value": self.value,
            "key": self.key,
            "source": self.source.value,
            "fidelity": self.fidelity,
            "run": self.run,
            "interval": list(self.interval) if self.interval else None,
            "seconds": self.seconds,
            "details": dict(self.details),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads what `as_dict` wrote."""
        interval = data["interval"]
        return cls(
            metric=data["metric"],
            value=float(data["value"]),
            key=data["key"],
            source=Source(data["source"]),
            fidelity=data["fidelity"],
            run=data["run"],
            interval=(float(interval[0]), float(interval[1])) if interval else None,
            seconds=float(data["seconds"]),
            details=dict(data["details"]),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is known of a configuration after its run: its measurements, and why it failed if so."""

    measurements: tuple[Measurement, ...] = ()
    failure: Failure | None = None

    @property
    def values(self) -> dict[str, float]:
        """Value by metric name, each in its metric's unit."""
        return {m.metric: m.value for m in self.measurements}

    def measurement(self, metric: str) -> Measurement | None:
        """The measurement of a metric, if there is one."""
        return next((m for m in self.measurements if m.metric == metric), None)
