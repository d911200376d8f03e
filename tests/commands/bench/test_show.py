"""What is said of a model before it is measured."""

from __future__ import annotations

import pytest

from dse.commands.bench._show import deciding_lines, input_words
from dse.core.signature import Input
from dse.formats.description import DeclaredInput
from dse.formats.dimensions import Choices, resolve_inputs


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (Input("x", "float32", (1, 3)), "x: float32, batch x 3, noise"),
        (Input("x", "int64", (1, 3), "ids", 9), "x: int64, batch x 3, ids below 9"),
        (Input("x", "int64", (1, 2), "ones"), "x: int64, batch x 2, ones"),
        (Input("x", "int64", (1,), "ones"), "x: int64, batch, 1"),
        (Input("x", "int64", (1, 2), "values", values=(4, 5)), "x: int64, batch x 2, 4, 5"),
        (
            Input("x", "int64", (1, 6), "values", values=(1, 2, 3, 4, 5, 6)),
            "x: int64, batch x 6, 1, 2, 3, 4, ...",
        ),
        (Input("x", "float32", (1, 0, 4)), "x: float32, batch x 0 x 4, no elements"),
    ],
)
def test_an_input_in_words(one: Input, words: str) -> None:
    assert input_words(one, batched=True) == words


def test_a_single_number_in_words() -> None:
    one = Input("rate", "int64", (), "values", values=(16000,))
    assert input_words(one, batched=False) == "rate: int64, a single number, 16000"


def test_what_decides_the_work_is_named_with_its_option() -> None:
    inputs = (
        DeclaredInput("image", "float32", ("batch", 3, 8, 8)),
        DeclaredInput("steps", "int64", (), role="size"),
        DeclaredInput("size", "int32", (2,), role="size"),
        DeclaredInput("axes", "int64", (3,), role="axes"),
        DeclaredInput("shape", "int64", (5,), role="size"),
        DeclaredInput("cached", "bool", (1,), role="branch"),
        DeclaredInput("k", "int64", (1,), role="size"),
    )
    found = resolve_inputs(inputs, Choices({}, None, {"k": "5"}))
    assert list(deciding_lines(found)) == [
        "input steps decides the work: 1 (--input steps=N changes it)",
        "input size decides the work: ones (--input size=N,N changes it)",
        "input axes decides the work: positions (--input axes=N,N,N changes it)",
        "input shape decides the work: ones (--input shape=N,N,... changes it)",
        "input cached decides the work: 0 (--input cached=N changes it)",
    ]
