"""A study: what was measured, kept in an Optuna storage.

The trials and their attributes are the only truth; `dse.study.results` derives everything else.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

from dse.errors import RequestError
from dse.frontier import feasible, violations
from dse.process import process_identity
from dse.space.plan import parameter_values
from dse.space.space import SearchSpace
from dse.study import generations
from dse.study import record as attributes
from dse.study.measured import Observation
from dse.study.record import (
    Purpose,
    configuration_of,
    host_of,
    measurement_name,
    outcome_as_dict,
    outcome_of,
    taken,
)
from dse.study.results import Results
from dse.study.storage import open_storage, sqlite_url, storage_errors, without_password

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    import optuna
    from optuna.distributions import CategoricalDistribution

    from dse.space.plan import Plan
    from dse.study.about import About
    from dse.study.folder import StudyFolder
    from dse.study.record import Record
    from dse.types import Configuration, Measurement, Outcome


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
    """

    def __init__(self, folder: StudyFolder, url: str) -> None:
        self.folder = folder
        self.results = Results()
        self._shown = without_password(url)
        self._storage = open_storage(url)
        self._name = folder.name
        if url == sqlite_url(folder.database):
            with self._errors():
                self._name = generations.name_within(self._storage, folder.name)
        self._current: generations.Generation | None = None
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
        if study._current is None:
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
        folder.create()
        study = cls(folder, found)
        with study._errors():
            known = generations.read(study._storage, study._name)
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
        """How many measurements of any configuration were ever taken."""
        return sum(1 for _ in self.results.measured)

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
                attributes.OWNER: process_identity(),
            },
        )
        with self._errors(at_work=True):
            # All in one transaction: a trial either says whose it is and of what, or is not there.
            id_ = self._storage.create_new_trial(self._study_id, template)
            number = self._storage.get_trial_number_from_id(id_)
        self._trials_begun += 1
        return Trial(id_, number, configuration, purpose)

    def run_name(self, trial: Trial) -> str:
        """The name of the run folders of a trial, but for the number of the try."""
        return f"{self._generation.number}-{trial.number:06d}"

    def keep(self, trial: Trial, measurement: Measurement) -> None:
        """Stores a measurement at once, whatever becomes of the rest of its configuration."""
        name = measurement_name(measurement, trial.kept[measurement.metric])
        trial.kept[measurement.metric] += 1
        with self._errors(at_work=True):
            self._storage.set_trial_user_attr(trial.id, name, measurement.as_dict())
        place = self._generation.number, trial.number
        host = str(process_identity()["host"])
        self.results.measured.add(Observation(measurement, place, host))

    def finish(self, trial: Trial, outcome: Outcome) -> Record:
        """Stores the outcome of a configuration and ends its trial.

        A repetition measures less than all that Optuna wants to know of a trial: what was known
        before stands in for the rest.
        """
        known = self.records.get(trial.configuration.key)
        values = {**(known.outcome.values if known else {}), **outcome.values}
        with self._errors(at_work=True):
            if outcome.failure is None:
                for name, value in self._constraints(values).items():
                    self._storage.set_trial_system_attr(trial.id, name, value)
            # From here on the outcome is safe: a trial that was not told is told at the next start.
            stored = outcome_as_dict(outcome)
            self._storage.set_trial_user_attr(trial.id, attributes.OUTCOME, stored)
            study = self._generation.study
            generations.tell(study, trial.number, outcome, values, self.space.objectives)
        return self.results.note(trial.number, trial.configuration, outcome)

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
            with self._errors(at_work=True):
                attribute = generations.ABOUT_ATTRIBUTE
                self._generation.study.set_user_attr(attribute, self.about.as_dict())
        elif known != sha256:
            raise RequestError(
                f"the file of {name} has changed since study '{self.folder.name}' used it",
                remedy="put the old one back, or choose another --study",
            )

    @property
    def _generation(self) -> generations.Generation:
        assert self._current is not None  # noqa: S101  # load and create see to it
        return self._current

    def _errors(self, *, at_work: bool = False) -> AbstractContextManager[None]:
        return storage_errors(self._shown, at_work=at_work)

    def _read(self) -> None:
        for generation in generations.read(self._storage, self._name):
            self._current = generation
            self._trials_begun += len(generation.trials)
            self.results.start(SearchSpace.from_dict(generation.about.space))
            for trial in generation.trials:
                self._take_in(generation, trial)

    def _take_in(self, generation: generations.Generation, trial: optuna.trial.FrozenTrial) -> None:
        place, host = (generation.number, trial.number), host_of(trial)
        for measurement in taken(trial):
            self.results.measured.add(Observation(measurement, place, host))
        configuration, outcome = configuration_of(trial), outcome_of(trial)
        if configuration is not None and outcome is not None:
            self.results.note(trial.number, configuration, outcome)
