"""Memory and load time, of this process and of fresh workers with real runtimes."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from dse.core.metrics import LOAD_TIME, PEAK_MEMORY
from dse.measure._footprint import peak_bytes, reset_peak, resident_bytes
from dse.measure.runner import Limits, run_worker
from tests.measure.test_runs import MODELS, small

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.measurement import Measurement
    from dse.measure.spec import Spec

MIB = 1 << 20
LIMITS = Limits(60.0, 0)
COSTS = (PEAK_MEMORY.name, LOAD_TIME.name)


def taken(wanted: Spec) -> dict[str, Measurement]:
    outcome = run_worker(wanted, LIMITS)
    assert outcome.failure is None
    return {measurement.metric: measurement for measurement in outcome.measurements}


def test_memory_that_was_given_back_is_in_the_peak() -> None:
    before = resident_bytes()
    np.ones(64 * MIB, np.uint8)  # written to, so resident, and freed at once
    assert peak_bytes() >= before + 60 * MIB
    assert resident_bytes() <= peak_bytes()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets a peak")
def test_a_peak_can_be_forgotten() -> None:
    np.ones(64 * MIB, np.uint8)
    peak = peak_bytes()
    if not reset_peak():
        pytest.skip("this kernel forgets no peak")
    assert peak_bytes() < peak - 32 * MIB


@pytest.mark.parametrize("name", MODELS)
def test_a_fresh_worker_tells_both(name: str, tmp_path: Path) -> None:
    found = taken(small(tmp_path, name, *COSTS, batch_size=4))
    memory, load = found[PEAK_MEMORY.name], found[LOAD_TIME.name]
    baseline = memory.details["baseline_mib"]
    assert isinstance(baseline, float)
    assert 10 < baseline < memory.value < 4096
    assert 0 < load.value < 60_000


def test_the_whole_setup_counts(tmp_path: Path) -> None:
    """With eight instances for batches of 512 more is resident than with one for single samples."""
    wanted = small(tmp_path, "onnxruntime", *COSTS)
    whole = replace(wanted.configuration, batch_size=512, instances=8)
    least, most = (
        taken(replace(wanted, configuration=each))[PEAK_MEMORY.name].value
        for each in (wanted.configuration, whole)
    )
    assert most > least + 10
