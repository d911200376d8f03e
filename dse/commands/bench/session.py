"""One invocation of ``dse bench``: a study of one model file, with random inputs."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dse.commands.bench._fitting import fit_sizes
from dse.commands.bench._model import given_model
from dse.commands.bench._show import announce, show
from dse.commands.bench._summary import summary
from dse.commands.bench.request import search_space
from dse.commands.console import console as make_console
from dse.commands.console import print_lines
from dse.commands.explore_display import Display
from dse.commands.interrupts import INTERRUPTED, interrupts
from dse.commands.log import messages
from dse.commands.next_step import print_next, study_word
from dse.core.errors import RequestError
from dse.core.worker_environment import add_libraries
from dse.environments.config import with_given_name
from dse.exploration.capabilities import Capabilities
from dse.exploration.explorer import Budget, Search, StopReason, explore
from dse.exploration.measurer import Measurer
from dse.exploration.prepare import Prepared
from dse.exploration.resolver import MeasurementContext, Resolver
from dse.formats.dimensions import Choices
from dse.machine.detect import detect
from dse.measure.runner import Limits
from dse.space.plan import exclusion_lines, resolve
from dse.study.folder import StudyFolder, study_folder
from dse.study.storage import RETRY_POLICY
from dse.study.study import Study
from dse.tasks.generated.task import Generated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dse.commands.bench.request import BenchRequest
    from dse.space.plan import Plan


def run(request: BenchRequest) -> int:
    """Measures the model; prints what came out on stdout and everything else on stderr.

    Returns:
        The exit code: 0, 1 if everything tried has failed, or 130 if interrupted.

    Raises:
        DseError: the request or the work failed; what was measured is stored, where it is kept.
    """
    console = messages()
    choices = Choices(request.dims, request.vocabulary, request.values)
    given, chosen = given_model(request.model, choices, request.signature)
    system = with_given_name(detect())
    cpus = system.available_cpus
    cores = min(system.physical_cores or cpus, cpus)
    space, asked = search_space(request, given, cores)
    environment = add_libraries(request.environment)
    task = Generated()
    offers = Capabilities(task, given, space, environment, needs_published=False, known=asked)
    offers.check()
    prepared = Prepared(task, space, given, None, offers, system, environment)
    plan = resolve(space, offers, cpus, cores, system.instruction_sets)
    with _folder(request.study) as folder:
        about = prepared.about(len(plan.configurations), exclusion_lines(plan.excluded))
        study = Study.create(folder, space, plan, about, None)
        limits = Limits(request.run_timeout, request.memory_limit or prepared.memory_bytes)
        context = prepared.context(
            study, limits, lambda *_: None, again=True, duration_s=request.duration
        )
        fit = fit_sizes(
            context,
            given,
            study,
            plan.configurations,
            choices,
            chosen,
            lambda line: print_lines([line], console, "dim"),
        )
        given = replace(given, signature=fit.chosen.signature)
        announce(console, given, fit, prepared, about.excluded)
        end = _measure(request, replace(context, provider=given), plan, study)
        if request.as_json:
            click.echo(json.dumps(summary(study, given, fit, kept=request.study is not None)))
        else:
            show(make_console(), study, given, fit)
        failures = [record.outcome.failure for record in study.records.values()]
        if request.study is None and any(failures):
            print_lines(["--study NAME keeps what failed runs printed: `dse status NAME`"], console)
        if request.study is not None:
            print_lines([f"study: {folder.path}"], console)
            print_next(f"dse frontier {study_word(study)}")
    if end is StopReason.INTERRUPTED:
        return INTERRUPTED
    return 1 if all(failures) else 0


@contextmanager
def _folder(name: str | None) -> Iterator[StudyFolder]:
    """The study's folder; one that is gone afterwards where it has no name."""
    if name is not None:
        yield study_folder(name)
        return
    with tempfile.TemporaryDirectory(prefix="dse-bench-", ignore_cleanup_errors=True) as folder:
        yield StudyFolder(Path(folder, "bench"))


def _measure(
    request: BenchRequest, context: MeasurementContext, plan: Plan, study: Study
) -> StopReason:
    budget = Budget()
    with Display(messages(), study, budget) as display, interrupts(display.say) as asked:
        study.retry_policy = replace(RETRY_POLICY, stopped=lambda: asked.wanted)
        _refuse_others(context, study, plan)
        # Asked for once more, what failed for a reason that may pass is tried again.
        search = Search("grid", seed=0, settle_s=request.settle, retry_failed=True)
        return explore(study, plan, Measurer(context, study), search, budget, asked, display).end


def _refuse_others(bench: MeasurementContext, study: Study, plan: Plan) -> None:
    """Refuses a study of another file or with other inputs, also where nothing is left to do."""
    resolver, configuration = Resolver(bench, study), plan.configurations[0]
    resolver.ensure_artefact(configuration)
    try:
        resolver.check(resolver.resolve(configuration))
    except RequestError as error:
        raise RequestError(
            f"study '{study.folder.name}' was measured with another file or other inputs",
            remedy="choose another --study",
        ) from error
