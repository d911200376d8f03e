"""What a reader chooses of a comparison: the order, and the study to go on with."""

from __future__ import annotations

from typing import Any

import pytest

from dse.compare.choice import next_command, sort_by
from dse.compare.comparison import compare
from dse.core.errors import RequestError
from dse.core.metrics import LATENCY, THROUGHPUT
from tests.compare.made import gathered
from tests.compare.test_summary import MEASURED, THEIRS


def test_systems_are_sorted_by_what_the_reader_means() -> None:
    comparison = compare(gathered(MEASURED, THEIRS), accelerators=True)
    for by, name in ((None, LATENCY.name), ("throughput", THROUGHPUT.name), (LATENCY.name,) * 2):
        order = sort_by(comparison, by)
        assert order is not None
        assert order.criterion.name == name
    with pytest.raises(RequestError, match="--by: no system has a value of 'latencies'"):
        sort_by(comparison, "latencies")


@pytest.mark.parametrize(
    "asked",
    [
        {"conditions": ["latency_p90_ms < 3"]},
        {"metrics": ["twice = latency_p90_ms * 2"]},
        {"objectives": ["latency_p90_ms:maximize"]},
        {"objectives": ["throughput_per_core:maximize"]},
    ],
)
def test_there_is_no_next_command_where_it_would_answer_something_else(asked: Any) -> None:
    comparison = compare(gathered(MEASURED, **asked))
    assert next_command(comparison, comparison.sort()) is None
