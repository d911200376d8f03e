"""The builtin encoders: built here, run by the runtimes, their F1 only published."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest

from dse.core import requirements
from dse.core.errors import RequestError, UnavailableError
from dse.tasks import registry
from dse.tasks.question_answering._builtin import BuiltinProvider
from dse.tasks.question_answering._encoder import ENCODERS, Encoder, onnx_bytes
from dse.tasks.question_answering._inputs import RandomInputs

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.configuration import ModelFormat

SMALL = Encoder(2, 32, 2, 64, sequence_length=128)
TINY: tuple[str, str, tuple[ModelFormat, ...]] = ("bert-tiny", "fp32", ("onnx",))


def session(model: bytes | Path) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    source = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])


def feeds(encoder: Encoder, batch: int) -> dict[str, NDArray[Any]]:
    names = [one.name for one in encoder.form.inputs]
    made = RandomInputs(batch, encoder.form, seed=1).call(range(batch))
    return dict(zip(names, made, strict=True))


def by_hand(encoder: Encoder, model: bytes, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """What an encoder answers, computed from its weights: (batch, sequence, 2)."""
    from math import erf

    weights = {
        one.name: onnx.numpy_helper.to_array(one).astype(np.float64)
        for one in onnx.load_from_string(model).graph.initializer
    }

    def dense(name: str, values: NDArray[Any]) -> NDArray[Any]:
        return np.asarray(values @ weights[f"{name}/kernel"] + weights[f"{name}/bias"])

    def normalise(name: str, values: NDArray[Any]) -> NDArray[Any]:
        centred = values - values.mean(axis=-1, keepdims=True)
        unit = centred / np.sqrt((centred**2).mean(axis=-1, keepdims=True) + 1e-12)
        return np.asarray(unit * weights[f"{name}/gain"] + weights[f"{name}/shift"])

    def heads(values: NDArray[Any]) -> NDArray[Any]:
        batch, length, width = values.shape
        return values.reshape(batch, length, encoder.heads, width // encoder.heads).swapaxes(1, 2)

    tokens = weights["embedding/words"][inputs["input_ids"]] + weights["embedding/places"]
    tokens = normalise(
        "embedding", tokens + weights["embedding/segments"][inputs["token_type_ids"]]
    )
    mask = (1.0 - inputs["attention_mask"][:, None, None, :]) * -10_000
    for name in (f"layer{number}" for number in range(encoder.layers)):
        query, key, value = (
            heads(dense(f"{name}/attention/{part}", tokens)) for part in ("query", "key", "value")
        )
        scores = query @ key.swapaxes(2, 3) / np.sqrt(encoder.width // encoder.heads) + mask
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        found = (shares @ value).swapaxes(1, 2).reshape(tokens.shape)
        tokens = normalise(f"{name}/attended", tokens + dense(f"{name}/projection", found))
        wide = dense(f"{name}/wide", tokens)
        wide *= 0.5 * (1 + np.vectorize(erf)(wide / np.sqrt(2)))
        tokens = normalise(name, tokens + dense(f"{name}/narrow", wide))
    return dense("logits", tokens)


def test_a_file_computes_what_the_architecture_says() -> None:
    model = onnx_bytes(SMALL)
    onnx.checker.check_model(onnx.load_from_string(model), full_check=True)
    inputs = feeds(SMALL, 3)
    found = np.stack(session(model).run(["start_logits", "end_logits"], inputs), axis=-1)
    np.testing.assert_allclose(found, by_hand(SMALL, model, inputs), rtol=1e-3, atol=1e-4)
    assert len(np.unique(found)) > found.size // 2
    smallest = min(
        np.abs(weights[weights != 0]).min()
        for one in onnx.load_from_string(model).graph.initializer
        if (weights := onnx.numpy_helper.to_array(one)).dtype == np.float32
    )
    assert smallest > np.finfo(np.float32).tiny


def test_what_does_not_count_changes_no_answer() -> None:
    own, inputs = session(onnx_bytes(SMALL)), feeds(SMALL, 1)
    before = own.run(["start_logits"], inputs)[0]
    used = int(inputs["attention_mask"].sum())
    assert used < SMALL.sequence_length
    inputs["input_ids"][0, used:] = 7
    after = own.run(["start_logits"], inputs)[0]
    np.testing.assert_allclose(after[0, :used], before[0, :used], atol=1e-5)
    inputs["input_ids"][0, used - 1] += 1
    assert not np.allclose(own.run(["start_logits"], inputs)[0][0, :used], before[0, :used])


def test_the_same_encoder_gives_the_same_bytes() -> None:
    code = (
        "import hashlib; from dse.tasks.question_answering._encoder import *;"
        f"print(hashlib.sha256(onnx_bytes({SMALL!r})).hexdigest())"
    )
    ran = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    assert ran[0].stdout == ran[1].stdout != ""
    assert onnx_bytes(replace(SMALL, layers=1)) != onnx_bytes(SMALL)


def test_parameters_are_those_of_the_papers() -> None:
    def parameters(one: Encoder) -> float:
        layer = 4 * one.width * (one.width + 1) + 2 * one.width * one.inner
        layer += one.width + one.inner + 4 * one.width
        embedding = (30_522 + 2 + one.sequence_length + 2) * one.width
        return round((embedding + one.layers * layer) / 1e6, 1)

    found = {name: parameters(one) for name, one in ENCODERS.items()}
    # Without the pooler, which answers no questions, and with 384 places instead of 512.
    assert found == {
        "bert-large": 334.0,
        "bert-base": 108.8,
        "tinybert-6": 66.3,
        "tinybert-4": 14.2,
        "bert-tiny": 4.4,
    }


def test_a_model_is_built_once(shared_cache: Path) -> None:
    provider = BuiltinProvider()
    found = provider.artefact(*TINY)
    assert found.path.is_relative_to(shared_cache / "models" / "builtin")
    before = found.path.stat().st_mtime_ns
    assert provider.artefact(*TINY).path.stat().st_mtime_ns == before
    assert found.weights == "untrained (builtin)"
    (start, end) = session(found.path).run(None, feeds(ENCODERS["bert-tiny"], 2))
    assert start.shape == end.shape == (2, 384)


def test_published_figures_have_their_source() -> None:
    task, provider = registry.task("question-answering"), BuiltinProvider()
    assert task.provider(None).models() == provider.models() == tuple(ENCODERS)
    for name in ENCODERS:
        found = provider.published(name, "fp32")
        assert found == task.published(name, "fp32")
        assert provider.published(name, "int8") is None
        if found is not None:
            assert 80 < found.value < 91
            assert "arXiv" in found.source or "MLPerf" in found.source
    assert provider.published("bert-tiny", "fp32") is None
    assert task.published_variant("tinybert-6-int8") == ("tinybert-6", "int8")
    assert task.published_variant("bert-99") is task.published_variant("bert-base-int9") is None
    assert task.published("other", "fp32") is provider.published("other", "fp32") is None


def test_what_is_not_built_is_told() -> None:
    provider = BuiltinProvider()
    assert provider.obstacle("bert-base", "fp32", ("onnx",)) is None
    assert provider.obstacle("bert-bas", "fp32", ("onnx",)) == "builtin has no model 'bert-bas'"
    assert provider.obstacle("bert-base", "int8", ("onnx",)) == "builtin builds no int8 of it yet"
    assert (
        provider.obstacle("bert-base", "fp32", ("tflite",)) == "builtin builds no tflite of it yet"
    )
    with pytest.raises(RequestError, match="did you mean 'bert-base'"):
        provider.precisions("bert-bas")
    with pytest.raises(RequestError, match="bert-base int8: builtin builds no int8"):
        provider.artefact("bert-base", "int8", ("onnx",))


def test_the_library_is_named_where_it_is_missing(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del own_cache
    monkeypatch.setattr(requirements, "find_spec", lambda _: None)
    told = BuiltinProvider().obstacle(*TINY)
    assert told == "builtin onnx models need onnx: pip install 'mlperf-dse[builtin]'"
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UnavailableError, match="need onnx"):
        BuiltinProvider().artefact(*TINY)
