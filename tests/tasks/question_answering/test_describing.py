"""What an encoder's file tells of its entry, and what it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.models.describing import describe_folder, to_yaml
from dse.tasks import registry
from dse.tasks.question_answering._describing import VOCABULARY_HINT, draft_encoder, recognise
from tests.answering import VOCABULARY
from tests.answering_model import onnx_bytes
from tests.small_models import onnx_bytes as classifier_bytes
from tests.small_models import tflite_bytes

if TYPE_CHECKING:
    from pathlib import Path


def test_the_reader_reads_what_was_described_and_filled_in(tmp_path: Path) -> None:
    (tmp_path / "vocab.txt").write_bytes(VOCABULARY.read_bytes())
    (tmp_path / "fixed.onnx").write_bytes(onnx_bytes(length=256))
    (tmp_path / "open.onnx").write_bytes(onnx_bytes(length="sequence"))
    found = describe_folder(tmp_path, draft_encoder, recognise)
    assert found.refused == ()
    assert [dict(one.fields) for one in found.entries] == [
        {
            "name": name,
            "file": f"{name}.onnx",
            "precision": "fp32",
            "vocabulary": None,
            "sequence_length": length,
        }
        for name, length in (("fixed", 256), ("open", 384))
    ]
    assert [one.asked for one in found.entries] == [("vocabulary",)] * 2
    assert [sorted(one.comments) for one in found.entries] == [
        ["vocabulary"],
        ["sequence_length", "vocabulary"],
    ]
    text = to_yaml(found.entries)
    assert text.count(f"vocabulary:  # {VOCABULARY_HINT}\n") == 2
    (tmp_path / "models.yaml").write_text(text)
    task = registry.task("question-answering")
    with pytest.raises(RequestError, match="fields are missing in the entries of lines 2, 7: voc"):
        task.provider(tmp_path)
    filled = text.replace(f"vocabulary:  # {VOCABULARY_HINT}", "vocabulary: vocab.txt")
    (tmp_path / "models.yaml").write_text(filled)
    provider = task.provider(tmp_path)
    assert provider.models() == ("fixed", "open")
    assert provider.artefact("fixed", "fp32", ("onnx",)).form["sequence_length"] == 256


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("m.onnx", onnx_bytes(length=64), "sequence_length: expected at least 128, not 64"),
        ("m.onnx", onnx_bytes(outputs=("start",)), "it has one output, not the logits of"),
        ("m.onnx", onnx_bytes(dtype="FLOAT"), "is float32"),
        ("m.onnx", classifier_bytes(), "it has one output, not the logits of"),
        ("m.tflite", tflite_bytes(), "it is not an ONNX file; export the model to ONNX"),
    ],
    ids=["short", "one output", "float", "classifier", "tflite"],
)
def test_what_no_entry_can_have_is_told(
    file: str, content: bytes, words: str, tmp_path: Path
) -> None:
    (tmp_path / file).write_bytes(content)
    found = describe_folder(tmp_path, draft_encoder, recognise)
    assert found.entries == ()
    (line,) = found.refused
    assert line.startswith(f"{file}: left out: ")
    assert words in line
