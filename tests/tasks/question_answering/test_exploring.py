"""Exploring models that answer questions: the user's own, and builtin ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dse.core.details import QualityDetails
from dse.study.folder import StudyFolder
from dse.study.study import Study
from tests.answering import ASKED, SAMPLES, write_questions
from tests.answering_model import onnx_bytes, write_models
from tests.commandline import Command, here, tmp_path
from tests.results.tables import BERT_OFFLINE, write_bert

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
    assert said.count(" SingleStream TEST01, ") == said.count(" SingleStream accuracy, ") > 0
    assert f"the data set has {SAMPLES} samples, not 10833" in said
    assert "TEST04" not in said
    dse.good("report", "space")
    page = (here / "studies" / "space" / "report" / "report.html").read_text(encoding="utf-8")
    assert "F1 of the answers" in page
    assert "top-1" not in page
    _stands_beside_published_results(here, dse)


def _stands_beside_published_results(here: Path, dse: Command) -> None:
    write_bert(here / "bert.csv", [{}, BERT_OFFLINE])
    found = json.loads(dse.good("compare", "space", "bert.csv", "--accuracy", 90, "--json").out)
    assert [each["name"] for each in found["systems"]] == ["space", "board_one-cpu-runtime"]
    for metric in ("latency_p90_ms", "throughput_samples_per_s", "throughput_per_core"):
        (ranking,) = (each for each in found["rankings"] if each["criterion"] == metric)
        assert {each["system"] for each in ranking["standings"]} == {1, 2}
    told = dse.good("compare", "space", "bert.csv").out
    assert "F1 of at least" in " ".join(told.split())
    assert "accuracies are from 4 questions" in " ".join(told.split())


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
    assert "no published quality: give a --dataset to measure it, or leave it out" in answer.err


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


BUCKETS = {name: {"buckets": [[128], [16, 48, 128]]} for name in BACKENDS}


def test_samples_in_buckets_are_answered_as_well(here: Path, dse: Command) -> None:
    write_models(here / "models", right=onnx_bytes(length="sequence"))
    write_questions(here / "data")
    write_space(here, backends=BUCKETS)
    dse.good("explore", "space.yaml", *INPUTS, "--settle", 0)
    assert dse.counts("space")[:3] == (4, 0, 0)
    study = Study.load(StudyFolder(here / "studies" / "space"))
    records = list(study.records.values())
    assert {one.outcome.values["f1_percent"] for one in records} == {100.0}
    lengths = {dict(one.configuration.knobs)["buckets"] for one in records}
    assert lengths == {"128", "16+48+128"}
    keys = [m.key for one in records for m in one.outcome.measurements if m.metric == "f1_percent"]
    assert len(set(keys)) == len(keys)  # padding may change an answer
    shown = [dse.good("show", "space", one.id).out for one in records]
    assert sum("# Measured with buckets 16+48+128: lengths it" in text for text in shown) == 2
    rehearse = ("validate", "space", *INPUTS, "--rehearsal")
    dse.good(*rehearse)


def test_the_data_set_decides_how_long_samples_in_buckets_take(here: Path, dse: Command) -> None:
    """So a latency in buckets is taken again for another data set, and any other one is not."""
    found = []
    for name in ("one", "other"):
        folder = here / name
        write_models(folder / "models", right=onnx_bytes(length="sequence"))
        data = write_questions(folder / "data") / "questions.json"
        data.write_text(data.read_text() + (" " if name == "other" else ""))
        write_space(
            folder, backends={"onnxruntime": {"buckets": [[128], [48, 128]]}, "openvino": {}}
        )
        words = ("--models", folder / "models", "--dataset", folder / "data", "--study", name)
        dse.good("explore", folder / "space.yaml", *words, "--settle", 0)
        study = Study.load(StudyFolder(here / "studies" / name))
        latencies = (one.outcome.measurement("latency_p90_ms") for one in study.records.values())
        found.append({one.key for one in latencies if one is not None})
    assert [len(keys) for keys in found] == [3, 3]
    assert len(found[0] & found[1]) == 1


def test_buckets_that_come_to_the_same_are_measured_once(here: Path, dse: Command) -> None:
    write_models(here / "models", right=onnx_bytes(length="sequence"))
    same = [[48], [48, 128], [48, 512], [16]]
    objectives = ["latency_p90_ms", "throughput_samples_per_s"]
    write_space(here, backends={"onnxruntime": {"buckets": same}}, objectives=objectives)
    answer = dse.good("explore", "space.yaml", "--models", "models", "--dry-run")
    told = " ".join((answer.out + answer.err).split())
    assert "2 configurations" in told
    assert "the same as buckets=48 (2 configurations)" in told


def test_a_file_of_one_length_is_not_run_in_buckets(here: Path, dse: Command) -> None:
    write_models(here / "models", right=onnx_bytes())
    write_questions(here / "data")
    write_space(here, backends=BUCKETS)
    answer = dse.good("explore", "space.yaml", *INPUTS, "--settle", 0)
    told = "no buckets: its file takes samples of 128 tokens only"
    assert told in " ".join((answer.out + answer.err).split())
    assert dse.counts("space")[:3] == (2, 0, 0)
