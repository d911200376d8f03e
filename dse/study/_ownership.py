"""Whether the process that began a trial is still there."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from dse.machine.process_identity import is_alive
from dse.study.record import OWNER

if TYPE_CHECKING:
    import optuna

OWNERLESS_AFTER = timedelta(minutes=1)
"""After this time a trial without an owner was begun by a process that is gone."""
CLAIMED_FOR = timedelta(hours=1)
"""How long a trial of another host is left to its process, which can't be asked."""
SESSION = "session"
"""In the attribute of the owner: which opening of the study it was."""
_ended: set[str] = set()
"""The sessions of this process that claim nothing any more."""


def end_session(session: str) -> None:
    """From now on the unfinished trials of a session of this process are orphaned."""
    _ended.add(session)


def is_orphaned(trial: optuna.trial.FrozenTrial, *, alone: bool = False) -> bool:
    """Whether the process that began a running trial has ended for certain.

    Where this process alone uses the study, whoever can't be asked (a container of before, say)
    is gone.
    """
    owner = trial.user_attrs.get(OWNER)
    if owner is None:
        return _age(trial) > OWNERLESS_AFTER
    alive = _is_alive(trial)
    return alone if alive is None else not alive


def is_claimed(trial: optuna.trial.FrozenTrial) -> bool:
    """Whether a running trial is to be left to the process that began it."""
    alive = _is_alive(trial)
    return _age(trial) < CLAIMED_FOR if alive is None else alive


def _is_alive(trial: optuna.trial.FrozenTrial) -> bool | None:
    """Whether the owner of a trial is still at work; None where that can't be told."""
    owner = trial.user_attrs.get(OWNER)
    if owner is None:
        return None
    return False if session_of(trial) in _ended else is_alive(owner)


def session_of(trial: optuna.trial.FrozenTrial) -> str:
    """Which opening of the study has begun a trial; empty where that is not told."""
    return str(trial.user_attrs.get(OWNER, {}).get(SESSION, ""))


def _age(trial: optuna.trial.FrozenTrial) -> timedelta:
    """The time since its beginning, or until it, as clocks are set back."""
    begun = trial.datetime_start  # naive, as all of Optuna's times are
    return abs(datetime.now() - begun) if begun else timedelta.max
