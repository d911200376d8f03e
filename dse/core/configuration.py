"""A configuration: one point of a search space, with its key.

Standard library only: workers import it in interpreters that may have nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

from dse.core.checksums import digest
from dse.core.metrics import METRICS
from dse.core.wording import format_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


KnobValue = str | int | float | bool

ModelFormat = Literal["onnx", "tflite"]

PRECISIONS = ("fp32", "fp16", "bf16", "int8", "int4")
CPU = "cpu"
DEVICES = (CPU, "cuda")
"""What a model may be computed on: the CPU, or the first GPU of NVIDIA."""


@dataclass(frozen=True, slots=True, order=True)
class Occupancy:
    """How CPUs are occupied while something is measured: its noise depends on that.

    Attributes:
        threads: of each instance.
        cpus: that are busy.
        device: what computes.
    """

    threads: int = 1
    cpus: int = 1
    device: str = "cpu"

    def __str__(self) -> str:
        instances = self.cpus // self.threads
        several = f"{instances} instances of " if instances > 1 else ""
        threads, cpus = format_count(self.threads, "thread"), format_count(self.cpus, "CPU")
        device = "" if self.device == CPU else f" and {self.device}"
        return f"{several}{threads} on {cpus}{device}"


ONE_THREAD = Occupancy()


@dataclass(frozen=True, slots=True)
class Configuration:
    """One point of a search space.

    Attributes:
        model: name of a model that the provider offers.
        precision: a name in `PRECISIONS`.
        backend: name of a backend in the registry.
        threads: threads of each instance.
        batch_size: samples per call of the runtime, in scenarios that have several at hand.
        knobs: name and value of the backend's own parameters, sorted.
        instances: copies of the model that predict at the same time, in scenarios that allow it.
        pinned: whether each instance is pinned to CPUs of its own.
        device: what computes, a name in `DEVICES`.
    """

    model: str
    precision: str
    backend: str
    threads: int
    batch_size: int
    knobs: tuple[tuple[str, KnobValue], ...] = ()
    instances: int = 1
    pinned: bool = False
    device: str = CPU

    def __post_init__(self) -> None:
        object.__setattr__(self, "knobs", tuple(sorted(self.knobs)))

    def as_dict(self) -> dict[str, KnobValue]:
        """The flat form of the JSON outputs: the fields, then the knobs.

        The device stands there where it is not the CPU.
        """
        return {
            "model": self.model,
            "precision": self.precision,
            "backend": self.backend,
            "threads": self.threads,
            "batch_size": self.batch_size,
            "instances": self.instances,
            "pinned": self.pinned,
            **({} if self.device == CPU else {DEVICE: self.device}),
            **dict(self.knobs),
        }

    @classmethod
    def from_dict(cls, flat: Mapping[str, KnobValue]) -> Self:
        """The inverse of `as_dict`; instances and pinning may be left out."""
        fields = {*CONFIGURATION_FIELDS, DEVICE}
        knobs = tuple((name, v) for name, v in flat.items() if name not in fields)
        return cls(
            model=str(flat["model"]),
            precision=str(flat["precision"]),
            backend=str(flat["backend"]),
            threads=int(flat["threads"]),
            batch_size=int(flat["batch_size"]),
            knobs=knobs,
            instances=int(flat.get("instances", 1)),
            pinned=bool(flat.get("pinned", False)),
            device=str(flat.get(DEVICE, CPU)),
        )

    @property
    def key(self) -> str:
        """The identity of the configuration: a hash of its canonical JSON.

        Default values of ``instances``, ``pinned`` and ``device`` are left out, so that studies
        from before these fields keep their keys.
        """
        flat = self.as_dict()
        late = {"instances": 1, "pinned": False}
        return digest({name: v for name, v in flat.items() if late.get(name) != v})

    def occupancy(self, metric: str) -> Occupancy:
        """How CPUs are occupied while a metric is measured."""
        instances = self.instances if METRICS[metric].batched else 1
        return Occupancy(self.threads, self.threads * instances, self.device)

    def __str__(self) -> str:
        knobs = "".join(f", {name}={value}" for name, value in self.knobs)
        threads = format_count(self.threads, "thread")
        copies = f"{self.instances} instances of " if self.instances > 1 else ""
        pinned = ", pinned" if self.pinned else ""
        device = "" if self.device == CPU else f", on {self.device}"
        return (
            f"{self.model} {self.precision}, {self.backend}, {copies}{threads}, "
            f"batch {self.batch_size}{pinned}{device}{knobs}"
        )


CONFIGURATION_FIELDS = (
    *("model", "precision", "backend", "threads", "batch_size"),
    *("instances", "pinned"),
)
"""What every flat form has."""
DEVICE = "device"
"""The field that a flat form has where it is not the CPU."""


def flat_forms(configurations: Iterable[Configuration]) -> list[dict[str, KnobValue]]:
    """The flat forms of the rows of one table: all have the device where one is not the CPU."""
    known = list(configurations)
    several = any(one.device != CPU for one in known)
    return [{**({DEVICE: one.device} if several else {}), **one.as_dict()} for one in known]
