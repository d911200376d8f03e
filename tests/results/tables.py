"""Tables of published results, as tests write them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from dse.results._columns import COLUMNS

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


BERT = {
    "version": "v3.1",
    "submitter": "Organisation One",
    "system": "Board One",
    "model_name": "small-encoder-bert-99",
    "scenario": "SingleStream",
    "f1": "90.25",
    "metric": "latency",
    "value": "20.5",
    "unit": "Latency (ms)",
    "software": "runtime v1.2",
    "platform": "board_one-cpu-runtime",
    "mlperf_model": "bert-99",
    "category": "edge",
    "division": "open",
    "host_cpu": "CPU X 8-Core Processor",
    "sockets": "1",
    "cores_per_socket": "8",
    "accelerator": "N/A",
    "accelerators_per_node": "0",
    "nodes": "1",
    "power_value": "",
    "power_unit": "",
    "inferred": "0",
    "availability": "available",
    "url": "https://example.org/results/one",
    "source": "example/results:one.json",
}
"""A result of BERT, in a table with names in small letters."""
BERT_OFFLINE = {
    "scenario": "Offline",
    "metric": "throughput",
    "value": "160",
    "unit": "Samples/s",
}


def write_bert(path: Path, rows: Iterable[Mapping[str, object]]) -> Path:
    """A table of BERT's results, whose rows differ from the usual one in these cells."""
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, BERT)
        writer.writeheader()
        writer.writerows({**BERT, **row} for row in rows)
    return path
