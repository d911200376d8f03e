"""A trained model on its questions, held against a plain loop without any of our code."""

from __future__ import annotations

import json
import re
import string
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from dse.study.folder import StudyFolder
from dse.study.study import Study
from tests.commandline import Command, here, tmp_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.study.record import Record

__all__ = ["here", "tmp_path"]

FOLDER, MODEL = "question-answering", "minilm-l6-facts_fp32.onnx"
INPUTS = ("input_ids", "attention_mask", "token_type_ids")


@pytest.fixture
def dse(capsys: pytest.CaptureFixture[str]) -> Command:
    return Command(capsys)


def onnxruntime(model: Path) -> Any:
    import onnxruntime as ort

    session = ort.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return lambda feeds: session.run(["start_logits", "end_logits"], feeds)


def openvino(model: Path) -> Any:
    import openvino as ov

    core = ov.Core()
    # Left to itself it computes in bf16 where the CPU can.
    options = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(str(model)), "CPU", options)

    def predict(feeds: dict[str, NDArray[Any]]) -> tuple[NDArray[Any], ...]:
        found = compiled(feeds)
        return found["start_logits"], found["end_logits"]

    return predict


def normalised(text: str) -> list[str]:
    kept = "".join(char for char in text.lower() if char not in string.punctuation)
    return re.sub(r"\b(a|an|the)\b", " ", kept).split()


def f1(found: list[str], right: list[str]) -> float:
    same = sum((Counter(found) & Counter(right)).values())
    if same == 0:
        return 0
    precision, recall = same / len(found), same / len(right)
    return 2 * precision * recall / (precision + recall)


def spans(start: NDArray[Any], end: NDArray[Any]) -> Iterator[tuple[int, int]]:
    """All spans of candidates, the likeliest first."""
    firsts, lasts = (sorted(range(len(one)), key=lambda i: -one[i])[:20] for one in (start, end))
    pairs = [(s, e) for s in firsts for e in lasts if s <= e <= s + 29]
    yield from sorted(pairs, key=lambda p: -(float(start[p[0]]) + float(end[p[1]])))


def plain_loop(
    folder: Path, data: dict[str, Any], length: int, predict: Any
) -> tuple[float, float]:
    """Exact match and F1, one question at a time; each fits into a sample, and is plain ASCII."""
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
    exact_match, total, count = 0, 0.0, 0
    for paragraph in (p for article in data["data"] for p in article["paragraphs"]):
        for asked in paragraph["qas"]:
            found = tokenizer.encode(asked["question"], paragraph["context"])
            assert len(found.ids) <= length
            padding = [0] * (length - len(found.ids))
            rows = (found.ids, found.attention_mask, found.type_ids)
            feeds = {n: np.array([[*row, *padding]]) for n, row in zip(INPUTS, rows, strict=True)}
            start, end = (one[0] for one in predict(feeds))
            inside = [i for i, part in enumerate(found.sequence_ids) if part == 1]
            first, last = next((s, e) for s, e in spans(start, end) if s in inside and e in inside)
            begin, stop = found.offsets[first][0], found.offsets[last][1]
            answer = normalised(paragraph["context"][begin:stop])
            right = [normalised(one["text"]) for one in asked["answers"]]
            exact_match += answer in right
            total += max(f1(answer, one) for one in right)
            count += 1
    return 100.0 * exact_match / count, 100.0 * total / count


def write_some(folder: Path, here: Path, paragraphs: int, length: int) -> dict[str, Any]:
    """Writes the first questions, and the model for samples of a length; returns the questions."""
    if not (folder / MODEL).is_file():
        pytest.skip("the trained model is not there")
    data: dict[str, Any] = json.loads((folder / "dev-facts.json").read_text())
    for article in data["data"]:
        article["paragraphs"] = article["paragraphs"][:paragraphs]
    data["data"] = data["data"][: max(1, paragraphs // 10)]
    for name in ("models", "data"):
        (here / name).mkdir()
    (here / "data" / "some.json").write_text(json.dumps(data))
    (here / "models" / "vocab.txt").write_bytes((folder / "vocab.txt").read_bytes())
    (here / "models" / "minilm.onnx").write_bytes((folder / MODEL).read_bytes())
    entry = {
        "name": "minilm",
        "file": "minilm.onnx",
        "precision": "fp32",
        "vocabulary": "vocab.txt",
        "sequence_length": length,
    }
    (here / "models" / "models.yaml").write_text(yaml.safe_dump({"models": [entry]}))
    return data


def explore(here: Path, dse: Command, backends: Any) -> list[Record]:
    """Measures the F1 on backends, with their knobs."""
    space = {
        "task": "question-answering",
        "models": "all",
        "backends": backends,
        "threads": 1,
        "objectives": ["f1_percent"],
    }
    (here / "space.yaml").write_text(json.dumps(space))
    dse.good("explore", "space.yaml", "--models", "models", "--dataset", "data", "--settle", 0)
    return list(Study.load(StudyFolder(here / "studies" / "space")).records.values())


@pytest.mark.parametrize(
    ("paragraphs", "length"),
    [(1, 128), pytest.param(1000, 384, marks=pytest.mark.long)],
    ids=["some", "all"],
)
@pytest.mark.timeout(3600)
def test_f1_and_exact_match_are_those_of_a_plain_loop(
    paragraphs: int, length: int, shared_data: Path, here: Path, dse: Command
) -> None:
    folder = shared_data / FOLDER
    data = write_some(folder, here, paragraphs, length)
    runtimes: dict[str, Callable[[Path], Any]] = {"onnxruntime": onnxruntime, "openvino": openvino}
    records = explore(here, dse, list(runtimes))
    assert {one.configuration.backend for one in records} == set(runtimes)
    for one in records:
        predict = runtimes[one.configuration.backend](folder / MODEL)
        exact_match, expected = plain_loop(folder, data, length, predict)
        quality = one.outcome.quality
        assert quality is not None
        assert (quality.value, quality.details["exact_match"]) == (expected, exact_match)
        assert exact_match > 80


@pytest.mark.parametrize(
    ("paragraphs", "length", "buckets"),
    [(1, 128, [96]), pytest.param(1000, 384, [64, 128, 192, 256], marks=pytest.mark.long)],
    ids=["some", "all"],
)
@pytest.mark.timeout(3600)
def test_buckets_change_no_answer(
    paragraphs: int, length: int, buckets: list[int], shared_data: Path, here: Path, dse: Command
) -> None:
    write_some(shared_data / FOLDER, here, paragraphs, length)
    knob = {"buckets": [[length], buckets]}
    records = explore(here, dse, {"onnxruntime": knob, "openvino": knob})
    assert len(records) == 4
    found = set()
    for one in records:
        quality = one.outcome.quality
        assert quality is not None
        found.add((quality.value, quality.details["exact_match"], quality.details["right"]))
    assert len(found) == 1
