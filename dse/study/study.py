"""A study: what was measured, kept in an Optuna storage.

The trials and their attributes are the only truth; records, memo and frontier are derived.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Self

from dse.errors import RequestError
from dse.frontier import feasible, nondominated, violations
from dse.process import process_identity
from dse.space.space import SearchSpace
from dse.study import generations
from dse.study import record as attributes
from dse.study.record import Record, outcome_as_dict, taken
from dse.study.storage import open_storage, sqlite_url, storage_errors, without_password
from dse.types import TRANSIENT_FAILURES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    import optuna
    from optuna.distributions import CategoricalDistribution

    from dse.space.plan import Plan
    from dse.study.about import About
    from dse.study.folder import StudyFolder
    from dse.types import Configuration, Failure, KnobValue, Measurement, Outcome


class Study:
    """An opened study: `create` to explore, `load` to read.

    Attributes:
        folder: where it lies.
        records: the outcomes of the current space, by configuration key.
        memo: every measurement that was ever taken, by its key.
        failures: every permanent failure, by the key of the measurement that failed.
    """

    def __init__(self, folder: StudyFolder, url: str) -> None:
        self.folder = folder
        self.records: dict[str, Record] = {}
        self.memo: dict[str, Measurement] = {}
        self.failures: dict[str, Failure] = {}
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

    def frontier(self) -> list[Record]:
        """The records that keep to the constraints and that no other such record dominates."""
        space = self.space
        kept = self.feasible_records(space)
        points = [r.outcome.values for r in kept]
        return [kept[position] for position in nondominated(points, space.objectives)]

    def feasible_records(self, space: SearchSpace) -> list[Record]:
        """The measured records that keep to the constraints of a space, in order of their ids."""
        measured = (r for r in self.records.values() if r.outcome.failure is None)
        kept = [r for r in measured if feasible(r.outcome.values, space.constraints)]
        return sorted(kept, key=lambda r: r.id)

    def begin(
        self, sampler: optuna.samplers.BaseSampler, choices: Mapping[str, CategoricalDistribution]
    ) -> tuple[optuna.Trial, dict[str, KnobValue]]:
        """Begins a trial; this process owns it until it has an outcome.

        Args:
            sampler: chooses the values; its relative parameters are all there are.
            choices: distribution by name of parameter.

        Returns:
            The trial and the value of each of its parameters.
        """
        study = self._generation.study
        study.sampler = sampler
        with self._errors(at_work=True):
            trial = study.ask()
            trial.set_user_attr(attributes.OWNER, process_identity())
            values: dict[str, KnobValue] = {}
            for name in trial.relative_params:
                values[name] = trial.suggest_categorical(name, choices[name].choices)  # type: ignore[assignment]  # ours are never None
        self._trials_begun += 1
        return trial, values

    def keep(self, trial: optuna.Trial, measurement: Measurement) -> None:
        """Stores a measurement at once, whatever becomes of the rest of its configuration."""
        with self._errors(at_work=True):
            name = attributes.MEASUREMENT + measurement.metric
            trial.set_user_attr(name, measurement.as_dict())
        self.memo[measurement.key] = measurement

    def finish(self, trial: optuna.Trial, configuration: Configuration, outcome: Outcome) -> Record:
        """Stores the outcome of a configuration and ends its trial."""
        space = self.space
        with self._errors(at_work=True):
            if outcome.failure is None:
                for name, value in violations(outcome.values, space.constraints).items():
                    trial.set_constraint(name, value)
            trial.set_user_attr(attributes.CONFIGURATION, configuration.as_dict())
            # From here on the outcome is safe: a trial that was not told is told at the next start.
            trial.set_user_attr(attributes.OUTCOME, outcome_as_dict(outcome))
            generations.tell(self._generation.study, trial.number, outcome, space.objectives)
        kept = Record(trial.number, configuration, outcome)
        self._note(kept)
        return kept

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
            for trial in generation.trials:
                self.memo |= {m.key: m for m in taken(trial)}
            for kept in generation.records.values():
                self._note(kept)
        self.records = dict(self._current.records) if self._current else {}

    def _note(self, kept: Record) -> None:
        self.records[kept.configuration.key] = kept
        failure = kept.outcome.failure
        if failure is not None and failure.key and failure.kind not in TRANSIENT_FAILURES:
            self.failures[failure.key] = failure
