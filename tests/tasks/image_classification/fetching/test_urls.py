from __future__ import annotations

import pytest

from dse.tasks.image_classification.fetching.urls import download_source, published_files
from dse.tasks.image_classification.models.catalogue import CATALOGUE

SOURCES = {(name, p): download_source(CATALOGUE[name], p) for name, p in published_files()}

STORAGE = "https://storage.googleapis.com"
V1 = "https://download.tensorflow.org/models/mobilenet_v1_2018_08_02"
# As MLCommons' scripts spell them out, and as the model pages of TensorFlow link them.
KNOWN = {
    ("mobilenet-v1-1.0-224", "fp32"): (f"{V1}/mobilenet_v1_1.0_224.tgz", "mobilenet_v1_1.0_224"),
    ("mobilenet-v1-0.25-128", "int8"): (
        f"{V1}/mobilenet_v1_0.25_128_quant.tgz",
        "mobilenet_v1_0.25_128_quant",
    ),
    ("mobilenet-v2-0.35-160", "fp32"): (
        f"{STORAGE}/mobilenet_v2/checkpoints/mobilenet_v2_0.35_160.tgz",
        "mobilenet_v2_0.35_160",
    ),
    ("mobilenet-v2-1.0-224", "int8"): (
        f"{STORAGE}/mobilenet_v2/checkpoints/quantized_v2_224_100.tgz",
        "model",
    ),
    ("mobilenet-v2-0.35-160", "int8"): (
        f"{STORAGE}/mobilenet_v2/checkpoints/quantized_v2_160_35.tgz",
        "model",
    ),
    ("mobilenet-v3-large-minimalistic", "int8"): (
        f"{STORAGE}/mobilenet_v3/checkpoints/v3-large-minimalistic_224_1.0_uint8.tgz",
        "v3-large-minimalistic_224_1.0_uint8",
    ),
    ("mobilenet-v3-small", "fp32"): (
        f"{STORAGE}/mobilenet_v3/checkpoints/v3-small_224_1.0_float.tgz",
        "v3-small_224_1.0_float",
    ),
    ("efficientnet-lite4", "int8"): (
        f"{STORAGE}/cloud-tpu-checkpoints/efficientnet/lite/efficientnet-lite4.tar.gz",
        "efficientnet-lite4-int8",
    ),
}


@pytest.mark.parametrize("pair", KNOWN)
def test_known_addresses(pair: tuple[str, str]) -> None:
    url, stem = KNOWN[pair]
    assert (SOURCES[pair].url, SOURCES[pair].member) == (url, f"{stem}.tflite")


def test_resnet50_is_the_file_that_mlperf_s_reference_names() -> None:
    found = SOURCES["resnet50-v1.5", "fp32"]
    assert found.url == "https://zenodo.org/record/4735647/files/resnet50_v1.onnx"
    assert (found.member, found.model_format) == ("resnet50_v1.onnx", "onnx")
    assert not found.archived


def test_all_others_are_tflite_files_in_archives() -> None:
    others = [one for (name, _), one in SOURCES.items() if name != "resnet50-v1.5"]
    assert all(one.archived and one.model_format == "tflite" for one in others)


def test_every_published_file_has_an_address_of_its_own() -> None:
    assert len(SOURCES) == 82
    assert len({(s.url, s.member) for s in SOURCES.values()}) == 82
    # Of EfficientNet-Lite, one archive holds both precisions.
    assert len({s.url for s in SOURCES.values()}) == 77


def test_what_is_not_published_has_none() -> None:
    for name, precision in (
        ("mobilenet-v3-small-minimalistic", "int8"),
        ("mobilenet-v1-0.25-128", "fp16"),
        ("resnet50-v1.5", "int8"),
    ):
        with pytest.raises(KeyError):
            download_source(CATALOGUE[name], precision)
