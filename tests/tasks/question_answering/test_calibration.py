"""int8 made of a user's models, calibrated on the user's questions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

from dse.study.folder import StudyFolder
from dse.study.study import Study
from dse.tasks import registry
from dse.tasks.question_answering._calibration import MAX_QUESTIONS, RANDOM_TOKENS, calibration
from dse.tasks.question_answering._onnx_file import onnx_bytes
from dse.tasks.question_answering._squad import open_dataset
from tests.answering import FORM, SAMPLES, squad, write_questions
from tests.answering_model import write_models
from tests.commandline import Command, here, tmp_path
from tests.tasks.question_answering.encoders import SMALL

if TYPE_CHECKING:
    from pathlib import Path

    from dse.models.provider import Provider

__all__ = ["here", "tmp_path"]

TASK = registry.task("question-answering")
FOLDER, MODEL = "question-answering", "minilm-l6-facts_fp32.onnx"


@pytest.fixture
def dse(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def provider(folder: Path, questions: Path | None) -> Provider:
    """The models of a folder with what can be made of them."""
    dataset = TASK.open_dataset(questions) if questions else None
    return TASK.with_conversions(TASK.provider(folder), dataset)


def test_each_question_calibrates_with_its_first_window(tmp_path: Path, own_cache: Path) -> None:
    assert own_cache.is_relative_to(tmp_path)
    found = calibration(open_dataset(write_questions(tmp_path / "data")))
    assert (found.count, found.description) == (4, "4 of the 4 questions of the data set")
    assert found.products_only
    samples = list(found.samples(FORM.to_form()))
    assert [[one.shape for one in sample] for sample in samples] == [[(1, 128)] * 3] * 4
    # Two questions on a paragraph of one window, and two on one of three: samples 0, 1, 2 and 5.
    firsts = [int(sample[0][0, 5]) for sample in samples]
    assert SAMPLES == 8
    assert firsts[0] == firsts[1]
    assert firsts[2] == firsts[3]


def test_some_questions_are_spread_over_the_data_set(tmp_path: Path, own_cache: Path) -> None:
    assert own_cache.is_relative_to(tmp_path)
    asked = [(f"w{number % 300}?", ["w1"]) for number in range(3 * MAX_QUESTIONS)]
    (tmp_path / "many.json").write_text(json.dumps(squad(("w1 w2", asked))))
    found = calibration(open_dataset(tmp_path / "many.json"))
    assert found.count == MAX_QUESTIONS
    samples = {sample[0].tobytes() for sample in found.samples(FORM.to_form())}
    assert len(samples) == MAX_QUESTIONS
    assert (
        found.description == f"{MAX_QUESTIONS} of the {3 * MAX_QUESTIONS} questions of the data set"
    )


def test_made_up_samples_are_known_by_their_content() -> None:
    form = SMALL.form.to_form()
    first, second = RANDOM_TOKENS.samples(form), RANDOM_TOKENS.samples(form)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    assert RANDOM_TOKENS.identity(form) == RANDOM_TOKENS.identity(form)
    assert RANDOM_TOKENS.identity(form) != RANDOM_TOKENS.identity(FORM.to_form())


def test_int8_is_made_of_an_fp32_file(here: Path, dse: Command) -> None:
    encoder = onnx_bytes(SMALL)
    write_models(here / "models", m=encoder)
    (here / "models" / "vocab.txt").write_bytes(
        b"\n".join(b"[PAD] [UNK] [CLS] [SEP] w1 w2".split())
    )
    asked = [(f"w{number}?", ["w1"]) for number in range(3)]
    (here / "data").mkdir()
    (here / "data" / "q.json").write_text(json.dumps(squad(("w1 w2", asked))))
    found = provider(here / "models", here / "data")
    assert found.precisions("m") == ("fp32", "int8")
    assert provider(here / "models", None).precisions("m") == ("fp32",)
    told = provider(here / "models", None).obstacle("m", "int8", ("onnx",))
    assert told == "int8 is calibrated on questions: give a --dataset"
    space = {
        "task": "question-answering",
        "models": "all",
        "precisions": ["fp32", "int8"],
        "backends": ["onnxruntime"],
        "threads": 1,
        "objectives": ["f1_percent"],
    }
    (here / "space.yaml").write_text(yaml.safe_dump(space))
    words = ("--models", "models", "--dataset", "data", "--settle", 0)
    told_all = dse.good("explore", "space.yaml", *words).out
    assert dse.counts("space")[:3] == (2, 0, 0)
    records = Study.load(StudyFolder(here / "studies" / "space")).records.values()
    seen = {
        one.configuration.precision: one.outcome.quality.details.get("calibrated_on")
        for one in records
        if one.outcome.quality
    }
    assert seen == {"fp32": None, "int8": 3}
    assert "includes the 3 questions that it was calibrated on" in told_all
    made = found.artefact("m", "int8", ("onnx",))
    assert made.weights.endswith("int8 calibrated on 3 of the 3 questions of the data set")
    assert (made.made_from, made.calibrated_on, made.published) == ("m.onnx", 3, None)


@pytest.mark.timeout(900)
@pytest.mark.long
def test_int8_of_a_trained_model_loses_no_point_of_f1(
    shared_data: Path, here: Path, dse: Command
) -> None:
    folder = shared_data / FOLDER
    if not (folder / MODEL).is_file():
        pytest.skip("the trained model is not there")
    data = json.loads((folder / "dev-facts.json").read_text())
    for article in data["data"]:
        article["paragraphs"] = article["paragraphs"][::4]
    for name in ("models", "data"):
        (here / name).mkdir()
    (here / "data" / "some.json").write_text(json.dumps(data))
    (here / "models" / "vocab.txt").write_bytes((folder / "vocab.txt").read_bytes())
    (here / "models" / "minilm.onnx").write_bytes((folder / MODEL).read_bytes())
    entry = {"name": "minilm", "file": "minilm.onnx", "precision": "fp32"}
    more = {"vocabulary": "vocab.txt", "sequence_length": 128}
    (here / "models" / "models.yaml").write_text(yaml.safe_dump({"models": [entry | more]}))
    space = {
        "task": "question-answering",
        "models": "all",
        "precisions": ["fp32", "int8"],
        "backends": ["onnxruntime", "openvino"],
        "threads": 2,
        "objectives": ["f1_percent"],
    }
    (here / "space.yaml").write_text(yaml.safe_dump(space))
    dse.good("explore", "space.yaml", "--models", "models", "--dataset", "data", "--settle", 0)
    records = Study.load(StudyFolder(here / "studies" / "space")).records.values()
    scores = {
        (one.configuration.backend, one.configuration.precision): one.outcome.values["f1_percent"]
        for one in records
    }
    assert len(scores) == 4
    for backend in ("onnxruntime", "openvino"):
        assert scores[backend, "fp32"] > 90
        assert abs(scores[backend, "int8"] - scores[backend, "fp32"]) < 1
