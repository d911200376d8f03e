"""The laws of names: plain, the same each time, and told apart."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.checksums import canonical_json
from dse.core.configuration import (
    CONFIGURATION_FIELDS,
    DEVICE,
    DEVICES,
    PRECISIONS,
    Configuration,
)
from dse.submission.names import MAX_LENGTH, PLAIN, model_name, slug, system_id

if TYPE_CHECKING:
    from dse.core.configuration import KnobValue

WORDS = st.text(max_size=40)
NAMES = st.from_regex(r"[a-z][a-z_]{0,5}", fullmatch=True).filter(
    lambda name: name not in (*CONFIGURATION_FIELDS, DEVICE)
)
# Few texts and numbers, so that configurations are near each other.
VALUES: st.SearchStrategy[KnobValue] = (
    st.sampled_from(["a", "a_b", "a-b", "a_b-1", "1", "1.0", "True", "a b", "1_b-2"])
    | st.sampled_from([1, 2, -1, 1.0, 1e-07, True, False])
    | WORDS
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
)
CONFIGURATIONS = st.builds(
    Configuration,
    model=st.sampled_from(["m", "m-1.0", "m 1", "m_1"]) | WORDS,
    precision=st.sampled_from(PRECISIONS),
    backend=st.sampled_from(["litert", "tflite-runtime"]),
    threads=st.integers(1, 3),
    batch_size=st.integers(1, 3),
    knobs=st.dictionaries(NAMES, VALUES, max_size=3).map(lambda each: tuple(each.items())),
    instances=st.integers(1, 2),
    pinned=st.booleans(),
    device=st.sampled_from(DEVICES),
)
VERSIONS = st.sampled_from(["1", "2.3.0", "2025.0+cpu"])


def knobs(configuration: Configuration) -> str:
    """All that a system id depends on, but for hardware and version."""
    return canonical_json(replace(configuration, model="", precision="fp32").as_dict())


@given(WORDS)
def test_a_slug_is_plain(text: str) -> None:
    assert PLAIN.fullmatch(slug(text))
    assert slug(slug(text)) == slug(text)


@given(CONFIGURATIONS, WORDS, VERSIONS)
def test_names_are_plain_and_short_and_the_same_each_time(
    configuration: Configuration, hardware: str, version: str
) -> None:
    again = Configuration.from_dict(configuration.as_dict())
    board = slug(hardware)
    for name, same in (
        (system_id(board, configuration, version), system_id(board, again, version)),
        (model_name(configuration), model_name(again)),
    ):
        assert PLAIN.fullmatch(name)
        assert len(name) <= MAX_LENGTH + 7
        assert name == same


@given(CONFIGURATIONS, CONFIGURATIONS, VERSIONS, VERSIONS)
def test_what_differs_has_another_name(
    one: Configuration, other: Configuration, first: str, second: str
) -> None:
    same = (knobs(one), first) == (knobs(other), second)
    assert (system_id("board", one, first) == system_id("board", other, second)) is same
    same = (one.model, one.precision) == (other.model, other.precision)
    assert (model_name(one) == model_name(other)) is same


@given(CONFIGURATIONS, WORDS, st.sampled_from(PRECISIONS))
def test_a_system_is_the_same_for_all_models(
    configuration: Configuration, model: str, precision: str
) -> None:
    other = replace(configuration, model=model, precision=precision)
    assert system_id("board", configuration, "1") == system_id("board", other, "1")


@given(CONFIGURATIONS, CONFIGURATIONS)
def test_a_model_is_the_same_on_all_systems(one: Configuration, other: Configuration) -> None:
    moved = replace(other, model=one.model, precision=one.precision)
    assert model_name(moved) == model_name(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ((("a", "1_b-2"),), (("a", 1), ("b", 2))),
        ((("a", 1),), (("a", "1"),)),
        ((("a", True),), (("a", "True"),)),
        ((("a", "x y"),), (("a", "x-y"),)),
        ((("batch", 2),), ()),
    ],
)
def test_knobs_that_look_the_same(
    one: tuple[tuple[str, KnobValue], ...], other: tuple[tuple[str, KnobValue], ...]
) -> None:
    ids = {
        system_id("board", Configuration("m", "fp32", "litert", 1, 1, knobs), "1")
        for knobs in (one, other)
    }
    assert len(ids) == 2


def test_plain_knobs_can_be_read() -> None:
    configuration = Configuration(
        *("mobilenet-v1-0.25-128", "int8", "openvino", 2, 8),
        (("inference_precision", "bf16"), ("streams", 2)),
        instances=2,
        pinned=True,
    )
    assert system_id("Some-Board", configuration, "2025.1") == (
        "Some-Board_dse-cpu_openvino-2025.1_threads-2_batch-8_instances-2_pinned-yes"
        "_inference_precision-bf16_streams-2"
    )
    assert model_name(configuration) == "mobilenet-v1-0.25-128-int8"
