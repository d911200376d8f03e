"""How a model is loaded for samples of several shapes, and looks like one to whoever calls it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pytest

from dse.core.backend import LoadRequest, Runtime, arrays_of
from dse.core.configuration import Configuration
from dse.core.metrics import LATENCY, LOAD_TIME, PEAK_MEMORY, THROUGHPUT
from dse.core.registry import backend
from dse.loadgen.logs import read_detail
from dse.measure._loaded_model import LoadedModel
from dse.measure._run_result import RunFailedError
from dse.measure._shapes import join, load_shapes, parts_of
from dse.measure.runs import SHAPED_BATCHES, take
from dse.measure.spec import MetricRequest, ModelFiles, Spec, TaskSpec
from dse.tasks.question_answering._form import QuestionForm
from dse.tasks.question_answering._inputs import RandomInputs
from dse.tasks.question_answering.task import QuestionAnswering
from tests.answering import FORM, LENGTH
from tests.answering_model import onnx_bytes
from tests.measure.specs import QUICK

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.backend import Batch, Knob, Model, Outputs
    from dse.core.configuration import ModelFormat

RUNTIMES = ("onnxruntime", "openvino")
LENGTHS = (48, 64, LENGTH)
STUCK = 64
BUCKETED = QuestionForm(
    LENGTH, FORM.tokens, vocabulary_sha256="", any_length=True, buckets=LENGTHS[:-1]
)


def wanted(folder: Path, name: str, *metrics: str, batch_size: int = 1) -> Spec:
    """A spec of a model that is loaded for three lengths, with made-up questions."""
    path = folder / "model.onnx"
    names = tuple(one.name for one in BUCKETED.inputs)
    path.write_bytes(onnx_bytes(names, length="sequence"))
    return Spec(
        run="0-1",
        folder=folder / "run",
        configuration=Configuration("m", "fp32", name, 1, batch_size),
        model=ModelFiles(path),
        task=TaskSpec(QuestionAnswering.worker, BUCKETED.to_form()),
        requests=tuple(MetricRequest(metric, metric) for metric in metrics),
        fidelity=QUICK,
    )


def runtime(name: str) -> Runtime:
    found = backend(name)
    assert isinstance(found, Runtime)
    return found


def loaded(folder: Path, name: str, lengths: Sequence[int] = LENGTHS) -> list[Model]:
    spec = wanted(folder, name)
    request = LoadRequest(spec.configuration, spec.model.path, {}, BUCKETED.signature)
    signatures = [one for one in BUCKETED.signatures if one.inputs[0].shape[1] in lengths]
    return list(load_shapes(runtime(name), request, signatures))


def test_samples_are_parted_by_their_shapes() -> None:
    inputs = RandomInputs(50, BUCKETED, seed=2)
    parts = parts_of(inputs)
    assert [part.shape for part in parts] == [0, 1, 2]
    assert sum(part.share for part in parts) == pytest.approx(1)
    assert [part.inputs.count for part in parts] == [round(50 * part.share) for part in parts]
    for part, length in zip(parts, LENGTHS, strict=True):
        ids, mask, _ = part.inputs.call(range(part.inputs.count))
        assert ids.shape == (part.inputs.count, length)
        used = mask.sum(axis=1)
        shorter = max((one for one in LENGTHS if one < length), default=0)
        assert used.min() > shorter
        assert used.max() <= length


def test_samples_of_one_shape_are_the_inputs_themselves() -> None:
    inputs = RandomInputs(5, FORM, seed=2)
    [part] = parts_of(inputs)
    assert (part.shape, part.inputs, part.share) == (0, inputs, 1.0)


@pytest.mark.parametrize("name", RUNTIMES)
def test_each_shape_is_answered_by_the_model_of_its_length(name: str, tmp_path: Path) -> None:
    pytest.importorskip(name)
    models = loaded(tmp_path, name)
    whole = join(models, BUCKETED.signatures)
    inputs = RandomInputs(50, BUCKETED, seed=2)
    batches = [part.inputs.call([0]) for part in parts_of(inputs)]
    bound = [whole.bind(batch) for batch in batches]
    for _ in range(4):  # a runtime may learn from its first calls
        for batch, own in zip(batches, bound, strict=True):
            whole.predict(own)
            (_, start), (_, end) = whole.outputs(own)
            ids, _, segments = batch
            hits = (ids == ids[:, 2:3]) & (segments == 1)
            np.testing.assert_array_equal(start, hits.astype(np.float32))
            np.testing.assert_array_equal(end, start)
    with pytest.raises(KeyError):
        whole.bind(tuple(array[:, :32] for array in batches[0]))
    whole.close()
    for model in models:
        model.close()


def test_onnx_runtime_loads_a_file_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ort = pytest.importorskip("onnxruntime")
    made = []
    session = ort.InferenceSession

    def counted(*arguments: Any, **options: Any) -> Any:
        made.append(session(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(ort, "InferenceSession", counted)
    models = loaded(tmp_path, "onnxruntime")
    assert len(models) == len(LENGTHS)
    assert len(made) == 1


def test_the_only_shape_is_the_model_itself(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    [model] = loaded(tmp_path, "onnxruntime", (LENGTH,))
    assert join([model], [BUCKETED.signature]) is model


@pytest.mark.parametrize("name", RUNTIMES)
def test_every_metric_is_taken_of_all_shapes(name: str, tmp_path: Path) -> None:
    pytest.importorskip(name)
    metrics = (LATENCY.name, THROUGHPUT.name, PEAK_MEMORY.name, LOAD_TIME.name)
    spec = wanted(tmp_path, name, *metrics, batch_size=3)
    found = list(take(runtime(name), spec))
    assert {one.metric for one in found} == set(metrics)
    log = read_detail(max(spec.folder.glob("offline*")))
    assert log.errors == ()
    assert log.number("effective_min_sample_count") >= 3 * 3 * SHAPED_BATCHES


@pytest.mark.parametrize("size", [1, 2])
def test_the_warm_up_calls_each_shape(size: int, tmp_path: Path) -> None:
    """Its time of a call is the mean over the samples."""
    pytest.importorskip("onnxruntime")
    model = LoadedModel(runtime("onnxruntime"), wanted(tmp_path, "onnxruntime", batch_size=size))
    call_s = model.warm_up(model.whole)
    [caller] = model.callers(model.whole)
    times = [model._clocks[0, part.shape].fastest_s for part in parts_of(model.inputs)]
    assert len(times) == len(LENGTHS)
    assert min(times) <= call_s <= max(times)
    assert all(model._clocks[0, shape].calls >= QUICK.warm_up_calls for shape in range(3))
    assert model.callers(model.whole) == [caller]
    model.close()


class Stuck:
    """Answers questions of `STUCK` tokens with one and the same, and others with their ids."""

    name: ClassVar[str] = "stuck"
    formats: ClassVar[tuple[ModelFormat, ...]] = ("onnx",)
    precisions: ClassVar[tuple[str, ...]] = ()
    knobs: ClassVar[tuple[Knob, ...]] = ()
    settings: ClassVar[tuple[str, ...]] = ()

    def __init__(self) -> None:
        self.lengths: list[int] = []

    def version(self) -> str:
        return "1"

    def load(self, request: LoadRequest) -> _Model:
        assert request.signature is not None
        self.lengths.append(request.signature.inputs[0].shape[1])
        return _Model()


class _Model:
    def bind(self, batch: Batch) -> NDArray[np.float32]:
        ids = arrays_of(batch)[0].astype(np.float32)
        return ids if ids.shape[1] != STUCK else np.full_like(ids, 0.5)

    def predict(self, bound: NDArray[np.float32]) -> NDArray[np.generic]:
        return bound

    def outputs(self, bound: NDArray[np.float32]) -> Outputs:
        return ("start", bound), ("end", bound)

    def close(self) -> None:
        pass


def test_a_model_that_does_not_compute_shows_in_any_shape(tmp_path: Path) -> None:
    found = Stuck()
    with pytest.raises(RunFailedError, match="one and the same answer"):
        list(take(found, wanted(tmp_path, "stuck", LATENCY.name)))
    assert found.lengths == list(LENGTHS)
