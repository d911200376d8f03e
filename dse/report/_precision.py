"""What precision costs: the accuracy lost against fp32 and the time won, for each method.

A point is compared with the fp32 point of the same model on the same runtime with the same
settings, so that nothing differs but the model's file and how it was made. Nothing is modelled:
where no such pair was measured, nothing is said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from statistics import fmean, geometric_mean
from typing import TYPE_CHECKING, Any, TypeVar

from dse.core.errors import DseError
from dse.core.mcnemar import quality_p_value
from dse.core.measurement import Source
from dse.core.metrics import METRICS, SCENARIOS, Metric
from dse.core.pareto import nondominated
from dse.core.quantisation import KNOBS
from dse.core.registry import backend
from dse.study.comparison import APART, Comparison
from dse.study.contenders import MIN_ROUNDS
from dse.study.decisions import QUALITY_ALPHA, Decisions
from dse.study.frontier import timed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence

    from dse.core.configuration import KnobValue
    from dse.core.measurement import Measurement
    from dse.report.view import View
    from dse.study.record import Record

REFERENCE, LOST = "fp32", "lost"
_DEFAULTS = {knob.name: knob.default for knob in KNOBS}
_NAMED_BY_VALUE = {"quantizer", "calibration", "weight_range"}
Pair = tuple["Record", "Record"]
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Speed:
    """How fast a method is.

    Attributes:
        ratio: how many times as fast as fp32; the geometric mean of the pairs.
        reach: how far its logarithm may be off: by the rounds that both were in, or else by the
            noise of the study's runs, as far as values have to lie apart (`APART`).
        noise_known: whether enough was repeated in the study to know that noise.
    """

    ratio: float
    reach: float
    noise_known: bool

    @property
    def certain(self) -> bool:
        """Whether a method is faster or slower by more than the noise."""
        return abs(math.log(self.ratio)) > self.reach

    @classmethod
    def mean(cls, found: Collection[Speed]) -> Speed:
        """That of several pairs, which were measured independently."""
        return cls(
            geometric_mean(speed.ratio for speed in found),
            math.hypot(*(speed.reach for speed in found)) / len(found),
            all(speed.noise_known for speed in found),
        )


@dataclass(frozen=True, slots=True)
class Cost:
    """What a method costs and wins with one model on one runtime.

    Attributes:
        model: name of the model.
        backend: the runtime.
        precision: of the file.
        method: the knobs that the fp32 points lack: how the file was made. A runtime's knob with
            its usual value is none.
        label: precision and method in a few words.
        records: the points.
        lost: the quality lost against fp32, in its metric's unit, negative for a gain; the mean
            of the pairs. None where it is not known.
        p_value: of the loss, see `dse.core.mcnemar`; None where the samples were not the same, or
            the answers are not known.
        certain: whether the loss or gain is more than luck; None without a p value.
        speeds: by the name of a timed metric.
        leads: whether no other method, nor fp32, has better values in all.
    """

    model: str
    backend: str
    precision: str
    method: tuple[tuple[str, KnobValue], ...]
    label: str
    records: tuple[Record, ...]
    lost: float | None
    p_value: float | None
    certain: bool | None
    speeds: Mapping[str, Speed]
    leads: bool = False

    @property
    def published(self) -> bool:
        """Whether its accuracies were measured by others."""
        known = [record.outcome.quality for record in self.records]
        return any(each is not None and each.source is Source.PUBLISHED for each in known)

    @property
    def usual(self) -> bool:
        """Whether nothing about the method was chosen."""
        return self.label in (self.precision, f"{self.precision} default")

    def as_dict(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "model": self.model,
            "backend": self.backend,
            "precision": self.precision,
            "method": dict(self.method),
            "points": [record.id for record in self.records],
            "lost": self.lost,
            "p_value": self.p_value,
            "certain": self.certain,
            "times_as_fast": {name: each.ratio for name, each in self.speeds.items()},
            "beyond_noise": {name: each.certain for name, each in self.speeds.items()},
            "leads": self.leads,
        }


@dataclass(frozen=True, slots=True)
class Costs:
    """What precision costs in a study.

    Attributes:
        quality: the name of its quality; None where no answer is right.
        metrics: the timed metrics.
        rows: by model and runtime, the usual method first.
        unpaired: how many points of other precisions have no fp32 point with the same settings.
        lacking: the runtimes that have only such points of other precisions.
    """

    quality: str | None
    metrics: tuple[str, ...]
    rows: tuple[Cost, ...]
    unpaired: int
    lacking: tuple[str, ...] = ()

    def others(self, row: Cost) -> list[Cost]:
        """The other methods of the same precision, model and runtime."""
        own = row.model, row.backend, row.precision
        found = [each for each in self.rows if (each.model, each.backend, each.precision) == own]
        return [each for each in found if each.label != row.label]

    def less_lost(self, row: Cost) -> list[Cost]:
        """Those of them that certainly lose less."""
        others = self.others(row)
        told = [
            (each, *_lost([(each.records[0], row.records[0])], self.quality)) for each in others
        ]
        return [
            each
            for each, ahead, p_value in told
            if ahead and ahead > 0 and p_value is not None and p_value < QUALITY_ALPHA / len(others)
        ]


def costs(view: View) -> Costs:
    """Compares each point of another precision with its fp32 point, if that was measured."""
    metrics = tuple(name for name in view.metrics if name in SCENARIOS)
    pairs, unpaired = _pairs(view.records)
    speeds = {name: _speeds(view, pairs, name) for name in metrics}
    rows: list[Cost] = []
    for _, own in sorted(_grouped(pairs, _place).items()):
        methods = _grouped(own, _label)
        made = [
            _cost(label, found, view.quality, speeds, len(methods))
            for label, found in methods.items()
        ]
        made.sort(key=lambda row: (not row.usual, row.label))
        rows += _leading(made, metrics)
    lacking = {record.configuration.backend for record in unpaired} - {r.backend for r in rows}
    return Costs(view.quality, metrics, tuple(rows), len(unpaired), tuple(sorted(lacking)))


def _pairs(records: Iterable[Record]) -> tuple[list[Pair], list[Record]]:
    """The fp32 point and the other one of each pair, and the points that have no such point.

    Both have the same settings; knobs that the fp32 point lacks say how the other's file was made.
    """
    settings: dict[Hashable, list[Record]] = {}
    others = []
    for record in records:
        if record.configuration.precision == REFERENCE:
            settings.setdefault(_settings(record), []).append(record)
        else:
            others.append(record)
    found, unpaired = [], []
    for record in others:
        knobs = set(record.configuration.knobs)
        able = [r for r in settings.get(_settings(record), ()) if knobs >= {*r.configuration.knobs}]
        if able:
            found.append((max(able, key=lambda r: len(r.configuration.knobs)), record))
        else:
            unpaired.append(record)
    return found, unpaired


def _grouped(pairs: Iterable[Pair], key: Callable[[Pair], K]) -> dict[K, list[Pair]]:
    found: dict[K, list[Pair]] = {}
    for pair in pairs:
        found.setdefault(key(pair), []).append(pair)
    return found


def _settings(record: Record) -> Hashable:
    return replace(record.configuration, precision=REFERENCE, knobs=())


def _place(pair: Pair) -> tuple[str, str]:
    """What a row is of, those of one model and runtime together."""
    own = pair[1].configuration
    return own.model, own.backend


def _method(pair: Pair) -> tuple[str, tuple[tuple[str, KnobValue], ...]]:
    one, other = (each.configuration for each in pair)
    usual = _usual_knobs(other.backend)
    return other.precision, tuple(
        (name, value)
        for name, value in other.knobs
        if (name, value) not in one.knobs and (name not in usual or value != usual[name])
    )


def _usual_knobs(name: str) -> dict[str, KnobValue]:
    """The usual values of a runtime's own knobs; none of a runtime that is not known here."""
    try:
        knobs = backend(name).knobs
    except DseError:
        return {}
    return {knob.name: knob.default for knob in knobs if knob.name not in _DEFAULTS}


def _label(pair: Pair) -> str:
    """Precision and method: what differs from the usual one."""
    precision, method = _method(pair)
    words = [
        str(value) if name in _NAMED_BY_VALUE else f"{name}={value}"
        for name, value in method
        if value != _DEFAULTS.get(name)
    ]
    chosen = any(name in _DEFAULTS for name, _ in method)
    return " ".join([precision, *(words or (["default"] if chosen else []))])


def _cost(
    label: str,
    pairs: Sequence[Pair],
    quality: str | None,
    speeds: Mapping[str, Mapping[tuple[str, str], Speed]],
    methods: int,
) -> Cost:
    """One method with one model on one runtime, over all settings."""
    configuration = pairs[0][1].configuration
    precision, method = _method(pairs[0])
    lost, p_value = _lost(pairs, quality)
    return Cost(
        *(configuration.model, configuration.backend, precision, method, label),
        records=tuple(record for _, record in pairs),
        lost=lost,
        p_value=p_value,
        certain=None if p_value is None else p_value < QUALITY_ALPHA / methods,
        speeds={
            name: Speed.mean(own)
            for name, known in speeds.items()
            if (own := [known[k] for k in known.keys() & {_keys(pair, name) for pair in pairs}])
        },
    )


def _lost(pairs: Sequence[Pair], quality: str | None) -> tuple[float | None, float | None]:
    """The loss, and the largest p value of those pairs that have qualities of their own."""
    if quality is None:
        return None, None
    known: dict[tuple[str, str], tuple[Measurement, Measurement]] = {}
    for pair in pairs:
        one, other = (record.outcome.measurement(quality) for record in pair)
        if one and other:
            known[one.key, other.key] = one, other
    if not known:
        return None, None
    sign = 1 if METRICS[quality].direction == "maximize" else -1
    lost = fmean(sign * (one.value - other.value) for one, other in known.values())
    found = [quality_p_value(*each) for each in known.values()]
    told = [p_value for p_value in found if p_value is not None]
    return lost, max(told) if len(told) == len(found) else None


def _speeds(view: View, pairs: Iterable[Pair], name: str) -> dict[tuple[str, str], Speed]:
    """The speeds of pairs by the keys of their two measurements, which several pairs may share."""
    metric, evidence = METRICS[name], view.study.results.evidence
    in_rounds = {key for _, values in evidence.rounds.values(name) for key in values}
    beside: dict[str, dict[str, Record]] = {}
    for pair in pairs:
        keys = _keys(pair, name)
        if keys and all(record.outcome.values[name] > 0 for record in pair):
            beside.setdefault(keys[0], {keys[0]: pair[0]}).setdefault(keys[1], pair[1])
    found: dict[tuple[str, str], Speed] = {}
    for first, records in beside.items():
        told = None
        if len(in_rounds & records.keys()) > 1:
            points = [view.point(record) for record in records.values()]
            told = Decisions(Comparison(list(records.values()), points, [metric], evidence))
        for key, record in records.items():
            if key != first:
                found[first, key] = _speed(view, (records[first], record), metric, told)
    return found


def _speed(view: View, pair: Pair, metric: Metric, told: Decisions | None) -> Speed:
    """The speed of a pair: within rounds, where there are enough, or by its values."""
    one, other = pair
    relation = told.relation(other, one, metric.name) if told else None
    turned = 1 if metric.direction == "maximize" else -1
    if relation is not None and relation.rounds >= MIN_ROUNDS:
        reach = max(abs(math.log(end / relation.ratio)) for end in relation.interval)
        return Speed(relation.ratio**turned, reach, noise_known=True)
    reaches = []
    for record in pair:
        low, high = view.point(record).intervals.get(metric.name, (0.0, 0.0))
        reaches.append(math.log(high / low) / 2 if low > 0 else math.inf)
    both = [m for record in pair if (m := record.outcome.measurement(metric.name))]
    return Speed(
        (both[1].value / both[0].value) ** turned,
        APART * math.hypot(*reaches),
        all(m.interval or not timed(m) for m in both),
    )


def _keys(pair: Pair, name: str) -> tuple[str, str] | None:
    one, other = (record.outcome.measurement(name) for record in pair)
    return (one.key, other.key) if one and other else None


def _leading(rows: Sequence[Cost], metrics: Iterable[str]) -> list[Cost]:
    """The rows of one model and runtime, each with whether neither fp32 nor another one is better.

    What was measured of all of them counts.
    """
    able = [row for row in rows if row.lost is not None]
    known = [name for name in metrics if all(name in row.speeds for row in able)]
    values = [{LOST: 0.0, **dict.fromkeys(known, 1.0)}]
    values += [{LOST: r.lost or 0.0, **{m: r.speeds[m].ratio for m in known}} for r in able]
    turned = [Metric(LOST, "", "minimize", ""), *(Metric(m, "", "maximize", "") for m in known)]
    best = {able[place - 1].label for place in nondominated(values, turned) if place}
    return [replace(row, leads=row.label in best) for row in rows]
