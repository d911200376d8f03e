"""Every way to write a search space, and what it means."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dse.core.errors import RequestError
from dse.core.pareto import Constraint
from dse.space.reading import read_space, space_from_dict
from dse.space.space import BackendChoice, KnobChoice, SearchSpace
from tests.space.spaces import space, write

FULL = """\
models: [mobilenet-v1-*, efficientnet-lite0]
precisions: [fp32, int8]
backends:
  replay: {table: ../x.csv, runtime: [ort, litert]}
  onnxruntime:
    graph_optimization: [all, basic]
    spinning: {values: [true, false], when: {precision: int8, threads: [2]}}
  litert:
threads: {start: 1, stop: 8, factor: 2}
batch_sizes: [1, 8, 32]
objectives: [throughput_samples_per_s, accuracy_percent]
constraints:
  latency_p90_ms: {max: 15}
  accuracy_percent: {min: 60, max: 99.5}
"""


def test_a_file_with_everything(tmp_path: Path) -> None:
    path = write(tmp_path, FULL)
    read = read_space(path)
    spinning = KnobChoice("spinning", (True, False), (("precision", ("int8",)), ("threads", (2,))))
    assert read == SearchSpace(
        models=("mobilenet-v1-*", "efficientnet-lite0"),
        precisions=("fp32", "int8"),
        backends=(
            BackendChoice("litert"),
            BackendChoice(
                "onnxruntime", (KnobChoice("graph_optimization", ("all", "basic")), spinning)
            ),
            BackendChoice(
                "replay", (KnobChoice("runtime", ("ort", "litert")),), (("table", "../x.csv"),)
            ),
        ),
        threads=(1, 2, 4, 8),
        batch_sizes=(1, 8, 32),
        objectives=("throughput_samples_per_s", "accuracy_percent"),
        constraints=(
            Constraint("accuracy_percent", 60, 99.5),
            Constraint("latency_p90_ms", None, 15),
        ),
    )
    assert read.file == path
    assert read.origin == tmp_path
    assert read.settings("replay") == {"table": "../x.csv"}
    assert read.settings("litert") == {}


def test_what_is_not_said_has_a_default(tmp_path: Path) -> None:
    read = read_space(write(tmp_path, "models: all\nbackends: [litert]\n"))
    assert read.models == ("*",)
    assert read.precisions == ("fp32",)
    assert read.threads is None
    assert read.batch_sizes == (1,)
    assert read.objectives == ("accuracy_percent", "latency_p90_ms", "throughput_samples_per_s")
    assert read.constraints == ()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("auto", None),
        (4, (4,)),
        ([4, 1], (4, 1)),
        ({"start": 1, "stop": 3}, (1, 2, 3)),
        ({"start": 1, "stop": 8, "step": 3}, (1, 4, 7)),
        ({"start": 2, "stop": 8, "step": 2}, (2, 4, 6, 8)),
        ({"start": 3, "stop": 30, "factor": 3}, (3, 9, 27)),
        ({"start": 5, "stop": 5}, (5,)),
        (4096, (4096,)),
    ],
)
def test_thread_counts(written: Any, meant: tuple[int, ...] | None) -> None:
    assert space(threads=written).threads == meant


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (8, (8,)),
        ([1, 65536], (1, 65536)),
        ({"start": 1, "stop": 64, "factor": 4}, (1, 4, 16, 64)),
    ],
)
def test_batch_sizes(written: Any, meant: tuple[int, ...]) -> None:
    assert space(batch_sizes=written).batch_sizes == meant


@pytest.mark.parametrize(
    "written",
    [["litert", "null"], {"null": None, "litert": {}}, {"litert": None, "null": {}}],
)
def test_backends_are_a_list_or_fields(written: Any) -> None:
    assert space(backends=written).backends == (BackendChoice("litert"), BackendChoice("null"))


@pytest.mark.parametrize(
    ("written", "choice"),
    [
        (0.5, KnobChoice("delay_ms", (0.5,))),
        ([0, 2], KnobChoice("delay_ms", (0.0, 2.0))),
        (
            {"values": 1, "when": {"model": "alpha-1"}},
            KnobChoice("delay_ms", (1.0,), (("model", ("alpha-1",)),)),
        ),
    ],
)
def test_a_knob_has_one_value_a_list_or_a_condition(written: Any, choice: KnobChoice) -> None:
    (backend,) = space(backends={"null": {"delay_ms": written}}).backends
    assert backend.knobs == (choice,)
    # A whole number in the file is the same configuration as the number with a point.
    assert all(type(value) is float for value in backend.knobs[0].values)


@pytest.mark.parametrize(
    ("written", "values"),
    [
        (128, ("128",)),
        ([64, 128], ("64", "128")),
        ([[64, 128]], ("64+128",)),
        ([[384], [128, 64, 128], 256], ("384", "64+128", "256")),
        ("64+128", ("64+128",)),
        (["128 + 64", "384"], ("64+128", "384")),
    ],
)
def test_a_knob_of_the_task_may_have_sets_of_numbers(written: Any, values: tuple[str, ...]) -> None:
    made = space(task="question-answering", backends={"openvino": {"buckets": written}})
    assert made.backends == (BackendChoice("openvino", (KnobChoice("buckets", values),)),)
    assert space_from_dict(made.as_dict()) == made


def test_single_names_stand_for_lists_of_one() -> None:
    one = space(models="alpha-*", precisions="int8", objectives="latency_p90_ms")
    assert (one.models, one.precisions) == (("alpha-*",), ("int8",))
    assert one.objectives == ("latency_p90_ms",)


def test_several_batch_sizes_need_the_throughput_in_an_objective_or_a_constraint() -> None:
    bounds = {"throughput_samples_per_s": {"min": 100}}
    some = space(batch_sizes=[1, 2], objectives="latency_p90_ms", constraints=bounds)
    assert some.batch_sizes == (1, 2)
    with pytest.raises(RequestError, match="has no effect"):
        space(batch_sizes=[1, 2], objectives="latency_p90_ms")


def test_several_instances_need_an_objective_that_depends_on_them() -> None:
    assert space(instances=[1, 2]).instances == (1, 2)
    server = space(instances={"start": 1, "stop": 4}, objectives="server_throughput_samples_per_s")
    assert server.instances == (1, 2, 3, 4)
    with pytest.raises(RequestError, match=r"instances: has no effect"):
        space(instances=[1, 2], objectives="latency_p90_ms")


@pytest.mark.parametrize(
    ("written", "meant"), [(True, (True,)), (False, (False,)), ([False, True], (False, True))]
)
def test_pinned(written: Any, meant: tuple[bool, ...]) -> None:
    assert space(pinned=written).pinned == meant
    assert space().pinned == (False,)


def test_two_files_that_say_the_same_are_equal(tmp_path: Path) -> None:
    lines = FULL.splitlines(keepends=True)
    moved = "".join([*lines[8:], *lines[:2], lines[2], lines[7], *lines[4:7], lines[3]])
    one, other = read_space(write(tmp_path, FULL)), write(tmp_path, moved)
    assert read_space(other) == one
    assert json.dumps(read_space(other).as_dict()) == json.dumps(one.as_dict())


def test_the_canonical_form(tmp_path: Path) -> None:
    read = read_space(write(tmp_path, FULL))
    assert read.as_dict() == {
        "models": ["mobilenet-v1-*", "efficientnet-lite0"],
        "precisions": ["fp32", "int8"],
        "backends": {
            "litert": {},
            "onnxruntime": {
                "graph_optimization": ["all", "basic"],
                "spinning": {
                    "values": [True, False],
                    "when": {"precision": ["int8"], "threads": [2]},
                },
            },
            "replay": {"table": "../x.csv", "runtime": ["ort", "litert"]},
        },
        "threads": [1, 2, 4, 8],
        "batch_sizes": [1, 8, 32],
        "instances": [1],
        "pinned": [False],
        "objectives": ["throughput_samples_per_s", "accuracy_percent"],
        "constraints": {
            "accuracy_percent": {"min": 60.0, "max": 99.5},
            "latency_p90_ms": {"max": 15.0},
        },
    }
    assert space(models="all", threads="auto").as_dict()["models"] == "all"
    assert space(models="all", threads="auto").as_dict()["threads"] == "auto"
    frozen = space_from_dict(read.as_dict(), origin=Path("elsewhere"))
    assert frozen == read
    assert frozen.origin == Path("elsewhere")


def test_constraints() -> None:
    both = Constraint("latency_p90_ms", 1, 15)
    assert [both.met(v) for v in (0.9, 1, 15, 15.1)] == [False, True, True, False]
    assert Constraint("accuracy_percent", 60).met(60)
    assert not Constraint("accuracy_percent", 60).met(59.9)
    assert not both.met(float("nan"))
