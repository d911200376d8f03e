"""What values rest on, in words."""

from __future__ import annotations

from typing import Any

import pytest

from dse.core.measurement import FIDELITY_ORDER, Measurement, Source
from dse.core.metrics import ENERGY, LATENCY, MODEL_SIZE, PEAK_MEMORY
from dse.report.quantities import RUNS, provenance
from dse.tasks.image_classification._quality import ACCURACY


def made(metric: str = LATENCY.name, source: Source = Source.MEASURED, **more: Any) -> Measurement:
    return Measurement(metric, 1.0, "key", source, **more)


@pytest.mark.parametrize(
    ("measurement", "told"),
    [
        (made(), "measured, SingleStream, short run, one process"),
        (
            made(fidelity="valid", details={"repetitions": 3}),
            f"measured, SingleStream, {RUNS['valid']}, median of 3 processes",
        ),
        (
            made(details={"disturbed": "12 % steal"}),
            "measured, SingleStream, short run, one process, disturbed",
        ),
        (
            made(details={"assigned": "2 of 3 operators on OpenVINO"}),
            "measured, SingleStream, short run, one process, 2 of 3 operators on OpenVINO",
        ),
        (made(source=Source.PUBLISHED, details={"source": "X"}), "published, not measured here: X"),
        (made(source=Source.REPLAYED), "recorded elsewhere, not measured here"),
        (made(PEAK_MEMORY.name), "measured, one process"),
        (made(MODEL_SIZE.name), "measured"),
        (made(ENERGY.name), "estimated, one process"),
        (
            made(ACCURACY.name, details={"total": 500, "calibrated_on": 64}),
            "measured in LoadGen's accuracy mode on 500 images, 64 of which calibrated the model",
        ),
    ],
)
def test_words(measurement: Measurement, told: str) -> None:
    assert provenance(measurement, "images") == told


def test_every_fidelity_has_words() -> None:
    assert set(FIDELITY_ORDER) <= set(RUNS)
