"""Inputs that OpenVINO folds away, or renames, as it converts a file."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from onnx import helper

from dse.core.backend import LoadRequest, Partial, Runtime, Scores, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.launcher import launch_command
from dse.core.metrics import LATENCY
from dse.core.registry import backend
from dse.core.worker_environment import worker_environment
from dse.formats.dimensions import Choices, resolve_inputs
from dse.formats.reading import describe
from dse.machine.affinity import available_cpus, can_pin
from dse.measure.runs import take
from dse.measure.spec import TaskSpec
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.registry import task
from tests.any_models import model, value
from tests.backends.remote import FOLDERS
from tests.measure.specs import spec

if TYPE_CHECKING:
    from pathlib import Path

    from onnx import ModelProto

    from dse.core.signature import Signature


def cast_like() -> ModelProto:
    """`like` has no elements: it gives nothing but its type."""
    return model(
        [helper.make_node("CastLike", ["numbers", "like"], ["cast"])],
        [value("numbers", (2, 3)), value("like", (0,), "FLOAT16")],
        [value("cast", (2, 3), "FLOAT16")],
        {},
    )


def identity() -> ModelProto:
    """An input that is an output as well goes by one name alone."""
    nodes = [
        helper.make_node("Identity", ["numbers"], ["same"]),
        helper.make_node("Add", ["numbers", "other"], ["sum"]),
    ]
    given = [value("other", (2, 1)), value("numbers", (2, 3))]
    return model(nodes, given, [value("same", (2, 3)), value("sum", (2, 3))], {})


def empty() -> ModelProto:
    nodes = [helper.make_node("Relu", ["numbers"], ["positive"])]
    return model(nodes, [value("numbers", (0,))], [value("positive", (0,))], {})


def write(folder: Path, made: ModelProto) -> tuple[Path, Signature]:
    path = folder / "made.onnx"
    path.write_bytes(made.SerializeToString())
    return path, resolve_inputs(describe(path).inputs, Choices({})).signature


def runtime() -> Runtime:
    found = backend("openvino")
    assert isinstance(found, Runtime)
    return found


def request(path: Path, signature: Signature) -> LoadRequest:
    configuration = Configuration("m", "fp32", "openvino", 1, 1)
    return LoadRequest(configuration, path, {}, signature)


def test_an_input_without_a_place_is_left_out_and_named(tmp_path: Path) -> None:
    loaded = runtime().load(request(*write(tmp_path, cast_like())))
    assert isinstance(loaded, Partial)
    assert loaded.unread == ["like"]
    numbers = np.arange(6, dtype=np.float32).reshape(2, 3)
    batch = (numbers, np.zeros(0, np.float16))
    for _ in range(2):
        found: dict[str, object] = dict(loaded.outputs(loaded.bind(batch)))
        np.testing.assert_array_equal(found["cast"], numbers.astype(np.float16))
    with pytest.raises(ValueError, match=r"zip\(\)"):
        loaded.bind(batch[:1])
    loaded.close()


def test_each_measurement_tells_of_it(tmp_path: Path) -> None:
    path, signature = write(tmp_path, cast_like())
    wanted = spec(tmp_path, LATENCY.name, backend="openvino", model_file=path)
    fed = TaskSpec(task("generated").worker, signature.as_dict())
    (found,) = take(runtime(), replace(wanted, task=fed))
    assert found.details["unread"] == "openvino does not read the input 'like'"


def test_an_input_under_the_name_of_an_output_is_fed(tmp_path: Path) -> None:
    loaded = runtime().load(request(*write(tmp_path, identity())))
    assert isinstance(loaded, Partial)
    assert not loaded.unread
    numbers, other = (
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.array([[10], [20]], np.float32),
    )
    found: dict[str, object] = dict(loaded.outputs(loaded.bind((other, numbers))))
    np.testing.assert_array_equal(found["same"], numbers)
    np.testing.assert_array_equal(found["sum"], numbers + other)
    loaded.close()


def test_scores_whose_number_of_rows_depends_on_the_data(tmp_path: Path) -> None:
    """The memory of such an output is another one after each call."""
    nodes = [
        helper.make_node("ReduceMax", ["numbers"], ["most"], axes=[1], keepdims=0),
        helper.make_node("Greater", ["most", "zero"], ["kept"]),
        helper.make_node("Compress", ["numbers", "kept"], ["scores"], axis=0),
    ]
    given, scores = [value("numbers", ("batch", 3))], [value("scores", ("rows", 3))]
    zero = {"zero": np.array(0, np.float32)}
    path, _ = write(tmp_path, model(nodes, given, scores, zero))
    configuration = Configuration("m", "fp32", "openvino", 1, 2)
    loaded = runtime().load(LoadRequest(configuration, path, {}, None, Scores(3)))
    numbers = np.array([[1, 2, 3], [-1, -2, 5]], np.float32)
    for sign in (1, -1, 1):
        batch = sign * numbers
        bound = loaded.bind(batch)
        kept = batch[batch.max(axis=1) > 0]
        np.testing.assert_array_equal(loaded.predict(bound), kept)
        np.testing.assert_array_equal(loaded.outputs(bound)[0][1], kept)
    loaded.close()


def test_a_model_that_reads_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="finds no input 'numbers'"):
        runtime().load(request(*write(tmp_path, empty())))


@pytest.mark.skipif(not can_pin() or len(available_cpus()) < 2, reason="needs two CPUs to choose")
def test_instances_do_not_share_one_cpu() -> None:
    """OpenVINO by itself pins every model of one thread to the same CPU, while it is called."""
    path = BuiltinProvider().artefact("mobilenet-v1-0.25-128", "fp32", ("onnx",)).path
    assert 1 in map(len, seen_cpus(path, 1)), "OpenVINO pins no more: this has no use"
    assert seen_cpus(path, 2) == [list(available_cpus())]


def seen_cpus(path: Path, instances: int) -> list[list[int]]:
    """The CPUs of each thread while one of so many instances was called, each list once."""
    words = ["tests.backends.openvino_cpus", str(path), str(instances)]
    ended = subprocess.run(
        launch_command(sys.executable, *words, folders=FOLDERS),
        env=worker_environment(sys.executable),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: list[list[int]] = json.loads(ended.stdout.splitlines()[-1])
    return found
