"""Two configurations in turn: real processes, and what a series says."""

from __future__ import annotations

import json
import math
import shutil
import tempfile
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import DseError, UnavailableError
from dse.environments.availability import runtime_availabilities
from dse.exploration.noise import RUNTIMES
from dse.exploration.noise_series import (
    DIFFERENCES_PERCENT,
    NoiseSeries,
    TimedProcess,
    measure_series,
)
from tests.exploration.test_noise_parts import simulate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def series(seed: int = 1, disturbance: str = "", **parts: float) -> NoiseSeries:
    """A series that was not measured."""
    processes = []
    for one in simulate(seed, **parts):
        values = (one.value,) if one.again is None else (one.value, one.again)
        seconds = 2.0 if one.again is None else 3.0
        processes.append(TimedProcess(one.configuration, one.at_s, seconds, values, disturbance))
    return NoiseSeries("onnxruntime", "1", tuple(processes))


@pytest.fixture
def a_runtime(shared_cache: Path) -> None:
    """Skips where nothing can be measured."""
    assert shared_cache.is_dir()
    if not any(found.version for found in runtime_availabilities(RUNTIMES).values()):
        pytest.skip("no runtime is installed")


@pytest.mark.usefixtures("a_runtime")
def test_a_pair_of_a_real_runtime_and_then_a_probe_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def stop() -> bool:
        """Takes away the place of the logs once a pair is measured."""
        for folder in tmp_path.glob("dse-noise-*/noise"):
            shutil.rmtree(folder)
            folder.touch()
        return False

    found = measure_series(600.0, stop=stop)
    assert "can't be used" in found.failure
    one, other = found.processes
    assert (one.configuration, other.configuration) == (0, 1)
    assert (len(one.values), len(other.values)) == (2, 1)  # the first of all runs twice
    assert len({*one.values, *other.values}) == 3
    assert min(*one.values, *other.values) > 0
    assert 0 < one.at_s < other.at_s <= found.seconds
    assert not found.enough
    with pytest.raises(UnavailableError, match="2 processes are too few; leave it time for 8"):
        found.parts()


@pytest.mark.long
@pytest.mark.usefixtures("a_runtime")
def test_a_probe_that_fails_at_once_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    def stop() -> bool:
        (folder,) = tmp_path.glob("dse-noise-*")
        (folder / "noise").touch()
        return False

    with pytest.raises(DseError, match="can't be used"):
        measure_series(600.0, stop=stop)


def test_smaller_differences_and_more_noise_take_longer() -> None:
    little, much = series(sd=0.03), series(sd=0.1)
    times = [
        [found.minutes_until_told_apart(found.parts(), percent) for percent in DIFFERENCES_PERCENT]
        for found in (little, much)
    ]
    for one in times:
        assert one == sorted(one, reverse=True)
        assert len(set(one)) == len(one)
    assert all(less < more for less, more in zip(*times, strict=True))
    # Rounds are of two processes with a run each.
    assert little.round_s == 4.0
    assert math.isclose(math.remainder(times[0][0] * 60, 4.0), 0, abs_tol=1e-6)


def test_json_holds_everything_and_the_values() -> None:
    found = series()
    parts = found.parts()
    told = json.loads(json.dumps(found.as_dict(parts), allow_nan=False))
    assert told["metric"] == "latency_p90_ms"
    assert [one["model"] for one in told["configurations"]] == [
        "mobilenet-v1-0.25-128",
        "mobilenet-v2-0.35-128",
    ]
    assert list(told["minutes_to_tell_apart"]) == ["2", "5", "10"]
    assert told["used"] + told["left_out"] == len(told["processes"]) == len(found.processes)
    assert told["sd_percent"] == 100 * parts.sd
    assert told["share_common"] == parts.common
    assert parts.correlation_s is not None
    assert told["correlation_seconds"] == asdict(parts.correlation_s)
    for one, process in zip(told["processes"], found.processes, strict=True):
        assert tuple(one["values"]) == process.values
        assert one["at_s"] == process.at_s


def test_disturbed_values_count_where_there_are_hardly_any_others() -> None:
    found = series(disturbance="steal of 9 %", slow=0.0)
    assert len(found.disturbances) == len(found.processes) == found.parts().count
    quiet = [replace(one, disturbance="") for one in found.processes]

    def used(kept: Callable[[int], bool]) -> int:
        """The number of values that count where these processes are undisturbed."""
        pairs = zip(quiet, found.processes, strict=True)
        mixed = tuple(one if kept(n) else other for n, (one, other) in enumerate(pairs))
        return replace(found, processes=mixed).parts().count

    every = len(quiet)
    assert used(lambda n: n >= 5) == every - 5
    assert used(lambda n: n < 5) == every
    assert used(lambda n: n % 2 == 0) == every  # none of the other configuration
