"""What speaks against an F1."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.measurement import Measurement, Source
from dse.tasks import registry
from dse.tasks.question_answering._quality import F1

if TYPE_CHECKING:
    from dse.core.configuration import KnobValue

TASK = registry.task("question-answering")
SCORED: dict[str, KnobValue] = {"exact_match": 1.0, "total": 100}
PUBLISHED: dict[str, KnobValue] = {"published_percent": 90.0}


@pytest.mark.parametrize(
    ("value", "interval", "details", "told"),
    [
        (0.0, None, SCORED, "hardly an answer is right (0 %): look at the vocabulary"),
        (8.0, (4.0, 12.0), {**SCORED, **PUBLISHED}, "hardly an answer is right (8 %)"),
        (15.0, (9.0, 21.0), SCORED, ""),
        (80.0, (77.0, 83.0), {**SCORED, **PUBLISHED}, "(80 %, published 90 %): look at the file"),
        (80.0, (74.0, 86.0), {**SCORED, **PUBLISHED}, ""),
        (80.0, (77.0, 83.0), SCORED, ""),
        (5.0, None, {"source": "a paper"}, ""),
    ],
)
def test_an_f1_that_can_hardly_be_is_noted(
    value: float,
    interval: tuple[float, float] | None,
    details: dict[str, KnobValue],
    told: str,
) -> None:
    source = Source.MEASURED
    quality = Measurement(F1.name, value, "key", source, interval=interval, details=details)
    found = " ".join(map(str, TASK.notes(quality)))
    assert told in found
    assert bool(found) is bool(told)
