"""The Optuna storage of a study, as those use it who measure."""

from __future__ import annotations

import secrets
import time
import weakref
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from dse.core.errors import DseError
from dse.core.pareto import violations
from dse.core.retry import never
from dse.machine.measuring_lock import do_nothing, turn_given_up
from dse.space.plan import parameter_values
from dse.study import _journal, _ownership, _transactions
from dse.study import record as attributes
from dse.study._calls import SLOW_S, Calls
from dse.study._recovery import recover_orphaned_trials
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
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from optuna.distributions import CategoricalDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial
    from sqlalchemy import Connection

    from dse.core.configuration import Configuration
    from dse.core.measurement import Measurement, Outcome
    from dse.space.space import SearchSpace
    from dse.study.record import Purpose
    from dse.study.revisions import SpaceRevision
    from dse.study.rounds import RoundPlace

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class _Unstored:
    """What the storage does not have yet of a trial.

    Attributes:
        attributes: by name; the journals of the runs have them.
        since: when the storage was last written to, by the monotonic clock.
        certain: whether the answer to that came.
    """

    attributes: dict[str, Any] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)
    certain: bool = True


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial that this process has begun and not ended.

    Attributes:
        id: its number in the storage.
        number: its number in the Optuna study.
        configuration: what it measures.
        purpose: why.
        owner: the attribute that says who has begun it.
        begun: when, in naive local time.
        round: its place in a round, if it is of one.
        kept: how many measurements of each metric it has stored.
        unstored: what is to be stored when it ends.
    """

    id: int
    number: int
    configuration: Configuration
    purpose: Purpose
    owner: Mapping[str, Any] = field(compare=False)
    begun: datetime | None = field(compare=False)
    round: RoundPlace | None = None
    kept: Counter[str] = field(default_factory=Counter, compare=False)
    unstored: _Unstored = field(default_factory=_Unstored, compare=False)


@dataclass(frozen=True, slots=True)
class TrialDraft:
    """What a trial is to be begun for.

    Attributes:
        configuration: what to measure.
        choices: the distribution of each parameter, by its name.
        purpose: why.
        lease_s: the longest time until its process gives a sign of life.
        round: the place of the trial in a round, if it is of one.
    """

    configuration: Configuration
    choices: Mapping[str, CategoricalDistribution]
    purpose: Purpose
    lease_s: float
    round: RoundPlace | None = None

    def as_trial(
        self, id_: int, number: int, owner: Mapping[str, Any], begun: datetime | None
    ) -> Trial:
        """The trial that was begun for this."""
        place = self.round and replace(self.round, host=attributes.machine_of(owner))
        return Trial(id_, number, self.configuration, self.purpose, owner, begun, place)


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
        opened = run_opening(
            lambda: open_storage(url, create=create, reading=reading),
            # Who begins or resumes a study on a server has taken its lock just now.
            answered=not (reading or url.startswith("sqlite")),
        )
        self._engine = _transactions.engine_of(opened)
        engines = {opened.engine, self._engine}
        self._calls = Calls(engines, self.shown)
        for engine in engines:
            weakref.finalize(self, engine.dispose)
        # Wrapped here once, so that all who use it share its memory of finished trials.
        self._storage = get_storage(opened)

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

        return run_opening(lambda: self._calls.do(tried))

    def at_work(self, work: Callable[[], T]) -> T:
        """Does work with the storage, and waits for a storage that does not answer.

        Others may measure on this machine meanwhile.

        Args:
            work: may be interrupted anywhere and done again.

        Raises:
            DseError: the storage stays away, or is damaged.
            KeyboardInterrupt: see `RetryPolicy.run`.
        """
        policy = self.retry_policy
        said: list[None] = []
        with ExitStack() as given_up:

            def waits() -> None:
                if not said:
                    said.append(given_up.enter_context(turn_given_up()))

            def tried() -> T:
                return self._tried(work, policy.stopped, waits, told=bool(said))

            return policy.run(tried, is_transient, waits=waits)

    def _tried(
        self,
        work: Callable[[], T],
        stopped: Callable[[], bool] = never,
        waits: Callable[[], None] = do_nothing,
        *,
        told: bool = False,
        max_silence_s: float | None = None,
    ) -> T:
        """Tries to do work once."""

        def guarded() -> T:
            with storage_errors(self.shown, at_work=True):
                return work()

        try:
            return self._calls.do(guarded, stopped, waits, told=told, max_silence_s=max_silence_s)
        except DseError:
            # What has ended one connection has ended the others as well.
            self._engine.dispose()
            raise

    def read(self, work: Callable[[Connection], T]) -> T:
        """Reads from the storage, as `at_work` does."""

        def reading() -> T:
            with self._engine.connect() as connection:
                return work(connection)

        return self.at_work(reading)

    def trial(self, number: int) -> FrozenTrial:
        """A trial with its parameters, by its number in the storage."""
        return self.at_work(lambda: self._storage.get_trial(number))

    def recover(self, revision: SpaceRevision, runs: Path, *, alone: bool = False) -> None:
        """Ends the trials of processes that are gone: see `recover_orphaned_trials`."""
        self.at_work(lambda: recover_orphaned_trials(self._engine, revision, runs, alone=alone))

    def begin(self, studies: Sequence[int], decide: Callable[[Connection], T]) -> T:
        """Lets no other process begin a trial of some Optuna studies while this one decides.

        Args:
            studies: their ids.
            decide: reads with the connection what others have begun, and begins trials or not.

        Returns:
            What that returns.
        """

        def claiming() -> T:
            with _transactions.claiming(self._engine, studies) as connection:
                return decide(connection)

        return self.at_work(claiming)

    def insert(self, connection: Connection, study: int, number: int, draft: TrialDraft) -> Trial:
        """Begins a trial that this session owns.

        Args:
            connection: as `begin` gives it.
            study: the id of the Optuna study.
            number: how many trials that has.
            draft: what the trial is of.
        """
        import optuna

        owner = _ownership.owner(self.session, draft.lease_s)
        values = parameter_values(draft.configuration, draft.choices)
        place = {attributes.ROUND: draft.round.as_dict()} if draft.round else {}
        template = optuna.trial.create_trial(
            state=optuna.trial.TrialState.RUNNING,
            params=values,
            distributions={name: draft.choices[name] for name in values},
            user_attrs={
                attributes.CONFIGURATION: draft.configuration.as_dict(),
                attributes.PURPOSE: draft.purpose.value,
                attributes.OWNER: owner,
                **place,
            },
        )
        id_ = _transactions.insert_trial(connection, study, number, template)
        return draft.as_trial(id_, number, owner, template.datetime_start)

    def withdraw(self, trial: Trial) -> None:
        """Ends a trial that has measured nothing because its inputs can't be used."""
        attrs = {**trial.unstored.attributes, attributes.WITHDRAWN: True}
        self.at_work(lambda: _transactions.end_trial(self._engine, trial.id, None, attrs, {}))

    def keep(self, trial: Trial, measurement: Measurement, runs: Path) -> None:
        """Stores a measurement in the journal of its run, and now and then in the storage.

        The next run may have begun: so that is rare, and nothing is waited for. What the storage
        does not have it gets as the trial ends, or at the next start.

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
        unstored = trial.unstored
        unstored.attributes[name] = measurement.as_dict()
        if time.monotonic() - unstored.since > _ownership.SIGN_EVERY_S:
            self._give_sign(trial, unstored)

    def _give_sign(self, trial: Trial, unstored: _Unstored) -> None:
        """Tells others that this process is still there, and what it has measured.

        Once an answer did not come it tells no more than the first: attributes are stored once.
        """
        owner = _ownership.seen_now(trial.owner)
        attrs = unstored.attributes if unstored.certain else {}
        unstored.since = time.monotonic()
        try:
            self._tried(
                lambda: _transactions.add_attributes(self._engine, trial.id, owner, attrs),
                max_silence_s=SLOW_S,
            )
        except DseError as error:
            if not is_transient(error):
                raise
            unstored.certain = False
        else:
            if unstored.certain:
                unstored.attributes = {}

    def end(
        self, trial: Trial, outcome: Outcome, values: Mapping[str, float], space: SearchSpace
    ) -> None:
        """Stores the outcome of a trial and ends it.

        Args:
            trial: what to end.
            outcome: of the trial.
            values: of its configuration, as far as they are known.
            space: has the objectives and constraints.

        Raises:
            DseError: another process has ended it, or see `at_work`.
        """
        stored, failed = outcome_as_dict(outcome), outcome.failure is not None
        attrs = {**trial.unstored.attributes, attributes.OUTCOME: stored}
        objectives = None if failed else [values[name] for name in space.objectives]
        system = {} if failed else _constraints(values, space)

        def end() -> None:
            new = attrs if trial.unstored.certain else self._lacking(trial, attrs)
            if _transactions.end_trial(self._engine, trial.id, objectives, new, system):
                return
            # By a try whose answer was lost, it may be.
            if self._lacking(trial, {attributes.OUTCOME: stored}, same=True):
                raise DseError(f"storage {self.shown}: another process has ended this one's trial")

        self.at_work(end)

    def _lacking(
        self, trial: Trial, attrs: Mapping[str, Any], *, same: bool = False
    ) -> dict[str, Any]:
        """Those attributes that the storage does not have of a trial, or not the same."""
        with self._engine.connect() as connection:
            ((_, found),) = _transactions.read_trials(connection, {}, [trial.id])
        known = found.user_attrs
        return {
            name: value
            for name, value in attrs.items()
            if name not in known or (same and known[name] != value)
        }


def _constraints(values: Mapping[str, float], space: SearchSpace) -> dict[str, Any]:
    """The attributes in which Optuna keeps by how much each bound is missed."""
    import optuna

    missed = violations(values, space.constraints)
    return optuna.trial.create_trial(value=0.0, constraints=missed).system_attrs
