"""Accuracies beside the published ones."""

from __future__ import annotations

from typing import Any

import pytest

from dse.compare._agreement import agreements
from dse.core.measurement import Source
from dse.core.metrics import LATENCY
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from tests.compare.made import gathered, results, row

MODEL = "mobilenet-v1-0.5-160"
PUBLISHED = {p: known.value for p, known in CATALOGUE[MODEL].published.items()}


def of(precision: str, model: str = MODEL, **fields: Any) -> Any:
    return row(model, configuration={"model": model, "precision": precision}, **fields)


def test_differences_mean_and_largest() -> None:
    system = results(
        "one",
        of("fp32", accuracy=PUBLISHED["fp32"] + 0.5, latency=1, samples=500),
        of("int8", accuracy=PUBLISHED["int8"] - 2.0, latency=1, samples=500),
        of("fp32", "own-net", accuracy=50, latency=1),
        row("unnamed", accuracy=50, latency=1),
        of("bf16", accuracy=50, latency=1),
        row("no accuracy", latency=1),
    )
    (agreement,) = agreements(gathered(system))
    assert [each.precision for each in agreement.differences] == ["int8", "fp32"]
    assert [each.points for each in agreement.differences] == pytest.approx([-2.0, 0.5])
    assert agreement.mean == pytest.approx(-0.75)
    assert agreement.mean_absolute == pytest.approx(1.25)
    assert agreement.samples == (500,)


def test_configurations_that_share_an_accuracy_count_once() -> None:
    rows = [of("fp32", accuracy=60, latency=n, source=Source.MEASURED) for n in (1, 2, 3)]
    (agreement,) = agreements(gathered(results("one", *rows)))
    assert len(agreement.differences) == 1
    assert agreement.samples == ()


def test_a_published_figure_that_was_taken_over_agrees_with_nothing() -> None:
    sources = {ACCURACY.name: Source.PUBLISHED, LATENCY.name: Source.MEASURED}
    taken = of("fp32", accuracy=PUBLISHED["fp32"], latency=1, sources=sources)
    assert agreements(gathered(results("one", taken))) == ()
