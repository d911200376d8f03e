"""A study as the results of its system."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.details import QualityDetails
from dse.core.worker_environment import format_variables, user_variables
from dse.machine.system import System
from dse.results.table import ResultTable, Row

if TYPE_CHECKING:
    from dse.core.plausibility import Note
    from dse.study.record import Record
    from dse.study.study import Study

MHZ_PER_GHZ = 1000


def results_of(study: Study) -> ResultTable:
    """What a study has measured.

    Args:
        study: opened; its failures are left out.
    """
    system = System.from_dict(study.about.system)
    software = [f"{name} {version}" for name, version in study.about.runtimes.items()]
    if variables := user_variables(study.about.environment):
        software.append(format_variables(variables))
    measured = (r for r in study.records.values() if r.outcome.failure is None)
    return ResultTable(
        name=study.folder.name,
        origin=str(study.folder.path),
        cpu=system.cpu,
        cores=system.physical_cores,
        ghz=max((mhz for mhz, _ in system.max_mhz), default=0) / MHZ_PER_GHZ or None,
        software=", ".join(software),
        task=study.about.task,
        rows=tuple(
            _row(record, study.results.notes(record.outcome))
            for record in sorted(measured, key=lambda each: each.id)
        ),
    )


def _row(record: Record, notes: tuple[Note, ...]) -> Row:
    measurements = record.outcome.measurements
    return Row(
        configuration=record.configuration.as_dict(),
        label=f"#{record.id} {record.configuration}",
        values=record.outcome.values,
        sources={m.metric: m.source for m in measurements},
        intervals={m.metric: m.interval for m in measurements if m.interval},
        valid=frozenset(m.metric for m in measurements if m.fidelity == "valid"),
        images=_samples(record),
        notes=notes,
    )


def _samples(record: Record) -> int | None:
    """How many samples a measured quality is of."""
    accuracy = record.outcome.quality
    return QualityDetails.of(accuracy.details).total if accuracy is not None else None
