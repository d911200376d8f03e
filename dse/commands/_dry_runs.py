"""What dry runs would do, as JSON objects: for programs, and for the page of ``dse serve``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dse.core.errors import RequestError
from dse.measure.spec import STREAMS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from dse.commands._export_readiness import Readiness
    from dse.study.record import Record
    from dse.submission.rules import Breach
    from dse.validate.schedule import Schedule


def refuse_json(*, as_json: bool, dry_run: bool) -> None:
    """Refuses ``--json`` for what is no dry run.

    Raises:
        RequestError: that is so.
    """
    if as_json and not dry_run:
        raise RequestError("only a dry run has it", field="--json", remedy="add --dry-run")


def without_json(words: Sequence[str]) -> tuple[str, ...]:
    """The words of a command for what comes after it, which is for the reader."""
    return tuple(word for word in words if word != "--json")


def validation(
    records: Sequence[Record],
    left_out: Sequence[int],
    unfit: Mapping[int, Sequence[Breach]],
    schedule: Schedule,
) -> dict[str, Any]:
    """The runs that a validation consists of; times are in seconds.

    Args:
        records: the points.
        left_out: ids of points that others seem ahead of.
        unfit: the rules that points break however they are run, by their ids.
        schedule: the runs.
    """
    points = [
        {
            "id": record.id,
            "configuration": record.configuration.as_dict(),
            "breaches": [_breach(each) for each in unfit.get(record.id, ())],
        }
        for record in records
    ]
    runs = [
        {
            "point": run.record.id,
            "scenario": run.official.scenario.value,
            "mode": run.official.mode,
            "expecting": run.official.target,
            "unit": "ms" if run.official.scenario in STREAMS else "samples/s",
            "seconds": run.expected_s,
        }
        for run in schedule.runs
    ]
    refused = [
        {"point": each.record.id, "scenario": each.scenario.value, "reason": each.reason}
        for each in schedule.refused
    ]
    return {
        "points": points,
        "left_out": list(left_out),
        "runs": runs,
        "refused": refused,
        "valid": schedule.valid,
        "seconds": schedule.expected_s,
    }


def exporting(
    judged: Sequence[Readiness],
    missing: Sequence[str],
    notes: Sequence[str],
    steps: Sequence[str],
    tree: Path,
) -> dict[str, Any]:
    """What would be exported, and what is missing.

    Args:
        judged: every result with the rules that it breaks.
        missing: fields of the system that nothing tells.
        notes: what speaks against the results, which no rule asks for.
        steps: what comes next, as commands.
        tree: the root of the submission.
    """
    results = [
        {
            "point": each.result.record.id,
            "scenario": each.result.scenario.value,
            "ran": each.result.ran.value,
            "exportable": each.exportable,
            "breaches": [
                {**_breach(breach), "expected": each.expected(breach)}
                for breach in dict.fromkeys(each.breaches)
            ],
        }
        for each in judged
    ]
    return {
        "tree": str(tree),
        "results": results,
        "missing": list(missing),
        "notes": list(notes),
        "next": list(steps),
    }


def _breach(breach: Breach) -> dict[str, str]:
    return {"rule": breach.rule, "message": breach.message, "remedy": breach.remedy}
