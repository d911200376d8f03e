"""What every backend must do with models of any kind: several inputs, types and open dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx.reference import ReferenceEvaluator

from dse.core.backend import LoadError, LoadRequest, Runtime, Streams, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.generated_inputs import GeneratedInputs
from dse.core.registry import backend
from dse.formats.dimensions import Choices, resolve_inputs
from dse.formats.reading import describe
from tests import any_models, small_models
from tests.any_models import KINDS_OF_MODELS, write, write_apart
from tests.backends.feeds import later

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import ModelProto

    from dse.core.backend import Model
    from dse.core.signature import Signature

    Arrays = tuple[NDArray[Any], ...]

READERS = (
    *("onnxruntime", "onnxruntime-openvino", "openvino", "deepsparse"),
    *("pytorch", "executorch", "tensorflow"),
)
"""Those that read ONNX."""
REFUSED = {
    *(("deepsparse", "half"), ("deepsparse", "of_all_types")),
    ("onnxruntime-openvino", "without_batches"),
}
"""DeepSparse takes no float16; OpenVINO's provider none of three operators on scalars."""
SIZES = {"sequence": 12, "samples": 800, "height": 20, "width": 24}
TOLERANCE = {"half": 2e-2, "quantised": 0.3}
"""Of scores: a step of the quantised image is 1/64, and there are 27 of them in a sum."""


@dataclass(frozen=True)
class Subject:
    """A model file on a backend."""

    runtime: Runtime
    name: str
    path: Path

    @property
    def signature(self) -> Signature:
        declared = describe(self.path).inputs
        known = {dim for one in declared for dim in one.dims}
        return resolve_inputs(
            declared, Choices({n: s for n, s in SIZES.items() if n in known})
        ).signature

    @property
    def precision(self) -> str:
        return describe(self.path).precision

    def load(self, batch_size: int = 1, **more: Any) -> Model:
        knobs = tuple(more.get("knobs", {}).items())
        threads = more.get("threads", 1)
        configuration = Configuration("m", "fp32", self.name, threads, batch_size, knobs)
        signature = more.get("signature", self.signature)
        model = self.runtime.load(LoadRequest(configuration, self.path, {}, signature))
        inputs = GeneratedInputs(3 * batch_size, signature, seed=5)
        for start in range(0, inputs.count, batch_size):  # the runtime may learn from a warm-up
            model.outputs(model.bind(inputs.call(range(start, start + batch_size))))
        return model

    def batch(self, size: int = 1, seed: int = 0) -> Arrays:
        return GeneratedInputs(8, self.signature, seed).call(range(size))

    def expected(self, batch: Arrays, place: int = 0) -> NDArray[Any]:
        """The first output, or another one, as ONNX's own reference has it."""
        names = [one.name for one in self.signature.inputs]
        model = onnx.load(self.path)
        if any(node.op_type == "QuantizeLinear" for node in model.graph.node):
            model.opset_import[0].version = 19  # the oldest with which the reference quantises
        reference = ReferenceEvaluator(model)
        found: Any = reference.run(None, dict(zip(names, batch, strict=True)))
        output: NDArray[Any] = found[place]
        return output


@pytest.fixture
def subject(
    name: str,
    make: Callable[[], ModelProto],
    runtimes: Callable[[str], Runtime],
    tmp_path: Path,
) -> Subject:
    found = Subject(runtimes(name), name, write(tmp_path, make))
    if (name, make.__name__) in REFUSED:
        with pytest.raises(Exception, match=r"."):
            _predicted(found)
        pytest.skip(f"{name} refuses {make.__name__}")
    return found


def _predicted(subject: Subject) -> NDArray[np.generic]:
    model = subject.load()
    return model.predict(model.bind(subject.batch()))


def agree(one: NDArray[Any], other: NDArray[Any], make: Callable[[], ModelProto]) -> None:
    assert one.shape == other.shape
    tolerance = TOLERANCE.get(make.__name__, 1e-4)
    wide = one.astype(float), other.astype(float)
    np.testing.assert_allclose(*wide, rtol=max(tolerance, 1e-3), atol=tolerance)


@pytest.mark.parametrize("name", later(READERS))
@pytest.mark.parametrize("make", KINDS_OF_MODELS, ids=lambda make: make.__name__)
class TestAnyModel:
    def test_scores_are_those_of_the_reference(
        self, subject: Subject, make: Callable[[], ModelProto]
    ) -> None:
        sizes = (1, 3) if subject.signature.batched else (1,)
        for size in sizes:
            model = subject.load(size)
            for seed in (0, 1):
                batch = subject.batch(size, seed)
                agree(model.predict(model.bind(batch)), subject.expected(batch), make)
            model.close()

    def test_what_is_written_into_a_bound_batch_is_predicted(
        self, subject: Subject, make: Callable[[], ModelProto]
    ) -> None:
        model, batch = subject.load(), subject.batch()
        bound = model.bind(batch)
        first = model.predict(bound).copy()
        for array, changed in zip(batch, subject.batch(seed=1), strict=True):
            array[...] = changed
        agree(model.predict(bound), subject.expected(batch), make)
        for array, before in zip(batch, subject.batch(), strict=True):
            array[...] = before
        np.testing.assert_array_equal(model.predict(bound), first)
        model.close()

    def test_a_wrong_batch_raises(self, subject: Subject, make: Callable[[], ModelProto]) -> None:
        model, batch = subject.load(), subject.batch()
        narrower = tuple(array[..., :-1].copy() if array.ndim else array for array in batch)
        other_type = tuple(array.astype(np.float64) for array in batch)
        # ONNX Runtime takes any size that the file leaves open.
        shapes = () if subject.name.startswith("onnxruntime") else (narrower,)
        for wrong in (batch[:-1], (*batch, batch[0]), other_type, *shapes):
            with pytest.raises(Exception, match=r"."):
                model.predict(model.bind(wrong))
        agree(model.predict(model.bind(batch)), subject.expected(batch), make)
        model.close()

    def test_its_outputs_are_all_those_of_the_file(
        self, subject: Subject, make: Callable[[], ModelProto]
    ) -> None:
        model, batch = subject.load(), subject.batch()
        found = model.outputs(model.bind(batch))
        assert len(found) == len(make().graph.output)
        for place, (name, array) in enumerate(found):
            assert name == make().graph.output[place].name
            assert array is not None
            agree(array, subject.expected(batch, place), make)
        model.close()

    def test_the_file_stays_as_it_is(self, subject: Subject) -> None:
        before = subject.path.read_bytes()
        subject.load(1).close()
        assert subject.path.read_bytes() == before
        assert [path.name for path in subject.path.parent.iterdir()] == [subject.path.name]


@pytest.mark.parametrize("name", later(READERS))
@pytest.mark.parametrize("make", [any_models.bert], ids=lambda make: make.__name__)
class TestBert:
    def test_streams_predict_at_a_time(
        self, subject: Subject, make: Callable[[], ModelProto]
    ) -> None:
        if "streams" not in {knob.name for knob in backend(subject.name).knobs}:
            return  # it has one alone
        model = subject.load(2, threads=2, knobs={"streams": 2})
        assert isinstance(model, Streams)
        for seed, stream in enumerate(model.streams()):
            batch = subject.batch(2, seed)
            agree(stream.predict(stream.bind(batch)), subject.expected(batch), make)
        model.close()

    def test_weights_may_lie_beside_it(
        self, subject: Subject, make: Callable[[], ModelProto], tmp_path: Path
    ) -> None:
        folder = tmp_path / "apart"
        folder.mkdir()
        apart = Subject(subject.runtime, subject.name, write_apart(folder, make))
        model, batch = apart.load(2), apart.batch(2)
        agree(model.predict(model.bind(batch)), subject.expected(batch), make)
        model.close()

    def test_missing_weights_are_a_load_error(
        self, subject: Subject, make: Callable[[], ModelProto], tmp_path: Path
    ) -> None:
        folder = tmp_path / "apart"
        folder.mkdir()
        apart = Subject(subject.runtime, subject.name, write_apart(folder, make))
        (folder / "bert.onnx_data").unlink()
        with pytest.raises((LoadError, UnsupportedError), match=r"."):
            apart.load()


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("make", [any_models.finding], ids=lambda make: make.__name__)
def test_outputs_may_have_any_size(subject: Subject, make: Callable[[], ModelProto]) -> None:
    model = subject.load(2)
    found = set()
    for seed in range(4):
        batch = subject.batch(2, seed)
        ((_, places),) = model.outputs(model.bind(batch))
        assert places is not None
        agree(places, subject.expected(batch), make)
        found.add(places.shape)
    assert len(found) > 1
    model.close()


@pytest.mark.parametrize("name", ["onnxruntime"])
@pytest.mark.parametrize("make", [any_models.listing], ids=lambda make: make.__name__)
def test_outputs_may_be_no_arrays(subject: Subject) -> None:
    model, batch = subject.load(2), subject.batch(2)
    assert model.predict(model.bind(batch)).size == 0
    (both, short, (name, positive)) = model.outputs(model.bind(batch))
    assert (both, short, name) == (("both", None), ("short", None), "positive")
    assert positive is not None
    np.testing.assert_array_equal(positive, np.maximum(batch[0], 0))
    model.close()


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
@pytest.mark.parametrize("make", [any_models.stepping], ids=lambda make: make.__name__)
@pytest.mark.parametrize(
    ("values", "factor", "copies"), [({}, 2, 1), ({"steps": "9", "copies": "3"}, 10, 3)]
)
def test_given_values_decide_the_work(
    subject: Subject, values: dict[str, str], factor: int, copies: int
) -> None:
    signature = resolve_inputs(describe(subject.path).inputs, Choices({}, None, values)).signature
    model, batch = subject.load(signature=signature), GeneratedInputs(8, signature, 0).call([0])
    ((_, totals),) = model.outputs(model.bind(batch))
    assert totals is not None
    np.testing.assert_allclose(totals, np.repeat(factor * batch[0], copies), rtol=1e-5)
    model.close()


@pytest.mark.parametrize("name", ["litert", "tflite-runtime"])
class TestSignatures:
    def load(
        self, name: str, runtimes: Callable[[str], Runtime], folder: Path, wanted: str, size: int
    ) -> tuple[Model, Arrays]:
        path = folder / "several.tflite"
        path.write_bytes(
            small_models.with_signatures(
                one=small_models.tflite_bytes(),
                two=small_models.tflite_bytes(inputs=2),
                tiled=small_models.tiling_bytes(),
            )
        )
        found = describe(path, wanted)
        signature = resolve_inputs(
            found.inputs,
            Choices({}, None, {"times": "2,3"} if wanted == "tiled" else {}),
            found.subgraph,
        ).signature
        configuration = Configuration("m", "fp32", name, 1, size)
        model = runtimes(name).load(LoadRequest(configuration, path, {}, signature))
        return model, GeneratedInputs(8, signature, 0).call(range(size))

    def test_each_is_the_subgraph_that_it_names(
        self, name: str, runtimes: Callable[[str], Runtime], tmp_path: Path
    ) -> None:
        """Both add up to the same: the second adds its inputs before."""
        one, (images,) = self.load(name, runtimes, tmp_path, "one", 3)
        two, (first, other) = self.load(name, runtimes, tmp_path, "two", 3)
        assert first.shape == other.shape == images.shape
        joined: Any = one.predict(one.bind((first + other,))).copy()
        scores: Any = two.predict(two.bind((first, other)))
        assert scores.shape == (3, small_models.CLASSES)
        np.testing.assert_allclose(scores, joined, rtol=1e-3, atol=1e-3)
        for wrong in ((first,), (first, other[:1]), (first, other.astype(np.int64))):
            with pytest.raises(Exception, match=r"."):
                two.predict(two.bind(wrong))
        one.close()
        two.close()

    def test_values_decide_the_size(
        self, name: str, runtimes: Callable[[str], Runtime], tmp_path: Path
    ) -> None:
        model, batch = self.load(name, runtimes, tmp_path, "tiled", 1)
        tiled: Any = model.predict(model.bind(batch))
        np.testing.assert_array_equal(tiled, np.tile(batch[0], (2, 3)))
        model.close()


def test_openvino_reads_the_first_subgraph_alone(tmp_path: Path) -> None:
    path = tmp_path / "two.tflite"
    one = small_models.tflite_bytes()
    path.write_bytes(small_models.with_signatures(one=one, two=one))
    found = describe(path, "two")
    signature = resolve_inputs(found.inputs, Choices({}), found.subgraph).signature
    request = LoadRequest(Configuration("m", "fp32", "openvino", 1, 1), path, {}, signature)
    with pytest.raises(UnsupportedError, match="reads the first subgraph"):
        backend("openvino").load(request)  # type: ignore[attr-defined]  # it is a runtime


@pytest.mark.parametrize("name", ["litert", "openvino", "tflite-runtime"])
class TestTFLite:
    def subject(self, name: str, runtimes: Callable[[str], Runtime], folder: Path) -> Subject:
        path = folder / "two.tflite"
        path.write_bytes(small_models.tflite_bytes(inputs=2))
        return Subject(runtimes(name), name, path)

    def test_two_inputs(
        self, name: str, runtimes: Callable[[str], Runtime], tmp_path: Path
    ) -> None:
        subject = self.subject(name, runtimes, tmp_path)
        model, (one, other) = subject.load(3), subject.batch(3)
        scores: Any = model.predict(model.bind((one, other))).copy()
        assert scores.shape == (3, small_models.CLASSES)
        # The second input is added to the first.
        joined: Any = model.predict(model.bind((one + other, np.zeros_like(one))))
        np.testing.assert_allclose(joined, scores, atol=1e-3)
        single = subject.load(1)
        for place in range(3):
            alone: Any = single.predict(
                single.bind((one[place : place + 1], other[place : place + 1]))
            )
            np.testing.assert_allclose(alone, scores[place : place + 1], rtol=1e-3, atol=1e-3)
        model.close()
        single.close()

    def test_a_wrong_batch_raises(
        self, name: str, runtimes: Callable[[str], Runtime], tmp_path: Path
    ) -> None:
        subject = self.subject(name, runtimes, tmp_path)
        model, (one, other) = subject.load(2), subject.batch(2)
        for wrong in ((one,), (one, other, one), (one, other[:1]), (one, other.astype(np.int64))):
            with pytest.raises(Exception, match=r"."):
                model.predict(model.bind(wrong))
        model.close()
