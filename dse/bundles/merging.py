"""Merges bundles into studies: in any order, and as often as one likes, it gives the same."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.bundles.writing import SUMMARY
from dse.core.configuration import Configuration
from dse.core.errors import RequestError
from dse.core.paths import atomic_write
from dse.machine.system import System
from dse.study.folder import StudyFolder
from dse.study.record import (
    CONFIGURATION,
    OTHER_SPACE,
    OUTCOME,
    PURPOSE,
    Purpose,
    outcome_from_dict,
    outcome_that_counts,
)
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dse.bundles.bundle import Bundle, RunSummary
    from dse.study.record import Record

NAME_LENGTH = 100
ELSEWHERE = "merge it into another study with --study"


@dataclass(frozen=True, slots=True)
class Merged:
    """What merging a bundle has done.

    Attributes:
        folder: of the study.
        new: how many trials were added.
        known: how many were there before.
    """

    folder: StudyFolder
    new: int
    known: int


def merge(bundle: Bundle, folder: StudyFolder, storage: str | None = None) -> Merged:
    """Adds the trials of a bundle to a study: see `merge_all`."""
    return merge_all([bundle], folder, storage)


def merge_all(bundles: Sequence[Bundle], folder: StudyFolder, storage: str | None = None) -> Merged:
    """Adds the trials of bundles to a study, each once; begins the study where there is none.

    Others may explore the study meanwhile. What is told of a configuration does not depend on the
    order of the bundles; neither do its number, if they are merged together into a new study.

    Args:
        bundles: what to add; one at least.
        folder: of the study.
        storage: its URL, where that is not known from the folder.

    Raises:
        RequestError: the study is about something else, or a trial contradicts one of it. What was
            added before stays.
    """
    ordered = sorted(bundles, key=_first_begun)
    new = sum(_add(each, folder, storage) for each in ordered)
    for each in ordered:
        _write_summaries(each.summaries, folder.runs)
    return Merged(folder, new, sum(len(each.trials) for each in ordered) - new)


def _first_begun(bundle: Bundle) -> tuple[float, str]:
    begun = [trial.begun.timestamp() for trial in bundle.trials if trial.begun]
    return min(begun, default=0.0), min((trial.identity for trial in bundle.trials), default="")


def merge_into(study: Study, bundle: Bundle) -> Merged:
    """Adds the trials of a bundle to an opened study, which knows them afterwards.

    For who merges many bundles: `merge` opens the study for each.

    Args:
        study: opened with `Study.resume`; not superseded.
        bundle: what to add.

    Raises:
        RequestError: see `merge_all`.
    """
    with _naming(bundle, study.folder):
        study.join(bundle.about)
        _check_complete(bundle, study.records)
        new = study.add_ended(bundle.trials, bundle.choices)
    study.sync()
    _write_summaries(bundle.summaries, study.folder.runs)
    return Merged(study.folder, new, len(bundle.trials) - new)


def _add(bundle: Bundle, folder: StudyFolder, storage: str | None) -> int:
    """Adds the trials of a bundle to a study; returns how many are new."""
    with _naming(bundle, folder):
        new = not folder.begun
        if new:
            _check_complete(bundle, {})  # before anything is begun
        study = Study.adopt(folder, bundle.space, bundle.signature, bundle.about, storage)
        try:
            if not new:
                _check_complete(bundle, study.records)
            return study.add_ended(bundle.trials, bundle.choices)
        finally:
            study.close()


def _check_complete(bundle: Bundle, known: Mapping[str, Record]) -> None:
    """Checks that each configuration will have all metrics that the study is about.

    A repetition measures less than all: what it lacks must be there.

    Args:
        bundle: what is to be added.
        known: the records of the study, by configuration key.

    Raises:
        RequestError: a configuration lacks a metric, and has not failed.
    """
    told: dict[Configuration, set[str]] = {}
    for trial in bundle.trials:
        stored = trial.attributes
        if OUTCOME not in stored or CONFIGURATION not in stored or OTHER_SPACE in stored:
            continue
        outcome = outcome_that_counts(outcome_from_dict(stored[OUTCOME]), Purpose(stored[PURPOSE]))
        if outcome.failure is None:
            metrics = told.setdefault(Configuration.from_dict(stored[CONFIGURATION]), set())
            metrics.update(outcome.values)
    needed = set(bundle.about.metrics)
    for configuration, metrics in told.items():
        record = known.get(configuration.key)
        missing = needed - metrics - set(record.outcome.values if record else ())
        if missing:
            problem = f"would have no {min(missing)} of {configuration}"
            raise RequestError(problem)


@contextmanager
def _naming(bundle: Bundle, folder: StudyFolder) -> Iterator[None]:
    """Says of an error of the block which bundle and study do not fit."""
    try:
        yield
    except RequestError as error:
        if error.file is not None or error.remedy is not None:
            raise
        problem = f"study '{folder.name}' {error.problem}"
        raise RequestError(problem, file=bundle.file, remedy=ELSEWHERE) from error


def folder_for(bundle: Bundle, studies: Path) -> StudyFolder:
    """The study of a bundle's CPU, named as ``dse explore --per-cpu`` names it.

    Args:
        bundle: what is to be merged.
        studies: the folder of all studies.
    """
    suffix = f"@{System.from_dict(bundle.about.system).fingerprint}"
    stem = bundle.study.removesuffix(suffix)[: NAME_LENGTH - len(suffix)]
    return StudyFolder(studies / f"{stem}{suffix}")


def _write_summaries(summaries: Iterable[RunSummary], runs: Path) -> None:
    for each in summaries:
        file = runs / each.run / each.path / SUMMARY
        if not file.exists():
            with atomic_write(file) as stream:
                stream.write(each.text.encode())
