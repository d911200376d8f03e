"""The trials of all revisions of a study, as they come."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dse.core.errors import DseError, RequestError
from dse.study import _ownership, _transactions, revisions
from dse.study.merged import content_digest, identity_of
from dse.study.metadata import StudyMetadata
from dse.study.record import OWNER, configuration_of, id_of
from dse.study.trial_updates import TrialReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    import optuna
    from sqlalchemy import Connection

    from dse.core.configuration import KnobValue
    from dse.study.merged import EndedTrial
    from dse.study.revisions import SpaceRevision
    from dse.study.store import Store, Trial, TrialDraft
    from dse.study.trial_updates import Claim, TrialUpdate


class StudyTrials:
    """Reads the trials of a study and begins further ones.

    Args:
        name: of the study in its storage.
        store: the storage.
        runs: the folder of all runs.

    Attributes:
        readers: one of each revision, oldest first.
        superseded: whether another process has begun a further revision, as far as was looked.
        begun: how many trials all revisions have begun, whatever became of them.
    """

    def __init__(self, name: str, store: Store, runs: Path) -> None:
        self.readers: list[TrialReader] = []
        self.superseded = False
        self.begun = 0
        self._name, self._store, self._runs = name, store, runs
        self._lapsed: set[int] = set()
        self._own: set[int] = set()  # the numbers of those that this process has begun

    def add(self, revision: SpaceRevision) -> TrialReader:
        """Adds a further revision, which becomes the current one."""
        study = self._store.reading(
            lambda storage: storage.get_study_id_from_name(revision.study.study_name)
        )
        self.readers.append(TrialReader(revision, self._store.session, study))
        self.begun += len(revision.trials)
        return self.readers[-1]

    def sync(self, learn: Callable[[], None], *, space: bool, settle: bool) -> None:
        """Reads what has come, and settles the trials of processes that have ended.

        Args:
            learn: called to take in the `news`.
            space: whether to look for another space, too.
            settle: whether to settle those trials; else nothing is written.
        """

        def read(connection: Connection) -> None:
            if space:
                self._read_about(connection)
            self._read(connection)

        self._store.read(read)
        learn()
        for reader in self.readers if settle else ():
            if any(
                _ownership.is_orphaned(trial) or self._lapses(trial) for trial in reader.running()
            ):
                self._store.recover(reader.revision, self._runs)
                self._store.read(self._read)
                learn()

    def _lapses(self, trial: optuna.trial.FrozenTrial) -> bool:
        """Whether nobody claims a trial any more; once of each."""
        if id_of(trial) in self._lapsed or _ownership.is_claimed(trial, _ownership.age(trial)):
            return False
        self._lapsed.add(id_of(trial))
        return True

    def news(self) -> Iterator[tuple[SpaceRevision, TrialUpdate]]:
        """What has come to the trials of others since it was asked last, as far as it was read."""
        for reader in self.readers:
            for update in reader.news():
                yield reader.revision, update

    def claims(self) -> list[Claim]:
        """What others measure, as far as it was read."""
        return [claim for reader in self.readers for claim in reader.claims()]

    def claim(self, draft: TrialDraft, free: Callable[[], bool]) -> Trial | None:
        """Begins a trial of the current revision, unless it is not free: see `Study.claim`."""

        def decide(connection: Connection) -> Trial | None:
            self._read_about(connection)
            self._read(connection)
            if not free():
                return None
            if begun := self._begun_unknowingly(draft):
                return begun
            current = self.readers[-1]
            number = len(current.revision.trials)
            return self._store.insert(connection, current.study, number, draft)

        trial = self._store.begin([reader.study for reader in self.readers], decide)
        if trial is not None:
            self._own.add(trial.number)
            self.begun += 1
        return trial

    def add_ended(
        self, trials: Sequence[EndedTrial], choices: Mapping[str, Sequence[KnobValue]]
    ) -> int:
        """Adds trials that have ended elsewhere and are not here: see `Study.add_ended`."""

        def decide(connection: Connection) -> int:
            self._read_about(connection)
            if self.superseded:  # else they would lie where nobody looks for them
                raise RequestError("is of another space")
            self._read(connection)
            known = {identity_of(t): t for r in self.readers for t in r.revision.trials}
            current, added = self.readers[-1], set[str]()
            number = len(current.revision.trials)
            for trial in trials:
                if trial.identity in known:
                    self._check_same(trial, known[trial.identity])
                elif trial.identity not in added:
                    template = trial.as_template(choices)
                    place = number + len(added)
                    _transactions.insert_trial(connection, current.study, place, template)
                    added.add(trial.identity)
            return len(added)

        return self._store.begin([reader.study for reader in self.readers], decide)

    def _check_same(self, trial: EndedTrial, known: optuna.trial.FrozenTrial) -> None:
        if not known.state.is_finished():
            return
        if content_digest(trial.attributes) != content_digest(known.user_attrs):
            raise RequestError(
                f"has the trial {trial.identity} with other results, as its trial {known.number}"
            )

    def _begun_unknowingly(self, draft: TrialDraft) -> Trial | None:
        """The trial that a try before has begun whose answer was lost."""
        for trial in self.readers[-1].own_running():
            if trial.number not in self._own and configuration_of(trial) == draft.configuration:
                owner = trial.user_attrs[OWNER]
                return draft.as_trial(id_of(trial), trial.number, owner, trial.datetime_start)
        return None

    def _read_about(self, connection: Connection) -> None:
        """Reads what the study is about by now, and whether it has another space."""
        current = self.readers[-1].revision
        names = [revisions.revision_name(self._name, current.number + more) for more in (0, 1)]
        told = _transactions.read_study_attributes(connection, names, revisions.ABOUT_ATTRIBUTE)
        if names[0] not in told:
            raise DseError(f"storage {self._store.shown} holds study '{self._name}' no longer")
        current.about = StudyMetadata.from_dict(json.loads(told[names[0]]))
        self.superseded = names[1] in told

    def _read(self, connection: Connection) -> None:
        """Reads the trials that have come, and those that had not ended."""
        after = {reader.study: reader.last for reader in self.readers}
        unfinished = [id_of(trial) for reader in self.readers for trial in reader.unfinished]
        found = _transactions.read_trials(connection, after, unfinished)
        for reader in self.readers:
            reader.take(trial for study, trial in found if study == reader.study)
