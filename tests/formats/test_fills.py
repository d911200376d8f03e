"""What inputs are filled with: given values, and made-up ones."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import RequestError
from dse.core.signature import Input
from dse.formats._fills import choose_fill, find_role, set_values
from dse.formats.description import DeclaredInput

INPUTS = (
    Input("steps", "int64", ()),
    Input("size", "int32", (1, 2), "ids", 9),
    Input("scale", "float32", (1,)),
    Input("half", "float16", (1, 2)),
    Input("cached", "bool", (1,), "zeros"),
    Input("pixel", "uint8", (1, 4)),
    Input("past", "float32", (1, 0, 4)),
)


def given_values(text: str) -> Input:
    name, _, values = text.partition("=")
    found = set_values(INPUTS, {name: values})
    assert [one for one in found if one.name != name] == [o for o in INPUTS if o.name != name]
    return next(one for one in found if one.name == name)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("steps=50", (50,)),
        ("steps=-1", (-1,)),
        ("size=224", (224,)),
        ("size=224, 160", (224, 160)),
        ("scale=0.5", (0.5,)),
        ("scale=1e-3", (0.001,)),
        ("scale=2", (2.0,)),
        ("half=-65504,.5", (-65504.0, 0.5)),
        ("cached=true", (1,)),
        ("cached=FALSE", (0,)),
        ("cached=1", (1,)),
        ("pixel=0,1,254,255", (0, 1, 254, 255)),
    ],
)
def test_values_of_the_own_type(text: str, values: tuple[float, ...]) -> None:
    found = given_values(text)
    assert (found.fill, found.values, found.bound) == ("values", values, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("step=5", "the model has no input 'step'; did you mean 'steps'?"),
        ("other=5", "the model has no input 'other'; known are cached, half, past, pixel, scale,"),
        ("steps=1,2", "'steps' is a single number and takes 1 value, not 2"),
        ("size=1,2,3", "'size' is 1 x 2 and takes 1 or 2 values, not 3; separate them by commas"),
        ("steps=2.5", "'2.5' does not fit 'steps' (int64); give a whole number from -9223372036"),
        ("steps=many", "'many' does not fit 'steps'"),
        ("steps=", "'' does not fit 'steps'"),
        ("size=1,", "'' does not fit 'size'"),
        ("size=2147483648", "'2147483648' does not fit 'size' (int32); give a whole number from -"),
        ("pixel=256", "'256' does not fit 'pixel' (uint8); give a whole number from 0 to 255"),
        ("pixel=-1", "'-1' does not fit 'pixel'"),
        ("half=65505", "'65505' does not fit 'half' (float16); give a number of type float16"),
        ("scale=inf", "'inf' does not fit 'scale'"),
        ("scale=nan", "'nan' does not fit 'scale'"),
        ("scale=1e39", "'1e39' does not fit 'scale'"),
        ("cached=2", "'2' does not fit 'cached' (bool); give true or false"),
        ("past=1", "'past' is 1 x 0 x 4 and has no elements; leave it out"),
    ],
)
def test_values_that_do_not_fit(text: str, words: str) -> None:
    with pytest.raises(RequestError) as caught:
        given_values(text)
    assert f"--input: {words}" in str(caught.value)


@given(st.integers(-(2**63), 2**63 - 1))
def test_any_whole_number_of_the_type_is_taken(number: int) -> None:
    assert given_values(f"steps={number}").values == (number,)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_any_number_of_the_type_is_taken(number: float) -> None:
    assert given_values(f"scale={number!r}").values == (number,)


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (DeclaredInput("steps", "int64", (), role="size"), ("ones", 0)),
        (DeclaredInput("scales", "float32", (4,), role="size"), ("ones", 0)),
        (DeclaredInput("go", "bool", (), role="size"), ("ones", 0)),
        (DeclaredInput("axes", "int64", (2,), role="axes"), ("positions", 0)),
        (DeclaredInput("start", "int64", (1,), role="index"), ("zeros", 0)),
        (DeclaredInput("cached", "bool", (), role="branch"), ("zeros", 0)),
        (DeclaredInput("last", "int64", ("batch", 1), role="pick"), ("zeros", 0)),
        (DeclaredInput("targets", "int64", ("batch", 8), 5, role="pick"), ("ids", 5)),
        # A whole number must not be divided by 0.
        (DeclaredInput("by", "uint8", (3, 4), role="divisor"), ("ones", 0)),
        (DeclaredInput("by", "float32", (3, 4), role="divisor"), ("noise", 0)),
        (DeclaredInput("ids", "int64", ("batch", 8), 50, role="divisor"), ("ids", 50)),
        # What the name says comes first, and ids of a table stay what they are.
        (DeclaredInput("attention_mask", "int64", ("batch", 8), role="size"), ("ones", 0)),
        (DeclaredInput("position_ids", "int64", ("batch", 8), role="pick"), ("positions", 0)),
        (DeclaredInput("input_ids", "int64", ("batch", 8), 50, role="size"), ("ids", 50)),
        # An image that a comparison turns into a decision stays an image.
        (DeclaredInput("image", "float32", ("batch", 3, 8, 8), role="size"), ("noise", 0)),
        (DeclaredInput("image", "uint8", ("batch", 8, 8, 3), role="branch"), ("noise", 0)),
    ],
)
def test_what_decides_gets_a_value_that_is_always_the_same(
    declared: DeclaredInput, expected: tuple[str, int]
) -> None:
    assert choose_fill(declared, None)[:2] == expected


def test_what_decides_nothing_is_not_named() -> None:
    assert find_role(DeclaredInput("image", "float32", ("batch", 3, 8, 8), role="size")) is None
    assert find_role(DeclaredInput("targets", "int64", ("batch", 8), 5, role="pick")) is None
    assert find_role(DeclaredInput("position_ids", "int64", ("batch", 8), role="pick")) is None
    assert find_role(DeclaredInput("last", "int64", ("batch", 1), role="pick")) == "pick"
