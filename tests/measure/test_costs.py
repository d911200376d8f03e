"""Costs beside the other metrics of a run: which run gives them, and what becomes of those that
nobody asked for."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.core.backend import UnsupportedError
from dse.core.measurement import FailureKind
from dse.core.metrics import CPU_TIME, ENERGY, LATENCY, LOAD_TIME, PEAK_MEMORY, THROUGHPUT
from dse.loadgen.logs import read_detail
from dse.machine import rapl
from dse.measure._run_result import RunFailedError
from dse.measure.runs import take
from dse.measure.spec import MetricRequest
from tests.machine.test_rapl import write_zone
from tests.measure.test_runs import MODELS, runtime, small, taken

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dse.measure.spec import Spec

NAMES = [metric.name for metric in (PEAK_MEMORY, LOAD_TIME, CPU_TIME, ENERGY)]


def with_extras(wanted: Spec, *names: str) -> Spec:
    return replace(
        wanted,
        requests=(
            *wanted.requests,
            *(MetricRequest(name, f"key of {name}", extra=True) for name in names),
        ),
    )


@pytest.fixture
def _package_of_a_watt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that takes a microjoule every microsecond; its file is written as it is read."""
    root = tmp_path / "powercap"
    zone = write_zone(root, "intel-rapl:0", "package-0")
    found = rapl.find_packages(root)
    monkeypatch.setattr(rapl, "find_packages", lambda: found)
    read_uj = rapl.read_uj

    def read(counters: Sequence[rapl.Package]) -> tuple[int, ...] | None:
        (zone / "energy_uj").write_text(str(time.monotonic_ns() // 1000))
        return read_uj(counters)

    monkeypatch.setattr(rapl, "read_uj", read)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("threads", [1, 2])
def test_one_run_gives_latency_and_cpu_time(name: str, threads: int, tmp_path: Path) -> None:
    wanted = small(tmp_path, name, CPU_TIME.name, LATENCY.name, threads=threads)
    found = taken(wanted)
    assert list(found) == [CPU_TIME.name, LATENCY.name]
    cpu, latency = found[CPU_TIME.name], found[LATENCY.name]
    log = read_detail(max(wanted.folder.glob("single_stream*")))
    assert len(list(wanted.folder.iterdir())) == len(list(wanted.folder.glob("single_stream*")))
    queries = int(log.number("result_query_count"))
    assert cpu.details["queries"] == latency.details["queries"] == queries
    wall_ms = 1e3 * float(cpu.details["wall_s"]) / queries
    # The run itself is part of what was metered, and LoadGen has a thread for its logs.
    assert wall_ms >= 0.9 * log.number("result_mean_latency_ns") / 1e6
    assert 0 < cpu.value <= 1.2 * (threads + 1) * wall_ms
    assert (cpu.seconds > 0, latency.seconds) == (True, 0)


@pytest.mark.usefixtures("_package_of_a_watt")
def test_energy_is_that_of_the_run(tmp_path: Path) -> None:
    found = taken(small(tmp_path, "litert", LATENCY.name, ENERGY.name))
    energy = found[ENERGY.name]
    assert energy.details["estimate"] is True
    spent_uj = 1e3 * energy.value * int(energy.details["queries"])
    assert spent_uj == pytest.approx(round(spent_uj))
    # The counter is read within the two readings of the clock, or just outside them.
    assert spent_uj == pytest.approx(1e6 * float(energy.details["wall_s"]), rel=0.5)


def test_energy_that_is_wanted_and_unknown_is_unsupported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rapl, "find_packages", tuple)
    wanted = small(tmp_path, "litert", LATENCY.name, ENERGY.name)
    with pytest.raises(RunFailedError, match=f"nothing here tells {ENERGY.name}") as caught:
        taken(wanted)
    assert caught.value.kind is FailureKind.UNSUPPORTED
    extra = with_extras(small(tmp_path, "litert", LATENCY.name), ENERGY.name)
    assert list(taken(extra)) == [LATENCY.name]


def test_what_a_loaded_model_costs_comes_first(tmp_path: Path) -> None:
    wanted = with_extras(small(tmp_path, "onnxruntime", LATENCY.name, THROUGHPUT.name), *NAMES[:3])
    assert list(taken(wanted)) == [
        *(LOAD_TIME.name, PEAK_MEMORY.name)[::-1],
        *(LATENCY.name, CPU_TIME.name),
        THROUGHPUT.name,
    ]


@pytest.mark.parametrize("name", MODELS)
def test_an_extra_that_fails_takes_nothing_with_it(name: str, tmp_path: Path) -> None:
    """A batch that the model does not take: the latency needs none, and is measured."""
    wanted = small(tmp_path, name, LATENCY.name, THROUGHPUT.name, batch_size=4)
    wanted = with_extras(wanted, *NAMES[:3])
    assert wanted.model.path is not None
    wanted.model.path.write_bytes(MODELS[name](fixed_batch=True))
    found = take(runtime(name), wanted)
    assert [next(found).metric for _ in range(2)] == [LATENCY.name, CPU_TIME.name]
    with pytest.raises((RunFailedError, UnsupportedError)):
        next(found)
    needed = replace(
        wanted, requests=(MetricRequest(PEAK_MEMORY.name, "key"), *wanted.requests[:1])
    )
    with pytest.raises((RunFailedError, UnsupportedError)):
        next(take(runtime(name), needed))
