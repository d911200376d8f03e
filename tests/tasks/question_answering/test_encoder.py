"""The files of encoders: what they compute, and which of their weights are zero."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import onnx
import pytest

from dse.tasks.question_answering._architectures import BLOCKS, PRUNED_PERCENTS, Encoder, Pruning
from dse.tasks.question_answering._onnx_file import onnx_bytes
from tests.tasks.question_answering.encoders import (
    ENCODERS,
    MOBILE,
    SMALL,
    ByHand,
    feeds,
    session,
    weights_of,
)

PRUNINGS = [Pruning(percent, block) for percent in PRUNED_PERCENTS for block in BLOCKS]


@pytest.mark.parametrize("name", ENCODERS)
def test_a_file_computes_what_the_architecture_says(name: str) -> None:
    encoder = ENCODERS[name]
    model = onnx_bytes(encoder)
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    inputs = feeds(encoder, 3)
    found = np.stack(session(model).run(["start_logits", "end_logits"], inputs), axis=-1)
    expected = ByHand(encoder, model).answer(inputs)
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-4)
    assert len(np.unique(found)) > found.size // 2
    smallest = min(
        np.abs(weights[weights != 0]).min()
        for weights in weights_of(model).values()
        if weights.dtype == np.float32
    )
    assert smallest > np.finfo(np.float32).tiny


@pytest.mark.parametrize("name", ENCODERS)
def test_every_constant_is_used(name: str) -> None:
    graph = onnx.load_from_string(onnx_bytes(ENCODERS[name])).graph
    used = {name for node in graph.node for name in node.input}
    assert {one.name for one in (*graph.initializer, *graph.input)} <= used


@pytest.mark.parametrize("name", ENCODERS)
def test_what_does_not_count_changes_no_answer(name: str) -> None:
    encoder = ENCODERS[name]
    own, inputs = session(onnx_bytes(encoder)), feeds(encoder, 1)
    before = own.run(["start_logits"], inputs)[0]
    used = int(inputs["attention_mask"].sum())
    assert used < encoder.sequence_length
    # MobileBERT joins the embeddings of neighbours: the first token beyond is one of the last.
    beyond = used + (encoder.bottleneck is not None)
    inputs["input_ids"][0, beyond:] = 7
    after = own.run(["start_logits"], inputs)[0]
    np.testing.assert_allclose(after[0, :used], before[0, :used], atol=1e-5)
    inputs["input_ids"][0, used - 1] += 1
    assert not np.allclose(own.run(["start_logits"], inputs)[0][0, :used], before[0, :used])


@pytest.mark.parametrize("encoder", [SMALL, replace(MOBILE, pruning=Pruning(90, 4))])
def test_the_same_encoder_gives_the_same_bytes(encoder: Encoder) -> None:
    code = (
        "import hashlib; from dse.tasks.question_answering._architectures import *;"
        "from dse.tasks.question_answering._onnx_file import onnx_bytes;"
        f"print(hashlib.sha256(onnx_bytes({encoder!r})).hexdigest())"
    )
    ran = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert ran[0].stdout == ran[1].stdout != ""
    assert onnx_bytes(replace(encoder, layers=1)) != onnx_bytes(encoder)


@pytest.mark.parametrize("pruning", PRUNINGS, ids=lambda one: one.suffix)
@pytest.mark.parametrize("encoder", [SMALL, MOBILE], ids=["bert", "mobilebert"])
def test_so_many_weights_of_the_layers_are_zero(encoder: Encoder, pruning: Pruning) -> None:
    dense = weights_of(onnx_bytes(encoder))
    pruned = weights_of(onnx_bytes(replace(encoder, pruning=pruning)))
    assert list(pruned) == list(dense)
    layers = [name for name in dense if name.startswith("layer") and name.endswith("/kernel")]
    assert len(layers) == encoder.layers * (6 if encoder is SMALL else 13)
    for name, weights in pruned.items():
        if name not in layers:
            np.testing.assert_array_equal(weights, dense[name])
            continue
        zeros = weights == 0
        np.testing.assert_array_equal(weights[~zeros], dense[name][~zeros])
        blocks = zeros.reshape(-1, pruning.block, zeros.shape[1])
        assert (blocks == blocks[:, :1]).all()
        count = blocks[:, 0].size
        assert blocks[:, 0].sum() == round(count * pruning.percent / 100)


def test_layers_have_zeros_of_their_own() -> None:
    weights = weights_of(onnx_bytes(replace(SMALL, pruning=Pruning(50))))
    query, key = (weights[f"layer0/attention/{part}/kernel"] == 0 for part in ("query", "key"))
    assert 0.3 < (query == key).mean() < 0.7
