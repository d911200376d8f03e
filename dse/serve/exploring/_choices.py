"""What the form of a new exploration offers: spaces, models, backends, metrics, studies."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dse.core.errors import DseError
from dse.core.metrics import METRICS, is_quality
from dse.core.printable import to_printable
from dse.core.registry import BACKENDS
from dse.space.finding import known_spaces
from dse.space.reading import metrics_of_task
from dse.study.folder import STUDIES, named_folders
from dse.tasks.registry import catalogues, task_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dse.serve.jobs.jobs import Jobs

MAX_DESCRIPTION_BYTES = 4096
RUNTIMES_S = 120.0
"""The longest time to look which runtimes can be used: each is imported once."""

TRIALS = {"null": "no runtime, to try this tool", "replay": "recorded values, to try a search"}
"""What the backends are that nobody deploys, in the place of a version."""


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model that is known by name.

    Attributes:
        name: its name.
        cost: what a run of it takes, in words.
        published: its published quality, in words, empty where there is none.
    """

    name: str
    cost: str
    published: str


@dataclass(frozen=True, slots=True)
class ModelGroup:
    """Models that are alike.

    Attributes:
        task: what they are for.
        title: of the group.
        models: those in it.
    """

    task: str
    title: str
    models: tuple[ModelChoice, ...]


@dataclass(frozen=True, slots=True)
class BackendChoice:
    """A backend.

    Attributes:
        name: its name.
        usable: whether it can be used here; None where that is not known.
        about: its version, or why it can't be used.
    """

    name: str
    usable: bool | None
    about: str


@dataclass(frozen=True, slots=True)
class MetricChoice:
    """A metric that a space may optimise or bound.

    Attributes:
        name: its name.
        title: in words, with its unit and direction.
        tasks: those that have it.
    """

    name: str
    title: str
    tasks: tuple[str, ...]


class Backends:
    """Which backends can be used here, asked once.

    Args:
        jobs: asks.
    """

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._lock = threading.Lock()
        self._found: tuple[BackendChoice, ...] | None = None

    def choices(self, *, again: bool = False) -> tuple[BackendChoice, ...]:
        """The backends.

        Args:
            again: whether to ask once more, as one was installed meanwhile.
        """
        with self._lock:
            if again or self._found is None:
                self._found = self._ask()
            return self._found

    def _ask(self) -> tuple[BackendChoice, ...]:
        try:
            answer = self._jobs.ask(["backends", "--json"], RUNTIMES_S)
            rows = json.loads(answer.out)["backends"]
        except (DseError, ValueError, LookupError) as error:
            about = f"it can't be told whether it can be used here: {error}"
            return tuple(BackendChoice(name, None, about) for name in BACKENDS)
        return tuple(_backend(row) for row in rows)


def spaces() -> dict[str, str]:
    """The spaces that can be chosen by name, each with what its file says at its beginning.

    A file whose name the command would take for an option is not offered, nor is what is no file.
    """
    return {
        name: _description(path)
        for name, path in known_spaces().items()
        if not name.startswith("-") and path.is_file()
    }


def model_groups() -> list[ModelGroup]:
    """The models that are known by name, in groups."""
    groups: dict[tuple[str, str], list[ModelChoice]] = {}
    for task, catalogue in catalogues().items():
        for row in catalogue.rows():
            # Of pruned models those are offered of which the quality is published.
            if row["published_percent"] or not row.get("zeros_percent"):
                group = groups.setdefault((task, str(row.get("family", task))), [])
                group.append(ModelChoice(row["name"], _cost(row), _published(row)))
    return [ModelGroup(task, title, tuple(found)) for (task, title), found in groups.items()]


def metrics() -> list[MetricChoice]:
    """The metrics of all tasks, their qualities first."""
    tasks = tasks_offered()
    of_task = {task: metrics_of_task(task) for task in tasks}
    return [
        MetricChoice(
            name,
            f"{metric.title} [{metric.unit}], {'high' if metric.direction == 'maximize' else 'low'}"
            f" is good{', estimate' if metric.estimated else ''}",
            tuple(task for task in tasks if name in of_task[task]) if is_quality(name) else tasks,
        )
        for name, metric in METRICS.items()
    ]


def tasks_offered() -> tuple[str, ...]:
    """The tasks that a space may be of, the default first."""
    return task_names()


def studies() -> list[str]:
    """The names of the studies and imports, in their order."""
    found = named_folders(STUDIES)
    return [each.name for each in found if each.begun or each.holds_import]


def _description(path: Path) -> str:
    """The first paragraph of the comment that a file begins with."""
    try:
        with path.open("rb") as file:
            lines = file.read(MAX_DESCRIPTION_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return ""
    return to_printable(" ".join(_comment(lines)))


def _comment(lines: list[str]) -> Iterator[str]:
    for line in lines:
        text = line.removeprefix("#").strip()
        if not line.startswith("#") or not text:
            return
        yield text


def _backend(row: Mapping[str, Any]) -> BackendChoice:
    if row["usable"]:
        about = TRIALS.get(row["backend"], str(row["version"]))
        return BackendChoice(row["backend"], usable=True, about=about)
    told = "; ".join(str(row[part]) for part in ("problem", "remedy") if row[part])
    said = f"backend '{row['backend']}' is not usable here: "  # the page says it, too
    return BackendChoice(row["backend"], usable=False, about=told.removeprefix(said))


def _cost(row: Mapping[str, Any]) -> str:
    if "macs_millions" in row:
        return f"{row['macs_millions']:,.0f} million MACs"
    return f"{row['layers']} layers of {row['width']}"


def _published(row: Mapping[str, Any]) -> str:
    found = row["published_percent"].items()
    return ", ".join(f"{precision} {percent:.1f} %" for precision, percent in found)
