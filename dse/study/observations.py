"""Everything that was ever measured in a study, and what it amounts to.

A key says what was measured; the same may be measured several times, and at several fidelities.
What counts is the highest fidelity there is, and there the median of what was not disturbed. On a
machine that is disturbed more often than not, that is its usual noise, and all counts.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dse.core.configuration import ONE_THREAD
from dse.core.intervals import confidence_interval, in_blocks, pool_spread, typical_value
from dse.core.measurement import FIDELITY_ORDER, Source
from dse.core.metrics import METRICS
from dse.study.drift import deviations, unconfirmed, windows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from dse.core.configuration import KnobValue, Occupancy
    from dse.core.intervals import Blocks, Spread
    from dse.core.measurement import FidelityName, Measurement
    from dse.study.drift import TrialId, Window

MIN_DEGREES = 3
"""Smallest number of degrees of freedom of a usable spread: four values of one configuration."""

MAX_NOISE_VALUES = 1000
"""Values of one kind that tell of its noise, from all times, at four or more of each configuration.
More tell hardly more, and all are added up again after each further one."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One measurement, and when and where it was taken.

    Attributes:
        measurement: as the worker answered it.
        trial_id: revision and number of its trial.
        host: the machine, as `dse.study.record.machine_of` names it.
        occupancy: of its CPUs.
        at: when its trial began, in seconds since the epoch; 0 where it is not told.
    """

    measurement: Measurement
    trial_id: TrialId
    host: str = ""
    occupancy: Occupancy = ONE_THREAD
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
    _more: dict[str, None] = field(default_factory=dict)  # keys of what was not probed just once
    _brief: dict[str, None] = field(default_factory=dict)  # keys of what brief runs measured
    _occupancies: dict[str, Occupancy] = field(default_factory=dict)  # by key
    _repeated: dict[str, list[tuple[Occupancy, Blocks]]] = field(
        default_factory=lambda: defaultdict(list)
    )  # values of what was measured several times, by metric
    _spreads: dict[tuple[str, Occupancy | None], Spread | None] = field(default_factory=dict)
    _reaches: dict[tuple[str, Occupancy], float] = field(default_factory=dict)
    _anchor: Mapping[str, str] = field(default_factory=dict)
    _windows: dict[tuple[str, str], list[Window]] = field(default_factory=dict)
    _deviations: dict[tuple[str, str], float] = field(default_factory=dict)
    _unconfirmed: set[tuple[str, str]] = field(default_factory=set)
    _excess: Counter[tuple[str, str]] = field(default_factory=Counter)  # see `_set_aside`

    def add(self, observation: Observation) -> None:
        """Takes in an observation."""
        measurement = observation.measurement
        series = self._series[measurement.key, measurement.fidelity]
        series.append(observation)
        self._occupancies[measurement.key] = observation.occupancy
        self.counts[measurement.metric, measurement.fidelity] += 1
        if measurement.fidelity not in FIDELITY_ORDER:
            if measurement.fidelity == "brief":  # it tells of the noise alone, see `renew_noise`
                self._brief[measurement.key] = None
            return
        known = sum(len(self._series.get((measurement.key, each), ())) for each in FIDELITY_ORDER)
        if known > 1 or measurement.fidelity != "probe":
            self._more[measurement.key] = None
        place = measurement.metric, observation.host
        usual = self._excess[place] > 0
        self._excess[place] += 1 if measurement.disturbed else -1
        if known > 1 or usual is not (self._excess[place] > 0):
            self._changed()

    def set_anchor(self, keys: Mapping[str, str]) -> None:
        """Names what is measured again at intervals: its key by metric."""
        if keys != self._anchor:
            self._anchor = dict(keys)
            self._changed()

    def renew_noise(self) -> None:
        """Lets brief runs tell of the noise that were added since it was looked at last.

        Whoever calls it derives anew what rests on intervals: so it is not done with each run.
        """
        self._repeated.clear()
        self._spreads.clear()
        self._reaches.clear()

    def _changed(self) -> None:
        self.renew_noise()
        self._windows, self._deviations, self._unconfirmed = {}, {}, set()
        for metric, key in self._anchor.items():
            found, loud = self._anchors(key)
            self._windows |= {(metric, host): windows(values) for host, values in found.items()}
            self._deviations |= {
                (metric, host): change for host, change in deviations(found).items()
            }
            self._unconfirmed |= {(metric, host) for host in unconfirmed(found) - loud}
        self.revision += 1

    def _anchors(self, key: str) -> tuple[dict[str, list[tuple[TrialId, float]]], set[str]]:
        """The anchor's undisturbed values by machine, and where the last of all was disturbed."""
        by_host: dict[str, list[tuple[TrialId, float]]] = defaultdict(list)
        last: dict[str, bool] = {}
        for each in sorted(self._series.get((key, "probe"), ()), key=lambda o: o.trial_id):
            last[each.host] = self._set_aside(each)
            if not last[each.host]:
                by_host[each.host].append((each.trial_id, each.measurement.value))
        return by_host, {host for host, disturbed in last.items() if disturbed}

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

    def clean_or_all(self, key: str, fidelity: FidelityName) -> list[Measurement]:
        """Those that count, or all there are where none does."""
        return [each.measurement for each in self._clean_or_all(key, fidelity)]

    def _clean_or_all(self, key: str, fidelity: FidelityName) -> Sequence[Observation]:
        series = self._series.get((key, fidelity), ())
        return [o for o in series if not self._set_aside(o) and not self._in(o)] or series

    def _set_aside(self, observation: Observation) -> bool:
        """Whether a value was disturbed, and not by what is the usual noise of its machine.

        `_excess` has by metric and machine how many more values were disturbed than were not.
        """
        place = observation.measurement.metric, observation.host
        return bool(observation.measurement.disturbed) and self._excess[place] <= 0

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

    def unconfirmed(self, metric: str, host: str) -> bool:
        """Whether the anchor's last value on a machine is unusual, and its next one tells why."""
        return (metric, host) in self._unconfirmed

    def drifts(self) -> dict[tuple[str, str], list[Window]]:
        """The times in which the machine was not itself, by metric and host."""
        return {name: found for name, found in self._windows.items() if found}

    def deviations(self) -> dict[tuple[str, str], float]:
        """The machines whose anchor differs from that of the study's first one, and how much.

        By metric and machine; see `dse.study.drift.deviations`. What they measure counts only
        where nothing else is known.
        """
        return dict(self._deviations)

    def spread(self, metric: str, occupancy: Occupancy | None = None) -> Spread | None:
        """How far repeated measurements of a metric lie apart; None where nothing was repeated.

        What differs from one process to the next hardly depends on how long a run is, so all
        fidelities tell of it. But it depends on how the CPUs are occupied: where none is left,
        whatever else runs gets in the way, and threads of one instance wait for the last of them.

        Args:
            metric: its name.
            occupancy: of the CPUs; None for all measurements.
        """
        if (metric, occupancy) not in self._spreads:
            self._spreads[metric, occupancy] = pool_spread(self._groups(metric, occupancy))
        return self._spreads[metric, occupancy]

    def noise(self, metric: str, occupancy: Occupancy) -> Spread | None:
        """The spread with the CPUs occupied so; None where too little was repeated to tell it."""
        found = self.spread(metric, occupancy)
        return found if found is not None and found.degrees >= MIN_DEGREES else None

    def _noise_or_widest(self, metric: str, occupancy: Occupancy) -> Spread | None:
        """The noise, or a stand-in that is rather too wide where it is not known."""
        if found := self.noise(metric, occupancy):
            return found
        known = [s for s in self.spreads(metric).values() if s.degrees >= MIN_DEGREES]
        return max(known, key=lambda each: each.sd) if known else self.spread(metric)

    def _groups(self, metric: str, occupancy: Occupancy | None) -> list[Blocks]:
        if not self._repeated:
            self._repeat()
        return [blocks for own, blocks in self._repeated[metric] if occupancy in (None, own)]

    def _repeat(self) -> None:
        """Gathers the values of what was measured several times."""
        kinds: dict[tuple[str, Occupancy], list[Sequence[Observation]]] = defaultdict(list)
        for key in self._more | self._brief:
            for fidelity in ("brief", *FIDELITY_ORDER):
                found = self._clean_or_all(key, fidelity)
                if len(found) > 1:
                    kinds[found[0].measurement.metric, self._occupancies[key]].append(found)
        for (metric, occupancy), groups in kinds.items():
            most = max(MIN_DEGREES + 1, MAX_NOISE_VALUES // len(groups))
            some = (own[:: math.ceil(len(own) / most)] for own in groups)
            self._repeated[metric] += ((occupancy, _blocks(own)) for own in some)

    def spreads(self, metric: str) -> dict[Occupancy, Spread]:
        """The spread by how the CPUs were occupied, where something was repeated so."""
        self._groups(metric, None)
        kinds = sorted({own for own, _ in self._repeated[metric]})
        found = {own: self.spread(metric, own) for own in kinds}
        return {own: spread for own, spread in found.items() if spread}

    def probed_once(self, measurement: Measurement) -> bool:
        """Whether nothing else is known of it, so that its own value is its estimate."""
        return measurement.key not in self._more

    def interval_factor(self, measurement: Measurement) -> float:
        """The factor from the value of what was probed once to the ends of its `bounds`."""
        name = measurement.metric, self._occupancies.get(measurement.key, ONE_THREAD)
        if name not in self._reaches:
            interval = confidence_interval([[1.0]], self._noise_or_widest(*name))
            self._reaches[name] = interval[1] if interval else 1.0
        return self._reaches[name]

    def bounds(self, measurement: Measurement) -> tuple[float, float] | None:
        """Between which bounds an estimate counts in comparisons.

        They are its interval. Where that is not known for lack of repetitions with the CPUs
        occupied so, the widest noise there is stands in for it; that is nothing to show. What was
        not measured here counts as it is.
        """
        if measurement.interval:
            return measurement.interval
        if measurement.source is not Source.MEASURED:
            return measurement.value, measurement.value
        series = self._best(measurement.key)
        if not series or not METRICS[measurement.metric].timed:
            return None
        occupancy = self._occupancies[measurement.key]
        return confidence_interval(
            _blocks(series), self._noise_or_widest(measurement.metric, occupancy)
        )

    def estimate(self, measurement: Measurement) -> Measurement:
        """What is known by now of what a measurement measured.

        Returns:
            Value (the median of the repetitions), interval and fidelity, with the other
            figures of the last repetition. The interval is missing where nothing tells it: that of
            a single value, or of values of a minute, takes repetitions with CPUs occupied alike; a
            quality that was published, or recorded in a table, was measured on samples and by means
            that are not known here.
        """
        if measurement.source is Source.REPLAYED and METRICS[measurement.metric].timed:
            return replace(measurement, interval=(measurement.value, measurement.value))
        if measurement.source is not Source.MEASURED:
            return replace(measurement, interval=None)
        found = self._best(measurement.key)
        return self._typical(found) if found else measurement

    def _best(self, key: str) -> Sequence[Observation]:
        """Those that count at the highest fidelity there is."""
        found = (self._clean_or_all(key, fidelity) for fidelity in reversed(FIDELITY_ORDER))
        return next(filter(None, found), ())

    def _typical(self, found: Sequence[Observation]) -> Measurement:
        last = found[-1].measurement
        if not METRICS[last.metric].timed:
            return last
        values = [each.measurement.value for each in found]
        noise = self.noise(last.metric, self._occupancies[last.key])
        interval = confidence_interval(_blocks(found), noise)
        details: dict[str, KnobValue] = {**last.details, "repetitions": len(values)}
        return replace(last, value=typical_value(values), interval=interval, details=details)

    def stale(self, measurement: Measurement) -> bool:
        """Whether all that is known of it is from times when the machine was not itself."""
        if not any(self._windows.values()) and not self._deviations:
            return False
        for fidelity in reversed(FIDELITY_ORDER):
            series = self._series.get((measurement.key, fidelity))
            if series:
                return METRICS[measurement.metric].timed and all(map(self._in, series))
        return False


def _blocks(found: Sequence[Observation]) -> Blocks:
    """The values in blocks of a minute."""
    return in_blocks((each.host, each.at, each.measurement.value) for each in found)
