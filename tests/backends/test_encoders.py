"""Encoders that answer questions, on each runtime that reads ONNX: integers in, two outputs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.core.backend import LoadRequest, Runtime, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.registry import BACKENDS, backend
from dse.tasks.question_answering._architectures import Encoder, Pruning
from dse.tasks.question_answering._builtin import build_fp32, build_int8
from tests.backends.feeds import later
from tests.tasks.question_answering.encoders import ENCODERS, MOBILE, SMALL, feeds, session

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

READERS = [
    name
    for name in BACKENDS
    if isinstance(backend(name), Runtime) and "onnx" in backend(name).formats and name != "ncnn"
]
"""ncnn takes one input of float32 alone."""
REFUSED = {("executorch", "int8")}
"""XNNPACK would compute the products in float32, as these files have their results."""
PRUNED = {
    "bert-sparse90": replace(SMALL, pruning=Pruning(90)),
    "bert-sparse90-block4": replace(SMALL, pruning=Pruning(90, 4)),
    "mobilebert-sparse50-block4": replace(MOBILE, pruning=Pruning(50, 4)),
}
MODELS: dict[str, Encoder] = ENCODERS | PRUNED
OUTPUTS = ("start_logits", "end_logits")
TOLERANCE = {"fp32": 1e-3, "int8": 0.1}
"""Of the standard deviation of the answers. In 8 bits a value that lies between two steps goes to
one or the other, and products go on with that."""


def answers(
    runtime: Runtime, encoder: Encoder, precision: str, batch: int, threads: int = 1
) -> NDArray[Any]:
    """What a runtime answers, (2, batch, sequence), by a model loaded for it alone."""
    build = {"fp32": build_fp32, "int8": build_int8}[precision]
    file, _ = build("small", encoder)
    configuration = Configuration("m", precision, runtime.name, threads, batch)
    request = LoadRequest(configuration, file, {}, encoder.form.signature)
    model = runtime.load(request)
    found = dict(model.outputs(model.bind(tuple(feeds(encoder, batch).values()))))
    stacked = np.stack([np.array(found[name]) for name in OUTPUTS])
    model.close()
    return stacked


@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize(
    "model",
    [
        pytest.param(one, marks=[pytest.mark.long] if one.startswith("mobilebert-") else [])
        for one in MODELS
    ],
)
@pytest.mark.parametrize("name", later(READERS))
@pytest.mark.usefixtures("shared_cache")
def test_every_runtime_gives_the_same_answers(
    name: str, model: str, precision: str, runtimes: Callable[[str], Runtime]
) -> None:
    encoder, runtime = MODELS[model], runtimes(name)
    if (name, precision) in REFUSED:
        with pytest.raises(UnsupportedError, match="integers unless the products are quantised"):
            answers(runtime, encoder, precision, 1)
        return
    build = {"fp32": build_fp32, "int8": build_int8}[precision]
    plain = session(build("small", encoder)[0])
    for batch in (1, 3):
        expected = np.stack(plain.run(list(OUTPUTS), feeds(encoder, batch)))
        found = answers(runtime, encoder, precision, batch)
        assert found.dtype == np.float32
        assert found.shape == expected.shape == (2, batch, encoder.sequence_length)
        off = np.sqrt(((found - expected) ** 2).mean())
        assert off < TOLERANCE[precision] * expected.std()
    again = answers(runtime, encoder, precision, 3, threads=2)
    assert np.sqrt(((again - found) ** 2).mean()) < TOLERANCE[precision] * expected.std()
