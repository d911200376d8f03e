"""A study: what was measured, kept in an Optuna storage.

The trials and their attributes are the only truth; `dse.study.results` derives everything else.
"""

from __future__ import annotations

import secrets
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from dse.errors import RequestError
from dse.frontier import feasible, violations
from dse.paths import exclusive
from dse.process import process_identity
from dse.space.plan import parameter_values
from dse.space.space import SearchSpace
from dse.study import generations, journal, owners
from dse.study import record as attributes
from dse.study.feed import Feed
from dse.study.measured import Observation
from dse.study.patience import Patience
from dse.study.record import (
    Purpose,
    configuration_of,
    host_of,
    measurement_name,
    outcome_as_dict,
    telling,
)
from dse.study.results import Results
from dse.study.settle import run_name, settle, tell
from dse.study.storage import open_storage, sqlite_url, storage_errors, without_password
from dse.types import LADDER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager

    import optuna
    from optuna.distributions import CategoricalDistribution

    from dse.space.plan import Plan
    from dse.study.about import About
    from dse.study.drift import Place
    from dse.study.feed import Claim, News
    from dse.study.folder import Presence, StudyFolder
    from dse.study.record import Record
    from dse.types import Configuration, Measurement, Outcome

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial that this process has begun and not ended.

    Attributes:
        id: its number in the storage.
        number: its number in the Optuna study.
        configuration: what it measures.
        purpose: why.
        kept: how many measurements of each metric it has stored.
    """

    id: int
    number: int
    configuration: Configuration
    purpose: Purpose
    kept: Counter[str] = field(default_factory=Counter, compare=False)


class Study:
    """An opened study: `create` to explore, `load` to read.

    Attributes:
        folder: where it lies.
        results: what its trials amount to.
        patience: with a storage that fails at work.
    """

    def __init__(self, folder: StudyFolder, url: str, *, create: bool = False) -> None:
        self.folder = folder
        self.results = Results()
        self.patience = Patience()
        self._shown = without_password(url)
        self._storage = open_storage(url, create=create)
        self._name = folder.name
        if url == sqlite_url(folder.database):
            with self._errors():
                self._name = generations.name_within(self._storage, folder.name)
        self._session = secrets.token_hex(8)
        self._presence: Presence | None = None
        self._feeds: list[Feed] = []
        self._trials_begun = 0

    @classmethod
    def load(cls, folder: StudyFolder, url: str | None = None) -> Self:
        """Opens a study for reading.

        Raises:
            RequestError: there is none, or its storage can't be used.
        """
        study = cls(folder, folder.storage_url(url))
        with study._errors():
            study._read()
        if not study._feeds:
            raise RequestError(
                f"storage {study._shown} holds no study '{folder.name}'",
                remedy="begin it with `dse explore`",
            )
        return study

    @classmethod
    def create(
        cls, folder: StudyFolder, space: SearchSpace, plan: Plan, about: About, url: str | None
    ) -> Self:
        """Opens a study for exploring; creates it, or goes on with it in this space.

        Raises:
            RequestError: the study belongs to another CPU, runtime version or data set, or its
                storage can't be used.
        """
        found = folder.storage_url(url)
        with folder.opening() as presence:
            study = cls(folder, found, create=True)
            study._presence = presence
            # Whoever uses the database of the folder has the folder, too.
            alone = presence.alone and found == sqlite_url(folder.database)
            with study._errors():
                known = generations.read(study._storage, study._name)
                for generation in known:
                    settle(study._storage, generation, folder.runs, alone=alone)
                if known:
                    about = known[-1].about.continued(about, folder.name)
                generations.open_current(study._storage, study._name, space, plan, about)
                study._read()
            folder.remember_storage(found)
            folder.remember_space(space.as_yaml())
        return study

    @property
    def about(self) -> About:
        """What the study is about."""
        return self._generation.about

    @cached_property
    def space(self) -> SearchSpace:
        """The search space as it was explored last."""
        return SearchSpace.from_dict(self.about.space)

    @property
    def trials_begun(self) -> int:
        """How many trials all generations have begun, whatever became of them."""
        return self._trials_begun

    @property
    def optuna_study(self) -> optuna.Study:
        """The current generation's Optuna study."""
        return self._generation.study

    @property
    def records(self) -> Mapping[str, Record]:
        """What is known of each configuration of the current space, by configuration key."""
        return self.results.records

    @property
    def measurements_taken(self) -> int:
        """How many measurements of any configuration were ever taken, but for rehearsals."""
        return sum(each.measurement.fidelity in LADDER for each in self.results.measured)

    def frontier(self) -> list[Record]:
        """The records that keep to the constraints and that no other such record dominates.

        Beyond the intervals, that is; `dse.study.results.Results.certain` tells which would be
        there again.
        """
        return self.results.frontier

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
    ) -> Trial:
        """Begins a trial; this process owns it until it has an outcome.

        Args:
            configuration: what it will measure.
            choices: distribution by name of parameter.
            purpose: why.
        """
        import optuna

        values = parameter_values(configuration)
        template = optuna.trial.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params=values,
            distributions={name: choices[name] for name in values},
            user_attrs={
                attributes.CONFIGURATION: configuration.as_dict(),
                attributes.PURPOSE: purpose.value,
                attributes.OWNER: {**process_identity(), owners.SESSION: self._session},
            },
        )

        def create() -> tuple[int, int]:
            # All in one transaction: a trial either says whose it is and of what, or is not there.
            id_ = self._storage.create_new_trial(self._study_id, template)
            return id_, self._storage.get_trial_number_from_id(id_)

        id_, number = self._at_work(create)
        self._trials_begun += 1
        return Trial(id_, number, configuration, purpose)

    def choices_of(self, record: Record) -> Mapping[str, CategoricalDistribution]:
        """The distributions under which a configuration was measured: Optuna freezes them."""
        return cast(
            "Mapping[str, CategoricalDistribution]",
            self._generation.trials[record.id].distributions,
        )

    def withdraw(self, trial: Trial) -> None:
        """Ends a trial that has measured nothing, for another process does."""

        def end() -> None:
            self._storage.set_trial_user_attr(trial.id, attributes.WITHDRAWN, True)
            state = optuna.trial.TrialState.FAIL
            self._generation.study.tell(trial.number, state=state, skip_if_finished=True)

        import optuna

        self._at_work(end)

    def run_name(self, trial: Trial) -> str:
        """The name of the run folders of a trial, but for the number of the try."""
        return run_name(self._generation.number, trial.number)

    def place(self, trial: Trial) -> Place:
        """Generation and number of a trial."""
        return self._generation.number, trial.number

    def keep(self, trial: Trial, measurement: Measurement) -> None:
        """Stores a measurement at once, whatever becomes of the rest of its configuration.

        First in the journal of its run: if the storage is gone for longer than it is waited for,
        it is taken from there at the next start.
        """
        name = measurement_name(measurement, trial.kept[measurement.metric])
        trial.kept[measurement.metric] += 1
        runs = self.folder.runs
        self.patience.attempt(lambda: journal.append(runs, self._session, measurement))
        value = measurement.as_dict()
        self._at_work(lambda: self._storage.set_trial_user_attr(trial.id, name, value))
        host = str(process_identity()["host"])
        self.results.measured.add(Observation(measurement, self.place(trial), host))

    def finish(self, trial: Trial, outcome: Outcome) -> Record:
        """Stores the outcome of a configuration and ends its trial.

        A repetition measures less than all that Optuna wants to know of a trial: what was known
        before stands in for the rest.
        """
        known = self.records.get(trial.configuration.key)
        told = telling(outcome, trial.purpose)
        values = {**(known.outcome.values if known else {}), **told.values}
        stored = outcome_as_dict(outcome)

        def end() -> None:
            try:
                self._end(trial, outcome, values, stored)
            except optuna.exceptions.UpdateFinishedTrialError:
                # By a try whose answer was lost, it may be.
                if self._storage.get_trial(trial.id).user_attrs.get(attributes.OUTCOME) != stored:
                    raise

        import optuna

        self._at_work(end)
        return self.results.note(trial.number, trial.configuration, told)

    def _end(
        self, trial: Trial, outcome: Outcome, values: Mapping[str, float], stored: dict[str, Any]
    ) -> None:
        if outcome.failure is None:
            for name, value in self._constraints(values).items():
                self._storage.set_trial_system_attr(trial.id, name, value)
        # From here on the outcome is safe: a trial that was not told is told at the next start.
        self._storage.set_trial_user_attr(trial.id, attributes.OUTCOME, stored)
        tell(self._generation.study, trial.number, outcome, values, self.space.objectives)

    def sync(self) -> list[Record]:
        """Takes in what other processes have stored since.

        Trials of processes that have ended are settled.

        Returns:
            The records that have an outcome more than before, as they are now.
        """
        self._at_work(self._refresh)
        changed: dict[str, None] = {}
        for feed in self._feeds:
            current = feed is self._feeds[-1]
            for news in feed.news():
                self._take_in(feed.generation, news, counts=current)
                configuration = configuration_of(news.trial)
                if current and configuration is not None and news.outcome is not None:
                    changed[configuration.key] = None
        return [self.records[key] for key in changed]

    @property
    def superseded(self) -> bool:
        """Whether another process has begun a further generation: the study has another space."""
        return self._at_work(
            lambda: generations.exists(self._storage, self._name, self._generation.number + 1)
        )

    def claims(self) -> list[Claim]:
        """What other processes measure at this moment, as far as the last `sync` tells."""
        return [claim for feed in self._feeds for claim in feed.claims()]

    def _refresh(self) -> None:
        for feed in self._feeds:
            feed.generation.refresh()
            if any(map(owners.gone, feed.running())):
                with exclusive(self.folder.lock):
                    feed.generation.refresh()
                    settle(self._storage, feed.generation, self.folder.runs)
                feed.generation.refresh()
        self._generation.about = generations.about_of(self._generation.study)

    def _constraints(self, values: Mapping[str, float]) -> dict[str, Any]:
        """The attributes in which Optuna keeps by how much each bound is missed."""
        import optuna

        missed = violations(values, self.space.constraints)
        return optuna.trial.create_trial(value=0.0, constraints=missed).system_attrs

    @property
    def _study_id(self) -> int:
        return self._storage.get_study_id_from_name(self._generation.study.study_name)

    def remember_artefact(self, name: str, sha256: str) -> None:
        """Notes which file measurements belong to: a model's, or one of a backend's settings.

        Raises:
            RequestError: measurements of another file are stored under that name.
        """
        about = self.about
        known = about.artefacts.get(name)
        if known is None:
            artefacts = {**about.artefacts, name: sha256}
            self._generation.about = replace(about, artefacts=artefacts)
            value, study = self.about.as_dict(), self._generation.study
            self._at_work(lambda: study.set_user_attr(generations.ABOUT_ATTRIBUTE, value))
        elif known != sha256:
            raise RequestError(
                f"the file of {name} has changed since study '{self.folder.name}' used it",
                remedy="put the old one back, or choose another --study",
            )

    @property
    def _generation(self) -> generations.Generation:
        return self._feeds[-1].generation  # load and create see to it that there is one

    def _errors(self, *, at_work: bool = False) -> AbstractContextManager[None]:
        return storage_errors(self._shown, at_work=at_work)

    def _at_work(self, work: Callable[[], T]) -> T:
        """Uses the storage, and waits for it if it is not there; nothing may be done by halves."""

        def tried() -> T:
            with self._errors(at_work=True):
                return work()

        return self.patience.attempt(tried)

    def _read(self) -> None:
        for generation in generations.read(self._storage, self._name):
            feed = Feed(generation, self._session)
            self._feeds.append(feed)
            self._trials_begun += len(generation.trials)
            self.results.start(SearchSpace.from_dict(generation.about.space))
            for news in feed.news():
                self._take_in(generation, news)

    def _take_in(
        self, generation: generations.Generation, news: News, *, counts: bool = True
    ) -> None:
        """Adds what a trial holds.

        Args:
            generation: of the trial.
            news: what has come to it.
            counts: whether its configuration belongs to the current space.
        """
        trial = news.trial
        place, host = (generation.number, trial.number), host_of(trial)
        for measurement in news.measurements:
            self.results.measured.add(Observation(measurement, place, host))
        configuration = configuration_of(trial)
        if counts and configuration is not None and news.outcome is not None:
            self.results.note(trial.number, configuration, news.outcome)
