"""The fields of a measurement's details: what is stored with a value, in groups.

`dse.core.measurement.Measurement.details` is one flat JSON object. Each class here names the keys
of one group; a key that the object lacks is None, and a key of another group is in ``further``. So
any class reads any details, and `as_dict` gives back the very object that `of` has read.

Standard library only: a worker imports this in an interpreter that may hold nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.core.configuration import KnobValue


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """A group of details.

    Attributes:
        further: the keys of other groups, with their values.
    """

    further: Mapping[str, KnobValue] = field(default_factory=dict)

    @classmethod
    def of(cls, stored: Mapping[str, KnobValue]) -> Self:
        """Reads a measurement's details; the inverse of `as_dict`."""
        names = _names(cls)
        own: dict[str, Any] = {name: value for name, value in stored.items() if name in names}
        further = {name: value for name, value in stored.items() if name not in names}
        return cls(**own, further=further)

    def beside(self, more: Mapping[str, KnobValue]) -> Self:
        """The same with further keys, which win over what is there."""
        return self.of({**self.as_dict(), **more})

    def as_dict(self) -> dict[str, KnobValue]:
        """The JSON object: the group's own keys that have a value, then all others."""
        own = {name: getattr(self, name) for name in _names(type(self))}
        return {**{name: v for name, v in own.items() if v is not None}, **self.further}


def _names(group: type[Details]) -> tuple[str, ...]:
    """The keys of a group, in the order of its fields."""
    return tuple(name for name in group.__dataclass_fields__ if name != "further")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetails(Details):
    """Under which conditions a run was made, and what its model's answers looked like.

    Attributes:
        steal_percent: CPU time that a hypervisor took away, as a share of the available time.
        other_load_percent: CPU time that other processes took, as such a share.
        mhz: the mean clock of the CPUs.
        quota_stops: in how many periods a CPU quota stopped the run.
        disturbed: what disturbed the run, in words; None where nothing did.
        output: the name of the output that was looked at, where a model has several.
        not_finite: which outputs hold NaN or infinite values, in words.
        unread: which inputs the runtime does not read, in words.
        inputs: name and shape of each input for a single sample, where they are generated.
        assigned: how much of the model ran where it was asked to, in words.
    """

    steal_percent: float | None = None
    other_load_percent: float | None = None
    mhz: float | None = None
    quota_stops: int | None = None
    disturbed: str | None = None
    output: str | None = None
    not_finite: str | None = None
    unread: str | None = None
    inputs: str | None = None
    assigned: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TimedDetails(Details):
    """Further figures of a run in one of LoadGen's scenarios; latencies are in milliseconds.

    Attributes:
        target_samples_per_s: the rate of a Server run.
        early_stopping_p90_ms, early_stopping_p99_ms: LoadGen's early-stopping estimates.
        mean_ms: the mean latency of a query.
        p50_ms, p90_ms, p99_ms: percentiles of the latency of a query.
        queries: the number of queries.
        samples: the number of samples of an Offline run.
        early_stopping_met: whether LoadGen's early stopping was content.
        runs: the number of runs that a search for the highest rate took.
        repetitions: the number of measurements that an estimate is the median of.
    """

    target_samples_per_s: float | None = None
    early_stopping_p90_ms: float | None = None
    early_stopping_p99_ms: float | None = None
    mean_ms: float | None = None
    p50_ms: float | None = None
    p90_ms: float | None = None
    p99_ms: float | None = None
    queries: int | None = None
    samples: int | None = None
    early_stopping_met: bool | None = None
    runs: int | None = None
    repetitions: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CostDetails(Details):
    """What a cost was computed from.

    Attributes:
        queries: the number of queries that the CPU time or the energy is of.
        wall_s: how long these took, in seconds.
        estimate: whether the value is an estimate.
        baseline_mib: the memory of the process before it loaded the model, in MiB.
    """

    queries: int | None = None
    wall_s: float | None = None
    estimate: bool | None = None
    baseline_mib: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityDetails(Details):
    """What any task stores with a quality; a task adds keys of its own.

    Attributes:
        total: how many samples the quality was measured on, or items of several samples each.
        samples: the number of samples, where it is another one.
        right: which of them were answered right, as `dse.core.mcnemar.encode_right` gives it; for
            comparisons alone, it is never shown.
        calibrated_on: how many of them the model was calibrated on.
        source: where a published quality was published, in words.
    """

    total: int | None = None
    samples: int | None = None
    right: str | None = None
    calibrated_on: int | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialDetails(Details):
    """What a submission must know of a run by MLPerf's settings.

    Attributes:
        dse: the version that made the run.
        model_file: the name of the model's file.
        weights: where its weights come from, in words; empty for those of the file.
        made_from: the name of the file that it was made from; empty where it was given.
        model_data: the further files that hold its weights, in words.
        scenario: LoadGen's name of the scenario.
        mode: ``performance``, ``accuracy`` or a compliance test; also the folder of the run's logs.
        closed: whether the run returned its answers, as the closed division asks for.
        user_conf: the text of user.conf.
        target: what user.conf told LoadGen to expect.
        timed_key: the key of the timed metric that the run belongs to.
        model_sha256: of the files that were loaded.
        dataset: fingerprint of the data set; empty where there was none.
        valid: LoadGen's verdict on a timed run.
    """

    dse: str | None = None
    model_file: str | None = None
    weights: str | None = None
    made_from: str | None = None
    model_data: str | None = None
    scenario: str | None = None
    mode: str | None = None
    closed: bool | None = None
    user_conf: str | None = None
    target: float | None = None
    timed_key: str | None = None
    model_sha256: str | None = None
    dataset: str | None = None
    valid: bool | None = None
