"""What is known of configurations on one system, whoever measured it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.core.configuration import KnobValue
    from dse.core.measurement import Source
    from dse.core.plausibility import Note

OFFLINE_POWER = "offline_power_w"
"""Mean power of the whole system in watts while Offline ran: published, never measured here."""
NONE = ("", "0", "n/a", "none")
"""What stands in place of a number of accelerators, or of their name, where there are none."""
FASTEST_GHZ = 20.0
"""More than any CPU has; a larger figure is a mistake."""


@dataclass(frozen=True, slots=True)
class Row:
    """One configuration on one system.

    Attributes:
        configuration: flat, as `dse.core.configuration.Configuration.as_dict` has it;
            what is not told is left out: published results name model and precision, and seldom
            more.
        label: what the source itself calls it.
        values: by metric, each in its metric's unit; of `OFFLINE_POWER` in watts.
        sources: where each value comes from, by metric.
        intervals: by metric, where one is known.
        inferred: metrics that were derived from another scenario's run.
        valid: metrics whose run was one by MLPerf's rules.
        samples: the samples behind a measured quality; None where their number is not told.
        notes: what speaks against a measured quality.
    """

    configuration: Mapping[str, KnobValue]
    label: str
    values: Mapping[str, float]
    sources: Mapping[str, Source]
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    inferred: frozenset[str] = frozenset()
    valid: frozenset[str] = frozenset()
    samples: int | None = None
    notes: tuple[Note, ...] = ()


@dataclass(frozen=True, slots=True)
class ResultTable:
    """What is known of one system.

    Attributes:
        name: of the study, or what the publisher calls the system.
        origin: the file or folder it was read from.
        cpu: name of the processor; empty where it is not told.
        cores: physical ones, of all sockets; None where it is not told.
        ghz: highest clock; None where it is not told.
        software: the runtimes with their versions.
        rows: the configurations that ran.
        accelerator: what the system has beside its CPU, and may have used; empty for nothing.
        release: the round of MLPerf Inference, where it is told.
        description: what else is told of the system, by the names that MLPerf gives it.
        left_out: what of it could not be read, a line each.
        task: the name of the task that the models are for.
    """

    name: str
    origin: str
    cpu: str
    cores: int | None
    ghz: float | None
    software: str
    rows: tuple[Row, ...]
    accelerator: str = ""
    release: str = ""
    description: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    task: str = registry.DEFAULT


def cores(description: Mapping[str, str]) -> int | None:
    """Physical cores of all sockets; a text such as ``6 (4 big; 2 LITTLE)`` begins with a number.

    Args:
        description: texts by the names that MLPerf gives them, as are the others.
    """
    each = re.match(r"\d{1,4}\b", description.get("host_processor_core_count", ""))
    sockets = re.match(r"\d{1,2}\b", description.get("host_processors_per_node", ""))
    return int(each[0]) * int(sockets[0]) or None if each and sockets else None


def ghz(description: Mapping[str, str]) -> float | None:
    """The highest clock that is told; None where none is."""
    text = description.get("host_processor_frequency", "")
    found = re.findall(r"(\d{1,5}(?:\.\d{1,5})?)\s*([GM])Hz", text, re.IGNORECASE)
    clocks = (float(value) / (1000 if unit in "mM" else 1) for value, unit in found)
    return max((clock for clock in clocks if 0 < clock <= FASTEST_GHZ), default=None)


def accelerator(description: Mapping[str, str]) -> str:
    """What the system has beside its CPU; empty for nothing, and where it is not told."""
    count = description.get("accelerators_per_node", "").strip()
    name = description.get("accelerator_model_name", "").strip()
    if count.lower() in NONE or name.lower() in NONE:
        return ""
    return f"{count} x {name}"
