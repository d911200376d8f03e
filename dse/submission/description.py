"""The description of a system, as its file in ``systems/`` has it: detected, or told by the user.

Nothing is invented: what neither the system tells nor the user is missing, and an export ends.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from dse.config import yaml_reader
from dse.machine.detect import detect
from dse.machine.system import UNKNOWN, System

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    _Values = Mapping[str, tuple[str, "Origin"]]

MEANINGFUL = (
    *("division", "submitter", "system_type", "status", "system_name", "number_of_nodes"),
    *("host_processor_model_name", "host_processors_per_node", "host_processor_core_count"),
    *("host_memory_capacity", "host_memory_configuration", "host_storage_capacity"),
    *("host_storage_type", "host_networking", "host_network_card_count"),
    *("host_networking_topology", "accelerators_per_node", "accelerator_model_name"),
    *("accelerator_memory_capacity", "accelerator_host_interconnect"),
    *("accelerator_memory_configuration", "accelerator_interconnect", "cooling", "framework"),
    *("operating_system", "other_software_stack"),
)
"""Fields that say something."""
OPTIONAL = (
    *("host_processor_frequency", "host_processor_caches", "host_processor_interconnect"),
    *("accelerator_frequency", "accelerator_interconnect_topology", "accelerator_on-chip_memories"),
    *("hw_notes", "sw_notes", "system_type_detail"),
)
"""Fields that are there, and may be empty.

Source of both lists: the submission checker of https://github.com/mlcommons/inference, 2026-08.
"""
OF_RUNS = ("framework", "other_software_stack")
"""Fields that differ from one system of a submission to the next."""
NO_ACCELERATOR: Mapping[str, str] = {
    "accelerators_per_node": "0",
    "accelerator_model_name": "N/A",
    "accelerator_memory_capacity": "N/A",
    "accelerator_host_interconnect": "N/A",
    "accelerator_memory_configuration": "N/A",
    "accelerator_interconnect": "N/A",
}
"""What is said where a model ran on the CPU, whatever else the machine has."""
OF_MODELS = ("retraining", "equivalence")
"""What a user says of the models, not of the system."""
FLAGS = {"status": "--status", "system_name": "--system-name"}
"""The fields that options give as well."""

Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=500),
    # A count may stand without quotes.
    BeforeValidator(lambda value: str(value) if type(value) is int else value),
]


class SystemDescriptionForm(BaseModel):
    """The file ``system.yaml``: what the system itself does not tell.

    What stands in it wins over what was detected. ``retraining`` says for measurements.json whether
    the models were trained further, which no file tells, and ``equivalence`` for the closed
    division how they are the reference model.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal["available", "preview", "rdi"] | None = None
    system_name: Text | None = None
    number_of_nodes: Text | None = None
    operating_system: Text | None = None
    host_processor_model_name: Text | None = None
    host_processors_per_node: Text | None = None
    host_processor_core_count: Text | None = None
    host_processor_frequency: Text | None = None
    host_processor_caches: Text | None = None
    host_processor_interconnect: Text | None = None
    host_memory_capacity: Text | None = None
    host_memory_configuration: Text | None = None
    host_storage_capacity: Text | None = None
    host_storage_type: Text | None = None
    host_networking: Text | None = None
    host_network_card_count: Text | None = None
    host_networking_topology: Text | None = None
    accelerators_per_node: Text | None = None
    accelerator_model_name: Text | None = None
    accelerator_memory_capacity: Text | None = None
    accelerator_host_interconnect: Text | None = None
    accelerator_memory_configuration: Text | None = None
    accelerator_interconnect: Text | None = None
    cooling: Text | None = None
    other_software_stack: Text | None = None
    hw_notes: Text | None = None
    sw_notes: Text | None = None
    system_type_detail: Text | None = None
    retraining: Text | None = None
    equivalence: Text | None = None


@dataclass(frozen=True, slots=True)
class Declared:
    """What the user says of a system.

    Attributes:
        values: by field.
        file: where they stand, if in a file.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None


def read_declared(file: Path | None, **flags: str | None) -> Declared:
    """What a file and the flags say; a flag wins.

    Raises:
        RequestError: the file or a flag is wrong; names file, line and field.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    forms = [yaml_reader.read(file, SystemDescriptionForm)] if file is not None else []
    values: dict[str, str] = {}
    for form in (*forms, yaml_reader.check(given, SystemDescriptionForm)):
        values |= {name: value for name, value in form.model_dump().items() if value}
    return Declared(values, file)


class Origin(StrEnum):
    """Who tells a field, in words for the reader."""

    STUDY = "the study"
    MACHINE = "this machine"
    ASSUMED = "taken for granted of one machine without accelerators"
    TOLD = "you"
    EXPORT = "the options of the export"
    RUNS = "the runs"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class DescribedField:
    """A field of the description of a system.

    Attributes:
        name: as the file in ``systems/`` has it.
        value: what would stand there; empty where nothing tells it, and where the runs do.
        origin: who tells it.
        detected: what would stand there if the user told nothing of it.
        detector: who tells that.
        required: whether it has to say something.
    """

    name: str
    value: str
    origin: Origin
    detected: str
    detector: Origin
    required: bool

    @property
    def missing(self) -> bool:
        """Whether an export ends for want of it."""
        return self.required and self.origin is Origin.NOBODY


def described(
    system: System, told: Declared, submitter: str, category: str
) -> tuple[dict[str, str], list[str]]:
    """The description, and the fields that are missing.

    Args:
        system: the one that the study was measured on.
        told: what the user says.
        submitter: the organisation.
        category: ``edge`` or ``datacenter``.

    Returns:
        Every field, all values texts, but for `OF_RUNS` which the runs tell; and the names of
        those that nothing tells.
    """
    found = described_fields(system, told, submitter, category)
    return {each.name: each.value for each in found}, [each.name for each in found if each.missing]


def described_fields(
    system: System, told: Declared, submitter: str, category: str
) -> list[DescribedField]:
    """The same with who tells each field.

    Args:
        system: the one that the study was measured on.
        told: what the user says.
        submitter: the organisation.
        category: ``edge`` or ``datacenter``.

    Returns:
        All fields, in the order of `MEANINGFUL` and `OPTIONAL`.
    """
    from dse.submission._hardware import hardware

    detected = {
        # One node has no network among its parts.
        **_by(
            Origin.ASSUMED,
            {**NO_ACCELERATOR, "number_of_nodes": "1", "host_networking_topology": "N/A"},
        ),
        **_by(Origin.STUDY, _of_study(system)),
        # Of another machine the hardware here says nothing.
        **_by(Origin.MACHINE, {} if detect().differences(system) else hardware()),
    }
    of_system = {name: value for name, value in told.values.items() if name not in OF_MODELS}
    asked = {"division": "open", "submitter": submitter, "system_type": category}
    found = {**detected, **_by(Origin.TOLD, of_system), **_by(Origin.EXPORT, asked)}
    return [_field(name, found, detected) for name in (*MEANINGFUL, *OPTIONAL)]


def _field(name: str, found: _Values, detected: _Values) -> DescribedField:
    nothing = "", Origin.RUNS if name in OF_RUNS else Origin.NOBODY
    said, known = (values.get(name, nothing) for values in (found, detected))
    value, origin = said if said[0] else nothing
    return DescribedField(name, value, origin, *known, required=name in MEANINGFUL)


def _by(origin: Origin, values: Mapping[str, str]) -> _Values:
    return {name: (value, origin) for name, value in values.items()}


def _of_study(system: System) -> dict[str, str]:
    """What a study knows of its system."""
    clocks = ", ".join(f"{mhz} MHz" for mhz, _ in system.max_mhz)
    found = {
        "host_processor_model_name": system.cpu,
        "host_memory_capacity": f"{system.memory_gib} GiB" if system.memory_gib else "",
        "host_processor_frequency": clocks,
        "operating_system": f"{system.operating_system}, kernel {system.kernel}",
        "hw_notes": "virtual machine" if system.virtualised else "",
    }
    return {name: value for name, value in found.items() if value and UNKNOWN not in value}
