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

    from dse.core.measurement import Outcome

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
        probe = _probe(Path(folder))
        with measuring_lock(waits=waits):
            taken = [_take(probe) for _ in range(probes)]
    values = {metric: tuple(outcome.values[metric] for outcome in taken) for metric in METRICS}
    disturbances = tuple(_disturbance(outcome) for outcome in taken)
    return Noise(probe.spec.configuration.backend, probe.version, values, disturbances)


def configuration(backend: str) -> Configuration:
    """What is measured, on one of the runtimes."""
    return Configuration(*_model(), backend, threads=1, batch_size=1)


def _model() -> tuple[str, str]:
    """Name and precision of the model that the default task offers for this."""
    found = task(DEFAULT).probe
    if found is None:
        raise UnavailableError(f"no noise figure: the task {DEFAULT} has no model for it")
    return found


def _probe(folder: Path) -> Probe:
    """The probe on the first runtime that is usable here."""
    given, (model, precision), obstacles = task(DEFAULT), _model(), []
    provider = given.provider(None)
    for name, found in runtime_availabilities(RUNTIMES).items():
        formats = registry.backend(name).formats
        obstacle = str(found.error) if found.error else provider.obstacle(model, precision, formats)
        if obstacle is None and found.python is not None and found.version is not None:
            artefact = provider.artefact(model, precision, formats)
            spec = Spec(
                run="noise",
                folder=folder / "noise",
                configuration=configuration(name),
                model=ModelFiles(artefact.path),
                task=TaskSpec(given.worker, artefact.form, rules=given.rules),
                requests=tuple(MetricRequest(metric, "noise") for metric in METRICS),
                fidelity=RUN_LENGTHS["probe"],
            )
            return Probe(spec, found.python, found.version)
        obstacles.append(obstacle)
    raise UnavailableError(f"no noise figure: {obstacles[0]}")


def _take(probe: Probe) -> Outcome:
    outcome = run_worker(probe.spec, LIMITS, interpreter=probe.interpreter)
    if outcome.failure is not None:
        kind, message = outcome.failure.kind, boil_down(outcome.failure.message)
        raise DseError(f"the probe for the noise figure failed ({kind}): {message}")
    return outcome


def _disturbance(outcome: Outcome) -> str:
    """What disturbed any of the runs of a process, each reason once."""
    told = (m.disturbed for m in outcome.measurements)
    return "; ".join(dict.fromkeys(filter(None, told)))
