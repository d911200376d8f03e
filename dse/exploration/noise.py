"""How far measurements of one and the same thing lie apart on this machine at this time."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.core import registry
from dse.core.configuration import Configuration
from dse.core.errors import DseError, UnavailableError
from dse.core.intervals import pool_spread, typical_value
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.core.reasons import boil_down
from dse.environments.availability import runtime_availabilities
from dse.machine.measuring_lock import do_nothing, measuring_lock
from dse.measure.runner import Limits, run_worker
from dse.measure.spec import RUN_LENGTHS, MetricRequest, ModelFiles, Spec, TaskSpec
from dse.tasks.registry import DEFAULT, task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dse.core.configuration import ModelFormat
    from dse.core.measurement import Measurement, Outcome
    from dse.models.provider import Provider

RUNTIMES = ("onnxruntime", "litert", "openvino")
METRICS = (LATENCY.name, THROUGHPUT.name)
LIMITS = Limits(timeout_s=120.0, memory_bytes=0)


@dataclass(frozen=True, slots=True)
class Probe:
    """What is measured again and again: a worker's job, and the Python for it."""

    spec: Spec
    interpreter: str
    version: str


@dataclass(frozen=True, slots=True)
class Noise:
    """The same probe, measured in several processes one after the other.

    Attributes:
        backend: the runtime.
        version: of the runtime.
        values: by metric, one of each process, in the metric's unit.
        disturbances: what disturbed each process, empty where nothing did.
    """

    backend: str
    version: str
    values: Mapping[str, tuple[float, ...]]
    disturbances: tuple[str, ...]

    @property
    def disturbed(self) -> tuple[str, ...]:
        """What disturbed the probes that were disturbed."""
        return tuple(filter(None, self.disturbances))

    def sd_percent(self, metric: str) -> float | None:
        """The standard deviation between processes; None where there was one only."""
        spread = pool_spread([[[value] for value in self.values[metric]]])
        return None if spread is None else 100 * spread.sd

    def range_percent(self, metric: str) -> float:
        """How far the highest value lies above the lowest, in percent of the typical one."""
        values = self.values[metric]
        return 100 * (max(values) - min(values)) / typical_value(values)

    def as_dict(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "probes": len(self.disturbances),
            "disturbed": len(self.disturbed),
            "disturbances": list(self.disturbances),
            "configuration": configuration(self.backend).as_dict(),
            "version": self.version,
            "metrics": {
                metric: {
                    "values": list(values),
                    "sd_percent": self.sd_percent(metric),
                    "range_percent": self.range_percent(metric),
                }
                for metric, values in self.values.items()
            },
        }


def measure_noise(probes: int, waits: Callable[[], None] = do_nothing) -> Noise:
    """Takes the same probe in several fresh processes, one after the other.

    Waits for another process that measures on this machine.

    Args:
        probes: the number of processes, at least one.
        waits: called before another process that measures on this machine is waited for.

    Raises:
        UnavailableError: no runtime that could be measured is installed.
        DseError: a probe failed, or there is no room for its logs.
    """
    with tempfile.TemporaryDirectory(prefix="dse-noise-") as folder:
        (probe,) = find_probes(Path(folder), 1)
        with measuring_lock(waits=waits):
            taken = [take_probe(probe) for _ in range(probes)]
    values = {metric: tuple(outcome.values[metric] for outcome in taken) for metric in METRICS}
    disturbances = tuple(disturbances_of(outcome) for outcome in taken)
    return Noise(probe.spec.configuration.backend, probe.version, values, disturbances)


def configuration(backend: str, place: int = 0) -> Configuration:
    """What is measured, on one of the runtimes.

    Args:
        backend: the runtime.
        place: of the model among those that the default task offers for this.

    Raises:
        UnavailableError: it offers none.
    """
    offered = task(DEFAULT).probes
    if place >= len(offered):
        raise UnavailableError(f"no noise figure: the task {DEFAULT} has no model for it")
    return Configuration(*offered[place], backend, threads=1, batch_size=1)


def find_probes(folder: Path, count: int) -> list[Probe]:
    """Probes of different models on the first runtime that is usable here.

    Their models are built where need be.

    Args:
        folder: for the logs.
        count: the number of models.

    Raises:
        UnavailableError: there is no such runtime, or there are too few models; the message says
            why.
    """
    given, obstacles = task(DEFAULT), []
    provider = given.provider(None)
    for name, found in runtime_availabilities(RUNTIMES).items():
        probed = [configuration(name, place) for place in range(count)]
        formats = registry.backend(name).formats
        obstacle = str(found.error) if found.error else None
        for one in probed:
            obstacle = obstacle or provider.obstacle(one.model, one.precision, formats)
        if obstacle is None and found.python is not None and found.version is not None:
            specs = [_spec(folder, one, provider, formats) for one in probed]
            return [Probe(spec, found.python, found.version) for spec in specs]
        obstacles.append(obstacle)
    raise UnavailableError(f"no noise figure: {obstacles[0]}")


def _spec(
    folder: Path, probed: Configuration, provider: Provider, formats: tuple[ModelFormat, ...]
) -> Spec:
    artefact, given = provider.artefact(probed.model, probed.precision, formats), task(DEFAULT)
    return Spec(
        run="noise",
        folder=folder / "noise",
        configuration=probed,
        model=ModelFiles(artefact.path),
        task=TaskSpec(given.worker, artefact.form, rules=given.rules),
        requests=tuple(MetricRequest(metric, "noise") for metric in METRICS),
        fidelity=RUN_LENGTHS["probe"],
    )


def take_probe(probe: Probe, keep: Callable[[Measurement], None] = lambda _: None) -> Outcome:
    """Takes the measurements of a probe in a process of its own.

    Args:
        probe: what to measure.
        keep: called with each measurement as soon as it is taken.

    Raises:
        DseError: it failed.
    """
    outcome = run_worker(probe.spec, LIMITS, interpreter=probe.interpreter, keep=keep)
    if outcome.failure is not None:
        kind, message = outcome.failure.kind, boil_down(outcome.failure.message)
        raise DseError(f"the probe for the noise figure failed ({kind}): {message}")
    return outcome


def disturbances_of(outcome: Outcome) -> str:
    """What disturbed any of the runs of a process, each reason once."""
    told = (m.disturbed for m in outcome.measurements)
    return "; ".join(dict.fromkeys(filter(None, told)))
