"""What the page of runtimes says of what ran."""

from __future__ import annotations

from tests.runtimes_page import Results, page

MODELS = ("mobilenet-v3-small", "efficientnet-lite0")
VERSIONS = {"onnxruntime": "1.32.0", "ncnn": "1.0"}


def all_ran() -> Results:
    results = Results()
    for model in MODELS:
        results.ran[model, "onnxruntime"] = ["fp32", "int8"]
        results.ran[model, "ncnn"] = ["fp32"]
    return results


def rows(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("| ") and "version" not in line]


def test_where_all_models_run_a_sentence_says_so() -> None:
    text = page(MODELS, VERSIONS, all_ran())
    assert (
        "runs all 2 models of the catalogue in every precision that its row names. Of"
        in " ".join(text.split())
    )
    assert "What did not run" not in text
    assert rows(text) == [
        "| onnxruntime | 1.32.0 | all | - | all |",
        "| ncnn | 1.0 | all | - | - |",
    ]


def test_what_did_not_run_is_counted_and_its_reason_said_once() -> None:
    results = all_ran()
    results.ran["mobilenet-v3-small", "onnxruntime"].remove("int8")
    results.reasons["mobilenet-v3-small", "onnxruntime", "int8"] = "no such operator"
    for model in MODELS:
        results.reasons[model, "ncnn", "bf16"] = "no bf16 here"
    text = page(MODELS, VERSIONS, results)
    assert "row names, but for the exceptions below." in " ".join(text.split())
    assert rows(text) == [
        "| onnxruntime | 1.32.0 | all | - | 1 of 2 |",
        "| ncnn | 1.0 | all | 0 of 2 | - |",
    ]
    assert text.splitlines()[-2:] == [
        "- onnxruntime int8, mobilenet-v3-small: no such operator",
        "- ncnn bf16, all: no bf16 here",
    ]
