"""Everything that was ever measured in a study, and what it amounts to.

A key says what was measured; the same may be measured several times, and at several fidelities.
What counts is the highest fidelity there is, and there the median of what was not disturbed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dse.core.intervals import confidence_interval, pool_spread, typical_value
from dse.core.measurement import FIDELITY_ORDER, Source
from dse.core.metrics import METRICS
from dse.study.drift import deviations, windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dse.core.configuration import KnobValue
    from dse.core.intervals import Spread
    from dse.core.measurement import FidelityName, Measurement
    from dse.study.drift import TrialId, Window

MIN_DEGREES = 3
"""Smallest number of degrees of freedom of a usable spread: four values of one configuration."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One measurement, and when and where it was taken.

    Attributes:
        measurement: as the worker answered it.
        trial_id: revision and number of its trial.
        host: the machine, as `dse.study.record.machine_of` names it.
        cpus: how many it kept busy.
        at: when its trial began, in seconds since the epoch; 0 where it is not told.
    """

    measurement: Measurement
    trial_id: TrialId
    host: str = ""
    cpus: int = 1
    at: float = 0.0


@dataclass(slots=True)
class ObservationStore:
    """The observations of a study, by what they are of.

    Attributes:
        revision: moves on when what was known has changed: by a further measurement of the same
            thing, and with what that tells of the noise every interval.
        counts: how many there are, by metric and fidelity.
    """

    revision: int = 0
    counts: Counter[tuple[str, FidelityName]] = field(default_factory=Counter)
    _series: dict[tuple[str, FidelityName], list[Observation]] = field(
        default_factory=lambda: defaultdict(list)
    )
    _more: set[str] = field(default_factory=set)  # keys of all that were not probed just once
    _cpus: dict[str, int] = field(default_factory=dict)  # by key
    _repeated: dict[str, list[tuple[int, list[float]]]] = field(
        default_factory=lambda: defaultdict(list)
    )  # values of what was measured several times, by metric, with the CPUs that they kept busy
    _spreads: dict[tuple[str, int | None], Spread | None] = field(default_factory=dict)
    _reaches: dict[tuple[str, int], float] = field(default_factory=dict)
    _anchor: Mapping[str, str] = field(default_factory=dict)
    _windows: dict[tuple[str, str], list[Window]] = field(default_factory=dict)
    _deviations: dict[tuple[str, str], float] = field(default_factory=dict)

    def add(self, observation: Observation) -> None:
        """Takes in an observation."""
        measurement = observation.measurement
        series = self._series[measurement.key, measurement.fidelity]
        series.append(observation)
        self._cpus[measurement.key] = observation.cpus
        self.counts[measurement.metric, measurement.fidelity] += 1
        known = sum(len(self._series.get((measurement.key, each), ())) for each in FIDELITY_ORDER)
        if known > 1 or measurement.fidelity != "probe":
            self._more.add(measurement.key)
        if known > 1:
            self._changed()

    def set_anchor(self, keys: Mapping[str, str]) -> None:
        """Names what is measured again at intervals: its key by metric."""
        if keys != self._anchor:
            self._anchor = dict(keys)
            self._changed()

    def _changed(self) -> None:
        self._repeated.clear()
        self._spreads.clear()
        self._reaches.clear()
        self._windows, self._deviations = {}, {}
        for metric, key in self._anchor.items():
            found = self._anchors(key)
            self._windows |= {(metric, host): windows(values) for host, values in found.items()}
            self._deviations |= {
                (metric, host): change for host, change in deviations(found).items()
            }
        self.revision += 1

    def _anchors(self, key: str) -> dict[str, list[tuple[TrialId, float]]]:
        by_host: dict[str, list[tuple[TrialId, float]]] = defaultdict(list)
        for each in sorted(self._series.get((key, "probe"), ()), key=lambda o: o.trial_id):
            if not _disturbed(each.measurement):
                by_host[each.host].append((each.trial_id, each.measurement.value))
        return by_host

    def __iter__(self) -> Iterator[Observation]:
        return (each for series in self._series.values() for each in series)

    def all(self, key: str, fidelity: FidelityName) -> list[Measurement]:
        """Every measurement of something at a fidelity, in the order taken."""
        return [each.measurement for each in self._series.get((key, fidelity), ())]

    def latest(self, key: str) -> Measurement | None:
        """The last measurement of something at the highest fidelity; None if there is none."""
        for fidelity in reversed(FIDELITY_ORDER):
            if found := self.all(key, fidelity):
                return found[-1]
        return None

    def clean(self, key: str, fidelity: FidelityName) -> list[Measurement]:
        """Those that count: undisturbed, and from times when the machine was itself."""
        series = self._series.get((key, fidelity), ())
        return [o.measurement for o in series if not _disturbed(o.measurement) and not self._in(o)]

    def clean_or_all(self, key: str, fidelity: FidelityName) -> list[Measurement]:
        """Those that count, or on a machine that is never quiet all there are."""
        return self.clean(key, fidelity) or self.all(key, fidelity)

    def _in(self, observation: Observation) -> bool:
        """Whether the machine drifted meanwhile, or differs from the study's first one."""
        place = observation.measurement.metric, observation.host
        found = self._windows.get(place, ())
        return place in self._deviations or any(
            window.covers(observation.trial_id) for window in found
        )

    def drifting(self, metric: str) -> bool:
        """Whether the machine is not itself even now."""
        found = [w for (name, _), ws in self._windows.items() if name == metric for w in ws]
        return any(window.before is None for window in found)

    def drifts(self) -> dict[tuple[str, str], list[Window]]:
        """The times in which the machine was not itself, by metric and host."""
        return {name: found for name, found in self._windows.items() if found}

    def deviations(self) -> dict[tuple[str, str], float]:
        """The machines whose anchor differs from that of the study's first one, and how much.

        By metric and machine; see `dse.study.drift.deviations`. What they measure counts only
        where nothing else is known.
        """
        return dict(self._deviations)

    def spread(self, metric: str, cpus: int | None = None) -> Spread | None:
        """How far repeated measurements of a metric lie apart; None where nothing was repeated.

        What differs from one process to the next hardly depends on how long a run is, so all
        fidelities tell of it. But it depends on how many CPUs are kept busy: where none is left,
        whatever else runs gets in the way.

        Args:
            metric: its name.
            cpus: that are kept busy; None for all measurements.
        """
        if (metric, cpus) not in self._spreads:
            self._spreads[metric, cpus] = pool_spread(self._groups(metric, cpus))
        return self._spreads[metric, cpus]

    def _noise(self, metric: str, cpus: int) -> Spread | None:
        """The spread with this number of busy CPUs, or of all measurements if it is unknown."""
        found = self.spread(metric, cpus)
        enough = found is not None and found.degrees >= MIN_DEGREES
        return found if enough else self.spread(metric)

    def _groups(self, metric: str, cpus: int | None) -> list[list[float]]:
        if not self._repeated:
            for (key, fidelity), series in self._series.items():
                if len(series) > 1 and fidelity in FIDELITY_ORDER:
                    values = [m.value for m in self.clean_or_all(key, fidelity)]
                    name = series[0].measurement.metric
                    self._repeated[name].append((self._cpus[key], values))
        return [values for own, values in self._repeated[metric] if cpus in (None, own)]

    def spreads(self, metric: str) -> dict[int, Spread]:
        """The spread by the number of busy CPUs, where measurements with that number suffice."""
        found = {cpus: self.spread(metric, cpus) for cpus in {*self._cpus.values()}}
        return {cpus: spread for cpus, spread in sorted(found.items()) if spread}

    def probed_once(self, measurement: Measurement) -> bool:
        """Whether nothing else is known of it, so that its own value is its estimate."""
        return measurement.key not in self._more

    def interval_factor(self, measurement: Measurement) -> float:
        """The factor from the value of what was probed once to the ends of its interval."""
        name = measurement.metric, self._cpus.get(measurement.key, 1)
        if name not in self._reaches:
            interval = confidence_interval([1.0], self._noise(*name))
            self._reaches[name] = interval[1] if interval else 1.0
        return self._reaches[name]

    def estimate(self, measurement: Measurement) -> Measurement:
        """What is known by now of what a measurement measured.

        Returns:
            Value (the median of the repetitions), interval and fidelity, with the other
            figures of the last repetition. The interval is missing where nothing tells it: a
            quality that was published, or recorded in a table, was measured on samples and by
            means that are not known here.
        """
        if measurement.source is Source.REPLAYED and METRICS[measurement.metric].timed:
            return replace(measurement, interval=(measurement.value, measurement.value))
        if measurement.source is not Source.MEASURED:
            return replace(measurement, interval=None)
        for fidelity in reversed(FIDELITY_ORDER):
            if found := self.clean_or_all(measurement.key, fidelity):
                return self._typical(found)
        return measurement

    def _typical(self, found: list[Measurement]) -> Measurement:
        last = found[-1]
        if not METRICS[last.metric].timed:
            return last
        values = [m.value for m in found]
        interval = confidence_interval(values, self._noise(last.metric, self._cpus[last.key]))
        details: dict[str, KnobValue] = {**last.details, "repetitions": len(values)}
        return replace(last, value=typical_value(values), interval=interval, details=details)

    def stale(self, measurement: Measurement) -> bool:
        """Whether all that is known of it is from times when the machine was not itself."""
        for fidelity in reversed(FIDELITY_ORDER):
            series = self._series.get((measurement.key, fidelity))
            if series:
                return METRICS[measurement.metric].timed and all(map(self._in, series))
        return False


def _disturbed(measurement: Measurement) -> bool:
    return bool(measurement.disturbed)
