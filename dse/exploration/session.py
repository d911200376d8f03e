"""One exploration: from what was asked for to a study that is open, and its measurements."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dse.core.errors import RequestError
from dse.core.reasons import describe_failure
from dse.core.worker_environment import add_libraries
from dse.exploration._known_models import known_models
from dse.exploration._warm_start import load_warm_starts
from dse.exploration.explorer import Budget, Search, explore
from dse.exploration.measurer import Measurer
from dse.exploration.prepare import prepare, settings_of
from dse.exploration.request import BORROWER
from dse.machine.detect import detect
from dse.measure.runner import Limits
from dse.space.finding import find_space
from dse.space.plan import exclusion_lines, resolve
from dse.space.reading import read_space, space_from_dict
from dse.space.space import SearchSpace
from dse.study.comparison import TIE_PERCENT
from dse.study.folder import StudyFolder, study_folder
from dse.study.inputs import complete_inputs, remember_inputs
from dse.study.storage import RETRY_POLICY
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dse.exploration._warm_start import WarmStart
    from dse.exploration.explorer import Explored, ExploreObserver
    from dse.exploration.planner import Step
    from dse.exploration.prepare import Prepared
    from dse.exploration.request import ExploreRequest
    from dse.exploration.resolver import MeasurementContext
    from dse.exploration.stopping import Interrupts
    from dse.space.plan import Plan
    from dse.study.inputs import StudyInputs
    from dse.study.metadata import StudyMetadata
    from dse.study.record import Record
    from dse.study.settling import Settling
    from dse.tasks.prior import ModelPrior

LOG = logging.getLogger(__name__)
OWN_MODELS = "own-models"
"""The name of the search space of a user's own models."""


@dataclass(frozen=True, slots=True)
class PlannedExploration:
    """What an exploration would measure; nothing is begun.

    Attributes:
        request: what was asked for.
        space: the search space.
        prepared: models, data set and runtimes.
        plan: the configurations that can run here.
        warm_starts: what other systems tell of them.
        settings: the files that the space gives each backend.
        folder: of the study.
        inputs: where models and samples lie.
        about: the description of the study.
    """

    request: ExploreRequest
    space: SearchSpace
    prepared: Prepared
    plan: Plan
    warm_starts: tuple[WarmStart, ...]
    settings: Mapping[str, Mapping[str, Path]]
    folder: StudyFolder
    inputs: StudyInputs
    about: StudyMetadata

    def begin(self) -> Exploration:
        """Creates the study, or opens it to go on.

        Raises:
            RequestError: the study belongs to another CPU, runtime version or data set.
        """
        storage = self.request.storage
        study = Study.create(self.folder, self.space, self.plan, self.about, storage)
        remember_inputs(self.folder, self.inputs)
        return Exploration(self, study)


@dataclass(frozen=True, slots=True)
class Exploration:
    """A study that is open to be explored.

    Attributes:
        planned: what is measured.
        study: what is known of the configurations.
    """

    planned: PlannedExploration
    study: Study

    @property
    def budget(self) -> Budget:
        """How far to go."""
        request = self.planned.request
        return Budget(request.n_trials, request.timeout)

    @property
    def failed(self) -> bool:
        """Whether there is no configuration that was measured without a failure."""
        return all(record.outcome.failure for record in self.study.records.values())

    def run(
        self,
        observer: ExploreObserver,
        interrupts: Interrupts,
        progress: Callable[[int, int, str], None],
    ) -> Explored:
        """Explores until one of the reasons of `dse.exploration.explorer.StopReason` holds.

        Args:
            observer: is told of each step.
            interrupts: whether the user has asked to stop.
            progress: called with (done, total, what) while samples are prepared.

        Raises:
            DseError: an input or the study can't be used; what was measured is stored.
        """
        planned, study = self.planned, self.study
        request, dataset = planned.request, planned.prepared.dataset
        study.retry_policy = replace(RETRY_POLICY, stopped=lambda: interrupts.wanted)
        search = Search(
            sampler=request.sampler,
            seed=request.seed,
            retry_failed=request.retry_failed,
            settle_s=request.settle,
            stop_gain=request.stop_gain / 100,
            sources=[each.values for each in planned.warm_starts],
            models=self._known_models() if request.sampler == BORROWER else {},
            samples=len(dataset) if dataset else 0,
            only=request.only,
        )
        measurer = Measurer(self._context(progress), study)
        return explore(study, planned.plan, measurer, search, self.budget, interrupts, observer)

    def _known_models(self) -> Mapping[str, ModelPrior]:
        prepared, plan = self.planned.prepared, self.planned.plan
        models = (each.model for each in plan.configurations)
        return known_models(prepared.task, prepared.provider, models)

    def _context(self, progress: Callable[[int, int, str], None]) -> MeasurementContext:
        planned = self.planned
        request, prepared = planned.request, planned.prepared
        limits = Limits(request.run_timeout, request.memory_limit or prepared.memory_bytes)
        again = request.settle != 0
        return prepared.context(
            self.study, limits, progress, again=again, settings=planned.settings
        )


class LogObserver:
    """Writes the steps of an exploration to the log; an `ExploreObserver`."""

    def began(self, step: Step) -> None:
        """Logs what is about to be measured."""
        LOG.info("%s: %s", step.purpose.value, step.configuration)

    def waits(self, why: str) -> None:
        """Logs what is waited for."""
        LOG.info("%s", why)

    def estimated(self, found: float) -> None:
        """Logs the share of the frontier that is found."""
        LOG.info("about %.0f %% of the frontier's hypervolume found", 100 * found)

    def ended(self, step: Step, record: Record, seconds: float) -> None:
        """Logs the values, or the failure."""
        failure = record.outcome.failure
        told = describe_failure(failure) if failure else record.outcome.values
        LOG.info("%s: %s (%.1f s)", step.configuration, told, seconds)

    def settling(self, state: Settling) -> None:
        """Logs how much is undecided after a round."""
        LOG.info("round %d: %d of %d points undecided", state.rounds, state.undecided, state.points)

    def progress(self, done: int, total: int, what: str) -> None:
        """Logs that samples are prepared."""
        if done == total:
            LOG.info("prepared %d %s", total, what)


def open_exploration(request: ExploreRequest) -> Exploration:
    """Opens everything that an exploration needs, and its study.

    Raises:
        RequestError: something of the request can't be used, or the study belongs to another CPU,
            runtime version or data set.
    """
    return plan_exploration(request).begin()


def plan_exploration(request: ExploreRequest) -> PlannedExploration:
    """Finds out what an exploration would measure.

    Raises:
        RequestError: something of the request can't be used.
    """
    space, name = _read_space(request.space)
    if request.study is None and name is None:
        raise RequestError("a search space without a file has no name", remedy="name the study")
    folder = study_folder(os.fspath(request.study or name or ""))
    if request.per_cpu:
        own = f"{folder.name}@{detect().fingerprint}"
        folder = StudyFolder(folder.path.with_name(own))
    inputs = complete_inputs(folder, request.models, request.dataset)
    if name == OWN_MODELS and inputs.models is None:
        remedy = "give the folder of their models.yaml, or choose another search space"
        problem = "this search space is of your own models"
        raise RequestError(problem, file=space.file, field="--models", remedy=remedy)
    environment = add_libraries(request.environment)
    prepared = prepare(space, inputs.models, inputs.dataset, environment)
    plan = _plan(prepared)
    warm_starts = _warm_starts(request, plan, prepared)
    about = replace(
        prepared.about(len(plan.configurations), exclusion_lines(plan.excluded)),
        borrowed=tuple(each.as_dict() for each in warm_starts),
        tie_percent=TIE_PERCENT if request.tie is None else request.tie,
        tie_asked=request.tie is not None,
    )
    settings = settings_of(space, (backend.name for backend in space.backends))
    return PlannedExploration(
        request, space, prepared, plan, warm_starts, settings, folder, inputs, about
    )


def _read_space(
    given: str | os.PathLike[str] | Mapping[str, Any] | SearchSpace,
) -> tuple[SearchSpace, str | None]:
    """The space, and the name of its file if there is one."""
    if isinstance(given, SearchSpace):
        file = given.document.file
        return given, file.stem if file else None
    if isinstance(given, Mapping):
        return space_from_dict(given), None
    file = find_space(os.fspath(given))
    return read_space(file), file.stem


def _plan(prepared: Prepared) -> Plan:
    system = prepared.system
    cpus = system.available_cpus
    physical = min(system.physical_cores or cpus, cpus)
    return resolve(prepared.space, prepared.offers, cpus, physical, system.instruction_sets)


def _warm_starts(request: ExploreRequest, plan: Plan, prepared: Prepared) -> tuple[WarmStart, ...]:
    if request.warm_start and request.sampler != BORROWER:
        raise RequestError(
            f"the sampler {request.sampler} learns nothing from other systems",
            field="--warm-start",
            remedy=f"leave it out, or choose --sampler {BORROWER}",
        )
    task = prepared.task.name
    return load_warm_starts(request.warm_start, plan.configurations, prepared.metrics, task)
