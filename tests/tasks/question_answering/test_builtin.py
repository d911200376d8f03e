"""The builtin encoders: built here, run by the runtimes, their F1 only published."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np
import onnx
import pytest

from dse.core import requirements
from dse.core.errors import RequestError, UnavailableError
from dse.space.finding import find_space
from dse.space.reading import read_space
from dse.tasks import registry
from dse.tasks.question_answering._architectures import ENCODERS
from dse.tasks.question_answering._builtin import BuiltinProvider
from tests.tasks.question_answering.encoders import feeds, session

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import ModelFormat

ONNX: tuple[ModelFormat, ...] = ("onnx",)
TINY, PRUNED = "bert-tiny", "bert-tiny-sparse90-block4"


def test_a_model_is_built_once(shared_cache: Path) -> None:
    provider = BuiltinProvider()
    for precision in provider.precisions(TINY):
        found = provider.artefact(TINY, precision, ONNX)
        assert found.path.is_relative_to(shared_cache / "models" / "builtin")
        before = found.path.stat().st_mtime_ns
        assert provider.artefact(TINY, precision, ONNX).path.stat().st_mtime_ns == before
        (start, end) = session(found.path).run(None, feeds(ENCODERS[TINY], 2))
        assert start.shape == end.shape == (2, 384)


@pytest.mark.usefixtures("shared_cache")
def test_the_artefact_says_what_its_weights_are() -> None:
    provider = BuiltinProvider()
    told = {
        (model, precision): provider.artefact(model, precision, ONNX).weights
        for model in (TINY, PRUNED)
        for precision in ("fp32", "int8")
    }
    assert told == {
        (TINY, "fp32"): "untrained (builtin)",
        (TINY, "int8"): "untrained (builtin), int8 calibrated on random tokens",
        (PRUNED, "fp32"): "untrained (builtin), 90 % zeros in blocks of 4",
        (PRUNED, "int8"): "untrained (builtin), 90 % zeros in blocks of 4, int8 calibrated on "
        "random tokens",
    }


@pytest.mark.usefixtures("shared_cache")
def test_pruned_models_differ_in_their_weights_alone() -> None:
    provider = BuiltinProvider()
    for precision in ("fp32", "int8"):
        dense, pruned = (provider.artefact(name, precision, ONNX) for name in (TINY, PRUNED))
        assert dense.sha256 != pruned.sha256
        assert dense.form == pruned.form
        graphs = [onnx.load(one.path).graph for one in (dense, pruned)]
        nodes = [[node.SerializeToString() for node in graph.node] for graph in graphs]
        assert nodes[0] == nodes[1]


@pytest.mark.usefixtures("shared_cache")
def test_zeros_stay_zero_in_int8() -> None:
    provider = BuiltinProvider()
    fp32, int8 = (provider.artefact(PRUNED, one, ONNX).path for one in ("fp32", "int8"))
    weights = {
        one.name: onnx.numpy_helper.to_array(one)
        for path in (fp32, int8)
        for one in onnx.load(path).graph.initializer
    }
    layers = [name for name in weights if name.startswith("layer") and name.endswith("kernel/int8")]
    assert len(layers) == 12
    for name in layers:
        own, source = weights[name], weights[name.removesuffix("/int8")]
        assert not own[source == 0].any()
        # Other weights become zero only where they are less than half a step.
        assert (own == 0).mean() < 0.92
    for name, array in weights.items():
        if name.startswith("layer") and name.endswith("kernel/zero"):
            assert array.dtype == np.int8
            assert not array.any()


def test_published_figures_are_those_of_the_task() -> None:
    task, provider = registry.task("question-answering"), BuiltinProvider()
    assert task.provider(None).models() == provider.models() == tuple(ENCODERS)
    for name in ENCODERS:
        for precision in ("fp32", "int8"):
            assert provider.published(name, precision) == task.published(name, precision)
    assert provider.published(TINY, "fp32") is provider.published("other", "fp32") is None


def test_models_are_taken_as_they_are_with_a_data_set() -> None:
    provider = BuiltinProvider()
    assert registry.task("question-answering").with_conversions(provider, None) is provider


def test_what_is_not_built_is_told() -> None:
    provider = BuiltinProvider()
    assert provider.obstacle("bert-base", "fp32", ONNX) is None
    assert provider.obstacle("bert-base", "int8", ("tflite", "onnx")) is None
    assert provider.obstacle("bert-bas", "fp32", ONNX) == "builtin has no model 'bert-bas'"
    assert provider.obstacle("bert-base", "fp16", ONNX) == "builtin builds no fp16 of it yet"
    for precision in ("fp32", "int8"):
        assert provider.obstacle("bert-base", precision, ("tflite",)) == (
            "models that answer questions are not converted to tflite"
        )
    with pytest.raises(RequestError, match="did you mean 'bert-base-sparse95'"):
        provider.precisions("bert-base-sparse96")
    with pytest.raises(RequestError) as caught:
        provider.precisions("xyz")
    assert "known are bert-base, bert-large, bert-tiny, " in str(caught.value)
    assert "sparse" not in str(caught.value)
    with pytest.raises(RequestError, match="bert-base fp16: builtin builds no fp16"):
        provider.artefact("bert-base", "fp16", ONNX)


def test_the_library_is_named_where_it_is_missing(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    del own_cache
    monkeypatch.setattr(requirements, "find_spec", lambda _: None)
    provider = BuiltinProvider()
    told = "need onnx: pip install 'mlperf-dse[builtin]'"
    assert provider.obstacle(TINY, "fp32", ONNX) == f"builtin onnx models {told}"
    assert str(provider.obstacle(TINY, "int8", ONNX)).startswith("int8 onnx models need onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UnavailableError, match="need onnx"):
        provider.artefact(TINY, "fp32", ONNX)


def test_the_wide_space_has_every_model_of_which_an_f1_is_published() -> None:
    space = read_space(find_space("bert"))
    assert set(space.models) == {name for name, one in ENCODERS.items() if one.published}
