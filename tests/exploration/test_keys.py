"""Which fields of a configuration a measurement depends on, and which it does not."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from dse.core.configuration import Configuration, flat_forms
from dse.core.metrics import (
    CPU_TIME,
    ENERGY,
    LATENCY,
    LOAD_TIME,
    METRICS,
    MODEL_SIZE,
    MULTI_STREAM,
    PEAK_MEMORY,
    SERVER,
    THROUGHPUT,
)
from dse.core.registry import backend
from dse.exploration._keys import quality_key, size_key, speed_key
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.registry import task

PLAIN = Configuration("m", "fp32", "openvino", 2, 4, (("streams", 1),))
DEPENDS = {"artefact": "a", "version": "1"}
SETS = ("avx2", "fma")
CHANGES: dict[str, dict[str, Any]] = {
    "threads": {"threads": 1},
    "batch_size": {"batch_size": 2},
    "instances": {"instances": 2},
    "pinned": {"pinned": True},
    "device": {"device": "cuda"},
    "knob": {"knobs": (("streams", 2),)},
    "numeric knob": {"knobs": (("streams", 1), ("inference_precision", "bf16"))},
}
OF_ONE_STREAM = {"threads", "pinned", "device", "knob", "numeric knob"}
COUNTS: dict[str, set[str]] = {
    ACCURACY.name: {"device", "numeric knob"},
    MODEL_SIZE.name: set(),
    **{metric.name: OF_ONE_STREAM for metric in (LATENCY, LOAD_TIME, CPU_TIME, ENERGY)},
    PEAK_MEMORY.name: set(CHANGES),
    THROUGHPUT.name: set(CHANGES),
    MULTI_STREAM.name: set(CHANGES),
    SERVER.name: set(CHANGES),
}


def key(metric: str, configuration: Configuration, depends: dict[str, str] = DEPENDS) -> str:
    if metric == ACCURACY.name:
        return quality_key(
            ACCURACY.name, configuration, backend("openvino").knobs, depends, "d", SETS
        )
    if metric == MODEL_SIZE.name:
        return size_key(depends["artefact"])
    return speed_key(metric, configuration, depends, "cpu", recorded=False)


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("metric", COUNTS)
def test_a_key_changes_with_what_counts(metric: str, change: str) -> None:
    other = key(metric, replace(PLAIN, **CHANGES[change]))
    assert (other != key(metric, PLAIN)) == (change in COUNTS[metric])


@pytest.mark.parametrize("metric", COUNTS)
def test_the_file_and_the_runtime_count_always(metric: str) -> None:
    assert key(metric, PLAIN, {**DEPENDS, "artefact": "b"}) != key(metric, PLAIN)
    assert len({key(name, PLAIN) for name in COUNTS}) == len(COUNTS)


def test_the_cpu_is_left_out_of_keys_as_it_was_before_there_were_devices() -> None:
    assert replace(PLAIN, device="cpu").key == PLAIN.key == "c8fc39b2b7627920"
    assert replace(PLAIN, device="cuda").key != PLAIN.key
    assert "device" not in PLAIN.as_dict()
    there = replace(PLAIN, device="cuda")
    assert Configuration.from_dict(there.as_dict()) == there
    assert Configuration.from_dict(PLAIN.as_dict()) == PLAIN
    assert str(there) == "m fp32, openvino, 2 threads, batch 4, on cuda, streams=1"
    assert there.occupancy(LATENCY.name) != PLAIN.occupancy(LATENCY.name)


def test_rows_of_a_table_have_the_device_where_one_is_not_the_cpu() -> None:
    there = replace(PLAIN, device="cuda")
    assert flat_forms([PLAIN]) == [PLAIN.as_dict()]
    assert [one["device"] for one in flat_forms([PLAIN, there])] == ["cpu", "cuda"]


def test_the_data_set_counts_for_an_accuracy_alone() -> None:
    knobs = backend("openvino").knobs
    one, other = (
        quality_key(ACCURACY.name, PLAIN, knobs, DEPENDS, which, SETS) for which in ("d", "e")
    )
    assert one != other


def test_a_multi_stream_query_fills_no_larger_batch() -> None:
    sizes = [replace(PLAIN, batch_size=size) for size in (4, 8, 16, 32)]
    keys = [key(MULTI_STREAM.name, one) for one in sizes]
    assert keys[1] == keys[2] == keys[3] != keys[0]


def test_the_cpu_counts_for_speed() -> None:
    keys = {speed_key(LATENCY.name, PLAIN, DEPENDS, cpu, recorded=False) for cpu in ("a", "b")}
    assert len(keys) == 2


def test_every_metric_has_a_key() -> None:
    others = {name for name, metric in METRICS.items() if metric.quality} - {ACCURACY.name}
    assert set(COUNTS) == set(METRICS) - others


def test_a_recorded_value_belongs_to_one_row() -> None:
    keys = {
        speed_key(LATENCY.name, replace(PLAIN, **change), DEPENDS, "cpu", recorded=True)
        for change in ({}, *CHANGES.values())
    }
    assert len(keys) == 1 + len(CHANGES)


def test_an_accuracy_depends_on_the_instruction_sets() -> None:
    knobs = backend("openvino").knobs
    one, other, unknown = (
        quality_key(ACCURACY.name, PLAIN, knobs, DEPENDS, "d", sets)
        for sets in (SETS, (*SETS, "avx512_vnni"), None)
    )
    assert len({one, other, unknown}) == 3


def test_a_knob_of_the_task_counts_as_one_of_the_backend() -> None:
    knobs = (*backend("openvino").knobs, *task("question-answering").knobs)
    cut = replace(PLAIN, knobs=(*PLAIN.knobs, ("buckets", "64+128")))
    found = [quality_key("f1_percent", one, knobs, DEPENDS, "d", SETS) for one in (PLAIN, cut)]
    own = backend("openvino").knobs
    assert found[0] == quality_key("f1_percent", PLAIN, own, DEPENDS, "d", SETS)
    assert found[0] != found[1]
    assert key(LATENCY.name, cut) != key(LATENCY.name, PLAIN)
