"""A bundle in memory: what a study is about, its ended trials, and summaries of its runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dse.core.configuration import KnobValue
    from dse.space.space import SearchSpace
    from dse.study.merged import EndedTrial
    from dse.study.metadata import StudyMetadata


@dataclass(frozen=True, slots=True)
class RunSummary:
    """LoadGen's summary of a run.

    Attributes:
        run: the name of the run.
        path: the folder of the summary in that of the run, with slashes.
        text: the summary.
    """

    run: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a bundle holds.

    Attributes:
        file: that it was read from.
        study: the name of the study.
        about: its description.
        space: its space.
        signature: of the plan of that space; see `dse.study.revisions.signature`.
        choices: of each parameter that trials have.
        trials: that have ended, in the order in which they were begun.
        summaries: of their runs.
    """

    file: Path
    study: str
    about: StudyMetadata
    space: SearchSpace
    signature: str
    choices: Mapping[str, tuple[KnobValue, ...]]
    trials: Sequence[EndedTrial]
    summaries: Sequence[RunSummary] = ()
