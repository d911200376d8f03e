"""Entries of ``models.yaml``, held against the files that they name."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
import yaml

from dse.core.errors import RequestError
from dse.core.measurement import PublishedQuality
from dse.tasks import registry
from dse.tasks.question_answering._form import QuestionForm
from tests.answering import TOKENS, VOCABULARY
from tests.answering_model import onnx_bytes, write_models

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.models.provider import Provider

TASK = registry.task("question-answering")
ARTEFACT: tuple[str, str, tuple[ModelFormat, ...]] = ("m", "fp32", ("onnx",))


def opened(folder: Path, **fields: object) -> Provider:
    """The provider of a folder whose one entry has these fields."""
    manifest = folder / "models.yaml"
    (entry,) = yaml.safe_load(manifest.read_text())["models"]
    found = {name: value for name, value in {**entry, **fields}.items() if value is not None}
    manifest.write_text(yaml.safe_dump({"models": [found]}))
    return TASK.provider(folder)


def refusal(folder: Path, **fields: object) -> str:
    with pytest.raises(RequestError) as caught:
        opened(folder, **fields)
    return str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "roles"),
    [
        (("input_ids", "attention_mask", "token_type_ids"), "ids mask segments"),
        (("input_ids", "token_type_ids", "attention_mask"), "ids segments mask"),
        (("segment_ids", "input_mask", "input_ids"), "segments mask ids"),
        (("input_ids", "attention_mask"), "ids mask"),
        (("input_ids",), "ids"),
        (("x", "y", "z"), "ids mask segments"),
        (("input_ids", "token_type_ids", "y"), "ids mask segments"),  # not all are known
        (("input_mask", "attention_mask", "input_ids"), "ids mask segments"),  # two for one role
    ],
)
def test_inputs_are_told_by_their_names_or_their_order(
    inputs: tuple[str, ...], roles: str, tmp_path: Path
) -> None:
    folder = write_models(tmp_path, m=onnx_bytes(inputs))
    form = QuestionForm.from_form(opened(folder).form(*ARTEFACT))
    assert [one.name for one in form.inputs] == list(inputs)
    assert " ".join(one.role for one in form.inputs) == roles


def test_the_form_has_all_that_feeding_takes(tmp_path: Path) -> None:
    folder = write_models(tmp_path, m=onnx_bytes(length="sequence", dtype="INT32"))
    own = {"published_f1": {"percent": 88, "source": "a paper"}, "weights": "mine"}
    found = opened(folder, sequence_length=None, **own).artefact(*ARTEFACT)
    form = QuestionForm.from_form(found.form)
    assert (form.sequence_length, form.tokens) == (384, len(TOKENS))
    assert form.vocabulary == tmp_path / "vocab.txt"
    assert form.vocabulary_sha256 == hashlib.sha256(VOCABULARY.read_bytes()).hexdigest()
    assert {one.dtype for one in form.inputs} == {"int32"}
    assert form.any_length
    assert (found.published, found.weights) == (PublishedQuality(88, "a paper"), "mine")
    first, *_ = TASK.signature(found.form).of_batch(3)
    assert (first.shape, first.bound) == ((3, 384), len(TOKENS))
    entry = TASK.manifest_entry(found.form, "00")
    assert entry == {"vocabulary": "vocab.txt", "sequence_length": 384, "sha256": "00"}


def test_a_file_with_its_length_takes_no_other(tmp_path: Path) -> None:
    folder = write_models(tmp_path, m=onnx_bytes())
    assert not QuestionForm.from_form(opened(folder).form(*ARTEFACT)).any_length


def test_where_a_vocabulary_lies_changes_no_key(tmp_path: Path) -> None:
    forms = []
    for name in ("one", "other"):
        folder = write_models(tmp_path / name, m=onnx_bytes())
        forms.append(opened(folder).form(*ARTEFACT))
    assert forms[0] != forms[1]
    assert TASK.identity(forms[0]) == TASK.identity(forms[1])
    (folder / "vocab.txt").write_text("\n".join([*TOKENS, "more"]))
    changed = opened(folder).form(*ARTEFACT)
    assert TASK.identity(changed) != TASK.identity(forms[1])


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"vocabulary": None}, "models[0].vocabulary: is missing"),
        ({"vocabulary": "../vocab.txt"}, "vocabulary: '../vocab.txt': lies outside the folder"),
        ({"vocabulary": "/etc/passwd"}, "lies outside the folder"),
        ({"vocabulary": "link.txt"}, "'link.txt': links to outside the folder"),
        ({"vocabulary": "none.txt"}, "models[0].vocabulary: 'none.txt': no such file"),
        ({"vocabulary": "."}, "'.': no regular file"),
        ({"vocabulary": "twice.txt"}, "'twice.txt': line 3: '[PAD]' is in line 1 as well"),
        ({"sequence_length": 64}, "models[0].sequence_length: expected at least 128"),
        ({"sequence_length": 5000}, "expected at most 4096"),
        ({"sequence_length": 384}, "the file takes 128 tokens, not 384; write 128"),
        ({"resolution": 224}, "models[0].resolution: unknown field"),
    ],
)
def test_a_wrong_field_is_a_line(tmp_path: Path, fields: dict[str, object], told: str) -> None:
    folder = write_models(tmp_path / "models", m=onnx_bytes())
    (tmp_path / "vocab.txt").write_text("x")
    (folder / "link.txt").symlink_to(tmp_path / "vocab.txt")
    (folder / "twice.txt").write_text("[PAD]\n[UNK]\n[PAD]\n")
    text = refusal(folder, **fields)
    assert told in text
    assert "models.yaml:" in text


@pytest.mark.parametrize(
    ("model", "told"),
    [
        (onnx_bytes(("a", "b", "c", "d")), "it has the inputs 'a', 'b', 'c', 'd'"),
        (onnx_bytes(("input_mask", "segment_ids")), "not one to three for the tokens"),
        (onnx_bytes(dtype="FLOAT"), "the input 'input_ids' is float32 ?x128, not int64"),
        (onnx_bytes(outputs=("logits",)), "it has one output"),
    ],
)
def test_a_model_of_another_kind_is_a_line(tmp_path: Path, model: bytes, told: str) -> None:
    text = refusal(write_models(tmp_path, m=model))
    assert told in text
    assert "models[0].file" in text


def test_other_formats_are_not_taken(tmp_path: Path) -> None:
    folder = write_models(tmp_path, m=onnx_bytes())
    (folder / "m.tflite").write_bytes(b"\x1c\0\0\0TFL3 and more")
    assert "'m.tflite' is not an ONNX file" in refusal(folder, file="m.tflite")


def test_a_damaged_model_is_a_line(tmp_path: Path) -> None:
    text = refusal(write_models(tmp_path, m=b"\x08\x08\x3a\x02\x0a\x05"))
    assert "models[0].file: 'm.onnx': the file is cut short or damaged" in text
