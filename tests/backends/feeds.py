"""What each backend is tried with in the conformance suite: models, inputs, values of knobs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.core.backend import LoadRequest, Scores
from dse.core.configuration import Configuration
from dse.core.registry import BACKENDS
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from tests import any_models, resnets
from tests.small_models import CLASSES, SIDE, classifier_bytes, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.backend import Model, Runtime
    from dse.core.configuration import KnobValue

SMALL: dict[str, Callable[..., bytes]] = {"onnx": onnx_bytes, "tflite": tflite_bytes}
"""By file format: writes a model; takes ``fixed_batch`` and ``inputs``."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A model for a backend.

    Attributes:
        backend: its name.
        shape: of one sample.
        classes: number of scores.
        file: makes or finds the model file; None where the backend reads none.
        dtype: of a sample.
        largest_batch: the largest that the model takes.
        tolerance: by how much scores may differ where the arithmetic does.
        values: values to try of knobs that take any.
        refused: values of knobs that the backend refuses.
        loose: tolerance at values of knobs that ask for less precision.
        frees_batch: whether the runtime gives a model of a fixed batch any other one.
        knobs: values of knobs that it is loaded with where a test names no others.
        beside: whether the weights may lie in another file than the model.
        sums: whether the runtime knows a sum of one; see `tests.small_models.onnx_bytes`.
    """

    backend: str
    shape: tuple[int, ...]
    classes: int
    file: Callable[[pytest.FixtureRequest], Path | None]
    dtype: str = "float32"
    largest_batch: int = 16
    tolerance: float = 1e-4
    values: Mapping[str, tuple[KnobValue, ...]] = field(default_factory=dict)
    refused: frozenset[tuple[str, KnobValue]] = frozenset()
    loose: Mapping[KnobValue, float] = field(default_factory=dict)
    frees_batch: bool = False
    knobs: Mapping[str, KnobValue] = field(default_factory=dict)
    beside: bool = True
    sums: bool = True

    def small(self, file_format: str, **more: Any) -> bytes:
        """A small model in a format, for this backend."""
        return SMALL[file_format](**more, **({} if self.sums else {"sums": False}))


def small(file_format: str) -> Callable[[pytest.FixtureRequest], Path]:
    def write(request: pytest.FixtureRequest) -> Path:
        folder: Path = request.getfixturevalue("tmp_path")
        path = folder / f"small.{file_format}"
        path.write_bytes(SMALL[file_format]())
        return path

    return write


def made(name: str, make: Callable[[], bytes]) -> Callable[[pytest.FixtureRequest], Path]:
    def write(request: pytest.FixtureRequest) -> Path:
        folder: Path = request.getfixturevalue("tmp_path")
        (folder / name).write_bytes(make())
        return folder / name

    return write


def half() -> bytes:
    model = any_models.half()
    for dim in model.graph.input[0].type.tensor_type.shape.dim[2:]:
        dim.dim_value = SIDE
    return bytes(model.SerializeToString())


def without_sum() -> bytes:
    return onnx_bytes(sums=False)


def int8() -> bytes:
    return classifier_bytes(SIDE, CLASSES, "int8")


def builtin(name: str) -> Callable[[pytest.FixtureRequest], Path]:
    def build(request: pytest.FixtureRequest) -> Path:
        request.getfixturevalue("shared_cache")
        return BuiltinProvider().artefact(name, "fp32", ("onnx",)).path

    return build


def published(name: str) -> Callable[[pytest.FixtureRequest], Path]:
    def find(request: pytest.FixtureRequest) -> Path:
        folder: Path = request.getfixturevalue("shared_data")
        return folder / "models" / name

    return find


FEEDS = {
    "onnxruntime": Feed(
        "onnxruntime",
        (3, SIDE, SIDE),
        CLASSES,
        small("onnx"),
        values={"inter_op_threads": (1, 2)},
        refused=frozenset({("inter_op_threads", 2)}),  # in sequential mode
    ),
    "onnxruntime-builtin": Feed(
        "onnxruntime",
        (3, 128, 128),
        1001,
        builtin("mobilenet-v1-0.25-128"),
        tolerance=1e-3,
        values={"inter_op_threads": (1,)},
    ),
    "onnxruntime-resnet": Feed(
        "onnxruntime",
        (3, resnets.SIDE, resnets.SIDE),
        resnets.CLASSES,
        made("resnet.onnx", resnets.narrow_onnx),
        tolerance=1e-3,
        values={"inter_op_threads": (1,)},
    ),
    "onnxruntime-half": Feed(
        "onnxruntime",
        (3, SIDE, SIDE),
        any_models.CLASSES,
        made("half.onnx", half),
        dtype="float16",
        tolerance=2e-2,
        values={"inter_op_threads": (1,)},
    ),
    "litert-int8": Feed(
        "litert", (SIDE, SIDE, 3), CLASSES, made("int8.tflite", int8), dtype="int8"
    ),
    "litert": Feed("litert", (SIDE, SIDE, 3), CLASSES, small("tflite")),
    "litert-resnet": Feed(
        "litert",
        (resnets.SIDE, resnets.SIDE, 3),
        resnets.CLASSES,
        made("resnet.tflite", resnets.narrow_tflite),
        tolerance=1e-3,
    ),
    "litert-float": Feed(
        "litert", (224, 224, 3), 1000, published("efficientnet-lite0_fp32.tflite"), largest_batch=3
    ),
    "litert-quantised": Feed(
        "litert",
        (128, 128, 3),
        1001,
        published("mobilenet_v1_0.25_128_quant.tflite"),
        dtype="uint8",
        largest_batch=1,
        tolerance=12,  # of 255: XNNPACK rounds in another way
    ),
    "openvino": Feed(
        "openvino",
        (3, SIDE, SIDE),
        CLASSES,
        small("onnx"),
        frees_batch=True,
        loose={"bf16": 1.0},
        values={"streams": (1, 2)},
        refused=frozenset({("streams", 2)}),  # with one thread
    ),
    "openvino-tflite": Feed(
        "openvino",
        (SIDE, SIDE, 3),
        CLASSES,
        small("tflite"),
        frees_batch=True,
        loose={"bf16": 1.0},
        values={"streams": (1,)},
    ),
    "openvino-resnet": Feed(
        "openvino",
        (3, resnets.SIDE, resnets.SIDE),
        resnets.CLASSES,
        made("resnet.onnx", resnets.narrow_onnx),
        frees_batch=True,
        tolerance=1e-3,
        loose={"bf16": 1.0},
        values={"streams": (1,)},
    ),
    "openvino-half": Feed(
        "openvino",
        (3, SIDE, SIDE),
        any_models.CLASSES,
        made("half.onnx", half),
        dtype="float16",
        frees_batch=True,
        tolerance=2e-2,
        loose={"bf16": 1.0},
        values={"streams": (1,)},
    ),
    "openvino-int8": Feed(
        "openvino",
        (SIDE, SIDE, 3),
        CLASSES,
        made("int8.tflite", int8),
        dtype="int8",
        frees_batch=True,
        loose={"bf16": 1.0},
        values={"streams": (1,)},
    ),
    "mnn": Feed("mnn", (3, SIDE, SIDE), CLASSES, made("small.onnx", without_sum), sums=False),
    "mnn-builtin": Feed(
        "mnn", (3, 128, 128), 1001, builtin("mobilenet-v1-0.25-128"), tolerance=1e-3, sums=False
    ),
    "mnn-resnet": Feed(
        "mnn",
        (3, resnets.SIDE, resnets.SIDE),
        resnets.CLASSES,
        made("resnet.onnx", resnets.narrow_onnx),
        tolerance=1e-3,
        sums=False,
    ),
    "deepsparse": Feed(
        "deepsparse",
        (3, SIDE, SIDE),
        CLASSES,
        small("onnx"),
        values={"streams": (1, 2)},
        refused=frozenset({("streams", 2)}),  # with one thread
    ),
    "deepsparse-builtin": Feed(
        "deepsparse",
        (3, 128, 128),
        1001,
        builtin("mobilenet-v1-0.25-128"),
        tolerance=1e-3,
        values={"streams": (1,)},
    ),
    "deepsparse-resnet": Feed(
        "deepsparse",
        (3, resnets.SIDE, resnets.SIDE),
        resnets.CLASSES,
        made("resnet.onnx", resnets.narrow_onnx),
        tolerance=1e-3,
        values={"streams": (1,)},
    ),
    "tflite-runtime": Feed("tflite-runtime", (SIDE, SIDE, 3), CLASSES, small("tflite")),
    "tflite-runtime-resnet": Feed(
        "tflite-runtime",
        (resnets.SIDE, resnets.SIDE, 3),
        resnets.CLASSES,
        made("resnet.tflite", resnets.narrow_tflite),
        tolerance=1e-3,
    ),
    "tflite-runtime-quantised": Feed(
        "tflite-runtime",
        (128, 128, 3),
        1001,
        published("mobilenet_v1_0.25_128_quant.tflite"),
        dtype="uint8",
        largest_batch=1,
    ),
    "ncnn": Feed(
        "ncnn",
        (3, SIDE, SIDE),
        CLASSES,
        made("small.onnx", without_sum),
        loose={"bf16": 1.0},
        frees_batch=True,
        beside=False,
        sums=False,
    ),
    "ncnn-builtin": Feed(
        "ncnn",
        (3, 128, 128),
        1001,
        builtin("mobilenet-v1-0.25-128"),
        tolerance=1e-3,
        loose={"bf16": 1.0},
        frees_batch=True,
        beside=False,
        sums=False,
    ),
    "ncnn-resnet": Feed(
        "ncnn",
        (3, resnets.SIDE, resnets.SIDE),
        resnets.CLASSES,
        made("resnet.onnx", resnets.narrow_onnx),
        tolerance=1e-3,
        loose={"bf16": 1.0},
        frees_batch=True,
        beside=False,
        sums=False,
    ),
    "pytorch": Feed(
        "pytorch",
        (3, SIDE, SIDE),
        CLASSES,
        small("onnx"),
        loose={"bf16": 1.0},
    ),
    "pytorch-builtin": Feed(
        "pytorch",
        (3, 128, 128),
        1001,
        builtin("mobilenet-v1-0.25-128"),
        tolerance=1e-3,
        loose={"bf16": 1.0},
    ),
    "pytorch-resnet": Feed(
        "pytorch",
        (3, resnets.SIDE, resnets.SIDE),
        resnets.CLASSES,
        made("resnet.onnx", resnets.narrow_onnx),
        tolerance=1e-3,
        loose={"bf16": 1.0},
    ),
    "pytorch-compiled": Feed(
        "pytorch",
        (3, SIDE, SIDE),
        CLASSES,
        small("onnx"),
        loose={"bf16": 1.0},
        knobs={"compile": True},
    ),
    "pytorch-half": Feed(
        "pytorch",
        (3, SIDE, SIDE),
        any_models.CLASSES,
        made("half.onnx", half),
        dtype="float16",
        tolerance=2e-2,
        loose={"bf16": 1.0},
    ),
    "onnxruntime-openvino": Feed(
        "onnxruntime-openvino",
        (3, SIDE, SIDE),
        CLASSES,
        small("onnx"),
        values={"inter_op_threads": (1, 2)},
        refused=frozenset({("inter_op_threads", 2)}),  # in sequential mode
    ),
    "onnxruntime-openvino-builtin": Feed(
        "onnxruntime-openvino",
        (3, 128, 128),
        1001,
        builtin("mobilenet-v1-0.25-128"),
        tolerance=1e-3,
        values={"inter_op_threads": (1,)},
    ),
    "onnxruntime-openvino-resnet": Feed(
        "onnxruntime-openvino",
        (3, resnets.SIDE, resnets.SIDE),
        resnets.CLASSES,
        made("resnet.onnx", resnets.narrow_onnx),
        tolerance=1e-3,
        values={"inter_op_threads": (1,)},
    ),
    "onnxruntime-openvino-half": Feed(
        "onnxruntime-openvino",
        (3, SIDE, SIDE),
        any_models.CLASSES,
        made("half.onnx", half),
        dtype="float16",
        tolerance=2e-2,
        values={"inter_op_threads": (1,)},
    ),
    "executorch": Feed("executorch", (3, SIDE, SIDE), CLASSES, small("onnx")),
    "executorch-builtin": Feed(
        "executorch", (3, 128, 128), 1001, builtin("mobilenet-v1-0.25-128"), tolerance=1e-3
    ),
    "executorch-resnet": Feed(
        "executorch",
        (3, resnets.SIDE, resnets.SIDE),
        resnets.CLASSES,
        made("resnet.onnx", resnets.narrow_onnx),
        tolerance=1e-3,
    ),
    "tensorflow": Feed(
        "tensorflow",
        (3, SIDE, SIDE),
        CLASSES,
        small("onnx"),
        loose={"bf16": 1.0},
    ),
    "tensorflow-builtin": Feed(
        "tensorflow",
        (3, 128, 128),
        1001,
        builtin("mobilenet-v1-0.25-128"),
        tolerance=1e-3,
        loose={"bf16": 1.0},
    ),
    "tensorflow-resnet": Feed(
        "tensorflow",
        (3, resnets.SIDE, resnets.SIDE),
        resnets.CLASSES,
        made("resnet.onnx", resnets.narrow_onnx),
        tolerance=1e-3,
        loose={"bf16": 1.0},
    ),
    "tensorflow-compiled": Feed(
        "tensorflow",
        (3, SIDE, SIDE),
        CLASSES,
        small("onnx"),
        refused=frozenset({("inference_precision", "bf16")}),
        knobs={"jit_compile": True},
    ),
    "null": Feed(
        "null",
        (SIDE, SIDE, 3),
        1000,
        lambda _: None,
        values={"delay_ms": (0.0, 0.5)},
        refused=frozenset({("fault", "refuse")}),
    ),
}


LARGE = {name for name, entry in BACKENDS.items() if entry.environment is not None}
"""Runtimes that only `make test-all` installs."""


def later(names: Iterable[str]) -> list[Any]:
    """The parameters of tests that run for each of these backends, or of these feeds."""
    backends = {name: FEEDS[name].backend if name in FEEDS else name for name in names}
    return [
        pytest.param(name, marks=pytest.mark.long) if backends[name] in LARGE else name
        for name in backends
    ]


class Bench:
    """A backend with a model to try it on."""

    def __init__(self, feed: Feed, runtime: Runtime, file: Path | None) -> None:
        self.runtime, self.feed, self.file = runtime, feed, file

    def load(
        self,
        batch_size: int = 1,
        threads: int = 1,
        knobs: Mapping[str, KnobValue] | None = None,
        file: Path | None = None,
        classes: int | None = None,
    ) -> Model:
        values = {**self.feed.knobs, **(knobs or {})}
        configuration = Configuration(
            "m", "fp32", self.feed.backend, threads, batch_size, tuple(values.items())
        )
        scores = Scores(classes, (1000, 1001))
        return self.runtime.load(LoadRequest(configuration, file or self.file, {}, scores=scores))

    def batch(self, size: int, seed: int = 0) -> NDArray[Any]:
        """Samples of which each depends on the seed and its place alone."""
        return np.concatenate([self._sample(seed, place) for place in range(size)])

    def _sample(self, seed: int, place: int) -> NDArray[Any]:
        generator = np.random.default_rng([seed, place])
        shape = (1, *self.feed.shape)
        if self.feed.dtype in ("uint8", "int8"):
            return generator.integers(0, 256, shape, np.uint8).view(self.feed.dtype)
        return generator.uniform(-1, 1, shape).astype(self.feed.dtype)

    def agree(self, one: NDArray[Any], other: NDArray[Any], value: KnobValue | None = None) -> None:
        usual = self.feed.tolerance
        tolerance = usual if value is None else self.feed.loose.get(value, usual)
        wide = one.astype(float), other.astype(float)
        np.testing.assert_allclose(*wide, rtol=1e-3, atol=tolerance)
