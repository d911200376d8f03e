"""Tells systems that ran on their CPU from those with an accelerator, as far as sources tell."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from dse.core.configuration import CPU, DEVICE
from dse.core.measurement import Source
from dse.core.metrics import is_quality

if TYPE_CHECKING:
    from dse.results.table import ResultTable

DEVICES = frozenset({"gpu", "npu", "tpu"})
RUNTIMES = frozenset({"cuda", "migraphx", "opencl", "qaic", "rocm", "tensorrt"})
"""Software that runs on accelerators. Some published descriptions with it list no accelerator."""
METAL = "metal"
"""Apple's interface to its GPUs; in the name of a system it may mean one without virtual machines.
"""
Kind = Literal["cpu", "accelerator", "unknown"]


@dataclass(frozen=True, slots=True)
class Hardware:
    """What a system ran on.

    Attributes:
        kind: ``accelerator`` if it has one, used or not; ``unknown`` if no source tells.
        evidence: what tells so; empty if nothing does.
    """

    kind: Kind
    evidence: str = ""


def is_published(results: ResultTable) -> bool:
    """Whether others measured a system: some value other than its accuracies is published."""
    return any(
        source is Source.PUBLISHED
        for row in results.rows
        for metric, source in row.sources.items()
        if not is_quality(metric)
    )


def detect_hardware(results: ResultTable) -> Hardware:
    """Tells what a system ran on, by its description, its software and its name in that order."""
    if not is_published(results):
        devices = {str(row.configuration.get(DEVICE, CPU)) for row in results.rows} - {CPU}
        if devices:
            return Hardware("accelerator", f"it measured on {', '.join(sorted(devices))}")
        return Hardware("cpu", "a study measures on the CPU")
    if results.accelerator:
        return Hardware("accelerator", f"its description lists {results.accelerator}")
    if found := _words(results.software) & {*DEVICES, *RUNTIMES, METAL}:
        return Hardware("accelerator", f"its software names {', '.join(sorted(found))}")
    name = _words(results.name)
    if "cpu" not in name and (found := name & (DEVICES | RUNTIMES)):
        return Hardware("accelerator", f"its name has {', '.join(sorted(found))}")
    if "accelerators_per_node" in results.description:
        return Hardware("cpu", "its description lists no accelerator")
    return Hardware("unknown")


def _words(text: str) -> set[str]:
    return set(re.findall(r"[a-z]+", text.lower()))
