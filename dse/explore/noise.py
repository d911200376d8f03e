"""How far measurements of one and the same thing lie apart on this machine at this time."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.core import registry
from dse.core.configuration import Configuration
from dse.core.errors import DseError, UnavailableError
from dse.core.intervals import pooled, typical
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.environments.availability import runtime_availabilities
from dse.machine.measuring_lock import measuring_lock, nothing
from dse.measure.runner import Limits, run_worker
from dse.measure.spec import RUN_LENGTHS, InputSource, MetricRequest, Spec
from dse.tasks.image_classification.models.builtin import BuiltinProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dse.core.measurement import Outcome

RUNTIMES = ("onnxruntime", "litert", "openvino")
MODEL, PRECISION = "mobilenet-v1-0.25-128", "fp32"
"""The smallest of the catalogue: disturbances show most where an inference is short."""
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
        spread = pooled([self.values[metric]])
        return None if spread is None else 100 * spread.sd

    def range_percent(self, metric: str) -> float:
        """How far the highest value lies above the lowest, in percent of the typical one."""
        values = self.values[metric]
        return 100 * (max(values) - min(values)) / typical(values)

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


def measure_noise(probes: int, waits: Callable[[], None] = nothing) -> Noise:
    """Takes the same probe in N fresh processes; does nothing else meanwhile.

    Waits for another process that measures on this machine.

    Args:
        probes: how many, at least one.
        waits: called where another process measures on this machine, before it is waited for.

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
    return Configuration(MODEL, PRECISION, backend, threads=1, batch_size=1)


def _probe(folder: Path) -> Probe:
    """The probe on the first runtime that is usable here."""
    provider, obstacles = BuiltinProvider(), []
    for name, found in runtime_availabilities(RUNTIMES).items():
        formats = registry.backend(name).formats
        obstacle = str(found.error) if found.error else provider.obstacle(MODEL, PRECISION, formats)
        if obstacle is None and found.python is not None and found.version is not None:
            artefact = provider.artefact(MODEL, PRECISION, formats)
            spec = Spec(
                run="noise",
                folder=folder / "noise",
                configuration=configuration(name),
                model_file=artefact.path,
                preprocessing=artefact.preprocessing,
                inputs=InputSource(),
                tasks=tuple(MetricRequest(metric, "noise") for metric in METRICS),
                fidelity=RUN_LENGTHS["probe"],
                settings={},
            )
            return Probe(spec, found.python, found.version)
        obstacles.append(obstacle)
    raise UnavailableError(f"no noise figure: {obstacles[0]}")


def _take(probe: Probe) -> Outcome:
    outcome = run_worker(probe.spec, LIMITS, interpreter=probe.interpreter)
    if outcome.failure is not None:
        kind, message = outcome.failure.kind, outcome.failure.message
        raise DseError(f"the probe for the noise figure failed ({kind}): {message}")
    return outcome


def _disturbance(outcome: Outcome) -> str:
    """What disturbed any of the runs of a process, each reason once."""
    told = (str(m.details.get("disturbed", "")) for m in outcome.measurements)
    return "; ".join(dict.fromkeys(filter(None, told)))
