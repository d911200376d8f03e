"""Every published pair of model and precision is known by the names that results give it."""

from __future__ import annotations

import csv
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from dse.tasks.image_classification._published_names import published_variant
from dse.tasks.image_classification.models.catalogue import sweep_pairs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("mobilenet-v1-precision_uint8-0.5-160", ("mobilenet-v1-0.5-160", "int8")),
        ("mobilenet-v2-precision_float-1.0-224", ("mobilenet-v2-1.0-224", "fp32")),
        (
            "mobilenet-v3-precision_float-small-minimalistic-224",
            ("mobilenet-v3-small-minimalistic", "fp32"),
        ),
        ("efficientnet-int8-lite4", ("efficientnet-lite4", "int8")),
        ("mobilenet-v1-0.25-128-non-quantized", ("mobilenet-v1-0.25-128", "fp32")),
        ("mobilenet-v2-1.4-224-quantized", ("mobilenet-v2-1.4-224", "int8")),
        ("mobilenet-v3-large_224_1.0_uint8", ("mobilenet-v3-large", "int8")),
        ("efficientnet-lite1-non-quantized", ("efficientnet-lite1", "fp32")),
        ("mobilenet-v1-0.5-160-int8", ("mobilenet-v1-0.5-160", "int8")),
        ("mobilenet-v3-small-minimalistic-bf16", ("mobilenet-v3-small-minimalistic", "bf16")),
        ("efficientnet-lite0-fp32", ("efficientnet-lite0", "fp32")),
        ("resnet50-v1.5-int8", ("resnet50-v1.5", "int8")),
        ("resnet50", None),
        ("mobilenet-v3-large_224_0.75_float", None),
        ("mobilenet-v1-precision_uint8-0.5-160-more", None),
    ],
)
def test_names(name: str, variant: tuple[str, str] | None) -> None:
    assert published_variant(name) == variant


def test_the_results_of_each_organisation_name_the_whole_catalogue(shared_data: Path) -> None:
    file = "mlperf_inference_v3.0_edge_open_image_classification.csv"
    named: defaultdict[str, set[tuple[str, str] | None]] = defaultdict(set)
    with (shared_data / "results" / file).open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            named[row["Organization"]].add(published_variant(row["Model"]))
    assert len(named) == 2
    for variants in named.values():
        assert variants >= set(sweep_pairs())
