"""A study as pandas tables, for notebooks and scripts: `dse.load_study`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dse.tasks.registry  # noqa: F401 (the qualities of tasks become metrics)
from dse.core.metrics import METRICS
from dse.machine.system import System
from dse.report.frame import frame, known_metrics
from dse.report.progress import hypervolume, scaled_losses
from dse.report.summary import ordered
from dse.report.tables import measurements, progress_table
from dse.study.folder import existing_folder
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from dse.core.metrics import Metric
    from dse.report.progress import ScaledLosses
    from dse.space.space import SearchSpace


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LoadedStudy:
    """A study as it was when it was loaded.

    Attributes:
        name: the study's.
        system: the CPU that it was measured on.
        space: the search space as it was explored last.
        objectives: what is optimised: name, unit and direction of each.
        configurations: one row per configuration with an outcome: its ``id``, what it is, value,
            interval and source of each metric, and its failure, see `dse.report.frame.frame`.
        measurements: one row per measurement that was taken, see `dse.report.tables.measurements`.
        frontier: the rows of `configurations` that no other dominates beyond the intervals, the
            most accurate first; ``certain`` tells whether a row would be there again, and
            ``leading`` whether its values alone put it there.
        progress: one row per configuration explored, see `dse.report.tables.progress_table`.
    """

    name: str
    system: System
    space: SearchSpace
    objectives: tuple[Metric, ...]
    configurations: pd.DataFrame
    measurements: pd.DataFrame
    frontier: pd.DataFrame
    progress: pd.DataFrame
    _places: Mapping[int, ScaledLosses]

    def hypervolume(self, configurations: pd.DataFrame | None = None) -> float:
        """The volume that configurations dominate, on the scale of `progress`.

        Each objective goes from 0 (the best of the study) to 1 (its worst), metrics that vary from
        run to run in logarithms; the reference point is 1.1 in each.

        Args:
            configurations: rows of one of the tables with an ``id``; None for all. Those that
                failed or miss a constraint add nothing.
        """
        ids = self._places if configurations is None else configurations["id"].dropna().unique()
        found = (self._places[id_] for id_ in ids if id_ in self._places)
        return hypervolume(found, len(self.objectives))

    def __repr__(self) -> str:
        failed = int((self.configurations["failure"] != "").sum())
        return (
            f"study {self.name} on {self.system.cpu}: "
            f"{len(self.configurations) - failed} configurations measured, {failed} failed, "
            f"{len(self.frontier)} on the frontier"
        )


def load_study(study: str | os.PathLike[str], storage: str | None = None) -> LoadedStudy:
    """Reads a study; nothing of it is changed.

    Args:
        study: its name under ``studies/``, or its folder.
        storage: URL of its Optuna storage, where that is not known from the folder.

    Raises:
        RequestError: there is no such study, or its storage can't be used.
        UnavailableError: pandas is not installed.
    """
    opened = Study.load(existing_folder(os.fspath(study)), storage)
    records = sorted(opened.records.values(), key=lambda record: record.id)
    metrics = known_metrics(records, opened.about.metrics)
    return LoadedStudy(
        name=opened.folder.name,
        system=System.from_dict(opened.about.system),
        space=opened.space,
        objectives=tuple(METRICS[name] for name in opened.space.objectives),
        configurations=frame(records, metrics, opened.results.notes),
        measurements=measurements(opened),
        frontier=_frontier(opened, metrics),
        progress=progress_table(opened),
        _places=scaled_losses(opened),
    )


def _frontier(study: Study, metrics: tuple[str, ...]) -> pd.DataFrame:
    frontier = study.results.frontier
    points = ordered(frontier)
    return frame(points, metrics, study.results.notes).assign(
        certain=[frontier.certain(point) for point in points],
        leading=[point.id in frontier.leading for point in points],
    )
