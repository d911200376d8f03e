"""What browsers are told of all studies: how many runs each has, and which command works on it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from dse.serve.news._watching import News
from dse.study.folder import StudyFolder, named_folders

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from dse.serve.jobs.jobs import Jobs
    from dse.serve.news._watching import Watcher


class Overview:
    """Follows the studies of a folder and the jobs.

    A run has a folder of its own: when it is made, the trial before has ended. The last trial is
    told by the end of its command, and by the files that this writes beside the study.

    Args:
        studies: the folder.
        jobs: the commands that were started from the page.
        watcher: tells of changes.
    """

    def __init__(self, studies: Path, jobs: Jobs, watcher: Watcher) -> None:
        self._studies = studies
        self._jobs = jobs
        self._watcher = watcher
        self._counts: dict[str, int] = {}
        self._working: dict[str, str] = {}

    def look(self, changed: Collection[Path] | None = None) -> None:
        """Takes in what has changed.

        Args:
            changed: folders in which it has; none where a process has ended, None for everything.

        Raises:
            OSError: the system does not watch so many folders.
        """
        listed = changed is None or not {self._studies, self._studies.parent}.isdisjoint(changed)
        if listed:
            self._list()
        for folder in changed or ():
            study = folder if folder.parent == self._studies else folder.parent
            if study.parent == self._studies and study.name in self._counts:
                self._follow(StudyFolder(study))
        if listed or not changed or self._jobs.folder in changed:
            self._ask_jobs()

    def as_json(self) -> str:
        """The studies by name, as a JSON object in one line."""
        names = sorted({*self._counts, *self._working})
        return json.dumps(
            {
                name: {"trials": self._counts.get(name, 0), "job": self._working.get(name, "")}
                for name in names
            }
        )

    def _list(self) -> None:
        """Finds the studies there are, and watches them."""
        if not self._watcher.watch(self._studies, News.MADE | News.MOVED | News.REMOVED):
            self._watcher.watch(self._studies.parent, News.MADE | News.MOVED)
            # It may have come between the two.
            self._watcher.watch(self._studies, News.MADE | News.MOVED | News.REMOVED)
        else:
            self._watcher.forget(self._studies.parent)
        found = {folder.name: folder for folder in named_folders(self._studies)}
        for name in [name for name in self._counts if name not in found]:
            del self._counts[name]
            self._watcher.forget(self._studies / name)
            self._watcher.forget(self._studies / name / "runs")
        for folder in found.values():
            self._follow(folder)
        self._watcher.watch(self._jobs.folder, News.MOVED)

    def _follow(self, folder: StudyFolder) -> None:
        """Watches a study, which may be another one than before, and counts its runs."""
        if self._watcher.watch(folder.runs, News.MADE | News.MOVED):
            self._watcher.watch(folder.path, News.MOVED)
        else:
            self._watcher.watch(folder.path, News.MOVED | News.MADE)
            self._watcher.watch(folder.runs, News.MADE | News.MOVED)
        self._counts[folder.name] = _count(folder.runs)

    def _ask_jobs(self) -> None:
        running = [job for job in self._jobs.all() if job.runs]
        self._working = {job.study: job.id for job in running if job.study}
        for job in running:
            self._watcher.watch_process(int(job.process["pid"]))


def _count(folder: Path) -> int:
    try:
        return len(os.listdir(folder))  # noqa: PTH208  # there may be ten thousand
    except OSError:
        return 0
