"""Who measures what at this moment, as far as the storage tells."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from dse.core.wording import format_duration

if TYPE_CHECKING:
    from dse.study.study import Study
    from dse.study.trial_updates import RunningTrial


def claims(study: Study) -> list[dict[str, Any]]:
    """The trials that have not ended, as JSON objects; times are of the storage's local time zone.

    ``claimed`` says whether it is left to its process, or may be measured by others.
    """
    return [
        {
            "configuration": trial.configuration.as_dict(),
            "purpose": trial.purpose.value,
            "machine": trial.machine,
            "pid": trial.pid,
            "since": _time(trial.begun),
            "seen": _time(trial.seen),
            "claimed": trial.claimed,
        }
        for trial in study.running_trials()
    ]


def lines(study: Study) -> list[str]:
    """The same in words, two lines for each trial."""
    return [line for trial in study.running_trials() for line in _lines(trial)]


def _lines(trial: RunningTrial) -> tuple[str, str]:
    state = "claimed" if trial.claimed else "not ended, and free to be measured by others"
    process = f", process {trial.pid}" if trial.pid else ""
    since = f"since {_time(trial.begun)}, last sign of life {_ago(trial.seen)}"
    return (
        f"{state}: {trial.configuration} ({trial.purpose.value})",
        f"  by {trial.machine or 'an unknown machine'}{process}, {since}",
    )


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(" ", timespec="seconds")


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return "unknown"
    return f"{format_duration(max(0.0, (datetime.now() - moment).total_seconds()))} ago"
