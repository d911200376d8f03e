"""Which execution provider a session of ONNX Runtime runs on, and on which device."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime as ort
import pytest
from onnx import helper

from dse.core.backend import (
    Assigned,
    Built,
    Lack,
    LoadRequest,
    Runtime,
    Scores,
    UnsupportedError,
    devices_of,
)
from dse.core.configuration import Configuration
from dse.core.registry import BACKENDS, backend
from dse.core.signature import Input, Signature
from tests import any_models
from tests.any_models import value
from tests.backends.feeds import LARGE
from tests.small_models import SIDE, onnx_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from dse.core.backend import Model
    from dse.core.configuration import KnobValue

providers = importlib.import_module("dse.backends._onnxruntime_providers")
onnxruntime = importlib.import_module("dse.backends.onnxruntime")

WIDTH = 4
BUILDS = [name for name in BACKENDS if name.startswith("onnxruntime")]
ALL = [pytest.param(name, marks=pytest.mark.long) if name in LARGE else name for name in BUILDS]


def request(
    path: Path | None = None,
    scores: Scores | None = None,
    device: str = "cpu",
    *,
    threads: int = 2,
    name: str = "onnxruntime",
    knobs: Mapping[str, KnobValue] | None = None,
) -> LoadRequest:
    own = Configuration("m", "fp32", name, threads, 2, tuple((knobs or {}).items()), device=device)
    signature = Signature((Input("numbers", "float32", (1, WIDTH)),), batched=True)
    return LoadRequest(own, path, {}, None if scores else signature, scores)


def written(folder: Path, *operators: str) -> Path:
    """A model of these operators, one after the other."""
    names = ["numbers", *(f"after {place}" for place in range(1, len(operators))), "found"]
    nodes = [
        helper.make_node(operator, [names[place]], [names[place + 1]])
        for place, operator in enumerate(operators)
    ]
    shape = ("batch", WIDTH)
    made = any_models.model(nodes, [value("numbers", shape)], [value("found", shape)], {})
    path = folder / "made.onnx"
    path.write_bytes(made.SerializeToString())
    return path


def loaded(given: LoadRequest) -> Model:
    found = backend("onnxruntime")
    assert isinstance(found, Runtime)
    return found.load(given)


def test_the_knob_names_what_may_be_built() -> None:
    for name in BUILDS:
        [knob] = [knob for knob in backend(name).knobs if knob.name == "provider"]
        assert knob.values == tuple(providers.PROVIDERS)
        assert knob.numeric
        assert set(providers.PROVIDERS.values()) <= set(ort.get_all_providers())
    assert devices_of(backend("onnxruntime")) == ("cpu", "cuda")
    assert devices_of(backend("onnxruntime-openvino")) == ("cpu",)


@pytest.mark.parametrize("name", ALL)
def test_a_build_lacks_the_others(name: str, runtimes: Callable[[str], Runtime]) -> None:
    runtime = runtimes(name)
    assert isinstance(runtime, Built)
    lacking = {one.value for one in runtime.lacks() if one.name == "provider"}
    assert lacking == {"dnnl", "xnnpack", *(["openvino"] if name == "onnxruntime" else [])}


def test_a_device_is_here_where_the_build_and_the_driver_have_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def device() -> list[Lack]:
        return [one for one in providers.lacks(("cpu", "cuda")) if one.name == "device"]

    assert [one.name for one in providers.lacks(("cpu",)) if one.name == "device"] == []
    [lack] = device()
    assert lack == Lack("device", "cuda", providers.not_built("CUDAExecutionProvider"))
    built = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(ort, "get_available_providers", lambda: built)
    monkeypatch.setattr(providers, "_has_cuda", lambda: False)
    [lack] = device()
    assert lack.reason == "there is no NVIDIA GPU here, or no driver of it"
    monkeypatch.setattr(providers, "_has_cuda", lambda: True)
    assert device() == []


@pytest.mark.parametrize("asked", [{"provider": "dnnl"}, {"provider": "xnnpack"}])
def test_what_is_not_built_is_refused(asked: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match="this build of ONNX Runtime has no"):
        loaded(request(written(tmp_path, "Relu"), knobs=asked))
    with pytest.raises(UnsupportedError, match="has no CUDAExecutionProvider"):
        loaded(request(written(tmp_path, "Relu"), device="cuda"))


def test_what_contradicts_itself_is_refused() -> None:
    with pytest.raises(UnsupportedError, match="provider openvino computes on the CPU, not on cu"):
        providers.providers(request(device="cuda", knobs={"provider": "openvino"}), "cpu")
    with pytest.raises(UnsupportedError, match="exact_int8 is no option of provider dnnl"):
        providers.providers(request(knobs={"provider": "dnnl", "exact_int8": True}), "cpu")


def test_each_provider_has_the_threads_of_the_configuration() -> None:
    def first(**knobs: KnobValue) -> Any:
        chosen = providers.providers(request(threads=3, knobs=knobs), "cpu")
        assert chosen[-1] == "CPUExecutionProvider"
        return chosen[0]

    assert first() == "CPUExecutionProvider"
    assert first(provider="dnnl") == ("DnnlExecutionProvider", {"num_of_threads": "3"})
    xnnpack = ("XnnpackExecutionProvider", {"intra_op_num_threads": "3"})
    assert first(provider="xnnpack") == xnnpack
    name, options = first(provider="openvino", exact_int8=True)
    assert name == "OpenVINOExecutionProvider"
    assert options["device_type"] == "CPU"
    assert json.loads(options["load_config"])["CPU"] == {
        "INFERENCE_NUM_THREADS": "3",
        "NUM_STREAMS": "1",
        "INFERENCE_PRECISION_HINT": "f32",
        "PERFORMANCE_HINT": "LATENCY",
        "LP_TRANSFORMS_MODE": "NO",
    }
    cuda = providers.providers(request(device="cuda"), "cpu")[0]
    assert cuda == ("CUDAExecutionProvider", {"device_id": "0", "use_tf32": "0"})


def test_a_session_on_another_provider_than_was_asked_for_is_refused(tmp_path: Path) -> None:
    """The runtime goes on without a provider that it could not make, and says so to nobody."""
    session = ort.InferenceSession(
        written(tmp_path, "Relu"), None, providers=["CPUExecutionProvider"]
    )
    assert providers.check(session, "CPUExecutionProvider") == ""
    with pytest.raises(UnsupportedError, match="could not make its CUDAExecutionProvider"):
        providers.check(session, "CUDAExecutionProvider")


@pytest.mark.long
def test_a_provider_has_to_take_a_part_of_the_model(
    runtimes: Callable[[str], Runtime], tmp_path: Path
) -> None:
    name = "onnxruntime-openvino"
    runtime = runtimes(name)
    with pytest.raises(UnsupportedError, match="takes none of the model's 1 operators"):
        runtime.load(request(written(tmp_path, "Celu"), name=name))
    model = runtime.load(request(written(tmp_path, "Celu"), name=name, knobs={"provider": "cpu"}))
    batch = np.array([[-1, 0, 1, 2], [3, 4, 5, 6]], np.float32)
    [(_, found)] = model.outputs(model.bind((batch,)))
    assert found is not None
    np.testing.assert_allclose(found, np.where(batch < 0, np.expm1(batch), batch), rtol=1e-6)
    model.close()


def test_the_share_of_a_provider_is_told(tmp_path: Path) -> None:
    options = ort.SessionOptions()
    options.add_session_config_entry(providers.ASSIGNMENT, "1")
    path = written(tmp_path, "Relu", "Celu")
    plain = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    class Pretending:
        """The CPU provider by another name."""

        def get_providers(self) -> list[str]:
            return ["OpenVINOExecutionProvider", "CPUExecutionProvider"]

        def get_provider_graph_assignment_info(self) -> Sequence[Any]:
            first, *others = plain.get_provider_graph_assignment_info()
            return [_As("OpenVINOExecutionProvider", first), *others]

    told = providers.check(Pretending(), "OpenVINOExecutionProvider")
    assert told == "1 of 2 operators on OpenVINO"


class _As:
    def __init__(self, name: str, part: Any) -> None:
        self.ep_name, self.get_nodes = name, part.get_nodes


@pytest.mark.parametrize("scores", [None, Scores()])
def test_a_session_on_a_device_copies_in_each_call(
    scores: Scores | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No GPU is asked for: the session that is made for one is given the CPU provider."""
    monkeypatch.setattr(onnxruntime, "providers", lambda *_: ["CPUExecutionProvider"])
    model = loaded(request(written(tmp_path, "Relu"), scores, "cuda"))
    assert type(model).__name__ == "DeviceSession"
    assert isinstance(model, Assigned)
    batch = np.array([[-1, 0, 1, 2], [3, 4, 5, -6]], np.float32)
    bound = model.bind(batch if scores else (batch,))
    for _ in range(2):
        np.testing.assert_array_equal(model.predict(bound), np.maximum(batch, 0))
        [(name, found)] = model.outputs(bound)
        assert name == "found"
        np.testing.assert_array_equal(found, np.maximum(batch, 0))
        batch *= -1  # what is written into a batch is predicted
    model.close()


def test_of_several_outputs_a_device_computes_the_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(onnxruntime, "providers", lambda *_: ["CPUExecutionProvider"])
    path = tmp_path / "heads.onnx"
    path.write_bytes(onnx_bytes(heads=2))
    batch = np.ones((2, 3, SIDE, SIDE), np.float32)
    found = []
    for device in ("cpu", "cuda"):
        model = loaded(request(path, Scores(7), device))
        outputs = model.outputs(model.bind(batch))
        assert [array is None for _, array in outputs] == [False, True]
        np.testing.assert_array_equal(outputs[0][1], model.predict(model.bind(batch)))
        found.append(outputs)
        model.close()
    assert found[0][0][0] == found[1][0][0]
    np.testing.assert_array_equal(found[0][0][1], found[1][0][1])


def test_the_code_names_the_provider(tmp_path: Path) -> None:
    found: Any = backend("onnxruntime-openvino")
    lines = found.code(request(tmp_path / "m.onnx", name="onnxruntime-openvino"), ())
    text = "\n".join(lines)
    assert "OpenVINOExecutionProvider" in text
    assert "enable_fallback=0" in text
    plain: Any = backend("onnxruntime")
    text = "\n".join(plain.code(request(tmp_path / "m.onnx"), ()))
    assert 'providers=["CPUExecutionProvider"]' in text
