"""Methods of quantisation: their knobs, what is as usual, and what can't be made."""

from __future__ import annotations

from itertools import product
from typing import get_args

import pytest

from dse.core.configuration import CONFIGURATION_FIELDS, Configuration
from dse.core.quantisation import (
    KNOBS,
    NAMES,
    Method,
    Way,
    artefact_name,
    method_knobs,
    methods_alike,
    obstacle,
    usual,
)
from dse.core.registry import BACKENDS, backend
from dse.tasks.registry import TASKS, task

WAYS = get_args(Way)


def configuration(**knobs: str | int | bool) -> Configuration:
    return Configuration("m", "int8", "onnxruntime", 1, 1, tuple(knobs.items()))


def test_the_usual_method_has_the_defaults_of_the_knobs_but_where_the_format_knows_one_type() -> (
    None
):
    defaults = {knob.name: knob.default for knob in KNOBS}
    for way in WAYS:
        method = usual(way)
        expected = {**defaults, "activation_type": "int8"} if way == "tflite" else defaults
        assert {name: getattr(method, name) for name in NAMES} == expected
        assert method.changes(way) == {}
        assert obstacle(method, way) is None


def test_no_other_knob_or_field_has_such_a_name() -> None:
    others = {knob.name for name in BACKENDS for knob in backend(name).knobs}
    others |= {knob.name for name in TASKS for knob in task(name).knobs}
    assert not {*others, *CONFIGURATION_FIELDS} & set(NAMES)


def test_a_method_is_made_of_the_knobs_that_are_there() -> None:
    own = configuration(weight_range="full", spinning=True)
    assert method_knobs(own) == {"weight_range": "full"}
    found = Method.from_knobs(dict(own.knobs), "tflite")
    assert found == Method(activation_type="int8", weight_range="full")
    assert found.changes("tflite") == {"weight_range": "full"}


def test_files_by_different_methods_are_noted_apart() -> None:
    names = {
        artefact_name(configuration(**knobs), "onnx")
        for knobs in ({}, {"weight_range": "full"}, {"weight_range": "safe"}, {"spinning": True})
    }
    assert names == {
        "m int8 onnx",
        "m int8 onnx weight_range=full",
        "m int8 onnx weight_range=safe",
    }


def test_methods_that_came_to_the_same_file_are_named_by_what_differs() -> None:
    own = configuration(calibration="entropy", weight_range="safe", spinning=True)
    noted = {
        "m int8 onnx calibration=entropy weight_range=safe": "same",
        "m int8 onnx calibration=minmax weight_range=safe": "same",
        "m int8 onnx calibration=entropy weight_range=full": "another",
        "m int8 onnx": "same",
        "m int8 tflite calibration=minmax weight_range=safe": "same",
        "m2 int8 onnx calibration=minmax weight_range=safe": "same",
    }
    assert methods_alike(noted, own, "onnx") == ["calibration=minmax", "no method named"]
    assert methods_alike({"m int8 onnx": "same"}, own, "onnx") == []


@pytest.mark.parametrize(
    ("knobs", "way", "reason"),
    [
        ({"calibration": "entropy"}, "tflite", "int8 of TFLite files is not made with calibration"),
        ({"activation_type": "uint8"}, "tflite", "is not made with activation_type=uint8"),
        ({"quantizer": "nncf"}, "tflite", "nncf makes no int8 of TFLite files"),
        ({"quantizer": "nncf", "per_channel": False}, "onnx", "per_channel=False by nncf"),
        ({"calibration": "entropy"}, "onnx-products", "int8 of encoders is not made with"),
        ({"weight_type": "uint8", "weight_range": "full"}, "onnx", "the same as weight_range=safe"),
    ],
)
def test_what_can_t_be_made_is_said(knobs: dict[str, str | bool], way: Way, reason: str) -> None:
    assert reason in str(obstacle(Method.from_knobs(knobs, way), way))


def test_a_reason_is_one_line_whatever_the_method() -> None:
    for way, values in product(WAYS, product(*(knob.values for knob in KNOBS))):
        told = obstacle(Method.from_knobs(dict(zip(NAMES, values, strict=True)), way), way)
        assert told is None or (len(told) < 90 and "\n" not in told)
