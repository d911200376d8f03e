from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.inference_cost import InferenceCost
from dse.tasks.image_classification.models.graph import (
    GraphBuilder,
    Tensor,
    cost,
    make_divisible,
    same_padding,
)

if TYPE_CHECKING:
    from dse.tasks.image_classification.models.graph import Graph


@given(st.floats(0.01, 1e5), st.sampled_from([1, 4, 8, 16]))
def test_make_divisible_gives_a_near_multiple(value: float, divisor: int) -> None:
    found = make_divisible(value, divisor)
    assert found % divisor == 0
    assert found >= divisor
    assert found >= 0.9 * value
    assert found <= max(value + divisor, divisor)


@given(st.integers(1, 1000))
def test_make_divisible_keeps_multiples(number: int) -> None:
    assert make_divisible(8 * number) == 8 * number


@pytest.mark.parametrize(
    ("value", "expected"), [(3, 8), (11.2, 16), (12, 16), (22.4, 24), (33.6, 32), (72, 72)]
)
def test_make_divisible_examples(value: float, expected: int) -> None:
    assert make_divisible(value) == expected


@given(st.integers(1, 1000), st.sampled_from([1, 3, 5, 7]), st.sampled_from([1, 2, 3]))
def test_same_padding_gives_tensorflow_s_output_size(size: int, kernel: int, stride: int) -> None:
    before, after = same_padding(size, kernel, stride)
    assert after - before in (0, 1)
    if stride <= kernel:
        assert (size + before + after - kernel) // stride + 1 == -(-size // stride)


def test_padding_is_asymmetric_for_an_even_size_and_stride_2() -> None:
    assert same_padding(224, 3, 2) == (0, 1)
    assert same_padding(225, 3, 2) == (1, 1)
    assert same_padding(112, 5, 2) == (1, 2)


def small() -> Graph:
    builder = GraphBuilder("small", 4)
    net = builder.conv("a", builder.input, 8, kernel=3, stride=2, activation="relu")
    gated = builder.squeeze_excite("b", builder.depthwise("c", net), 2)
    net = builder.add("d", gated, net)
    return builder.classify(builder.global_pool("e", net), 5)


def test_cost_by_hand() -> None:
    first, depthwise, gate, last = 8 * 3 * 9, 8 * 9, 2 * 8 * 2, 5 * 8
    assert cost(small()) == InferenceCost(
        pointwise_macs=gate,
        depthwise_macs=4 * depthwise,
        spatial_macs=4 * first,
        dense_macs=last,
        attention_macs=0,
        parameters=first + 8 + depthwise + 8 + gate + 2 + 8 + last + 5,
        values=3 * 4 * 8 + (8 + 2 + 8 + 4 * 8) + 8 + 5,
        layers=9,
    )


def test_digest_changes_with_anything() -> None:
    assert small().digest == small().digest
    builder = GraphBuilder("small", 4)
    net = builder.conv("a", builder.input, 8, kernel=3, stride=2, activation="relu6")
    one = builder.classify(builder.global_pool("e", net), 5)
    builder = GraphBuilder("small", 4)
    net = builder.conv("a", builder.input, 8, kernel=3, stride=2, activation="relu")
    other = builder.classify(builder.global_pool("e", net), 5)
    assert len({small().digest, one.digest, other.digest}) == 3


def test_the_builder_refuses_what_has_no_meaning() -> None:
    builder = GraphBuilder("x", 8)
    net = builder.conv("a", builder.input, 8)
    with pytest.raises(ValueError, match="no sum"):
        builder.add("b", net, Tensor("y", 8, 4))
    with pytest.raises(ValueError, match="not pooled"):
        builder.classify(net, 10)
    with pytest.raises(ValueError, match="number of pixels"):
        GraphBuilder("x", 0)
