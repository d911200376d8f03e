"""What the lines of a bundle hold: its format, version 1.

Each line is a JSON object whose field ``kind`` says which of these forms it has. The first is the
header; then come the trials and the summaries of runs; the last is the end, which has the number of
the lines before it and the SHA-256 of their bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from dse.core.configuration import CPU, DEVICES, PRECISIONS
from dse.core.measurement import FailureKind, FidelityName, Source
from dse.core.metrics import METRICS
from dse.study.record import Purpose
from dse.tasks import registry

if TYPE_CHECKING:
    from datetime import datetime

FORMAT, VERSION = "dse bundle", 1
MAX_TEXT = 64 << 10
MAX_LONG_TEXT = 2 << 20
"""Which samples a model answered right is one text: 50,000 samples take 9 KiB."""
MAX_COUNT = 1 << 31


def _known_metric(name: str) -> str:
    if name not in METRICS:
        raise ValueError(f"'{name}' is not a metric")
    return name


def _known_task(name: str) -> str:
    return registry.task(name).name  # from now on its quality is a metric


def _known_precision(name: str) -> str:
    if name not in PRECISIONS:
        raise ValueError(f"'{name}' is not a precision")
    return name


def _known_device(name: str) -> str:
    if name not in DEVICES:
        raise ValueError(f"'{name}' is not a device")
    return name


def _of_this_age(moment: datetime) -> datetime:
    if not 1970 < moment.year < 2200:
        raise ValueError(f"the year {moment.year} is out of range")
    return moment


def _ordered(ends: tuple[float, float] | None) -> tuple[float, float] | None:
    if ends is not None and ends[0] > ends[1]:
        raise ValueError("begins after its end")
    return ends


def _inside(path: str) -> str:
    if any(part.strip(".") == "" for part in path.split("/")):
        raise ValueError("leads out of its folder")
    return path


Name = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT)]
LongText = Annotated[str, StringConstraints(max_length=MAX_LONG_TEXT)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Seconds = Annotated[float, Field(ge=0, le=1e10, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Positive = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,64}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
RunName = Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9][A-Za-z0-9_-]{0,99})?$")]
RunPath = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,100}(/[A-Za-z0-9._-]{1,100}){0,3}$"),
    AfterValidator(_inside),
]
Metric = Annotated[str, AfterValidator(_known_metric)]
Plain = Annotated[
    str, StringConstraints(max_length=1000, pattern=r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$")
]
"""A text for titles."""
Magnitude = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]
"""A value that can be drawn, whatever its unit."""
Moment = Annotated[AwareDatetime, AfterValidator(_of_this_age)]
Value = bool | Annotated[int, Field(ge=-(2**63), lt=2**63)] | Finite | LongText
"""A knob's value, or one of a measurement's details."""


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ConfigurationForm(BaseModel):
    """See `dse.core.configuration.Configuration.as_dict`; further fields are knobs."""

    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[str, Value]

    model: Name
    precision: Annotated[str, AfterValidator(_known_precision)]
    backend: Name
    threads: Positive
    batch_size: Positive
    instances: Positive = 1
    pinned: bool = False
    device: Annotated[str, AfterValidator(_known_device)] = CPU


class MeasurementForm(_Form):
    """See `dse.core.measurement.Measurement`."""

    metric: Metric
    value: Magnitude
    key: Annotated[str, StringConstraints(max_length=200)]
    source: Source
    fidelity: FidelityName
    run: RunName
    interval: Annotated[tuple[Magnitude, Magnitude] | None, AfterValidator(_ordered)]
    seconds: Seconds
    details: dict[Name, Value]


class FailureForm(_Form):
    """See `dse.core.measurement.Failure`."""

    kind: FailureKind
    message: LongText
    stderr_tail: LongText
    attempts: Count
    key: Annotated[str, StringConstraints(max_length=200)]
    run: RunName


class OutcomeForm(_Form):
    """See `dse.core.measurement.Outcome`."""

    measurements: tuple[MeasurementForm, ...]
    failure: FailureForm | None


class OwnerForm(_Form):
    """The session that began a trial, and its machine."""

    session: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{1,64}$")] | None
    host: Plain
    machine: Plain


class RoundForm(_Form):
    """See `dse.study.rounds.RoundPlace`."""

    id: Name
    position: Count
    size: Positive


class SystemForm(_Form):
    """See `dse.machine.system.System`."""

    cpu: Plain
    architecture: Plain
    microcode: Plain
    available_cpus: Positive
    physical_cores: Positive | None
    cpu_quota: Seconds | None
    max_mhz: tuple[tuple[Count, Count], ...]
    memory_bytes: Annotated[int, Field(ge=0)] | None
    governor: Plain
    virtualised: bool | None
    operating_system: Plain
    kernel: Plain
    instruction_sets: tuple[Plain, ...] | None
    cpu_vendor: Plain | None
    cpu_family: Plain | None
    cpu_model: Plain | None
    stepping: Plain | None
    caches: Plain | None
    memory_limit_bytes: Annotated[int, Field(ge=0)] | None
    microarchitecture: Plain
    given_name: Plain


class BorrowedForm(_Form):
    """Whose results led the search; see `dse.study.metadata.StudyMetadata.borrowed`."""

    name: Plain
    origin: Text
    cpu: Plain
    software: Text
    configurations: Count


class AboutForm(_Form):
    """See `dse.study.metadata.StudyMetadata`."""

    system: SystemForm
    space: dict[str, Any]  # read by the reader of search spaces, which checks it
    planned: Count
    excluded: tuple[Text, ...]
    accuracy: Text
    models: Text
    runtimes: dict[Name, Text]
    artefacts: dict[Name, Text]
    borrowed: tuple[BorrowedForm, ...]
    environment: dict[Name, Text] | None
    task: Annotated[str, AfterValidator(_known_task)] = registry.DEFAULT
    tie_percent: Annotated[float, Field(ge=0, le=50)] | None = None


class HeaderForm(_Form):
    """The first line: what the study is about.

    Attributes:
        study: its name.
        signature: of the plan of its space.
        choices: of each parameter of the space, as far as trials have them.
    """

    kind: Literal["header"] = "header"
    format: Literal["dse bundle"] = "dse bundle"
    version: Literal[1] = 1
    program: Text
    study: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@+-]{0,99}$")]
    signature: Hex
    about: AboutForm
    choices: dict[Name, tuple[Value, ...]]


class TrialForm(_Form):
    """A trial that has ended.

    Attributes:
        number: under which its session began it.
        begun, ended: when.
        counts: whether it tells of a configuration of the space; else it was made in another one,
            and only its measurements count.
        values: of the objectives; None for one that has failed.
        own: what it measured itself, in order.
    """

    kind: Literal["trial"] = "trial"
    number: Count
    begun: Moment | None
    ended: Moment | None
    counts: bool
    purpose: Purpose
    configuration: ConfigurationForm | None
    owner: OwnerForm | None
    round: RoundForm | None
    withdrawn: bool
    values: tuple[Magnitude, ...] | None
    constraints: dict[Name, Finite]
    own: tuple[MeasurementForm, ...]
    outcome: OutcomeForm | None


class SummaryForm(_Form):
    """LoadGen's summary of a run.

    Attributes:
        run: the name of the run.
        path: the folder of the summary in that of the run.
    """

    kind: Literal["summary"] = "summary"
    run: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")]
    path: RunPath
    text: Text


class EndForm(_Form):
    """The last line."""

    kind: Literal["end"] = "end"
    lines: Positive
    sha256: Sha256


FORMS: dict[str, type[BaseModel]] = {
    "header": HeaderForm,
    "trial": TrialForm,
    "summary": SummaryForm,
    "end": EndForm,
}
"""By kind."""
