"""Tables of published results, as tests write them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from dse.results._published import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

USUAL = {
    "Platform": "one",
    "host_processor_model_name": "CPU X",
    "host_processors_per_node": "2",
    "host_processor_core_count": "6 (4 big; 2 LITTLE)",
    "framework": "TFLite v2",
    "Model": "mobilenet-v1-precision_float-0.25-128",
    "MlperfModel": "resnet",
    "Scenario": "SingleStream",
    "Result": "1.5",
    "Units": "Latency (ms)",
    "Accuracy": "41.5",
    "inferred": "0",
}


def write_published(
    path: Path, rows: Iterable[Mapping[str, object]], columns: Iterable[str] = ()
) -> Path:
    """A table whose rows differ from the usual one in these cells."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [*COLUMNS, *columns], restval="")
        writer.writeheader()
        writer.writerows({**USUAL, **row} for row in rows)
    return path
