"""int8 and TFLite made of a folder's files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
import yaml

from dse.core import requirements
from dse.core.errors import ModelError, RequestError
from dse.models.calibration import Calibration
from dse.models.quantised import Quantised
from dse.tasks.image_classification.models._conversion import Converted
from dse.tasks.image_classification.models._onnx_writer import onnx_bytes
from dse.tasks.image_classification.models._tflite_writer import tflite_bytes
from dse.tasks.image_classification.models.calibration import RANDOM_PIXELS
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.preprocessing import input_type
from tests import small_models
from tests.image_models import classes_of, image_folder, preprocessing_of

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.models.folder import FolderProvider
    from dse.models.provider import Provider

NAME = "mobilenet-v1-0.25-128"
BOTH: tuple[ModelFormat, ...] = ("onnx", "tflite")


def four_images(identity: str) -> Calibration:
    """A calibration of another name on the usual pixels."""
    return Calibration(
        "4 images",
        lambda form: [identity, *RANDOM_PIXELS.identity(form)],
        RANDOM_PIXELS.samples,
        count=4,
    )


IMAGES = four_images("images")
KNOWN = {
    "name": NAME,
    "file": "known.onnx",
    "precision": "fp32",
    "layout": "NCHW",
    "dtype": "float32",
    "mean": 127.5,
    "scale": 127.5,
    "weights": "ours",
    "published_accuracy": {"percent": 40.5, "source": "us"},
}
SMALL = {
    "name": "small",
    "file": "small.onnx",
    "precision": "fp32",
    "layout": "NCHW",
    "dtype": "float32",
    "resolution": 8,
    "mean": 127,
    "scale": 128,
    "label_offset": 0,
}
SMALL_TFLITE = {**SMALL, "file": "small.tflite", "layout": "NHWC"}
GIVEN_INT8 = {**SMALL, "file": "int8.tflite", "layout": "NHWC", "precision": "int8"}
RAW = {**SMALL, "name": "raw", "file": "raw.tflite", "layout": "NHWC", "dtype": "uint8"}
del RAW["mean"], RAW["scale"]
BUILD = """
import json, sys
from pathlib import Path
from dse.models.folder import FolderProvider
from dse.models.quantised import Quantised
from dse.tasks.image_classification.models.calibration import RANDOM_PIXELS
from dse.tasks.image_classification.models.manifest_entry import ImageEntry
from dse.tasks.image_classification.preprocessing import input_type
folder = FolderProvider(Path(sys.argv[1]), ImageEntry)
provider = Quantised(folder, RANDOM_PIXELS, input_type, "images")
found = provider.artefact("small", "int8", (sys.argv[2],))
loaded = [one for one in ("onnx", "onnxruntime", "ai_edge_litert") if one in sys.modules]
print(json.dumps([str(found.path), loaded]))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "known.onnx").write_bytes(onnx_bytes(CATALOGUE[NAME].graph()))
    (folder / "small.onnx").write_bytes(small_models.onnx_bytes())
    (folder / "raw.tflite").write_bytes(small_models.classifier_bytes(8, 10, "uint8"))
    for name in ("small.tflite", "int8.tflite"):
        (folder / name).write_bytes(small_models.tflite_bytes())
    return folder


def files(folder: Path, *entries: dict[str, Any]) -> FolderProvider:
    (folder / "models.yaml").write_text(yaml.safe_dump({"models": list(entries)}))
    return image_folder(folder)


def both(inner: Provider, calibration: Calibration | None = IMAGES) -> Quantised:
    return Quantised(Converted(inner), calibration, input_type, "images")


@pytest.mark.usefixtures("own_cache")
def test_tflite_of_a_known_architecture_has_the_weights_of_the_file(folder: Path) -> None:
    provider = both(files(folder, KNOWN))
    given = provider.artefact(NAME, "fp32", BOTH)
    assert given.path == folder / "known.onnx"
    found = provider.artefact(NAME, "fp32", ("tflite",))
    assert found.path.read_bytes() == tflite_bytes(CATALOGUE[NAME].graph())
    assert found.format == "tflite"
    assert (preprocessing_of(found).layout, preprocessing_of(found).label_offset) == ("NHWC", 1)
    assert found.form == provider.form(NAME, "fp32", ("tflite",))
    assert (classes_of(found), found.published) == (1001, given.published)
    assert found.weights == "ours, converted from ONNX"


@pytest.mark.usefixtures("own_cache")
def test_int8_is_made_in_both_formats(folder: Path) -> None:
    provider = both(files(folder, KNOWN))
    assert provider.models() == (NAME,)
    assert provider.precisions(NAME) == ("fp32", "int8")
    for form, layout in zip(BOTH, ("NCHW", "NHWC"), strict=True):
        assert provider.obstacle(NAME, "int8", (form,)) is None
        found = provider.artefact(NAME, "int8", (form,))
        assert (found.format, preprocessing_of(found).layout) == (form, layout)
        assert found.path.stat().st_size < (folder / "known.onnx").stat().st_size / 3
        assert "int8 calibrated on 4 images" in found.weights
        assert (found.calibrated_on, found.published) == (4, None)
        assert provider.published(NAME, "int8") is None
        assert provider.artefact(NAME, "int8", (form,)) == found


@pytest.mark.usefixtures("own_cache")
def test_the_int8_onnx_suits_every_runtime(folder: Path) -> None:
    (folder / "small.onnx").write_bytes(newer(small_models.onnx_bytes()))
    found = both(files(folder, SMALL)).artefact("small", "int8", BOTH)
    model = onnx.load(found.path)
    onnx.checker.check_model(model, full_check=True)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 15)]
    assert {node.domain for node in model.graph.node} == {""}
    kinds = {node.op_type for node in model.graph.node}
    assert {"QuantizeLinear", "DequantizeLinear"} <= kinds
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param


def newer(data: bytes) -> bytes:
    """The model at a later opset, and with the import of a domain that it does not use."""
    model = onnx.version_converter.convert_version(onnx.load_from_string(data), 17)
    model.opset_import.append(onnx.helper.make_opsetid("ai.onnx.ml", 2))
    return bytes(model.SerializeToString())


@pytest.mark.usefixtures("own_cache")
def test_what_is_given_goes_before_what_can_be_made(folder: Path) -> None:
    provider = both(files(folder, SMALL, SMALL_TFLITE, GIVEN_INT8))
    for formats in (BOTH, ("tflite",)):
        found = provider.artefact("small", "int8", formats)
        assert found.path == folder / "int8.tflite"
        assert found.calibrated_on == 0
    assert provider.artefact("small", "int8", ("onnx",)).calibrated_on == 4
    assert provider.artefact("small", "fp32", ("tflite",)).path == folder / "small.tflite"


@pytest.mark.parametrize(
    ("calibration", "model", "precision", "formats", "reason"),
    [
        (None, "small", "int8", BOTH, "int8 is calibrated on images: give a --dataset"),
        (IMAGES, "raw", "int8", BOTH, "int8 is made from fp32 files with float32 input, not uint8"),
        (IMAGES, "small", "fp32", ("tflite",), "models.yaml has no fp32 file as tflite"),
        (IMAGES, "small", "int8", ("tflite",), "models.yaml has no int8 file"),
        (IMAGES, "small", "fp16", BOTH, "models.yaml has no fp16 file"),
    ],
)
def test_what_can_t_be_made_is_told(
    calibration: Calibration | None,
    model: str,
    precision: str,
    formats: tuple[ModelFormat, ...],
    reason: str,
    folder: Path,
) -> None:
    provider = both(files(folder, SMALL, RAW), calibration)
    assert provider.obstacle(model, precision, formats) == reason
    assert ("int8" in provider.precisions(model)) is (calibration is not None and model != "raw")
    for call in (provider.artefact, provider.form):
        with pytest.raises(RequestError, match=reason):
            call(model, precision, formats)


@pytest.mark.parametrize("module", ["onnxruntime", "ai_edge_litert"])
def test_a_missing_library_is_an_obstacle(
    module: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = both(files(folder, KNOWN))
    monkeypatch.setattr(requirements, "find_spec", lambda name: None if name == module else name)
    problem = provider.obstacle(NAME, "fp32", ("tflite",))
    assert problem is not None
    assert problem.endswith(
        "need onnx, onnxruntime and ai-edge-litert: pip install 'mlperf-dse[quantise]'"
    )
    with pytest.raises(RequestError, match="need onnx, onnxruntime"):
        provider.artefact(NAME, "fp32", ("tflite",))


@pytest.mark.usefixtures("own_cache")
def test_a_file_of_another_architecture_is_refused(folder: Path) -> None:
    (folder / "known.onnx").write_bytes(onnx_bytes(CATALOGUE["mobilenet-v1-0.5-128"].graph()))
    provider = both(files(folder, KNOWN))
    reason = rf"^known\.onnx can't be converted to TFLite: it is not the catalogue's {NAME}: stem: "
    with pytest.raises(ModelError, match=reason) as caught:
        provider.artefact(NAME, "fp32", ("tflite",))
    assert str(caught.value).isprintable()


@pytest.mark.usefixtures("own_cache")
def test_a_file_that_changes_meanwhile_is_not_cached(folder: Path, own_cache: Path) -> None:
    def meddle(form: Any) -> Any:
        (folder / "small.onnx").write_bytes(small_models.onnx_bytes(fixed_batch=True))
        return RANDOM_PIXELS.samples(form)

    provider = both(files(folder, SMALL), Calibration("x", RANDOM_PIXELS.identity, meddle))
    with pytest.raises(RequestError, match=r"small\.onnx: changed while it was read; start again"):
        provider.artefact("small", "int8", BOTH)
    assert not list(own_cache.rglob("*.onnx"))


@pytest.mark.usefixtures("own_cache")
def test_the_name_holds_all_that_the_content_depends_on(folder: Path) -> None:
    other = four_images("other")
    paths = [
        both(files(folder, SMALL), calibration).artefact("small", "int8", BOTH).path
        for calibration in (IMAGES, other)
    ]
    paths.append(both(files(folder, {**SMALL, "scale": 64})).artefact("small", "int8", BOTH).path)
    (folder / "small.onnx").write_bytes(small_models.onnx_bytes(fixed_batch=True))
    paths.append(both(files(folder, SMALL)).artefact("small", "int8", BOTH).path)
    assert len({path.name.split(".")[2] for path in paths}) == 4


@pytest.mark.parametrize("form", BOTH)
def test_two_processes_make_one_file_without_loading_a_runtime(
    form: ModelFormat, folder: Path, own_cache: Path
) -> None:
    files(folder, SMALL, SMALL_TFLITE)
    command = [sys.executable, "-P", "-c", BUILD, str(folder), form]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = [json.loads(process.communicate()[0]) for process in processes]
    assert answers[0] == answers[1]
    assert answers[0][1] == []
    made = list((own_cache / "models" / "quantised").glob(f"*.{form}"))
    assert [str(path) for path in made] == answers[0][:1]


@pytest.mark.parametrize("form", BOTH)
def test_the_same_inputs_give_the_same_bytes(
    form: ModelFormat, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A study refuses a file that has changed, and a cache may be emptied at any time.
    found = set()
    for number in range(2):
        monkeypatch.setenv("DSE_CACHE_DIR", str(tmp_path / str(number)))
        found.add(both(files(folder, KNOWN)).artefact(NAME, "int8", (form,)).sha256)
    assert len(found) == 1


def apart(folder: Path, name: str) -> Path:
    """Moves the weights of a model into a file beside it, in place; that file."""
    path = folder / name
    onnx.save(
        onnx.load(path),
        path,
        save_as_external_data=True,
        location=f"{name}.data",
        size_threshold=100,  # as exporters do: small constants are needed to infer shapes
    )
    return folder / f"{name}.data"


@pytest.mark.usefixtures("own_cache")
def test_weights_beside_a_file_are_its_weights(folder: Path) -> None:
    """What is made of the same model in one file and in two is the same, byte for byte."""
    provider = both(files(folder, KNOWN, SMALL))
    wanted: list[tuple[str, str, ModelFormat]] = [
        *(("small", "int8", "onnx"), (NAME, "fp32", "tflite"), (NAME, "int8", "tflite")),
    ]
    whole = [provider.artefact(name, precision, (form,)) for name, precision, form in wanted]
    for name in ("small.onnx", "known.onnx"):
        assert apart(folder, name).stat().st_size > (folder / name).stat().st_size / 2
    assert len(provider.artefact("small", "fp32", ("onnx",)).beside) == 1
    again = [provider.artefact(name, precision, (form,)) for name, precision, form in wanted]
    assert [one.sha256 for one in again] == [one.sha256 for one in whole]
    assert [one.path for one in again] != [one.path for one in whole]  # known by their source
    assert all(one.beside == () for one in again)
    assert [one.size_bytes for one in again] == [one.path.stat().st_size for one in again]


@pytest.mark.usefixtures("own_cache")
def test_other_weights_make_another_file(folder: Path) -> None:
    data = apart(folder, "small.onnx")
    provider = both(files(folder, SMALL))
    first = provider.artefact("small", "int8", ("onnx",))
    before = data.stat().st_mtime_ns
    data.write_bytes((2 * np.frombuffer(data.read_bytes(), np.float32)).tobytes())
    os.utime(data, ns=(before, before + 1_000_000_000))
    second = provider.artefact("small", "int8", ("onnx",))
    assert second.sha256 != first.sha256
