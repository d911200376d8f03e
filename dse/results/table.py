"""What is known of configurations on one system, whoever measured it."""

from __future__ import annotations

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


MAX_NAME, MAX_TEXT = 1000, 4000
"""The most characters of a name, and of any other text, that an import keeps."""


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
