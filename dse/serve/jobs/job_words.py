"""Jobs in words, and what goes on with a study where its last one has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.space.finding import known_spaces
from dse.study.record import machine_of

if TYPE_CHECKING:
    from dse.serve.jobs._job import Job
    from dse.study.study import Study
    from dse.study.trial_updates import RunningTrial

STATES = {
    "running": "running",
    "stopping": "stopping after the run in hand",
    "done": "done",
    "failed": "failed",
    "interrupted": "stopped; it can go on",
    "ended": "ended while the server was not there",
}


def describe_state(job: Job) -> str:
    """What a job does, or how it ended."""
    told = STATES[job.state]
    return f"{told}, exit code {job.code}" if job.state == "failed" else told


def is_own(trial: RunningTrial, job: Job | None) -> bool:
    """Whether a trial was begun by the process of a job."""
    if job is None or not job.runs or trial.pid != job.process.get("pid"):
        return False
    return trial.machine == machine_of(job.process)


def is_exploration(job: Job, study: str) -> bool:
    """Whether a job explores a study."""
    return job.study == study and job.words[:1] == ("explore",)


def words_to_go_on(study: Study) -> tuple[str, ...] | None:
    """The command that goes on exploring a study of the command line, after ``dse``.

    Returns:
        The command; None where the files of its space can't be told, which lie beside the space
        that was explored.
    """
    folder, space = study.folder, study.space
    if folder.name in known_spaces():
        return "explore", folder.name
    if any(space.settings(backend.name) for backend in space.backends):
        return None
    return "explore", str(folder.space), "--study", folder.name
