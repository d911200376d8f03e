"""The Optuna storage of a study, as those use it who measure."""

from __future__ import annotations

import secrets
import weakref
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from dse.core.pareto import violations
from dse.machine.process_identity import process_identity
from dse.space.plan import parameter_values
from dse.study import _journal, _ownership
from dse.study import record as attributes
from dse.study._recovery import tell
from dse.study.database_url import without_password
from dse.study.record import measurement_name, outcome_as_dict
from dse.study.storage import (
    RETRY_POLICY,
    is_transient,
    open_storage,
    run_opening,
    storage_errors,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import optuna
    from optuna.distributions import CategoricalDistribution
    from optuna.storages import BaseStorage

    from dse.core.configuration import Configuration
    from dse.core.measurement import Measurement, Outcome
    from dse.space.space import SearchSpace
    from dse.study.record import Purpose

P = ParamSpec("P")
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


class Store:
    """A storage that may go away while a study is at work, and come back.

    Args:
        url: of the storage.
        create: whether to create a SQLite database where there is none.
        reading: whether to make nothing in it.

    Attributes:
        shown: the URL without its password.
        session: tells this opening of the study from others.
        retry_policy: for a storage that fails at work.
    """

    def __init__(self, url: str, *, create: bool, reading: bool) -> None:
        from optuna.storages import get_storage

        self.shown = without_password(url)
        self.session = secrets.token_hex(8)
        self.retry_policy = RETRY_POLICY
        opened = run_opening(lambda: open_storage(url, create=create, reading=reading))
        # Wrapped here once, so that all who use it share its memory of finished trials.
        self._storage = get_storage(opened)
        weakref.finalize(self, opened.engine.dispose)

    def reading(
        self, work: Callable[Concatenate[BaseStorage, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Does something with the storage while the study is opened; waits for a server.

        Args:
            work: may be interrupted anywhere and done again.
            args: of it, after the storage.
            kwargs: likewise.

        Raises:
            RequestError: the storage can't be used.
        """

        def tried() -> T:
            with storage_errors(self.shown):
                return work(self._storage, *args, **kwargs)

        return run_opening(tried)

    def at_work(self, work: Callable[[BaseStorage], T]) -> T:
        """Does work with the storage, and waits for a storage that does not answer.

        Args:
            work: may be interrupted anywhere and done again.

        Raises:
            DseError: the storage stays away, or is damaged.
            KeyboardInterrupt: see `RetryPolicy.run`.
        """

        def tried() -> T:
            with storage_errors(self.shown, at_work=True):
                return work(self._storage)

        return self.retry_policy.run(tried, is_transient)

    def begin(
        self,
        study: optuna.Study,
        configuration: Configuration,
        choices: Mapping[str, CategoricalDistribution],
        purpose: Purpose,
    ) -> Trial:
        """Begins a trial that this session owns."""
        import optuna

        values = parameter_values(configuration)
        template = optuna.trial.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params=values,
            distributions={name: choices[name] for name in values},
            user_attrs={
                attributes.CONFIGURATION: configuration.as_dict(),
                attributes.PURPOSE: purpose.value,
                attributes.OWNER: {**process_identity(), _ownership.SESSION: self.session},
            },
        )

        def create(storage: BaseStorage) -> Trial:
            study_id = storage.get_study_id_from_name(study.study_name)
            # All in one transaction: a trial either says whose it is and of what, or is not there.
            id_ = storage.create_new_trial(study_id, template)
            return Trial(id_, storage.get_trial_number_from_id(id_), configuration, purpose)

        return self.at_work(create)

    def withdraw(self, study: optuna.Study, trial: Trial) -> None:
        """Ends a trial that has measured nothing, for another process does."""
        import optuna

        def end(storage: BaseStorage) -> None:
            if not storage.get_trial(trial.id).state.is_finished():
                storage.set_trial_user_attr(trial.id, attributes.WITHDRAWN, True)
                study.tell(trial.number, state=optuna.trial.TrialState.FAIL)

        self.at_work(end)

    def keep(self, trial: Trial, measurement: Measurement, runs: Path) -> None:
        """Stores a measurement, first in the journal of its run.

        Args:
            trial: that took it.
            measurement: what was measured.
            runs: the folder of all runs.
        """
        name = measurement_name(measurement, trial.kept[measurement.metric])
        trial.kept[measurement.metric] += 1
        self.retry_policy.run(
            lambda: _journal.append(runs, self.session, measurement), is_transient
        )
        value = measurement.as_dict()
        self.at_work(lambda storage: storage.set_trial_user_attr(trial.id, name, value))

    def end(
        self,
        study: optuna.Study,
        trial: Trial,
        outcome: Outcome,
        values: Mapping[str, float],
        space: SearchSpace,
    ) -> None:
        """Stores the outcome of a trial and ends it.

        Args:
            study: the trial's.
            trial: what to end.
            outcome: of the trial.
            values: of its configuration, as far as they are known.
            space: has the objectives and constraints.
        """
        import optuna

        stored = outcome_as_dict(outcome)
        system = {} if outcome.failure else _constraints(values, space)

        def once(storage: BaseStorage) -> None:
            for name, value in system.items():
                storage.set_trial_system_attr(trial.id, name, value)
            # From here on the outcome is safe: a trial that was not told is told at the next start.
            storage.set_trial_user_attr(trial.id, attributes.OUTCOME, stored)
            tell(study, trial.number, outcome, values, space.objectives)

        def end(storage: BaseStorage) -> None:
            try:
                once(storage)
            except optuna.exceptions.UpdateFinishedTrialError:
                # By a try whose answer was lost, it may be.
                if storage.get_trial(trial.id).user_attrs.get(attributes.OUTCOME) != stored:
                    raise

        self.at_work(end)


def _constraints(values: Mapping[str, float], space: SearchSpace) -> dict[str, Any]:
    """The attributes in which Optuna keeps by how much each bound is missed."""
    import optuna

    missed = violations(values, space.constraints)
    return optuna.trial.create_trial(value=0.0, constraints=missed).system_attrs
