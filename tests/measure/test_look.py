"""The look at a model's answers in its warm-up, through real runtimes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from dse.core.backend import LoadRequest, Runtime, UnsupportedError
from dse.core.configuration import Configuration
from dse.core.measurement import FailureKind
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.core.registry import backend
from dse.core.signature import Input, Signature
from dse.measure._look import LOOKS, Inspection, Look, check_differences, in_doubt
from dse.measure._run_result import RunFailedError
from dse.measure.runs import take
from dse.measure.spec import TaskSpec
from dse.tasks.image_classification._quality import ACCURACY
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from dse.tasks.image_classification.preprocessing import Preprocessing
from dse.tasks.registry import task
from tests.image_models import classes_of, preprocessing_of
from tests.measure.specs import STEADY, spec
from tests.small_models import CLASSES, FEATURES, SIDE, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from dse.core.measurement import Measurement
    from dse.measure.spec import Spec

NHWC = Preprocessing(SIDE, mean=(127.0,) * 3, scale=(128.0,) * 3)
PIXELS = {"onnx": replace(NHWC, layout="NCHW"), "tflite": NHWC}
WRITERS = {"onnx": onnx_bytes, "tflite": tflite_bytes}
RUNTIMES = [
    ("onnxruntime", "onnx"),
    ("openvino", "onnx"),
    ("openvino", "tflite"),
    ("litert", "tflite"),
]
on_runtimes = pytest.mark.parametrize(("name", "kind"), RUNTIMES)


def runtime(name: str) -> Runtime:
    found = backend(name)
    assert isinstance(found, Runtime)
    return found


def classifier(
    folder: Path, name: str, kind: str, *metrics: str, model: dict[str, Any], **fields: Any
) -> Spec:
    """A spec of a small classifier."""
    file = folder / f"small.{kind}"
    file.write_bytes(WRITERS[kind](**model))
    fields = {"preprocessing": PIXELS[kind], "fidelity": STEADY, **fields}
    return spec(folder, *metrics, backend=name, model_file=file, **fields)


def any_model(folder: Path, name: str, kind: str, batch_size: int, **model: Any) -> Spec:
    """A spec of the same model as one of any kind, which is fed with noise."""
    wanted = classifier(folder, name, kind, THROUGHPUT.name, batch_size=batch_size, model=model)
    shape = (1, 3, SIDE, SIDE) if kind == "onnx" else (1, SIDE, SIDE, 3)
    given = "input" if kind == "onnx" else "input0"
    signature = Signature((Input(given, "float32", shape),), batched=True)
    return replace(wanted, task=TaskSpec(task("generated").worker, signature.as_dict()))


def taken(wanted: Spec) -> dict[str, Measurement]:
    return {m.metric: m for m in take(runtime(wanted.configuration.backend), wanted)}


def refused(wanted: Spec) -> str:
    with pytest.raises(UnsupportedError) as caught:
        taken(wanted)
    return str(caught.value)


def not_a_number(*places: tuple[int, int]) -> NDArray[np.float32]:
    """Weights of the last layer with which some scores are NaN."""
    weights = np.random.default_rng(3).standard_normal((FEATURES, CLASSES)).astype(np.float32)
    for place in places:
        weights[place] = np.nan
    return weights


@on_runtimes
def test_scores_that_are_not_finite_are_no_answer(name: str, kind: str, tmp_path: Path) -> None:
    dense = not_a_number((5, 2), (9, 7))
    for metric in (LATENCY.name, ACCURACY.name):
        wanted = classifier(tmp_path, name, kind, metric, model={"dense": dense}, labels=[1, 2])
        assert refused(wanted) == "2 of 10 values of the output 'logits' are not finite numbers"


@on_runtimes
def test_one_answer_to_all_inputs_is_no_computation(name: str, kind: str, tmp_path: Path) -> None:
    dense = np.zeros((FEATURES, CLASSES), np.float32)
    for batch_size in (1, 4):
        wanted = classifier(
            tmp_path, name, kind, THROUGHPUT.name, model={"dense": dense}, batch_size=batch_size
        )
        with pytest.raises(RunFailedError) as caught:
            taken(wanted)
        assert caught.value.kind is FailureKind.INVALID_RUN
        assert "one and the same answer to 5 different inputs" in str(caught.value)


@on_runtimes
def test_a_batch_is_answered_sample_by_sample(name: str, kind: str, tmp_path: Path) -> None:
    told = {
        "first": "the model answers a batch of 4 with scores of shape (1, 10)",
        "repeated": "the model takes a batch of 4 and answers for its first sample alone",
    }
    for rows, words in told.items():
        model = {"rows": rows}
        wanted = classifier(
            tmp_path, name, kind, THROUGHPUT.name, model=model, batch_size=4, labels=[1] * 20
        )
        assert refused(wanted) == words
        single = replace(wanted, configuration=replace(wanted.configuration, batch_size=1))
        assert taken(single)[THROUGHPUT.name].value > 0


@on_runtimes
def test_a_model_of_any_kind_has_an_answer_for_each_sample(
    name: str, kind: str, tmp_path: Path
) -> None:
    output = "logits" if kind == "onnx" else "of_first"
    assert refused(any_model(tmp_path, name, kind, 8, rows="first")) == (
        "the model takes a batch of 8 and has no answer for each sample "
        f"({output} 1x10): one call counts as one sample, at batch size 1"
    )
    words = refused(any_model(tmp_path, name, kind, 8, rows="repeated"))
    assert words == "the model takes a batch of 8 and answers for its first sample alone"
    for batch_size, rows in ((1, "first"), (1, "repeated"), (8, "all")):
        wanted = any_model(tmp_path, name, kind, batch_size, rows=rows)
        assert taken(wanted)[THROUGHPUT.name].value > 0


@on_runtimes
def test_a_model_of_any_kind_may_be_fed_outside_its_domain(
    name: str, kind: str, tmp_path: Path
) -> None:
    found = taken(any_model(tmp_path, name, kind, 2, dense=not_a_number((5, 2))))
    assert found[THROUGHPUT.name].details["not_finite"] == (
        "2 of 20 values of the output 'logits' are not finite numbers"
    )
    found = taken(any_model(tmp_path, name, kind, 2))
    assert "not_finite" not in found[THROUGHPUT.name].details


@on_runtimes
def test_the_output_that_has_the_scores_is_named(name: str, kind: str, tmp_path: Path) -> None:
    """It has as many as there are classes; the first output of the file has others."""
    wanted = classifier(
        tmp_path,
        name,
        kind,
        *(ACCURACY.name, LATENCY.name),
        model={"heads": 2},
        labels=list(range(10)),
        classes=10,
    )
    for measurement in taken(wanted).values():
        assert measurement.details["output"] == "logits"
    alone = classifier(
        tmp_path, name, kind, ACCURACY.name, model={}, labels=list(range(10)), classes=10
    )
    assert "output" not in taken(alone)[ACCURACY.name].details
    others = replace(wanted.task, form={**wanted.task.form, "classes": 1000})
    none = refused(replace(wanted, task=others))
    assert "no output has 1000 scores per sample" in none or "gives 10 scores, not 1,000" in none


@on_runtimes
def test_labels_that_no_score_stands_for_are_refused_before_any_run(
    name: str, kind: str, tmp_path: Path
) -> None:
    for offset, labels, remedy in (
        (1, [0, 9], "set `label_offset: 0`"),
        (0, [0, 10], "use a data set of its classes"),
    ):
        pixels = replace(PIXELS[kind], label_offset=offset)
        wanted = classifier(
            tmp_path, name, kind, LATENCY.name, model={}, labels=labels, preprocessing=pixels
        )
        assert refused(wanted).endswith(f"and the model has scores 0 to 9: {remedy}")
        assert not list(wanted.folder.rglob("mlperf_log_detail.txt"))


def look(*answers: Any, inputs: int = 0) -> Look:
    named = tuple((f"output{i}", np.asarray(answer)) for i, answer in enumerate(answers))
    return Look.at(np.array([inputs], np.int32), named)


def judged(looks: Sequence[Look], size: int = 1, *, strict: bool = False) -> str:
    if not in_doubt(looks[:LOOKS], size):
        return ""
    try:
        check_differences(looks, size, strict=strict)
    except (RunFailedError, UnsupportedError) as error:
        return str(error)
    return ""


def several(*answers: Any) -> list[Look]:
    """Looks at different inputs with these answers, of one output each."""
    return [look(answer, inputs=i) for i, answer in enumerate(answers)]


HALF = np.float32(0.5)
FOUR = [np.full((1, 3), n / 8, np.float32) for n in range(5)]


def test_answers_that_differ_are_no_matter() -> None:
    assert judged(several(*FOUR), strict=True) == ""
    assert judged(several(*[FOUR[0]] * 2, *FOUR[2:]), strict=True) == ""
    assert judged(several(*[FOUR[0]] * 4, FOUR[1]), strict=True) == ""
    # The last bit counts.
    other = FOUR[1].copy()
    other[0, 0] = np.nextafter(other[0, 0], np.float32(1))
    assert judged(several(*[FOUR[1]] * 4, other), strict=True) == ""


def test_answers_that_never_differ() -> None:
    assert "one and the same answer to 5" in judged(several(*[FOUR[1]] * 5), strict=True)
    assert "one and the same answer to 5" in judged(several(*[FOUR[1]] * 5))
    # Zeros and ones may be the answer of a detector to noise, but are no scores.
    assert judged(several(*[FOUR[0]] * 5)) == ""
    assert judged(several(*[FOUR[0]] * 5), strict=True) != ""
    # Quantised scores count; labels, numbers of detections and empty outputs don't.
    assert judged(several(*[np.array([[7, 9]], np.uint8)] * 5)) != ""
    assert judged(several(*[np.array([7], np.int64)] * 5)) == ""
    assert judged(several(*[np.zeros((0, 4), np.float32)] * 5)) == ""
    assert judged(several(*[np.array(["cat"], object)] * 5)) == ""
    # Equal inputs have equal answers.
    assert judged([look(FOUR[1]) for _ in range(5)], strict=True) == ""


def test_all_outputs_together_are_the_answer() -> None:
    changing = [look(FOUR[1], FOUR[i], inputs=i) for i in range(5)]
    assert judged(changing) == ""
    still = [look(FOUR[1], np.array([i]), inputs=i) for i in range(5)]
    assert judged(still) != ""


def test_what_depends_on_the_first_sample_alone() -> None:
    one, other = np.full((4, 3), 0.3, np.float32), np.full((4, 3), 0.6, np.float32)
    assert judged(several(other, one, one, one, other), 4).endswith("its first sample alone")
    for answers in (
        (other, one, one, other, other),  # the fourth look differs
        (other, one, other, one, other),
    ):
        assert judged(several(*answers), 4) == ""


SURE: dict[str, NDArray[Any]] = {
    "float32": np.array([[1, 0], [1, 0]], np.float32),
    "uint8": np.array([[255, 0], [255, 0]], np.uint8),
    "int8": np.array([[127, -128], [127, -128]], np.int8),
}


@pytest.mark.parametrize("dtype", SURE)
def test_scores_without_a_doubt_are_no_evidence(dtype: str) -> None:
    """Two classes, images in the order of their labels: the first ones all have one answer."""
    one = SURE[dtype]
    other = one[:, ::-1]
    assert judged(several(*[one] * 5), 2, strict=True) == ""
    assert judged(several(other, one, one, one, other), 2, strict=True) == ""
    # Nothing but the lowest scores is no answer of a classifier, and no row of a detector.
    none = np.full_like(one, one.min())
    assert judged(several(*[none] * 5), 2, strict=True) != ""
    assert judged(several(*[none] * 5), 2) == ""
    assert judged(several(other, none, none, none, other), 2) == ""


def test_a_detector_may_write_minus_one_for_nothing() -> None:
    assert judged(several(*[np.array([[0, -1, -1]], np.float32)] * 5)) == ""


def test_what_can_not_be_looked_at_is_let_be() -> None:
    """Sequences, maps and types that numpy has not."""
    inspection = Inspection(8, scores=False, computes=True)
    for number in range(LOOKS):
        assert not inspection.done
        inspection.add(np.array([number]), (("boxes", None), ("count", np.array([3]))))
    assert inspection.done
    assert inspection.judge() == {}


WITHOUT_COMPUTING = """
import json, sys
from pathlib import Path
import numpy as np
from dse.core.backend import LoadRequest, Scores, UnsupportedError
from dse.measure._run_result import RunFailedError
from dse.measure.runs import take
from dse.measure.spec import Spec
from dse.core.registry import backend
spec = Spec.from_json(Path(sys.argv[1]).read_text())
runtime = backend("openvino")
model = runtime.load(LoadRequest(spec.configuration, spec.model.path, {}, scores=Scores()))
noise = [np.random.default_rng(i).standard_normal((1, 3, 128, 128), np.float32) for i in range(3)]
computes = len({model.predict(model.bind(each)).tobytes() for each in noise}) > 1
model.close()
try:
    list(take(runtime, spec))
    said = ""
except (RunFailedError, UnsupportedError) as error:
    said = str(error)
Path(sys.argv[2]).write_text(json.dumps([computes, said]))
"""


@pytest.mark.usefixtures("shared_cache")
def test_openvino_that_tells_what_it_does_and_does_not_do_it(tmp_path: Path) -> None:
    """With oneDNN's trace OpenVINO leaves the memory of its outputs as it was."""
    artefact = BuiltinProvider().artefact("mobilenet-v1-0.25-128", "fp32", ("onnx",))
    wanted = spec(
        tmp_path,
        LATENCY.name,
        backend="openvino",
        model_file=artefact.path,
        preprocessing=preprocessing_of(artefact),
    )
    (tmp_path / "spec.json").write_text(wanted.to_json())
    words = [sys.executable, "-c", WITHOUT_COMPUTING, str(tmp_path / "spec.json")]
    for trace in ("1", "0"):
        answer = tmp_path / f"answer{trace}.json"
        subprocess.run(
            [*words, str(answer)],
            check=True,
            capture_output=True,
            timeout=120,
            env={**os.environ, "ONEDNN_VERBOSE": trace},
        )
        computes, said = json.loads(answer.read_text())
        if trace == "1" and computes:
            pytest.skip("this OpenVINO computes all the same")
        assert computes is (trace == "0")
        # What lay in the memory before may be no numbers at all.
        found_out = "one and the same answer" in said or "not finite numbers" in said
        assert found_out is not computes


@pytest.mark.usefixtures("shared_cache")
@pytest.mark.parametrize("name", ["onnxruntime", "openvino", "litert"])
def test_untrained_models_pass(name: str, tmp_path: Path) -> None:
    artefact = BuiltinProvider().artefact("mobilenet-v1-0.25-128", "int8", backend(name).formats)
    wanted = spec(
        tmp_path,
        THROUGHPUT.name,
        backend=name,
        batch_size=2,
        fidelity=STEADY,
        model_file=artefact.path,
        preprocessing=preprocessing_of(artefact),
        classes=classes_of(artefact),
    )
    found = taken(wanted)
    assert found[THROUGHPUT.name].value > 0


QUANTISED = {"mobilenet_v1_0.25_128_quant": 128, "mobilenet_v2_1.0_224_quant": 224}


@pytest.mark.parametrize(
    ("name", "file", "pixels"),
    [
        (name, f"{model}.{kind}", Preprocessing(side, dtype="uint8", label_offset=1))
        for model, side in QUANTISED.items()
        for name, kind in (("litert", "tflite"), ("openvino", "tflite"))
    ],
)
def test_quantised_scores_of_trained_models_pass(
    name: str, file: str, pixels: Preprocessing, shared_data: Path, tmp_path: Path
) -> None:
    """Saturated scores of noise are often equal; those of black and white are others."""
    wanted = spec(
        tmp_path,
        LATENCY.name,
        backend=name,
        model_file=shared_data / "models" / file,
        preprocessing=pixels,
        classes=1001,
    )
    assert taken(wanted)[LATENCY.name].value > 0


def test_a_look_is_taken_once_for_each_load(tmp_path: Path) -> None:
    """The null backend counts no calls: a runtime that notes them stands in its place."""
    calls: list[int] = []

    class Noting:
        def __init__(self, model: Any) -> None:
            self.bind, self.predict, self.close = model.bind, model.predict, model.close
            self._outputs = model.outputs

        def outputs(self, bound: Any) -> Any:
            calls.append(len(bound))
            return self._outputs(bound)

    class Runtimes(type(backend("null"))):  # type: ignore[misc]
        def load(self, request: LoadRequest) -> Any:
            return Noting(super().load(request))

    wanted = spec(tmp_path, LATENCY.name, THROUGHPUT.name, batch_size=3)
    wanted = replace(
        wanted, configuration=Configuration("m", "fp32", "null", 1, 3, (), instances=2)
    )
    list(take(Runtimes(), wanted))
    assert calls == [1] * LOOKS + [3] * LOOKS * 2  # each of the instances answers
