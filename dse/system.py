"""The CPU that a study belongs to: what it is, and whether another one is the same."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from dse.types import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class System:
    """A CPU as a process sees it. What the system does not tell is ``unknown`` or None.

    Attributes:
        cpu: the model; on Arm the core's name and the board's. Where the CPUs that the process
            may use differ, how many there are of each kind.
        architecture: such as ``x86_64`` or ``aarch64``.
        microcode: its revision; on Arm the core's variant and revision.
        available_cpus: CPUs that the process can keep busy: those of its affinity mask, no more
            than its quota (rounded up).
        physical_cores: cores behind the CPUs of the affinity mask.
        cpu_quota: CPUs' worth of time that the control group grants; None for no limit.
        max_mhz: highest clock and number of CPUs that have it, fastest first; empty if unknown.
        memory_bytes: all of the machine's.
        governor: of the clock frequency; several are joined by ``+``.
        virtualised: whether it is a virtual machine; a container is none.
        operating_system: name and version.
        kernel: its release.
        instruction_sets: those that runtimes choose by, as `dse.instruction_sets` names them;
            None where nothing tells, as in studies of earlier versions.
    """

    cpu: str
    architecture: str
    microcode: str
    available_cpus: int
    physical_cores: int | None
    cpu_quota: float | None
    max_mhz: tuple[tuple[int, int], ...]
    memory_bytes: int | None
    governor: str
    virtualised: bool | None
    operating_system: str
    kernel: str
    instruction_sets: tuple[str, ...] | None = None

    @property
    def memory_gib(self) -> int | None:
        """Memory in whole GiB: the kernel's share, which comes off, changes with its version."""
        return None if self.memory_bytes is None else round(self.memory_bytes / 2**30)

    @property
    def fingerprint(self) -> str:
        """12 hex digits: a hash of what speed depends on, and of nothing else."""
        return digest(dict(self._identity()))[:12]

    def _identity(self) -> tuple[tuple[str, str | int | bool | None], ...]:
        return (
            ("CPU", self.cpu),
            ("architecture", self.architecture),
            ("microcode", self.microcode),
            ("available CPUs", self.available_cpus),
            ("physical cores", self.physical_cores),
            ("memory in GiB", self.memory_gib),
            ("frequency governor", self.governor),
            ("virtualised", self.virtualised),
        )

    def differences(self, other: System) -> list[str]:
        """What makes the fingerprints differ, in words; empty where they are the same.

        Args:
            other: the system of the study; this one is here.
        """
        pairs = zip(self._identity(), other._identity(), strict=True)
        return [
            f"{name}: {_words(here)} here, {_words(there)} in the study"
            for (name, here), (_, there) in pairs
            if here != there
        ]

    def describe(self) -> list[tuple[str, str]]:
        """Every property as a name and a text, for the reader."""
        clocks = ", ".join(f"{count} at {mhz} MHz" for mhz, count in self.max_mhz)
        quota = "none" if self.cpu_quota is None else f"{self.cpu_quota:g} CPUs"
        return [
            ("fingerprint", self.fingerprint),
            *((name, _words(value)) for name, value in self._identity()),
            ("CPU quota", quota),
            ("highest clock", clocks or UNKNOWN),
            ("operating system", self.operating_system),
            ("kernel", self.kernel),
        ]

    def as_dict(self) -> dict[str, Any]:
        """A JSON object; the inverse of `from_dict`."""
        return {**asdict(self), "max_mhz": [list(pair) for pair in self.max_mhz]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads what `as_dict` wrote.

        Raises:
            KeyError: a field is missing.
        """
        fields = {name: data[name] for name in cls.__slots__ if name != "instruction_sets"}
        recorded = data.get("instruction_sets")
        fields["instruction_sets"] = None if recorded is None else tuple(recorded)
        fields["max_mhz"] = tuple((int(mhz), int(count)) for mhz, count in data["max_mhz"])
        return cls(**fields)


def detect() -> System:
    """The system this process runs on, within its affinity mask and quota."""
    if platform.system() == "Linux":
        from dse.system_linux import read_linux

        return read_linux(cpus=frozenset(os.sched_getaffinity(0)))
    if platform.system() == "Darwin":
        from dse.system_macos import read_macos

        return read_macos()
    return System(
        cpu=platform.processor() or UNKNOWN,
        architecture=platform.machine() or UNKNOWN,
        microcode=UNKNOWN,
        available_cpus=os.cpu_count() or 1,
        physical_cores=None,
        cpu_quota=None,
        max_mhz=(),
        memory_bytes=None,
        governor=UNKNOWN,
        virtualised=None,
        operating_system=platform.system() or UNKNOWN,
        kernel=platform.release() or UNKNOWN,
    )


def _words(value: str | int | bool | None) -> str:
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)
