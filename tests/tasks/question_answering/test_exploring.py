"""Exploring models that answer questions: the user's own, and builtin ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dse.core.details import QualityDetails
from dse.study.folder import StudyFolder
from dse.study.study import Study
from tests.answering import ASKED, SAMPLES, write_questions
from tests.answering_model import onnx_bytes, write_models
from tests.commandline import Command, here, tmp_path

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["here", "tmp_path"]

INPUTS = ("--models", "models", "--dataset", "data")
BACKENDS = ["onnxruntime", "openvino"]


@pytest.fixture
def dse(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def write_space(folder: Path, **more: Any) -> None:
    space = {
        "task": "question-answering",
        "models": "all",
        "backends": BACKENDS,
        "threads": 1,
        "batch_sizes": [2],
        **more,
    }
    (folder / "space.yaml").write_text(yaml.safe_dump(space))


def test_own_models_go_the_whole_way(here: Path, dse: Command) -> None:
    write_models(here / "models", right=onnx_bytes(), wrong=onnx_bytes(place=1))
    write_questions(here / "data")
    write_space(here)
    told = dse.good("explore", "space.yaml", *INPUTS, "--settle", 0)
    assert "data set: 4 questions on 2 paragraphs, from questions.json" in told.out + told.err
    assert dse.counts("space")[:3] == (4, 0, 0)
    study = Study.load(StudyFolder(here / "studies" / "space"))
    assert study.about.metrics == ("f1_percent", "latency_p90_ms", "throughput_samples_per_s")
    scores = {
        (one.configuration.model, one.configuration.backend): one.outcome.values["f1_percent"]
        for one in study.records.values()
    }
    assert scores == {(m, b): 100.0 * (m == "right") for m in ("right", "wrong") for b in BACKENDS}
    qualities = [one.outcome.quality for one in study.records.values()]
    details = [QualityDetails.of(one.details) for one in qualities if one is not None]
    assert {(each.total, each.samples) for each in details} == {(len(ASKED), SAMPLES)}
    rehearse = ("validate", "space", *INPUTS, "--rehearsal", "--scenario", "SingleStream")
    said = dse.good(*rehearse, "--division", "closed").err
    assert said.count(": SingleStream TEST01 (") == said.count(": SingleStream accuracy (") > 0
    assert "TEST04" not in said
    dse.good("report", "space")
    page = (here / "studies" / "space" / "report" / "report.html").read_text(encoding="utf-8")
    assert "F1 of the answers" in page
    assert "top-1" not in page


def test_builtin_models_need_no_data_set(here: Path, dse: Command, shared_cache: Path) -> None:
    assert shared_cache.is_dir()
    objectives = ["latency_p90_ms", "throughput_samples_per_s"]
    write_space(here, models=["bert-tiny"], objectives=objectives)
    dse.good("explore", "space.yaml", "--settle", 0)
    assert dse.counts("space")[:3] == (2, 0, 0)


def test_a_model_without_a_published_f1_needs_a_data_set(here: Path, dse: Command) -> None:
    write_space(here, models=["bert-tiny"])
    answer = dse("explore", "space.yaml")
    assert answer.code == 2
    assert "its quality is not published; give a --dataset to measure it" in answer.err


def test_untrained_models_answer_no_questions(here: Path, dse: Command) -> None:
    write_questions(here / "data")
    write_space(here, models=["bert-base"])
    answer = dse("explore", "space.yaml", "--dataset", "data")
    assert answer.code == 2
    assert "the builtin models have untrained weights" in answer.last


def test_a_wrong_data_set_is_one_line(here: Path, dse: Command) -> None:
    write_models(here / "models", right=onnx_bytes())
    (here / "data").mkdir()
    (here / "data" / "dev.json").write_text('{"data": [{}]}')
    write_space(here)
    answer = dse("explore", "space.yaml", *INPUTS)
    assert answer.code == 2
    [line] = answer.err.splitlines()
    assert "dev.json: data[0].paragraphs: is missing" in line
