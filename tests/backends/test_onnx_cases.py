"""ONNX's own backend tests: each of their models runs, or is refused for a reason that is known."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from dse.core.launcher import launch_command
from dse.core.worker_environment import worker_environment
from tests.backends.onnx_cases import End, make_model, run_model, write_all
from tests.backends.remote import FOLDERS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
@pytest.mark.parametrize(
    ("module", "model"),
    [
        ("compress", "test_compress_0"),  # the shape of the output depends on the data
        ("nonmaxsuppression", "test_nonmaxsuppression_two_classes"),
        ("reducesum", "test_reduce_sum_keepdims_example"),  # the declared shape does not hold
        ("reducesum", "test_reduce_sum_default_axes_keepdims_example"),  # an input without elements
        ("reshape", "test_reshape_reordered_all_dims"),  # its values follow from shapes
        ("split", "test_split_variable_parts_2d_opset18"),
        ("div", "test_div_uint32"),  # noise would hold a divisor of 0
        ("dropout", "test_dropout_default"),  # the output is the input
        ("nonzero", "test_nonzero_example"),
        ("topk", "test_top_k"),
    ],
)
def test_it_runs(name: str, module: str, model: str, tmp_path: Path) -> None:
    path = tmp_path / f"{model}.onnx"
    path.write_bytes(make_model(module, model).SerializeToString())
    assert run_model(name, path) == End(model, "ran")


UNFED = (
    r"the input '.*' has type \w+, which can't be generated",
    r"the input '.*' is not a tensor but an? \w+",
    r"the model has no input",
)
"""Why a file is refused before any runtime sees it."""
REASONS = {
    "onnxruntime": (
        r"Could not find an implementation for|Failed to find kernel|not a registered function/op",
        r"Batchwise recurrent operations .* are not supported",
        r"Non per-tensor quantization is not supported",
    ),
    "openvino": (
        r"No conversion rule found for operations|Conversion is failed for",
        r"Loading input model Unsupported type",
        r"doesn't support \w+ operation with dynamic rank|Cannot fallback on ngraph reference",
    ),
}
"""What a runtime can't do, in its own words."""
KNOWN: dict[str, dict[str, set[str]]] = {
    "onnxruntime": {
        "an input takes values that nothing in the file implies": {
            *("test_col2im", "test_col2im_5d", "test_col2im_dilations", "test_col2im_pads"),
            *("test_col2im_strides", "test_melweightmatrix", "test_sequence_model8"),
            *("test_affine_grid_2d_align_corners_expanded", "test_affine_grid_2d_expanded"),
            *("test_affine_grid_3d_align_corners_expanded", "test_affine_grid_3d_expanded"),
            "test_attention_4d_diff_heads_mask4d_padded_kv",
        },
        "all noise ends in one leaf, with one and the same answer": {
            "test_ai_onnx_ml_tree_ensemble_set_membership",
            "test_ai_onnx_ml_tree_ensemble_single_tree",
        },
    },
    "openvino": {
        "OpenVINO 2026.4 computes no Tile by an input along four axes": {"test_tile"},
    },
}
"""Models that are refused, by the reason."""
AT_TIMES = {"test_tile"}
"""Those of them that are right at times."""


def run_all(name: str, folder: Path, models: Sequence[str]) -> Iterator[End]:
    """Runs the models in processes of their own: a runtime may end the one that it is in."""
    waiting = [*models]
    while waiting:
        words = (sys.executable, "tests.backends.onnx_cases", name, str(folder))
        ended = subprocess.run(
            launch_command(*words, folders=FOLDERS),
            input="\n".join(waiting),
            capture_output=True,
            text=True,
            env=worker_environment(sys.executable),
        )
        found = [End(**json.loads(line)) for line in ended.stdout.splitlines()]
        yield from found
        waiting = waiting[len(found) :]
        if waiting:
            yield End(waiting.pop(0), "died", ended.stderr[-2000:])


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_each_runs_or_is_refused_for_a_known_reason(name: str, tmp_path: Path) -> None:
    models = write_all(tmp_path)
    assert len(models) > 1500
    failed = {end.model: end for end in run_all(name, tmp_path, models) if end.kind != "ran"}
    unfed = {n for n, end in failed.items() if end.kind == "request"}
    assert [failed[n] for n in unfed if not _is_said(failed[n], UNFED)] == []
    refused = {n for n, end in failed.items() if _is_said(end, REASONS[name])}
    known = set().union(*KNOWN[name].values())
    unexplained = failed.keys() - unfed - refused - known
    assert [failed[n] for n in sorted(unexplained)] == []
    assert failed.keys() >= (known - AT_TIMES) & {*models}  # the list holds no more than it must


def _is_said(end: End, reasons: Sequence[str]) -> bool:
    words = " ".join(end.message.split())
    return any(re.search(reason, words) for reason in reasons)
