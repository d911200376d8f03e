"""What a system ran on, as far as its source tells."""

from __future__ import annotations

from typing import Any

import pytest

from dse.compare._hardware import detect_hardware
from dse.core.measurement import Source
from dse.core.metrics import LATENCY
from dse.tasks.image_classification._quality import ACCURACY
from tests.compare.made import results, row

NONE = {"accelerators_per_node": "0"}


@pytest.mark.parametrize(
    ("name", "fields", "kind", "evidence"),
    [
        ("one", {}, "unknown", ""),
        ("one", {"description": NONE}, "cpu", "its description lists no accelerator"),
        ("one", {"accelerator": "4 x A100"}, "accelerator", "its description lists 4 x A100"),
        ("one", {"software": "tensorrt 8", "description": NONE}, "accelerator", "names tensorrt"),
        ("one", {"software": "Tensorflow-metal v0.7.0"}, "accelerator", "software names metal"),
        ("one", {"software": "ArmNN (OpenCL), CUDA11.6"}, "accelerator", "names cuda, opencl"),
        ("box-reference-gpu-onnxruntime", {}, "accelerator", "its name has gpu"),
        ("eb6-kilt-qaic", {}, "accelerator", "its name has qaic"),
        ("gpu_box-reference-cpu-onnxruntime", {}, "unknown", ""),
        ("m7g.metal-16xl", {}, "unknown", ""),
        ("one", {"cpu": "CPU with Radeon Graphics", "software": "XNNPACK"}, "unknown", ""),
    ],
)
def test_a_published_system(name: str, fields: dict[str, Any], kind: str, evidence: str) -> None:
    found = detect_hardware(results(name, row(accuracy=60, latency=1), **fields))
    assert found.kind == kind
    assert evidence in found.evidence
    assert bool(found.evidence) is (kind != "unknown")


def test_a_study_measures_on_the_cpu() -> None:
    sources = {ACCURACY.name: Source.PUBLISHED, LATENCY.name: Source.MEASURED}
    study = results("gpu", row(accuracy=60, latency=1, sources=sources), software="cuda")
    assert detect_hardware(study).kind == "cpu"
