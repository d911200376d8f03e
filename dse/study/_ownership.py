"""Whether the process that began a trial is still there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from dse.machine.process_identity import is_alive, process_identity
from dse.study.record import OWNER

if TYPE_CHECKING:
    from collections.abc import Mapping

    import optuna

OWNERLESS_AFTER = timedelta(minutes=1)
"""After this time a trial without an owner was begun by a process that is gone."""
CLAIMED_FOR = timedelta(hours=1)
"""How long a trial is left to a process of another machine that does not say how long it takes."""
SIGN_EVERY_S = 60.0
"""Between two runs a process says that it is still there, if it has not for so long."""
SESSION, LEASE, SEEN = "session", "lease_s", "seen"
"""In the attribute of the owner: which opening of the study it was, the longest time from one sign
of life to the next, and when (in UTC, by its own clock) it gave the last one."""
_ended: set[str] = set()
"""The sessions of this process that claim nothing any more."""


def owner(session: str, lease_s: float) -> dict[str, Any]:
    """The attribute of a trial that this process begins now.

    Args:
        session: see `SESSION`.
        lease_s: the longest time until its next sign of life.
    """
    return seen_now({**process_identity(), SESSION: session, LEASE: lease_s})


def seen_now(owner: Mapping[str, Any]) -> dict[str, Any]:
    """The attribute with a further sign of life."""
    return {**owner, SEEN: datetime.now(UTC).isoformat(timespec="seconds")}


def end_session(session: str) -> None:
    """From now on the unfinished trials of a session of this process are orphaned."""
    _ended.add(session)


def is_orphaned(trial: optuna.trial.FrozenTrial, *, alone: bool = False) -> bool:
    """Whether the process that began a running trial has ended for certain.

    Where this process alone uses the study, whoever can't be asked (a container of before, say)
    is gone.
    """
    if trial.user_attrs.get(OWNER) is None:
        return age(trial) > OWNERLESS_AFTER
    alive = _is_alive(trial)
    return alone if alive is None else not alive


def is_claimed(trial: optuna.trial.FrozenTrial, silent: timedelta) -> bool:
    """Whether a running trial is to be left to the process that began it.

    Args:
        trial: the trial.
        silent: for how long its owner has given no sign of life, as far as that is known.
    """
    alive = _is_alive(trial)
    return silent < lease(trial) if alive is None else alive


def has_lapsed(trial: optuna.trial.FrozenTrial) -> bool:
    """Whether a trial's last sign of life is so old that no clock can be so wrong."""
    return age(trial) >= max(CLAIMED_FOR, lease(trial))


def _is_alive(trial: optuna.trial.FrozenTrial) -> bool | None:
    """Whether the owner of a trial is still at work; None where that can't be told."""
    owner = trial.user_attrs.get(OWNER)
    if owner is None:
        return None
    if session_of(trial) in _ended:
        return False
    alive = is_alive(owner)
    rebooted = alive is False and owner.get("boot") != process_identity()["boot"]
    # Copies of a machine can't be told apart by all means, but one that is there gives signs.
    return None if rebooted and age(trial) < lease(trial) else alive


def session_of(trial: optuna.trial.FrozenTrial) -> str:
    """Which opening of the study has begun a trial; empty where that is not told."""
    return str(trial.user_attrs.get(OWNER, {}).get(SESSION, ""))


def lease(trial: optuna.trial.FrozenTrial) -> timedelta:
    """The longest time from one sign of life of a trial's owner to the next."""
    seconds = trial.user_attrs.get(OWNER, {}).get(LEASE)
    return CLAIMED_FOR if seconds is None else timedelta(seconds=seconds)


def last_sign(trial: optuna.trial.FrozenTrial) -> datetime | None:
    """When the owner of a trial has given the last sign of life, in naive local time."""
    seen = trial.user_attrs.get(OWNER, {}).get(SEEN)
    if seen is None:
        return trial.datetime_start  # naive, as all of Optuna's times are
    return datetime.fromisoformat(seen).astimezone().replace(tzinfo=None)


def age(trial: optuna.trial.FrozenTrial) -> timedelta:
    """The time since the last sign of life, or until it, as clocks are set back."""
    seen = last_sign(trial)
    return abs(datetime.now() - seen) if seen else timedelta.max
