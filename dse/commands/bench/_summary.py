"""The JSON object that ``dse bench --json`` prints."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from dse.commands.bench._results import results
from dse.core.metrics import METRICS
from dse.core.reasons import boil_down
from dse.core.remedies import find_remedy
from dse.report.summary import describe_metric, describe_system, environment

if TYPE_CHECKING:
    from dse.commands.bench._fitting import Fit
    from dse.commands.bench._results import BenchResult
    from dse.models.single_file import SingleFileProvider
    from dse.study.observations import ObservationStore
    from dse.study.record import Record
    from dse.study.study import Study


def summary(study: Study, given: SingleFileProvider, fit: Fit, *, kept: bool) -> dict[str, Any]:
    """All that was measured, with what it was measured on."""
    chosen = fit.chosen
    records = sorted(study.records.values(), key=lambda record: record.id)
    return {
        "model": {
            "name": given.model,
            "origin": given.origin,
            "format": given.described.format,
            "precision": given.described.precision,
            "sha256": given.sha256(),
            "size_bytes": given.size_bytes,
            "data_files": list(given.described.beside),
            **given.signature.as_dict(),
            "open_dimensions": dict(chosen.sizes),
            "deciding_inputs": list(chosen.deciding),
            "made_up": list(chosen.made_up),
            "refused_sizes": [asdict(one) for one in fit.refused],
            "signature": given.described.signature,
            "signatures": list(given.described.signatures),
        },
        "system": describe_system(study),
        "runtimes": dict(study.about.runtimes),
        **environment(study),
        "study": str(study.folder.path) if kept else None,
        "accuracy": "unknown",
        "objectives": [describe_metric(METRICS[name]) for name in study.space.objectives],
        "results": [_record(record, study.results.measured) for record in records],
        "frontier": [record.id for record in study.frontier()],
    }


def _record(record: Record, measured: ObservationStore) -> dict[str, Any]:
    outcome, failure = record.outcome, record.outcome.failure
    return {
        "id": record.id,
        "configuration": record.configuration.as_dict(),
        "values": outcome.values,
        "intervals": {m.metric: list(m.interval) for m in outcome.measurements if m.interval},
        "scenarios": {
            result.scenario.value: _scenario(result) for result in results(record, measured)
        },
        "failure": None
        if failure is None
        else {
            "kind": failure.kind.value,
            "reason": boil_down(failure.message),
            "remedy": find_remedy(failure),
            "message": failure.message,
            "stderr_tail": failure.stderr_tail,
        },
    }


def _scenario(result: BenchResult) -> dict[str, Any]:
    percentiles = sorted(result.latencies_ms.items())
    return {
        "latency_ms": {f"p{percentile}": value for percentile, value in percentiles},
        "samples_per_s": result.samples_per_s,
        "validity": result.validity,
        "fidelity": result.measurement.fidelity,
        "details": dict(result.measurement.details),
    }
