from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.tasks.image_classification.models._published import SOURCE
from dse.tasks.image_classification.models.catalogue import (
    CATALOGUE,
    published_pairs,
    sweep_pairs,
    variant,
)

if TYPE_CHECKING:
    from pathlib import Path

    from dse.tasks.image_classification.models.catalogue import Variant


PLATFORM = "amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"
NAME = re.compile(
    r"(?P<family>mobilenet-v[12])-(?P<width>\d\.\d+)-(?P<resolution>\d{3})"
    r"|(?P<v3>mobilenet-v3)-(?P<flavour>(large|small)(-minimalistic)?)"
    r"|(?P<lite>efficientnet-lite)[0-4]"
    r"|(?P<resnet>resnet)50-v1\.5"
)
MOBILE = [one for one in CATALOGUE.values() if one.family != "resnet"]


def test_there_are_41_mobile_architectures_and_81_pairs_of_the_sweep() -> None:
    assert len(MOBILE) == 41
    pairs = sweep_pairs()
    assert len(pairs) == len(set(pairs)) == 81
    assert {precision for _, precision in pairs} == {"fp32", "int8"}
    assert ("mobilenet-v3-small-minimalistic", "int8") not in pairs
    resnet = {("resnet50-v1.5", "fp32"), ("resnet50-v1.5", "int8")}
    assert set(published_pairs()) - set(pairs) == resnet


@pytest.mark.parametrize("name", CATALOGUE)
def test_names_say_what_the_variant_is(name: str) -> None:
    found = NAME.fullmatch(name)
    known = CATALOGUE[name]
    assert found
    assert known.name == name
    assert known.family == (found["family"] or found["v3"] or found["lite"] or found["resnet"])
    if found["family"]:
        assert known.width == float(found["width"])
        assert known.resolution == int(found["resolution"])
    assert known.flavour == (found["flavour"] or "")


@pytest.mark.parametrize("known", MOBILE, ids=str)
def test_preprocessing_is_that_of_the_published_weights(known: Variant) -> None:
    pixels = known.preprocessing
    assert pixels.resolution == known.resolution
    assert (pixels.layout, pixels.dtype) == ("NHWC", "float32")
    assert (pixels.crop, pixels.interpolation) == (0.875, "bilinear")
    if known.family == "efficientnet-lite":
        assert (pixels.mean[0], pixels.scale[0], known.classes) == (127.0, 128.0, 1000)
    else:
        assert (pixels.mean[0], pixels.scale[0], known.classes) == (127.5, 127.5, 1001)


def test_resnet50_is_mlperf_s_reference() -> None:
    """Figures and preprocessing of mlcommons/inference, vision/classification_and_detection."""
    known = CATALOGUE["resnet50-v1.5"]
    pixels = known.preprocessing
    assert (pixels.resolution, pixels.crop, pixels.interpolation) == (224, 224 / 256, "area")
    assert (pixels.mean, pixels.scale) == ((123.68, 116.78, 103.94), (1.0,) * 3)
    assert (pixels.label_offset, known.classes) == (1, 1001)
    assert {p: one.value for p, one in known.published.items()} == {"fp32": 76.456, "int8": 75.79}
    assert "torchvision" in known.published["int8"].source


@pytest.mark.parametrize("known", MOBILE, ids=str)
def test_published_figures_are_plausible(known: Variant) -> None:
    figures = {p: a.value for p, a in known.published.items()}
    assert all(40 < percent < 85 for percent in figures.values())
    assert figures.get("int8", 0) < figures["fp32"]
    assert {a.source for a in known.published.values()} == {SOURCE}


def test_a_wider_or_sharper_mobilenet_is_more_accurate() -> None:
    for family in ("mobilenet-v1", "mobilenet-v2"):
        known = [v for v in CATALOGUE.values() if v.family == family]
        for one in known:
            for other in known:
                if one.width <= other.width and one.resolution < other.resolution:
                    assert one.published["fp32"].value < other.published["fp32"].value


def test_figures_are_those_of_the_submission(shared_data: Path) -> None:
    table = shared_data / "results/mlperf_inference_v3.0_edge_open_image_classification.csv"
    recorded = {}
    with table.open(newline="") as stream:
        for row in csv.DictReader(stream):
            if row["Platform"] == PLATFORM:
                precision = "fp32" if re.search("float|fp32", row["Model"]) else "int8"
                name = re.sub("-precision_(float|uint8)|-(fp32|int8)(?=-lite)", "", row["Model"])
                name = re.sub("(v3.*)-224", r"\1", name)
                recorded[name, precision] = float(row["Accuracy"])
    published = {
        (name, precision): CATALOGUE[name].published[precision].value
        for name, precision in sweep_pairs()
    }
    assert published == recorded
    assert SOURCE.endswith(PLATFORM)


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(RequestError, match=r"did you mean .*mobilenet-v1-0\.25-128"):
        variant("mobilenet-v1-0.25-129")
    with pytest.raises(RequestError, match="dse models list"):
        variant("zzz")
