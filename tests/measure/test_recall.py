"""Recordings are looked up, and what they lack is a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.backend import Recording
from dse.core.measurement import Failure, Measurement, Outcome, Source
from dse.core.metrics import LATENCY
from dse.core.registry import backend
from dse.measure.recall import recall
from tests.measure.specs import spec

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "model,precision,backend,threads,batch_size,latency_p90_ms,failure\n"


def recalled(folder: Path, row: str) -> tuple[Outcome, list[Measurement]]:
    """The outcome of the spec's configuration in a table of one row, and what was kept."""
    table = folder / "table.csv"
    table.write_text(HEAD + row)
    recording = backend("replay")
    assert isinstance(recording, Recording)
    kept: list[Measurement] = []
    settings = {"table": table}
    wanted = spec(folder, LATENCY.name, backend="replay", knobs={"runtime": "x"}, settings=settings)
    return recall(recording, wanted, kept.append), kept


def test_a_value_is_that_of_the_table(tmp_path: Path) -> None:
    outcome, kept = recalled(tmp_path, "m,fp32,x,1,1,2.5,\n")
    assert outcome.failure is None
    assert list(outcome.measurements) == kept
    (found,) = kept
    assert (found.metric, found.value, found.source) == (LATENCY.name, 2.5, Source.REPLAYED)
    assert (found.key, found.run, found.fidelity) == (f"key of {LATENCY.name}", "0-1", "probe")
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]  # no run folder


@pytest.mark.parametrize(
    ("row", "kind", "message"),
    [
        ("m,fp32,x,1,1,,no such kernel\n", "unsupported", "no such kernel"),
        ("m,fp32,x,2,1,2.5,\n", "unsupported", "no row of table.csv records m fp32"),
        ("m,fp32,x,1,1,many,\n", "load", "latency_p90_ms: 'many' is not a number above 0"),
    ],
    ids=["a recorded failure", "a gap", "no number"],
)
def test_what_is_not_there_is_a_failure(tmp_path: Path, row: str, kind: str, message: str) -> None:
    outcome, kept = recalled(tmp_path, row)
    assert (outcome.measurements, kept) == ((), [])
    assert isinstance(outcome.failure, Failure)
    assert outcome.failure.kind == kind
    assert message in outcome.failure.message
