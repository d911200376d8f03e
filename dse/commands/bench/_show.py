"""What ``dse bench`` tells: the model and its inputs before, the results after."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from dse.commands.bench._results import PERCENTILES, results
from dse.commands.console import print_lines
from dse.core.details import RunDetails, TimedDetails
from dse.core.metrics import LOAD_TIME, PEAK_MEMORY, Scenario
from dse.core.reasons import boil_down, describe_failure
from dse.core.remedies import find_remedy
from dse.core.signature import shape_text
from dse.report.health import disturbed
from dse.report.settling import describe_frontier, describe_need
from dse.report.summary import notes
from dse.report.text import (
    BY_OPTION,
    environment_lines,
    excluded_lines,
    frontier_table,
    mark_lines,
    marks,
    number,
    settings_legend,
    short_settings,
)
from dse.report.view import View
from dse.report.word_table import WordTable
from dse.study.settling import settling_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import Console

    from dse.commands.bench._fitting import Fit
    from dse.commands.bench._results import BenchResult
    from dse.core.signature import Input
    from dse.exploration.prepare import Prepared
    from dse.formats.dimensions import ResolvedSignature
    from dse.models.single_file import SingleFileProvider
    from dse.study.observations import ObservationStore
    from dse.study.record import Record
    from dse.study.study import Study

SHOWN = 4
"""Values of an input that are shown, at most."""
UNKNOWN_ACCURACY = "accuracy is unknown: the inputs are random"


def announce(
    console: Console,
    given: SingleFileProvider,
    fit: Fit,
    prepared: Prepared,
    excluded: Sequence[str],
) -> None:
    """Says what is measured, before it is."""
    chosen = fit.chosen
    signature = given.signature
    lines = [
        f"model: {given.origin}, {given.described.precision}, {given.size_bytes / 2**20:.2f} MiB",
        *_signature_lines(given),
        *(f"input: {input_words(one, batched=signature.batched)}" for one in signature.inputs),
        *deciding_lines(chosen),
    ]
    if chosen.sizes:
        lines.append(f"open dimensions: {_sizes(chosen.sizes)} (--dim changes them)")
    lines += refused_lines(fit)
    if not signature.batched:
        lines.append("it takes no batches: one call counts as one sample")
    lines += prepared.system_lines
    lines += environment_lines(prepared.environment, BY_OPTION)
    print_lines((*lines, *excluded_lines(excluded)), console)


def refused_lines(fit: Fit) -> Iterator[str]:
    """Which made-up sizes were tried and refused before those that are measured, and why."""
    if fit.refused and fit.refused[0].sizes != fit.chosen.sizes:
        tried = "; ".join(_sizes(one.sizes) for one in fit.refused)
        yield f"made up, and refused before these sizes were taken: {tried}"
        yield f"the first was refused with: {boil_down(fit.refused[0].message)}"


def _sizes(sizes: Mapping[str, int]) -> str:
    return ", ".join(f"{name}={size}" for name, size in sizes.items())


def _signature_lines(given: SingleFileProvider) -> Iterator[str]:
    """Which of several signatures is measured."""
    described = given.described
    others = [name for name in described.signatures if name != described.signature]
    if others:
        yield (
            f"signature: {described.signature}; the file has others, which are not measured: "
            f"{', '.join(others)} (--signature)"
        )


def deciding_lines(chosen: ResolvedSignature) -> Iterator[str]:
    """The inputs that decide how much is computed, where nobody has said what they are to be."""
    for one in chosen.signature.inputs:
        if one.name in chosen.deciding and one.name not in chosen.given:
            example = ",".join("N" * one.elements) if one.elements <= SHOWN else "N,N,..."
            yield (
                f"input {one.name} decides the work: {_filled(one)} "
                f"(--input {one.name}={example} changes it)"
            )


def input_words(one: Input, *, batched: bool) -> str:
    """An input in words: name, type, shape, and what it is filled with."""
    sizes: tuple[int | str, ...] = ("batch", *one.shape[1:]) if batched else one.shape
    return f"{one.name}: {one.dtype}, {shape_text(sizes, ' x ')}, {_filled(one)}"


def _filled(one: Input) -> str:
    """What an input is filled with, in words."""
    if not one.elements:
        return "no elements"
    if one.fill == "ids":
        return f"ids below {one.bound}"
    if one.fill == "values":
        shown = ", ".join(map(str, one.values[:SHOWN]))
        return f"{shown}, ..." if len(one.values) > SHOWN else shown
    return {"ones": "1", "zeros": "0"}.get(one.fill, one.fill) if one.elements == 1 else one.fill


def show(out: Console, study: Study, given: SingleFileProvider, fit: Fit) -> None:
    """Prints a row for each configuration and scenario, the frontier of several, and notes."""
    chosen = fit.chosen
    records = sorted(study.records.values(), key=lambda record: record.id)
    measured = [record for record in records if record.outcome.failure is None]
    table = _table(records, study.results.measured)
    if table.row_count:
        out.print(table)
        print_lines([_legend(measured, study.results.measured)], out, "dim")
    for record in records:
        if (failure := record.outcome.failure) is not None:
            lines = [f"FAILED {record.configuration}: {describe_failure(failure)}"]
            if remedy := find_remedy(failure):
                lines.append(f"  remedy: {remedy}")
            print_lines(lines, out, "red")
    points = study.frontier()
    if len(measured) > 1 and points:
        known = describe_frontier(settling_of(study))
        out.print(f"\nfrontier of {len(measured)} configurations: {known}", style="bold")
        frontier = study.results.frontier
        out.print(frontier_table(points, study.about.metrics, marks(frontier)))
        print_lines(mark_lines(frontier, points), out, "dim")
    if len(measured) < len(records) and chosen.made_up:
        lines = [f"made up, and perhaps not what the model takes: {', '.join(chosen.made_up)}"]
        if others := fit.refused[1:]:
            lines.append(f"refused as well: {'; '.join(_sizes(one.sizes) for one in others)}")
        print_lines(lines, out)
    print_lines(_notes(study, given, measured), out, "dim")


def _notes(study: Study, given: SingleFileProvider, measured: Sequence[Record]) -> list[str]:
    lines = [f"{given.origin}; {UNKNOWN_ACCURACY}"]
    if measured:
        lines += notes(View(study))
    found = [TimedDetails.of(m.details) for r in measured for m in r.outcome.measurements]
    if found and all((details.repetitions or 1) == 1 for details in found):
        lines.append(
            "each value is of one process; another may differ by a few percent (--settle 1m)"
        )
    elif (state := settling_of(study)).undecided:
        lines.append(f"undecided: {describe_need(state.needed_s)}")
    told = {
        words
        for record in measured
        for m in record.outcome.measurements
        for words in (RunDetails.of(m.details).not_finite, RunDetails.of(m.details).unread)
        if words
    }
    return [*lines, *sorted(told), *disturbed(study)]


def _table(records: Sequence[Record], measured: ObservationStore) -> WordTable:
    """A row for each configuration and scenario."""
    rows = [(record, result) for record in records for result in results(record, measured)]
    several = len({result.scenario for _, result in rows}) > 1
    numbers = (*(f"p{p} ms" for p in PERCENTILES), "samples/s", "MiB", "load ms")
    table = WordTable(
        ("id", True),
        *([("scenario", False)] if several else []),
        ("runtime", False),
        *((heading, True) for heading in numbers),
    )
    for record, result in rows:
        scenario = [result.scenario.value] if several else []
        table.add_row(str(record.id), *scenario, *_cells(record, result))
    return table


def _legend(records: Sequence[Record], measured: ObservationStore) -> str:
    """What the columns mean, and the scenario of all rows where it has no column."""
    scenarios = {each.scenario.value for record in records for each in results(record, measured)}
    begun = f"{scenarios.pop()}; " if len(scenarios) == 1 else ""
    return f"{begun}{settings_legend(records)}; MiB: most memory; load: of one instance"


def _cells(record: Record, result: BenchResult) -> list[str]:
    own, values, latencies = record.configuration, record.outcome.values, result.latencies_ms
    if result.scenario is Scenario.SINGLE_STREAM:
        own = replace(own, batch_size=1, instances=1)
    return [
        f"{own.backend} {short_settings(own)}",
        *(f"{latencies[p]:.3f}" if p in latencies else "" for p in PERCENTILES),
        "" if result.samples_per_s is None else f"{result.samples_per_s:.1f}",
        *(
            number(name, values[name]) if name in values else ""
            for name in (PEAK_MEMORY.name, LOAD_TIME.name)
        ),
    ]
