"""What an accuracy is judged by, as far as it is known before it is measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dse.core.configuration import Configuration
from dse.core.measurement import PublishedQuality
from dse.models.provider import Artefact
from dse.tasks.image_classification._judging import judged_by, normalisations
from dse.tasks.image_classification.data.dataset import Dataset
from dse.tasks.image_classification.models._published import published_accuracies
from dse.tasks.image_classification.preprocessing import Preprocessing, to_form
from tests.image_models import image_folder
from tests.small_models import SIDE, onnx_bytes

if TYPE_CHECKING:
    from typing import Any

NAME = "mobilenet-v1-0.25-128"
RIGHT = Preprocessing(128, mean=(127.5,) * 3, scale=(127.5,) * 3, label_offset=1)
ARTEFACT = Artefact(Path("m.onnx"), "onnx", "0" * 64, to_form(RIGHT, 1001), "somebody's")
DATASET = Dataset(Path("d"), (), (), "0" * 64)


def of(model: str, precision: str, backend: str = "onnxruntime") -> Configuration:
    return Configuration(model, precision, backend, 1, 1)


def test_classes_are_without_the_background() -> None:
    assert judged_by(of("mine", "fp32"), ARTEFACT, None, DATASET, None) == {"classes": 1000}
    unknown = replace(ARTEFACT, form=to_form(RIGHT))
    assert judged_by(of("mine", "fp32"), unknown, None, None, None) == {}


@pytest.mark.parametrize("precision", ["fp32", "int8"])
def test_the_published_accuracy_is_the_providers_or_else_the_catalogues(precision: str) -> None:
    own = PublishedQuality(50.5, "somebody")
    found = judged_by(of(NAME, precision), ARTEFACT, own, None, None)
    assert found["published_percent"] == 50.5
    found = judged_by(of(NAME, precision), ARTEFACT, None, None, None)
    assert found["published_percent"] == published_accuracies(NAME)[precision].value
    assert "published_percent" not in judged_by(of(NAME, "bf16"), ARTEFACT, None, None, None)


def test_what_was_seen_before_and_what_is_odd_stand_beside_it() -> None:
    form = to_form(replace(RIGHT, mean=(0.5,) * 3), 1001)
    odd = replace(ARTEFACT, form=form, calibrated_on=64)
    dataset = replace(DATASET, notes=("one thing", "another"))
    assert judged_by(of("mine", "int8"), odd, None, dataset, None) == {
        "calibrated_on": 64,
        "classes": 1000,
        "normalisation": "write mean: 127.5, scale: 127.5",
        "dataset_notes": "one thing; another",
    }


def entry(name: str, **fields: Any) -> dict[str, Any]:
    usual = {"file": "m.onnx", "precision": "fp32", "layout": "NCHW", "dtype": "float32"}
    return {"name": name, **usual, "resolution": SIDE, "label_offset": 0, **fields}


def test_a_manifest_for_pixels_of_0_to_1_is_told_once_for_each_file(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    (tmp_path / "m.onnx").write_bytes(onnx_bytes())
    small = {"mean": [0.485, 0.456, 0.406], "scale": [0.229, 0.224, 0.225]}
    entries = [
        entry("odd", **small),
        entry("odd", **small, precision="int8"),
        entry("other", **small),
        entry("right", mean=127, scale=128),
    ]
    (tmp_path / "models.yaml").write_text(json.dumps({"models": entries}))
    configurations = [of("odd", "fp32"), of("odd", "fp32", "openvino"), of("odd", "int8")]
    configurations += [of("right", "fp32"), of("anything", "fp32", "null")]
    assert normalisations(configurations, image_folder(tmp_path)) == [
        (
            "models.yaml: odd fp32, int8: mean and scale are not for pixels of 0 to 255: "
            "write mean: [123.675, 116.28, 103.53], scale: [58.395, 57.12, 57.375]"
        )
    ]


@pytest.mark.parametrize(
    ("backend", "precision", "knobs", "made_from", "sets", "expected"),
    [
        ("onnxruntime", "int8", (), "", ("avx2",), True),
        ("openvino", "int8", (), "", ("avx2", "avx512f"), True),
        ("openvino", "int8", (("exact_int8", True),), "", ("avx2",), False),
        ("onnxruntime", "int8", (), "m_fp32.onnx", ("avx2",), False),
        ("onnxruntime", "fp32", (), "", ("avx2",), False),
        ("onnxruntime", "int8", (), "", ("avx2", "avx_vnni"), False),
        ("onnxruntime", "int8", (), "", ("asimd",), False),
        ("onnxruntime", "int8", (), "", None, False),
        ("litert", "int8", (), "", ("avx2",), False),
    ],
)
def test_given_int8_files_may_saturate_without_vnni(
    backend: str,
    precision: str,
    knobs: tuple[tuple[str, bool], ...],
    made_from: str,
    sets: tuple[str, ...] | None,
    *,
    expected: bool,
) -> None:
    configuration = replace(of("mine", precision, backend), knobs=knobs)
    artefact = replace(ARTEFACT, made_from=made_from)
    found = judged_by(configuration, artefact, None, None, sets)
    assert found.get("may_saturate", False) is expected
