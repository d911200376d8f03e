"""Tries the first call of a model, before anything of it is measured: does the runtime take it?

Sizes that nobody chose may not be what a model takes. Where its runtimes refuse them, the usual
other ones are tried in order, each in a worker of its own.
"""

from __future__ import annotations

import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.measurement import FailureKind
from dse.core.metrics import PEAK_MEMORY
from dse.core.remedies import has_other_cause
from dse.exploration.resolver import Resolver
from dse.formats.usual_sizes import other_signatures
from dse.machine.measuring_lock import WAITING, measuring_lock
from dse.measure.runner import run_worker
from dse.measure.spec import MetricRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dse.core.configuration import Configuration
    from dse.core.measurement import Failure
    from dse.exploration.resolver import MeasurementContext
    from dse.formats.dimensions import Choices, ResolvedSignature
    from dse.measure.spec import Spec
    from dse.models.single_file import SingleFileProvider
    from dse.study.study import Study

TRYING = "the sizes that were made up are refused; trying the usual other ones"
_OF_SIZES = (FailureKind.UNSUPPORTED, FailureKind.CRASH)
"""The failures that other sizes may mend."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Sizes that a runtime refused, and why the first such one did."""

    sizes: Mapping[str, int]
    message: str


@dataclass(frozen=True, slots=True)
class Fit:
    """What is measured, and what was refused before.

    Attributes:
        chosen: the first signature that every runtime takes, or else the first that any takes;
            that of the default sizes if none does.
        refused: in the order in which they were tried.
    """

    chosen: ResolvedSignature
    refused: tuple[Refusal, ...] = ()


def try_sizes(
    chosen: ResolvedSignature,
    others: Iterable[ResolvedSignature],
    runtimes: int,
    try_one: Callable[[ResolvedSignature], Sequence[Failure]],
) -> Fit:
    """Tries signatures in order until one runs, or fails for reasons that are not the sizes.

    One runtime may fold what another refuses into work that the model was not made for: so what
    all of them take comes first.

    Args:
        chosen: with the default sizes.
        others: with the usual other ones.
        runtimes: how many there are.
        try_one: tries one; returns why runtimes refuse it.
    """
    refused: list[Refusal] = []
    taken: list[ResolvedSignature] = []
    for one in (chosen, *others):
        failures = try_one(one)
        if not failures:
            return Fit(one, tuple(refused))
        refused.append(Refusal(one.sizes, failures[0].message))
        if len(failures) < runtimes:
            taken.append(one)
        if not any(map(_may_be_of_sizes, failures)):
            break
    return Fit(taken[0] if taken else chosen, tuple(refused))


def _may_be_of_sizes(failure: Failure) -> bool:
    return failure.kind in _OF_SIZES and not has_other_cause(failure)


def fit_sizes(
    context: MeasurementContext,
    given: SingleFileProvider,
    study: Study,
    configurations: Sequence[Configuration],
    choices: Choices,
    chosen: ResolvedSignature,
    tell: Callable[[str], None],
) -> Fit:
    """Finds the sizes to measure a model with.

    Args:
        context: of the measurements.
        given: the model, with the default sizes.
        study: of the model; one that has begun keeps its sizes.
        configurations: those to measure.
        choices: what the user chose.
        chosen: the signature with the default sizes.
        tell: called with what the user waits for.

    Raises:
        RequestError: the model can't be read.
        DseError: a worker can't be started.
    """
    others = list(other_signatures(given.described, choices, chosen))
    if not others:
        return Fit(chosen)
    if study.about.artefacts:
        return Fit(_measured(context, given, study, configurations[0], (chosen, *others)))
    with (
        measuring_lock(waits=lambda: tell(WAITING)),
        tempfile.TemporaryDirectory(prefix="dse-fit-") as folder,
    ):
        first = {one.backend: one for one in reversed(configurations)}
        specs = [_spec(context, study, one, Path(folder)) for one in reversed(first.values())]

        def try_one(one: ResolvedSignature) -> list[Failure]:
            if one is others[0]:
                tell(TRYING)
            return list(_refusals(context, specs, one))

        return try_sizes(chosen, others, len(specs), try_one)


def _measured(
    context: MeasurementContext,
    given: SingleFileProvider,
    study: Study,
    configuration: Configuration,
    signatures: Sequence[ResolvedSignature],
) -> ResolvedSignature:
    """The signature that a study was begun with; the first one if it is none of these."""
    for one in signatures:
        own = replace(context, provider=replace(given, signature=one.signature))
        resolver = Resolver(own, study)
        resolver.ensure_artefact(configuration)
        with suppress(RequestError):
            resolver.check(resolver.resolve(configuration))
            return one
    return signatures[0]


def _spec(
    context: MeasurementContext, study: Study, configuration: Configuration, folder: Path
) -> Spec:
    """Two calls for a single sample."""
    single = replace(configuration, batch_size=1, instances=1, pinned=False)
    resolver = Resolver(context, study)
    resolver.ensure_artefact(single)
    request = MetricRequest(PEAK_MEMORY.name, "")
    spec = resolver.spec(resolver.resolve(single), "fit", (request,), "probe")
    fidelity = replace(spec.fidelity, performance_samples=1)
    return replace(spec, folder=folder / single.backend, fidelity=fidelity)


def _refusals(
    context: MeasurementContext, specs: Sequence[Spec], one: ResolvedSignature
) -> Iterator[Failure]:
    """Why backends refuse a signature, those that do."""
    for spec in specs:
        task = replace(spec.task, form=one.signature.as_dict())
        python = context.offers.interpreters[spec.configuration.backend]
        found = run_worker(replace(spec, task=task), context.limits, interpreter=python).failure
        if found is not None:
            yield found
