"""The noise figure: real probes in processes of their own, and what is made of their values."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import UnavailableError
from dse.environments.availability import runtime_availabilities
from dse.exploration.noise import METRICS, RUNTIMES, Noise, measure_noise

if TYPE_CHECKING:
    from pathlib import Path

VALUES = st.lists(st.floats(1e-3, 1e6), min_size=2, max_size=9)


def noise(values: list[float]) -> Noise:
    return Noise("b", "1", {METRICS[0]: tuple(values)}, ("",) * len(values))


def test_two_processes_of_a_real_runtime(shared_cache: Path) -> None:
    assert shared_cache.is_dir()
    if not any(found.version for found in runtime_availabilities(RUNTIMES).values()):
        pytest.skip("no runtime is installed")
    found = measure_noise(2)
    told = json.loads(json.dumps(found.as_dict()))
    assert told["probes"] == 2
    assert told["disturbed"] == sum(map(bool, told["disturbances"])) <= 2
    assert len(told["disturbances"]) == 2
    assert told["configuration"]["backend"] in RUNTIMES
    for metric in METRICS:
        first, second = told["metrics"][metric]["values"]
        # Two processes, and not the one's value twice.
        assert first > 0
        assert second > 0
        assert first != second
        sd = told["metrics"][metric]["sd_percent"]
        assert math.isclose(sd, 100 * abs(math.log(first / second)) / math.sqrt(2), rel_tol=1e-9)


def test_without_a_runtime_the_reason_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("interpreters:\n" + "".join(f"  {n}: /gone/python\n" for n in RUNTIMES))
    monkeypatch.setenv("DSE_CONFIG", str(config))
    with pytest.raises(UnavailableError, match=r"no noise figure: .*onnxruntime.*name a Python"):
        measure_noise(2)


@given(VALUES, st.floats(0.1, 10))
def test_spread_and_range_do_not_depend_on_the_unit(values: list[float], unit: float) -> None:
    one, other = noise(values), noise([value * unit for value in values])
    sd, scaled = one.sd_percent(METRICS[0]), other.sd_percent(METRICS[0])
    assert sd is not None
    assert scaled is not None
    assert math.isclose(sd, scaled, rel_tol=1e-6, abs_tol=1e-6)
    ranges = one.range_percent(METRICS[0]), other.range_percent(METRICS[0])
    assert math.isclose(*ranges, rel_tol=1e-6, abs_tol=1e-6)


def test_only_the_disturbed_count_as_such() -> None:
    found = Noise("b", "1", {METRICS[0]: (1.0, 1.0, 1.0)}, ("", "swapping", ""))
    assert found.disturbed == ("swapping",)
    assert found.as_dict()["disturbed"] == 1


def test_equal_values_have_no_spread_and_one_value_tells_of_none() -> None:
    assert noise([3.0, 3.0, 3.0]).sd_percent(METRICS[0]) == 0
    assert noise([3.0]).sd_percent(METRICS[0]) is None
    assert noise([3.0]).range_percent(METRICS[0]) == 0
