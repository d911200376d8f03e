"""What a runtime's build lacks is no part of a plan, whatever the models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dse.core.backend import Lack
from dse.core.configuration import Configuration
from dse.environments.availability import RuntimeAvailability, runtime_availabilities
from dse.exploration.capabilities import Capabilities
from dse.space.plan import exclusion_lines, resolve
from dse.space.reading import space_from_dict
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.registry import task

if TYPE_CHECKING:
    from dse.space.space import SearchSpace

MODEL = "mobilenet-v1-0.25-128"
LACKS = (
    Lack("provider", "dnnl", "no dnnl here"),
    Lack("provider", "openvino", "no openvino here"),
    Lack("device", "cuda", "no GPU here"),
)
FOUND = RuntimeAvailability("python", "1.0", lacks=LACKS)


def space(**fields: Any) -> SearchSpace:
    return space_from_dict({"models": [MODEL], "threads": 1, **fields})


def capabilities(some: SearchSpace, **known: RuntimeAvailability) -> Capabilities:
    names = {name.replace("_", "-"): found for name, found in known.items()}
    kind = task("image-classification")
    return Capabilities(kind, BuiltinProvider(), some, {}, needs_published=False, known=names)


def test_a_value_that_was_not_built_is_left_out_with_the_reason() -> None:
    some = space(backends={"onnxruntime": {"provider": ["cpu", "dnnl"]}}, devices=["cpu", "cuda"])
    plan = resolve(some, capabilities(some, onnxruntime=FOUND), 1, 1)
    assert [(one.device, one.knobs) for one in plan.configurations] == [
        ("cpu", (("provider", "cpu"),))
    ]
    assert exclusion_lines(plan.excluded) == (
        f"onnxruntime fp32, {MODEL}: no dnnl here (2 configurations)",
        f"onnxruntime fp32, {MODEL}: no GPU here (1 configuration)",
    )


@pytest.mark.parametrize(
    ("backend", "knobs", "reason"),
    [
        ("onnxruntime", (), None),
        ("onnxruntime", (("provider", "openvino"),), "no openvino here"),
        ("onnxruntime-openvino", (), "no openvino here"),  # it is the default there
        ("onnxruntime-openvino", (("provider", "cpu"),), None),
    ],
)
def test_the_default_of_a_knob_counts_where_it_is_not_named(
    backend: str, knobs: tuple[tuple[str, str], ...], reason: str | None
) -> None:
    some = space(backends=[backend])
    found = capabilities(some, **{backend.replace("-", "_"): FOUND})
    assert found.knob_obstacle(Configuration(MODEL, "fp32", backend, 1, 1, knobs)) == reason


def test_the_build_that_is_installed_is_asked() -> None:
    found = runtime_availabilities(["onnxruntime", "litert"])
    lacking = {(one.name, one.value) for one in found["onnxruntime"].lacks}
    assert ("provider", "cpu") not in lacking
    assert {("provider", "dnnl"), ("provider", "xnnpack"), ("device", "cuda")} <= lacking
    assert found["litert"].lacks == ()
