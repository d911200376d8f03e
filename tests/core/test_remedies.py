"""What helps against failures: of real messages, and of kinds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dse.core.measurement import Failure, FailureKind
from dse.core.remedies import find_remedy

MESSAGES = (Path(__file__).parent / "runtime_messages.jsonl").read_text("utf-8").splitlines()


@pytest.mark.parametrize(
    ("kind", "essence", "words"),
    [
        ("load", "Opset 99 is under", "export the model with opset 28 of ai.onnx or a lower one"),
        ("load", "Unsupported model IR version: 99", "export the model with IR version 14 or a"),
        ("unsupported", "Could not find an implementation for Add(6)", "another opset or type"),
        ("load", "No Op registered for Nope", "export the model without this operator"),
        ("load", "No conversion rule found", "export the model without this operator"),
        ("unsupported", "FlexAddV2 (node 0)", "TensorFlow Lite's own operators alone"),
        ("unsupported", "TfLiteXNNPackDelegate (node 24)", "such as a batch of 1"),
        ("load", "Protobuf parsing failed.", "get it again"),
        ("unsupported", "Div: Integer division by zero", None),
    ],
)
def test_remedies_of_real_messages(kind: str, essence: str, words: str | None) -> None:
    rows = [json.loads(line) for line in MESSAGES]
    message = next(row["message"] for row in rows if row["essence"].startswith(essence))
    found = find_remedy(Failure(FailureKind(kind), message))
    assert found is None if words is None else words in str(found)


@pytest.mark.parametrize(
    ("kind", "message", "words"),
    [
        ("out_of_memory", "MemoryError", "--memory-limit raises the limit"),
        ("out_of_memory", "killed by the kernel for lack of memory", "end other programs"),
        ("timeout", "no answer within 3 s", "--run-timeout"),
        ("crash", "thread limit: RuntimeError: can't start new thread", "`ulimit -u`"),
        ("crash", "the worker was ended by SIGILL", "instructions that the CPU lacks"),
        ("unsupported", "No module named 'openvino'", "`dse backends`"),
        ("unsupported", "libgomp.so.1: cannot open shared object file: No", "library libgomp.so.1"),
        ("unsupported", "(TfLiteXNNPackDelegate) failed to invoke.", "the knob xnnpack=false"),
        ("unsupported", "refused, as asked for", None),
        ("crash", "MemoryError", None),
    ],
)
def test_remedies_of_kinds(kind: str, message: str, words: str | None) -> None:
    found = find_remedy(Failure(FailureKind(kind), message))
    assert found is None if words is None else words in str(found)
