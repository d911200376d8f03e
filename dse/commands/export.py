"""One invocation of ``dse export``: from what was asked for to a submission tree."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from dse.commands._dry_runs import exporting, refuse_json, without_json
from dse.commands._export_readiness import (
    ALL_SCENARIOS,
    Readiness,
    breach_lines,
    count_results,
    field_lines,
    lasting_remedies,
    readiness_table,
    remedy_lines,
    summary_line,
    supplying,
    together,
)
from dse.commands._points import choose_points, division_words, format_ids
from dse.commands.console import console, print_lines
from dse.commands.log import messages
from dse.commands.next_step import command, print_next, repeat
from dse.core import plausibility
from dse.core.configuration import CPU
from dse.core.errors import RequestError
from dse.core.metrics import METRICS_OF, SCENARIOS
from dse.core.wording import format_count
from dse.core.worker_environment import user_variables
from dse.report.text import settings_legend
from dse.report.view import View
from dse.study.folder import existing_folder
from dse.study.study import Study
from dse.submission import checkers
from dse.submission.description import NO_ACCELERATOR, described, read_declared
from dse.submission.evidence import gather
from dse.submission.names import PLAIN, slug
from dse.submission.release import CLOSED_RELEASES, LATEST, RELEASES, release_of
from dse.submission.rules import breaches
from dse.submission.tree import SubmissionInfo, build
from dse.submission.writing import originals_of, write
from dse.tasks.benchmark import CLOSED, CLOSED_CATEGORY, Benchmark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from rich.console import Console

    from dse.core.measurement import FidelityName
    from dse.core.metrics import Scenario
    from dse.derived.derivation import Derivation
    from dse.study.record import Record
    from dse.submission.description import Declared
    from dse.submission.evidence import Evidence
    from dse.submission.tree import Tree

PREVIEW = "-preview"


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What was asked for; the fields are the options of ``dse export``, and all its words."""

    study: str
    storage: str | None
    submitter: str
    output: Path
    points: tuple[int, ...]
    decided: bool
    division: str
    category: str
    release: str
    system: Path | None
    system_name: str | None
    status: str | None
    infer_scenarios: bool
    preview: bool
    dry_run: bool
    force: bool
    checker: Path | None
    derivation: Derivation
    as_json: bool
    words: tuple[str, ...]

    @property
    def tree(self) -> Path:
        """The root of the submission: that of a preview says so."""
        # What has no name of its own, such as `.`, has one by its whole path.
        output = self.output if self.output.name not in ("", "..") else self.output.resolve()
        if self.preview and not output.name.endswith(PREVIEW):
            return output.with_name(f"{output.name}{PREVIEW}")
        return output


def run(request: ExportRequest) -> int:
    """Exports; tells on stderr what it does.

    Returns:
        The exit code: 0, or 1 if a checker complains of what is not to be expected or, in a dry
        run, something is missing.

    Raises:
        RequestError: something can't be exported; nothing was written.
        DseError: a file can't be read or written.
    """
    err = messages()
    _refuse_nonsense(request)
    request = replace(request, words=without_json(request.words))
    study = Study.load(existing_folder(request.study), request.storage)
    view = View(study, request.derivation)
    records = choose_points(view, request.points, decided=request.decided)
    print_lines(view.tally.lines(request.derivation), err)
    judged = _judged(study, records, request)
    if request.dry_run:
        return _list(study, judged, request, err)
    chosen = _chosen(judged, request)
    _check_accelerator(chosen, request)
    left_out = [each for each in judged if each.result not in chosen]
    print_lines((f"left out: {each.first_line}" for each in left_out), err)
    tree = build(chosen, _about(study, request))
    print_lines(_doubts(study, chosen), err)
    remedy = next(iter(lasting_remedies(judged)), "")
    print_lines(_write(tree, chosen, request, remedy), err)
    return _checked(chosen, request, remedy, err)


def _list(study: Study, judged: Sequence[Readiness], request: ExportRequest, err: Console) -> int:
    """Lists what is missing, and what would be exported."""
    fine = [each.result for each in judged if each.exportable]
    told, _, missing = _describe(study, request)
    lacking = len(fine) < len(judged)
    chosen = [] if request.points and lacking else fine
    runs = supplying(judged, request.study, request.storage, request.division)
    steps = _next(runs, chosen, missing, request)
    doubts = _doubts(study, (each.result for each in judged))
    if request.as_json:
        click.echo(json.dumps(exporting(judged, missing, doubts, steps, request.tree)))
        return 1 if lacking or missing else 0
    out = console()
    out.print(readiness_table(judged))
    print_lines([settings_legend(each.result.record for each in judged)], out, "dim")
    print_lines(breach_lines(judged), out)
    lines = [
        *doubts,
        *(remedy_lines(judged, request.division) if lacking else []),
        *field_lines(missing, told.file),
        summary_line(chosen, judged, missing),
    ]
    print_lines(lines, err)
    print_next(*steps)
    return 1 if lacking or missing else 0


def _next(
    runs: Sequence[str], chosen: Sequence[Evidence], missing: Sequence[str], request: ExportRequest
) -> Sequence[str]:
    """What comes after a dry run: the runs that are missing, the system, the export itself."""
    if runs or not chosen:
        return runs
    if missing:
        more = [] if request.system else ["--system", "system.yaml"]
        return [repeat("export", request.words, request.storage, *more)]
    return [repeat("export", request.words, request.storage, without=["--dry-run"])]


def _write(
    tree: Tree, chosen: Sequence[Evidence], request: ExportRequest, remedy: str
) -> list[str]:
    """Writes the tree; returns what became of it, in lines."""
    written = write(tree, request.tree, request.submitter, force=request.force)
    new = format_count(written.new, "file")
    counts = f"{new} new, {written.same} unchanged, {written.replaced} replaced"
    lines = [
        f"{count_results(chosen)} in {request.tree}: {counts}",
        f"whole accuracy logs: {originals_of(request.tree)}",
    ]
    if request.preview:
        way = remedy or "leave --preview out"
        lines.append(f"a preview is not a valid submission; {way} for one")
    return lines


def _doubts(study: Study, results: Iterable[Evidence]) -> list[str]:
    """What speaks against the accuracies of points, which no rule of MLPerf's asks for."""
    records = {result.record.id: result.record for result in results}
    told = ((f"#{id_}", study.results.notes(each.outcome)) for id_, each in records.items())
    return [f"note: {line}" for line in plausibility.lines(told)]


def _refuse_nonsense(request: ExportRequest) -> None:
    refuse_json(as_json=request.as_json, dry_run=request.dry_run)
    if PLAIN.fullmatch(request.submitter) is None:
        raise RequestError(
            f"'{request.submitter}' can't be the name of a folder",
            field="--submitter",
            remedy="use letters, digits, '.', '_' and '-'",
        )
    if not request.output.resolve().name:
        raise RequestError(
            f"{request.output} can't be the root of a submission",
            field="--output",
            remedy="give a folder of its own",
        )
    if not request.preview and request.tree.name.endswith(PREVIEW):
        raise RequestError(
            f"{request.output} says that it is a preview",
            field="--output",
            remedy="give another name, or add --preview",
        )
    if request.division == CLOSED:
        _refuse_in_closed(request)
    if request.infer_scenarios and request.category != "edge":
        raise RequestError(
            "results are inferred for edge systems only",
            field="--infer-scenarios",
            remedy="leave it out, or choose --category edge",
        )
    if request.checker is not None:
        checkers.refuse_others(request.checker)


def _refuse_in_closed(request: ExportRequest) -> None:
    """Refuses what the closed division does not have, or not in this form."""
    for wrong, field, remedy in (
        (request.infer_scenarios, "--infer-scenarios", "leave it out, and validate every scenario"),
        (request.category != CLOSED_CATEGORY, "--category", f"give --category {CLOSED_CATEGORY}"),
        (request.release not in CLOSED_RELEASES, "--release", f"give --release {LATEST}"),
    ):
        if wrong:
            raise RequestError("not in the closed division", field=field, remedy=remedy)


def _judged(study: Study, records: Sequence[Record], request: ExportRequest) -> list[Readiness]:
    """Every point in every scenario, with what keeps it from being valid."""
    fidelities: tuple[FidelityName, ...] = ("valid", "rehearsal") if request.preview else ("valid",)
    release = RELEASES[request.release]
    benchmark = Benchmark.of(study.about.task, request.division)
    scenarios, infer = _scenarios(study, request, benchmark), request.infer_scenarios
    results = [
        result
        for record in records
        for result in gather(study, record, scenarios, fidelities, infer=infer, benchmark=benchmark)
    ]
    _refuse_release(results, request)
    models = study.about.models
    found = ((each, breaches(each, release, models, benchmark)) for each in results)
    judged = [Readiness(each, tuple(broken), request.preview) for each, broken in found]
    return together(judged) if benchmark.closed else judged


def _scenarios(study: Study, request: ExportRequest, benchmark: Benchmark) -> list[Scenario]:
    """Those of the study's objectives that belong to the category, which are all in closed."""
    able = benchmark.rules.scenarios.get(request.category, ())
    wanted = (SCENARIOS[name] for name in study.about.metrics if name in SCENARIOS)
    found = [scenario for scenario in wanted if scenario in able]
    if benchmark.closed and len(found) < len(able):
        lacking = ", ".join(METRICS_OF[each] for each in able if each not in found)
        raise RequestError(
            f"study '{study.folder.name}' has not measured {lacking}",
            field="--division",
            remedy="add it to the objectives of its search space and explore again",
        )
    if not found:
        names = ", ".join(scenario.value for scenario in able) or "no scenario of its task"
        raise RequestError(
            f"study '{study.folder.name}' has no objective of a scenario of this category",
            field="--category",
            remedy=f"{request.category} has {names}",
        )
    return found


def _refuse_release(results: Sequence[Evidence], request: ExportRequest) -> None:
    """Refuses a round of MLPerf of which no run has the seeds."""
    logs = [r.performance.log for r in results if r.performance is not None]
    rounds = {ours.name for log in logs if log is not None and (ours := release_of(log.values))}
    if rounds and request.release not in rounds:
        shown = ", ".join(sorted(rounds))
        raise RequestError(
            f"the seeds of the runs are those of {shown}, not of {request.release}",
            field="--release",
            remedy=f"give --release {max(rounds)}, or validate a study of its own with the "
            f"LoadGen of {request.release}",
        )


def _chosen(judged: Sequence[Readiness], request: ExportRequest) -> list[Evidence]:
    """The results to export: all that are complete, and every one of points that were named."""
    broken = [each for each in judged if not each.exportable]
    broken.sort(key=lambda each: each.hindering[0].rule == ALL_SCENARIOS)
    if broken and (request.points or len(broken) == len(judged)):
        raise RequestError(broken[0].first_line, remedy=_remedy(broken[0], request))
    return [each.result for each in judged if each.exportable]


def _remedy(broken: Readiness, request: ExportRequest) -> str:
    ways = [broken.remedy]
    if broken.supplied:
        (runs,) = supplying([broken], request.study, request.storage, request.division)
        ways = [f"`{runs}` supplies what is missing"]
    if broken.previewable and not request.preview:
        ways.append("export a --preview")
    told = ", or ".join(filter(None, ways))
    return "; ".join(filter(None, [told, "--dry-run lists it all"]))


def _describe(study: Study, request: ExportRequest) -> tuple[Declared, dict[str, str], list[str]]:
    """What the user says of the system, its description, and the fields that are missing."""
    told = read_declared(request.system, system_name=request.system_name, status=request.status)
    description, missing = described(study.system, told, request.submitter, request.category)
    description["division"] = request.division
    of_models = ("retraining", "equivalence") if request.division == CLOSED else ("retraining",)
    missing += [name for name in of_models if name not in told.values]
    return told, description, missing


def _about(study: Study, request: ExportRequest) -> SubmissionInfo:
    """What all results have in common.

    Raises:
        RequestError: something of the system is missing; all of it is named.
    """
    told, description, missing = _describe(study, request)
    if missing:
        raise RequestError(
            f"nothing tells {', '.join(missing)} of the system",
            file=told.file,
            field=None if told.file else "--system",
            remedy="put them into a system.yaml and give it with --system",
        )
    if request.division == CLOSED and told.values["retraining"] != "no":
        raise RequestError(
            "the closed division takes no model that was retrained",
            file=told.file,
            field="retraining",
            remedy='say "no" where none was, or leave --division closed out',
        )
    return SubmissionInfo(
        submitter=request.submitter,
        hardware=slug(description["system_name"]),
        description=description,
        versions=study.about.runtimes,
        objectives=study.about.metrics,
        retraining=told.values["retraining"],
        preview=request.preview,
        benchmark=Benchmark.of(study.about.task, request.division),
        environment=user_variables(study.about.environment),
        equivalence=told.values.get("equivalence", ""),
    )


def _check_accelerator(chosen: Sequence[Evidence], request: ExportRequest) -> None:
    """Refuses results of another device than the CPU of which the user says nothing.

    Raises:
        RequestError: names what is missing.
    """
    elsewhere = [each.record for each in chosen if each.record.configuration.device != CPU]
    told = read_declared(request.system).values
    missing = [name for name in NO_ACCELERATOR if name not in told]
    if elsewhere and missing:
        raise RequestError(
            f"#{elsewhere[0].id} ran on {elsewhere[0].configuration.device}, and nothing tells "
            f"{', '.join(missing)} of the system",
            file=request.system,
            field=None if request.system else "--system",
            remedy="put them into a system.yaml and give it with --system",
        )


def _checked(chosen: Sequence[Evidence], request: ExportRequest, remedy: str, err: Console) -> int:
    """Runs MLPerf's checkers where the user has them; returns the exit code."""
    if request.checker is None:
        none = (
            "MLPerf's checkers were not run: give --checker and a clone of "
            "https://github.com/mlcommons/inference"
        )
        then = repeat("export", request.words, request.storage, "--checker", "inference")
        print_lines([none], err)
        print_next(then)
        return 0
    verdicts = checkers.check(
        request.checker, request.tree, request.submitter, request.release, preview=request.preview
    )
    print_lines((line for verdict in verdicts for line in verdict.lines()), err)
    if not all(verdict.acceptable for verdict in verdicts):
        return 1
    if not request.preview:
        print_lines(["ready to be handed in, which members of MLCommons may"], err)
    elif not remedy:
        ids = format_ids(dict.fromkeys(result.record.id for result in chosen))
        options = ["--points", ids, *division_words(request.division)]
        then = command("validate", request.study, request.storage, *options)
        print_next(then)
    return 0
