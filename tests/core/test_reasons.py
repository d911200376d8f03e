"""What messages come down to: real ones of every runtime, and any other text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.reasons import MAX_WIDTH, boil_down, generalise

MESSAGES = [
    json.loads(line)
    for line in (Path(__file__).parent / "runtime_messages.jsonl").read_text("utf-8").splitlines()
]
"""Real messages, one for each reason that was met, and what a reader needs of each."""


def test_real_messages_come_down_to_operator_and_cause() -> None:
    assert len(MESSAGES) > 100
    assert {m["message"]: boil_down(m["message"]) for m in MESSAGES} == {
        m["message"]: m["essence"] for m in MESSAGES
    }


def test_each_of_those_is_a_reason_of_its_own() -> None:
    for runtime in {m["runtime"] for m in MESSAGES}:
        own = [m["message"] for m in MESSAGES if m["runtime"] == runtime]
        assert len({generalise(message) for message in own}) == len(own)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            (
                "Fail: [ONNXRuntimeError] : 1 : FAIL : Non-zero status code returned while running "
                "Reshape node. Name:'r1' Status Message: Input shape:{2,3}, requested shape:{1,1,3}"
            ),
            (
                "RuntimeError: Error in execution: Non-zero status code returned while running "
                "Reshape node. Name:'r2' Status Message: Input shape:{20,3,4}, requested shape:{7}"
            ),
        ),
        (
            (
                "[ONNXRuntimeError] : 3 : NO_SUCHFILE : Load model from /a/b.onnx failed:"
                "Load model /a/b.onnx failed. File doesn't exist"
            ),
            (
                "[ONNXRuntimeError] : 3 : NO_SUCHFILE : Load model from /c/d-e.onnx failed:"
                "Load model /c/d-e.onnx failed. File doesn't exist"
            ),
        ),
        (
            (
                "Got invalid dimensions for output: y for the following indices\n"
                " index: 0 Got: 1 Expected: 10\n"
            ),
            (
                "Got invalid dimensions for output: z for the following indices\n"
                " index: 0 Got: 1 Expected: 3\n index: 2 Got: 4 Expected: 5\n"
            ),
        ),
        ("no answer within 3 s", "no answer within 2.5 s"),
    ],
)
def test_numbers_and_names_make_no_other_reason(one: str, other: str) -> None:
    assert one != other
    assert generalise(one) == generalise(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("No conversion rule found for operations: Det-22", "No conversion rule found: Loop-22"),
        ("the input 'x' has type int4", "the input 'x' has type int2"),
        (
            "Could not find an implementation for Add(6)",
            "Could not find an implementation for Mul(6)",
        ),
    ],
)
def test_operators_and_types_do(one: str, other: str) -> None:
    assert generalise(one) != generalise(other)


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("", ""),
        ("RuntimeError: it broke", "it broke"),
        ("KeyError: 'x'", "KeyError: 'x'"),
        ("bang\nin node 1", "bang; in node 1"),
        ("bang:\n\n  in node 1  ", "bang: in node 1"),
        ("Check 'a == b' failed at src/a.cpp:3:", "check failed: a == b"),
        ("can't read /home/me/my models/m.onnx: no", "can't read my models/m.onnx: no"),
        ("\x1b[31mred\x07 \u202eevil", "?[31mred? ?evil"),
        ("the worker was ended by SIGSEGV", "the worker was ended by SIGSEGV"),
        ("no table 0. no table 0 of this very long file. no table 0 of this very long file.",) * 2,
    ],
)
def test_other_words_stay(message: str, words: str) -> None:
    assert boil_down(message) == words


@given(st.text() | st.lists(st.sampled_from([m["message"][:60] for m in MESSAGES])).map("".join))
def test_any_text_is_one_line_that_can_be_shown(text: str) -> None:
    found = boil_down(text)
    assert len(found) <= MAX_WIDTH
    assert found.isprintable()
    assert generalise(text).isprintable()
