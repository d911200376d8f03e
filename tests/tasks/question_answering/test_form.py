"""The lengths that a model is loaded for, and what of a form counts for keys."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from dse.core.errors import ModelError
from dse.tasks import registry
from dse.tasks.question_answering._form import ModelInput, QuestionForm
from tests.answering import FORM, LENGTH

TASK = registry.task("question-answering")
OPEN = replace(FORM, any_length=True)


@pytest.mark.parametrize(
    ("written", "lengths"),
    [
        ("48", (48, LENGTH)),
        ("16+48", (16, 48, LENGTH)),
        ("48+128", (48, LENGTH)),
        ("128", (LENGTH,)),
        ("64+384", (64, LENGTH)),
        ("256+384", (LENGTH,)),
    ],
)
def test_a_model_is_loaded_for_its_own_length_and_shorter_ones(
    written: str, lengths: tuple[int, ...]
) -> None:
    form = TASK.with_knobs(OPEN.to_form(), {"buckets": written, "spinning": True})
    assert QuestionForm.from_form(json.loads(json.dumps(form))).lengths == lengths


@pytest.mark.parametrize("form", [FORM, OPEN])
def test_without_the_knob_a_form_stays_what_it_is(form: QuestionForm) -> None:
    assert TASK.with_knobs(form.to_form(), {"spinning": True}) == form.to_form()


def test_a_file_of_one_length_has_no_buckets() -> None:
    with pytest.raises(ModelError) as caught:
        TASK.with_knobs(FORM.to_form(), {"buckets": "48+128"})
    told = "no buckets: its file takes samples of 128 tokens only"
    assert str(caught.value) == told
    assert TASK.with_knobs(FORM.to_form(), {"buckets": "128"}) == FORM.to_form()


def test_keys_stay_what_they_were() -> None:
    """How a model is loaded is told by the knobs of its configuration."""
    expected = {
        "sequence_length": LENGTH,
        "tokens": FORM.tokens,
        "inputs": [
            {"name": name, "role": role, "dtype": "int64"}
            for name, role in (
                ("input_ids", "ids"),
                ("attention_mask", "mask"),
                ("token_type_ids", "segments"),
            )
        ],
        "vocabulary_sha256": FORM.vocabulary_sha256,
    }
    for form in (FORM, OPEN, replace(OPEN, buckets=(16,))):
        assert TASK.identity(form.to_form()) == {"question_answering": expected}


def test_a_form_of_an_earlier_version_is_read() -> None:
    form = FORM.to_form()
    del form["buckets"], form["any_length"]
    assert QuestionForm.from_form(form) == FORM


def test_the_inputs_are_told_to_who_deploys_the_model() -> None:
    assert QuestionForm(inputs=(ModelInput("x", "mask", "int32"),)).input_lines == (
        "Input: 384 tokens of a vocabulary of 30,522:",
        "[CLS] question [SEP] paragraph [SEP], then padding.",
        "x, int32: 1 where a token counts, 0 for padding.",
    )
