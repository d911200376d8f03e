"""A study: what was measured, kept in an Optuna storage.

The trials and their attributes are the only truth; `dse.study.results` derives everything else.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Self, cast

from dse.core.errors import RequestError
from dse.core.metrics import COSTS
from dse.core.pareto import feasible
from dse.machine.system import System
from dse.space.reading import space_from_dict
from dse.study import _ownership, _transactions, revisions
from dse.study._intake import Origin
from dse.study._recovery import run_name
from dse.study._study_trials import StudyTrials
from dse.study.database_url import sqlite_url
from dse.study.record import OTHER_SPACE, Purpose, configuration_of, id_of, outcome_that_counts
from dse.study.results import StudyResults
from dse.study.storage import creation_lock
from dse.study.store import Store, Trial, TrialDraft

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import optuna
    from optuna.distributions import CategoricalDistribution

    from dse.core.configuration import Configuration, KnobValue
    from dse.core.measurement import Failure, Measurement, Outcome
    from dse.core.retry import RetryPolicy
    from dse.space.plan import Plan
    from dse.space.space import SearchSpace
    from dse.study.folder import Presence, StudyFolder
    from dse.study.merged import EndedTrial
    from dse.study.metadata import StudyMetadata
    from dse.study.record import Record
    from dse.study.revisions import SpaceRevision
    from dse.study.trial_updates import Claim, RunningTrial, TrialUpdate

ADDED_AT_ONCE = 200
"""How many trials are added in one transaction, during which no other process begins a trial."""
LEASE_S = 3600.0
"""How long a trial may take from one sign of life to the next where nobody says."""


class Study:
    """An opened study: `create` to explore, `load` to read.

    Attributes:
        folder: where it lies.
        results: what its trials amount to.
    """

    def __init__(
        self, folder: StudyFolder, url: str, *, create: bool = False, reading: bool = False
    ) -> None:
        self.folder = folder
        self.results = StudyResults()
        self._store = Store(url, create=create, reading=reading)
        self._name = folder.name
        if url == sqlite_url(folder.database):
            self._name = self._store.reading(revisions.name_within, folder.name)
        self._presence: Presence | None = None
        self._trials = StudyTrials(self._name, self._store, folder.runs)

    @classmethod
    def load(
        cls, folder: StudyFolder, url: str | None = None, presence: Presence | None = None
    ) -> Self:
        """Opens a study for reading.

        Args:
            folder: where it lies.
            url: of its storage, where that is not known from the folder.
            presence: kept as long as the study is open.

        Raises:
            RequestError: there is none, or its storage can't be used.
        """
        study = cls(folder, folder.storage_url(url), reading=True)
        study._presence = presence
        study._read(study._store.reading(revisions.read, study._name))
        if not study._trials.readers:
            raise RequestError(
                f"storage {study._store.shown} holds no study '{folder.name}'",
                remedy="begin it with `dse explore`",
            )
        return study

    @classmethod
    def resume(cls, folder: StudyFolder, url: str | None = None) -> Self:
        """Opens a study to measure more of what it holds: others see that it is in use.

        Raises:
            RequestError: see `load`, or the folder can't be written.
        """
        with folder.opening() as presence:
            return cls.load(folder, url, presence)

    @classmethod
    def create(
        cls,
        folder: StudyFolder,
        space: SearchSpace,
        plan: Plan,
        about: StudyMetadata,
        url: str | None,
    ) -> Self:
        """Opens a study for exploring; creates it, or goes on with it in this space.

        Raises:
            RequestError: the study belongs to another CPU, runtime version or data set, or its
                storage can't be used.
        """
        found = folder.storage_url(url)
        own = found == sqlite_url(folder.database)
        with folder.opening() as presence, nullcontext() if own else creation_lock(found):
            # A database that is gone is not begun anew: it may come back.
            study = cls(folder, found, create=not folder.space.exists())
            study._presence = presence
            # Whoever uses the database of the folder has the folder, too.
            study._open(space, plan, about, alone=presence.alone and own)
            folder.remember_storage(found)
            folder.remember_space(space.as_yaml())
        return study

    @classmethod
    def adopt(
        cls,
        folder: StudyFolder,
        space: SearchSpace,
        signature: str,
        about: StudyMetadata,
        url: str | None = None,
    ) -> Self:
        """Opens a study for trials that have ended elsewhere; creates it, or adds to it.

        Args:
            folder: where it lies.
            space: of the trials.
            signature: of their plan; see `dse.study.revisions.signature`.
            about: what they are about.
            url: of the storage, where that is not known from the folder.

        Raises:
            RequestError: the study is about something else, or its storage can't be used.
        """
        found = folder.storage_url(url)
        own = found == sqlite_url(folder.database)
        with folder.opening() as presence, nullcontext() if own else creation_lock(found):
            new = not folder.space.exists()
            study = cls(folder, found, create=new)
            study._presence = presence
            known = study._store.reading(revisions.read, study._name)
            arguments = study._name, space, signature, about, known
            study._store.reading(revisions.open_merged, *arguments)
            study._read(known)
            folder.remember_storage(found)
            if new:
                folder.remember_space(space.as_yaml())
        return study

    def add_ended(
        self, trials: Sequence[EndedTrial], choices: Mapping[str, Sequence[KnobValue]]
    ) -> int:
        """Adds trials that have ended elsewhere, each once; others may explore meanwhile.

        Args:
            trials: what to add.
            choices: of each of their parameters, by its name.

        Returns:
            How many of them were new.

        Raises:
            RequestError: one of them contradicts what is stored of it, or the study goes on in
                another space by now.
        """
        chunks = range(0, len(trials), ADDED_AT_ONCE)
        return sum(
            self._trials.add_ended(trials[first : first + ADDED_AT_ONCE], choices)
            for first in chunks
        )

    def join(self, about: StudyMetadata) -> None:
        """Prepares the study for trials of another description, as `adopt` does.

        Raises:
            RequestError: the study is about something else.
        """
        joined = self.about.joined(about)
        if joined != self.about:
            self._keep_about(joined)

    def complete(self, trials: Sequence[optuna.trial.FrozenTrial]) -> None:
        """Reads what `sync` leaves out of trials: their parameters, values and constraints.

        Args:
            trials: of the study; they are changed.
        """
        lacking = [trial for trial in trials if not trial.distributions]
        if lacking:
            self._store.read(lambda connection: _transactions.complete_trials(connection, lacking))

    def _open(self, space: SearchSpace, plan: Plan, about: StudyMetadata, *, alone: bool) -> None:
        known = self._store.reading(revisions.read, self._name)
        for revision in known:
            self._store.recover(revision, self.folder.runs, alone=alone)
        self._store.reading(revisions.refresh, known)
        if known:
            about = known[-1].about.continued(about, self.folder.name)
        self._store.reading(revisions.open_current, self._name, space, plan, about, known)
        self._read(known)

    def close(self) -> None:
        """Gives up what this opening of the study still claims, such as a trial it has not ended.

        The next one ends such a trial with what was stored, as if this process were gone. What is
        known of the study can still be read.
        """
        _ownership.end_session(self._store.session)
        self._presence = None

    @property
    def retry_policy(self) -> RetryPolicy:
        """For a storage that fails at work."""
        return self._store.retry_policy

    @retry_policy.setter
    def retry_policy(self, policy: RetryPolicy) -> None:
        self._store.retry_policy = policy

    @property
    def about(self) -> StudyMetadata:
        """What the study is about."""
        return self._revision.about

    @property
    def system(self) -> System:
        """The system that it belongs to, as far as it was recorded."""
        return System.from_dict(self.about.system)

    @cached_property
    def space(self) -> SearchSpace:
        """The search space as it was explored last."""
        return space_from_dict(self.about.space)

    @property
    def revisions(self) -> list[SpaceRevision]:
        """All of them, oldest first; the last is the current one."""
        return [reader.revision for reader in self._trials.readers]

    @property
    def trials_begun(self) -> int:
        """How many trials all revisions have begun, whatever became of them."""
        return self._trials.begun

    @property
    def optuna_study(self) -> optuna.Study:
        """The current revision's Optuna study."""
        return self._revision.study

    @property
    def records(self) -> Mapping[str, Record]:
        """What is known of each configuration of the current space, by configuration key."""
        return self.results.records

    @property
    def measurements_taken(self) -> int:
        """How many measurements were ever taken, but for rehearsals and costs nobody asked for."""
        left_out = {metric.name for metric in COSTS} - set(self.about.metrics)
        counts = self.results.measured.counts.items()
        return sum(
            count
            for (metric, fidelity), count in counts
            if fidelity != "rehearsal" and metric not in left_out
        )

    def frontier(self) -> list[Record]:
        """The records that keep to the constraints and that no other such record dominates.

        Beyond the intervals, that is; `StudyResults.frontier` also tells which of them would be
        there again.
        """
        return list(self.results.frontier)

    def feasible_records(self, space: SearchSpace) -> list[Record]:
        """The measured records that keep to the constraints of a space, in order of their ids."""
        measured = (r for r in self.records.values() if r.outcome.failure is None)
        kept = [r for r in measured if feasible(r.outcome.values, space.constraints)]
        return sorted(kept, key=lambda r: r.id)

    def begin(
        self,
        configuration: Configuration,
        choices: Mapping[str, CategoricalDistribution],
        purpose: Purpose = Purpose.EXPLORE,
        lease_s: float = LEASE_S,
    ) -> Trial:
        """Begins a trial; this process owns it until it has an outcome.

        Args:
            configuration: what it will measure.
            choices: distribution by name of parameter.
            purpose: why.
            lease_s: the longest time that a run of it takes; then others may measure the same.
        """
        draft = TrialDraft(configuration, choices, purpose, lease_s)
        return cast("Trial", self.claim(draft, lambda _: True))

    def claim(self, draft: TrialDraft, free: Callable[[list[Record]], bool]) -> Trial | None:
        """Begins a trial unless another process was faster.

        Args:
            draft: what for.
            free: called with the records that have an outcome more than before, while nobody else
                can begin a trial; whether what the trial measures is not measured by another one.
        """
        return self._trials.claim(draft, lambda: free(self._learn()))

    def remembered(self, keys: Iterable[str]) -> tuple[list[Measurement], list[str]]:
        """What was measured before under some keys.

        Returns:
            The last measurement of each key at its highest fidelity, and the keys without any.
        """
        found = {key: self.results.measured.latest(key) for key in keys}
        known = [measurement for measurement in found.values() if measurement is not None]
        return known, [key for key, measurement in found.items() if measurement is None]

    def permanent_failure(self, keys: Iterable[str]) -> Failure | None:
        """The failure of the first of these keys that has failed for good; None if none has."""
        failures = self.results.failures
        return next((failures[key] for key in keys if key in failures), None)

    def choices_of(self, record: Record) -> Mapping[str, CategoricalDistribution]:
        """The distributions under which a configuration was measured: Optuna freezes them."""
        trial = self._revision.trials[record.id]
        if not trial.distributions:  # it has come since the study was opened
            trial = self._store.trial(id_of(trial))
        return cast("Mapping[str, CategoricalDistribution]", trial.distributions)

    def withdraw(self, trial: Trial) -> None:
        """Ends a trial that has measured nothing because its inputs can't be used."""
        self._store.withdraw(trial)

    def run_name(self, trial: Trial) -> str:
        """The name of the run folders of a trial, but for the number of the try."""
        return run_name(self._revision.number, trial.number)

    def keep(self, trial: Trial, measurement: Measurement) -> None:
        """Stores a measurement in the journal of its run, at once; with its trial's end in full."""
        self._store.keep(trial, measurement, self.folder.runs)
        Origin.of_own(trial, self._revision.number).add(measurement, self.results)

    def finish(self, trial: Trial, outcome: Outcome) -> Record:
        """Stores the outcome of a configuration and ends its trial.

        A repetition measures less than all that Optuna wants to know of a trial: what was known
        before stands in for the rest.
        """
        known = self.records.get(trial.configuration.key)
        told = outcome_that_counts(outcome, trial.purpose)
        values = {**(known.outcome.values if known else {}), **told.values}
        self._store.end(trial, outcome, values, self.space)
        Origin.of_own(trial, self._revision.number).end(datetime.now(), self.results)
        self.results.note(trial.number, trial.configuration, told)
        return self.records[trial.configuration.key]

    def sync(self, *, space: bool = True, settle: bool = True) -> list[Record]:
        """Takes in what other processes have stored since.

        Args:
            space: whether to look for another space, too, as `claim` does.
            settle: whether to end the trials of processes that have ended; else nothing is written.

        Returns:
            The records that have an outcome more than before, as they are now.
        """
        changed: list[Record] = []
        self._trials.sync(lambda: changed.extend(self._learn()), space=space, settle=settle)
        return changed

    @property
    def superseded(self) -> bool:
        """Whether another process has begun a further revision, as far as was looked for it.

        Then the study has another space.
        """
        return self._trials.superseded

    def _learn(self) -> list[Record]:
        """Takes in what has come to the trials of others; see `sync`."""
        changed: dict[str, None] = {}
        for revision, news in self._trials.news():
            current = revision is self._revision
            self._take_in(revision, news, counts=current)
            configuration = configuration_of(news.trial)
            if current and configuration is not None and news.outcome is not None:
                changed[configuration.key] = None
        return [self.records[key] for key in changed]

    def claims(self) -> list[Claim]:
        """What other processes measure at this moment, as far as the last `sync` tells."""
        return self._trials.claims()

    def running_trials(self) -> list[RunningTrial]:
        """The trials of others that had not ended at the last `sync`."""
        return [trial for reader in self._trials.readers for trial in reader.running_trials()]

    def check_artefact(self, name: str, sha256: str) -> None:
        """Notes which file measurements belong to, or compares it with the one that was noted.

        Args:
            name: what it is measured as: a model, or one of a backend's settings.
            sha256: of the file, or of all that a measurement takes from files.

        Raises:
            RequestError: measurements of another file are stored under that name.
        """
        about = self.about
        known = about.artefacts.get(name)
        if known is None:
            self._keep_about(replace(about, artefacts={**about.artefacts, name: sha256}))
        elif known != sha256:
            raise RequestError(
                f"the file of {name} has changed since study '{self.folder.name}' used it",
                remedy="put the old one back, or choose another --study",
            )

    def _keep_about(self, about: StudyMetadata) -> None:
        self._revision.about = about
        value, study, name = about.as_dict(), self._revision.study, revisions.ABOUT_ATTRIBUTE
        self._store.at_work(lambda: study.set_user_attr(name, value))

    @property
    def _revision(self) -> SpaceRevision:
        return self._trials.readers[-1].revision  # load and create see to it that there is one

    def _read(self, found: list[SpaceRevision]) -> None:
        for revision in found:
            reader = self._trials.add(revision)
            self.results.start(space_from_dict(revision.about.space), revision.about.tie_percent)
            for news in reader.news():
                self._take_in(revision, news)

    def _take_in(self, revision: SpaceRevision, news: TrialUpdate, *, counts: bool = True) -> None:
        """Adds what has come to a trial; ``counts`` if its configuration is of this space."""
        origin = Origin.of_stored(news.trial, revision.number, news.place)
        for measurement in news.measurements:
            origin.add(measurement, self.results)
        if news.outcome is not None:
            origin.end(news.trial.datetime_complete, self.results)
            counts = counts and OTHER_SPACE not in news.trial.user_attrs
            if counts and origin.configuration is not None:
                number, configuration = news.trial.number, origin.configuration
                self.results.note(number, configuration, news.outcome, news.place)
