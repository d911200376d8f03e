"""The system that a study belongs to: its properties, and whether another system is the same."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from dse.core.checksums import digest
from dse.core.wording import format_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

UNKNOWN = "unknown"
MAX_NAMED_SETS = 8
"""How many instruction sets a message names; of the others it gives the number."""

PropertyValue = str | int | float | bool | tuple[str, ...] | None
Identity = dict[str, PropertyValue]


@dataclass(frozen=True, slots=True)
class System:
    """A system as a process sees it. Unknown properties are ``unknown`` or None.

    Attributes:
        cpu: model of the CPU; on Arm the names of the core and the board. If the CPUs that the
            process may use differ, it includes the number of each kind.
        architecture: such as ``x86_64`` or ``aarch64``.
        microcode: revision of the microcode; on Arm the core's variant and revision.
        available_cpus: number of CPUs that the process can keep busy: those of its affinity mask,
            no more than the whole CPUs of its quota, and at least 1.
        physical_cores: number of cores behind the CPUs of the affinity mask.
        cpu_quota: CPU time that the control groups grant, in CPUs; None if it does not limit the
            affinity mask.
        max_mhz: highest clock and number of CPUs that have it, fastest first; empty if unknown.
        memory_bytes: memory of the machine.
        governor: frequency governor; several are joined by ``+``.
        virtualised: whether it is a virtual machine; a container is not one.
        operating_system: name and version.
        kernel: release of the kernel.
        instruction_sets: the instruction sets by which runtimes choose kernels, named as in
            `dse.machine.instruction_sets`; None if unknown.
        cpu_vendor: vendor as the kernel names it.
        cpu_family: a number; elsewhere than on x86, a name.
        cpu_model: number of the model within the family, which hypervisors don't hide.
        stepping: revision of the model.
        caches: levels, sizes and numbers of the caches; see `dse.machine._cpu_caches`.
        memory_limit_bytes: memory that the control groups grant; 0 for no limit.
        microarchitecture: name of the micro-architecture; empty if the numbers are not listed.
        given_name: the user's name for this kind of CPU; empty if there is none.
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
    cpu_vendor: str | None = None
    cpu_family: str | None = None
    cpu_model: str | None = None
    stepping: str | None = None
    caches: str | None = None
    memory_limit_bytes: int | None = None
    microarchitecture: str = ""
    given_name: str = ""

    @property
    def memory_gib(self) -> int | None:
        """Memory in whole GiB: the part that the kernel keeps for itself depends on its version."""
        return None if self.memory_bytes is None else round(self.memory_bytes / 2**30)

    @property
    def ghz(self) -> float | None:
        """The highest clock; None if unknown."""
        return self.max_mhz[0][0] / 1000 if self.max_mhz else None

    @property
    def title(self) -> str:
        """The CPU in a heading: its name, its micro-architecture and the user's name for it."""
        more = [self.microarchitecture] if self.microarchitecture not in self.cpu else []
        more += [f"'{self.given_name}'"] if self.given_name else []
        return f"{self.cpu} ({', '.join(more)})" if more else self.cpu

    @property
    def available_words(self) -> str:
        """The number of available CPUs, with the limits of the control group if there are any."""
        quota, limit = self.cpu_quota, self._memory_limit_mib
        granted = [_format_value("CPU quota", quota)] if quota is not None else []
        granted += [f"{limit} MiB"] if limit else []
        words = f"{self.available_cpus} available"
        return f"{words} (control group: {', '.join(granted)})" if granted else words

    @property
    def fingerprint(self) -> str:
        """12 hex digits: a hash of the properties that speed depends on."""
        return digest(self._identity())[:12]

    def _identity(self) -> Identity:
        return {
            "CPU": self.cpu,
            "architecture": self.architecture,
            "microcode": self.microcode,
            "available CPUs": self.available_cpus,
            "physical cores": self.physical_cores,
            "memory in GiB": self.memory_gib,
            "frequency governor": self.governor,
            "virtualised": self.virtualised,
            "CPU vendor": self.cpu_vendor,
            "CPU family": self.cpu_family,
            "CPU model": self.cpu_model,
            "CPU stepping": self.stepping,
            "instruction sets": self.instruction_sets,
            "caches": self.caches,
            "CPU quota": self.cpu_quota,
            "memory limit in MiB": self._memory_limit_mib,
        }

    @property
    def _memory_limit_mib(self) -> int | None:
        limit = self.memory_limit_bytes
        return None if limit is None else round(limit / 2**20)

    def differences(self, other: System) -> list[str]:
        """How two systems differ, in words; empty if all properties are equal.

        Args:
            other: the system of the study; the present system is ``self``.
        """
        there = other._identity()
        return [
            _describe_difference(name, value, there[name])
            for name, value in self._identity().items()
            if value != there[name]
        ]

    def describe(self) -> list[tuple[str, str]]:
        """Name and text of every property, for display."""
        shown = {name: _format_value(name, value) for name, value in self._identity().items()}
        clocks = ", ".join(f"{count} at {mhz} MHz" for mhz, count in self.max_mhz)
        named = [("your name for it", self.given_name)] if self.given_name else []
        return [
            ("fingerprint", self.fingerprint),
            *named,
            ("CPU", shown.pop("CPU")),
            ("micro-architecture", self.microarchitecture or UNKNOWN),
            *shown.items(),
            ("highest clock", clocks or UNKNOWN),
            ("operating system", self.operating_system),
            ("kernel", self.kernel),
        ]

    def as_dict(self) -> dict[str, Any]:
        """A JSON object; the inverse of `from_dict`."""
        sets = None if self.instruction_sets is None else list(self.instruction_sets)
        mhz = [list(pair) for pair in self.max_mhz]
        return {**asdict(self), "max_mhz": mhz, "instruction_sets": sets}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads what `as_dict` wrote.

        Raises:
            KeyError: a field is missing.
        """
        fields = {name: data[name] for name in cls.__slots__}
        sets = fields["instruction_sets"]
        fields["instruction_sets"] = None if sets is None else tuple(sets)
        fields["max_mhz"] = tuple((int(mhz), int(count)) for mhz, count in data["max_mhz"])
        return cls(**fields)


def _describe_difference(name: str, here: PropertyValue, there: PropertyValue) -> str:
    if isinstance(here, tuple) and isinstance(there, tuple):
        more, less = (sorted({*one} - {*two}) for one, two in ((here, there), (there, here)))
        both = [f"only here {_join_names(more)}"] if more else []
        both += [f"only in the study {_join_names(less)}"] if less else []
        return f"{name}: {', '.join(both)}"
    return f"{name}: {_format_value(name, here)} here, {_format_value(name, there)} in the study"


def _format_value(name: str, value: PropertyValue) -> str:
    if (name, value) in (("CPU quota", None), ("memory limit in MiB", 0)):
        return "none"
    if value is None:
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " ".join(value) or "none"
    if isinstance(value, float):
        return format_count(value, "CPU")
    return str(value)


def _join_names(names: Iterable[str]) -> str:
    names = list(names)
    rest = len(names) - MAX_NAMED_SETS
    return " ".join(names[:MAX_NAMED_SETS]) + (f" and {rest} more" if rest > 0 else "")
