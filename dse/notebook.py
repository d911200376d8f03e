"""Studies in notebooks and scripts: `dse.explore` measures, `dse.load_study` reads."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.answer.limits import parse_quality
from dse.answer.question import Question
from dse.answer.summary import pick_summary
from dse.core.errors import RequestError
from dse.core.metrics import METRICS
from dse.core.wording import format_count
from dse.machine.system import System
from dse.report.frame import frame, known_metrics, table
from dse.report.progress import hypervolume, scaled_losses
from dse.report.standing import standing_columns
from dse.report.summary import ordered
from dse.report.tables import measurements, progress_table
from dse.report.view import View
from dse.space.space import SearchSpace
from dse.study.folder import existing_folder
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from dse.core.metrics import Metric
    from dse.exploration.request import ExploreRequest
    from dse.report.progress import ScaledLosses

NAMED = "a name or a folder"
PATHS = ("models", "dataset")
"""The arguments of `explore` that are folders."""

logging.getLogger("dse").addHandler(logging.NullHandler())  # who wants the log adds another


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LoadedStudy:
    """A study as it was when it was loaded.

    Attributes:
        name: the study's.
        system: the CPU that it was measured on.
        space: the search space as it was explored last.
        objectives: what is optimised: name, unit and direction of each.
        configurations: one row per configuration with an outcome: its ``id``, what it is, value,
            interval and source of each metric, and its failure, see `dse.report.frame.frame`.
        measurements: one row per measurement that was taken, see `dse.report.tables.measurements`.
        frontier: the rows of `configurations` that no other dominates, as far as is known, the
            most accurate first; ``standing`` is ``leads``, ``tied`` or ``behind`` (see
            `dse.report.standing.Standing`), and ``certain`` tells whether it would be there again.
        progress: one row per configuration explored, see `dse.report.tables.progress_table`.
    """

    name: str
    system: System
    space: SearchSpace
    objectives: tuple[Metric, ...]
    configurations: pd.DataFrame
    measurements: pd.DataFrame
    frontier: pd.DataFrame
    progress: pd.DataFrame
    _places: Mapping[int, ScaledLosses]
    _view: View

    def hypervolume(self, configurations: pd.DataFrame | None = None) -> float:
        """The volume that configurations dominate, on the scale of `progress`.

        Each objective goes from 0 (the best of the study) to 1 (its worst), metrics that vary from
        run to run in logarithms; the reference point is 1.1 in each.

        Args:
            configurations: rows of one of the tables with an ``id``; None for all. Those that
                failed or miss a constraint add nothing.
        """
        ids = self._places if configurations is None else configurations["id"].dropna().unique()
        found = (self._places[id_] for id_ in ids if id_ in self._places)
        return hypervolume(found, len(self.objectives))

    def pick(
        self,
        *,
        max_latency: float | None = None,
        min_accuracy: float | str | None = None,
        min_throughput: float | None = None,
        max_memory: float | None = None,
        max_size: float | None = None,
        maximize: str | None = None,
        minimize: str | None = None,
        sure: float = 0.0,
    ) -> dict[str, Any]:
        """Picks the one configuration that is best within limits, as ``dse pick`` does.

        Args:
            max_latency: highest SingleStream p90 latency, in milliseconds.
            min_accuracy: lowest accuracy in percent, or ``best-2`` for two points below the best
                that keeps the other limits.
            min_throughput: lowest Offline throughput, in samples per second.
            max_memory: most memory of the process, in MiB.
            max_size: largest model file, in MiB.
            maximize: a metric whose largest value is wanted.
            minimize: one whose smallest value is wanted.
            sure: the chance in percent with which each limit is kept at least.

        Returns:
            What ``dse pick --json`` prints; ``answer`` is None where nothing keeps the limits.

        Raises:
            RequestError: an argument is not usable, or nothing says what matters.
        """
        with _parameters_named(LoadedStudy.pick):
            try:
                least = parse_quality(str(min_accuracy)) if min_accuracy is not None else None
            except ValueError as error:
                raise RequestError(str(error), field="min_accuracy") from error
            limits = {
                "max_latency": max_latency,
                "min_accuracy": least,
                "min_throughput": min_throughput,
                "max_memory": max_memory,
                "max_size": max_size,
            }
            question = Question.of(
                self._view, limits, maximize=maximize, minimize=minimize, sure_percent=sure
            )
            return pick_summary(self._view, question)

    def __repr__(self) -> str:
        failed = int((self.configurations["failure"] != "").sum())
        return (
            f"study {self.name} on {self.system.cpu}: "
            f"{format_count(len(self.configurations) - failed, 'configuration')} measured, "
            f"{failed} failed, "
            f"{len(self.frontier)} on the frontier"
        )


def load_study(study: str | os.PathLike[str], storage: str | None = None) -> LoadedStudy:
    """Reads a study and changes nothing in it.

    Args:
        study: its name under ``studies/``, or its folder.
        storage: URL of its Optuna storage, where that is not known from the folder.

    Raises:
        RequestError: there is no such study, or its storage can't be used.
        UnavailableError: pandas is not installed.
    """
    with _parameters_named(load_study):
        folder = existing_folder(_text("study", study, NAMED))
        url = None if storage is None else _text("storage", storage, "a URL")
        return _loaded(Study.load(folder, url))


def explore(
    space: str | os.PathLike[str] | Mapping[str, Any] | SearchSpace,
    *,
    study: str | os.PathLike[str] | None = None,
    models: str | os.PathLike[str] | None = None,
    dataset: str | os.PathLike[str] | None = None,
    storage: str | None = None,
    n_trials: int | None = None,
    timeout: float | None = None,
    sampler: str = "frontier",
    seed: int = 0,
    run_timeout: float = 300.0,
    memory_limit: int | None = None,
    settle: float | None = None,
    tie: float | None = None,
    retry_failed: bool = False,
    stop_gain: float = 1.0,
    warm_start: Iterable[str | os.PathLike[str]] = (),
    environment: Mapping[str, str] | None = None,
    per_cpu: bool = False,
) -> LoadedStudy:
    """Measures the configurations of a search space, as ``dse explore`` does.

    Nothing is printed; the logger ``dse`` tells what is done. An exception, `KeyboardInterrupt`
    too, ends the run in hand: what was measured is stored, and the same call goes on from there.

    Args:
        space: the YAML file of a search space, the name of one, or what such a file holds.
        study: name or folder of the study; by default the name of the space.
        models: a folder of model files; by default the builtin models, which are not trained.
        dataset: a folder of labelled samples; by default qualities are the published ones.
        storage: URL of the study's Optuna storage; by default a database in its folder.
        n_trials: stop after this number of configurations.
        timeout: start no new configuration and no round after this time, in seconds; waiting for
            other processes counts.
        sampler: chooses the next configuration: grid, random, nsga2, tpe or frontier.
        seed: the same seed gives the same order.
        run_timeout: the longest time for one configuration, in seconds.
        memory_limit: the most memory for one configuration, in bytes; by default nine tenths of
            what is free.
        settle: the longest time to compare what is undecided on the frontier, in seconds; by
            default as long as the study was explored. 0 measures everything once.
        tie: values that differ by less than this percentage are a tie; by default what the study
            has, which is 2 in a new one.
        retry_failed: try again what ran out of time or memory, crashed or gave an invalid run.
        stop_gain: leave out the rest when it is expected to add less than this percentage to the
            frontier's hypervolume; 0 to measure everything.
        warm_start: studies or tables of other systems whose results lead the search.
        environment: variables for the processes that measure, by name.
        per_cpu: give each CPU a study of its own.

    Returns:
        The whole study, with what was known of it before.

    Raises:
        RequestError: an argument, a file or the study can't be used.
        UnavailableError: pandas or a runtime is not installed.
        DseError: the work failed; what was measured is stored.
    """
    arguments = locals()
    with _parameters_named(explore):
        return _explored(arguments)


def _explored(arguments: Mapping[str, Any]) -> LoadedStudy:
    from dse.exploration.session import LogObserver, open_exploration
    from dse.exploration.stopping import Interrupts

    table([], [])  # better missed now than when everything is measured
    exploration = open_exploration(_request(arguments))
    observer = LogObserver()
    try:
        exploration.run(observer, Interrupts(), observer.progress)
    finally:
        exploration.study.close()
    return _loaded(exploration.study)


def _request(arguments: Mapping[str, Any]) -> ExploreRequest:
    """What `explore` was given, as the command line has it.

    Raises:
        RequestError: an argument is of another type; names it.
    """
    from dse.exploration.request import ExploreRequest

    given = dict(arguments)
    if not isinstance(given["space"], str | os.PathLike | Mapping | SearchSpace):
        problem = f"expected a file, a name or what a file holds, not {given['space']!r}"
        raise RequestError(problem, field="space")
    texts = {"study": NAMED, "storage": "a URL", **dict.fromkeys(PATHS, "a folder")}
    for name, expected in texts.items():
        if given[name] is not None:
            text = _text(name, given[name], expected)
            given[name] = Path(text) if name in PATHS else text
    several = given["warm_start"]
    if isinstance(several, str | os.PathLike) or not isinstance(several, Iterable):
        problem = f"expected several names, not {several!r}"
        raise RequestError(problem, field="warm_start", remedy="write a list of one")
    given["warm_start"] = tuple(_text("warm_start", each, "names") for each in several)
    given["environment"] = given["environment"] or {}
    return ExploreRequest(**given)


def _text(name: str, value: object, expected: str) -> str:
    """A name, a path or a URL that an argument gives."""
    if isinstance(value, str | os.PathLike):
        return str(os.fspath(value))
    raise RequestError(f"expected {expected}, not {value!r}", field=name)


@contextmanager
def _parameters_named(function: Callable[..., Any]) -> Iterator[None]:
    """Names a parameter of the function where an error in the block names an option."""
    parameters = {"env": "environment"} | {name: name for name in signature(function).parameters}

    def renamed(text: str, quote: str = "`") -> str:
        def parameter(found: re.Match[str]) -> str:
            name = parameters.get(found[1].replace("-", "_"))
            return f"{quote}{name}{quote}" if name else found[0]

        return re.sub(r"(?<![\w-])--([a-z]+(?:-[a-z]+)*)", parameter, text)

    try:
        yield
    except RequestError as error:
        raise type(error)(
            renamed(error.problem),
            file=error.file,
            line=error.line,
            field=renamed(error.field or "", quote="") or None,
            remedy=renamed(error.remedy or "") or None,
        ) from error


def _loaded(opened: Study) -> LoadedStudy:
    records = sorted(opened.records.values(), key=lambda record: record.id)
    metrics, view = known_metrics(records, opened.about.metrics), View(opened)
    return LoadedStudy(
        name=opened.folder.name,
        system=System.from_dict(opened.about.system),
        space=opened.space,
        objectives=tuple(METRICS[name] for name in opened.space.objectives),
        configurations=frame(records, metrics, view.notes),
        measurements=measurements(opened),
        frontier=_frontier(view, metrics),
        progress=progress_table(opened),
        _places=scaled_losses(opened),
        _view=view,
    )


def _frontier(view: View, metrics: tuple[str, ...]) -> pd.DataFrame:
    points = ordered(view.frontier)
    return frame(points, metrics, view.notes).assign(**standing_columns(view, points))
