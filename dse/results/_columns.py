"""The columns of tables of published results, by the names of MLPerf's own summary.

Tables that are drawn from several rounds have names in small letters for the same columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from dse.core.metrics import Metric

ACCURACY = "Accuracy"
COLUMNS = (
    *("Platform", "host_processor_model_name", "host_processors_per_node"),
    *("host_processor_core_count", "framework", "Model", "MlperfModel"),
    *("Scenario", "Result", "Units", ACCURACY, "inferred"),
)
"""The columns that a table must have."""
OTHER_NAMES = {
    "submitter": "Organization",
    "availability": "Availability",
    "division": "Division",
    "category": "SystemType",
    "system": "SystemName",
    "platform": "Platform",
    "model_name": "Model",
    "mlperf_model": "MlperfModel",
    "scenario": "Scenario",
    "value": "Result",
    "unit": "Units",
    "nodes": "number_of_nodes",
    "host_cpu": "host_processor_model_name",
    "sockets": "host_processors_per_node",
    "cores_per_socket": "host_processor_core_count",
    "accelerator": "accelerator_model_name",
    "software": "framework",
    "url": "Location",
    "power_value": "Result_Power",
    "power_unit": "Result_Power_Units",
}
"""The summary's name of a column by the one in small letters."""
OF_RESULTS = {
    *("Model", "MlperfModel", "Scenario", "Result", "Units", ACCURACY, "inferred", "has_power"),
    *("Location", "compliance", "errors", "Result_Power", "Result_Power_Units"),
    *("metric", "source"),
}
"""Columns that say nothing of the system."""


def summary_names(columns: Collection[str], quality: Metric | None = None) -> dict[str, str]:
    """The summary's names of the columns that have others, by these.

    Args:
        columns: all of the table.
        quality: may have a column of its own name, such as ``f1`` for `f1_percent`.
    """
    known = _other_names(quality)
    return {own: name for own, name in known.items() if own in columns and name not in columns}


def spell(name: str, columns: Collection[str], quality: Metric | None = None) -> str:
    """How a table would spell the summary's name of a column that it lacks."""
    if not summary_names(columns, quality):
        return name
    return next((own for own, known in _other_names(quality).items() if known == name), name)


def _other_names(quality: Metric | None) -> dict[str, str]:
    return OTHER_NAMES | ({quality.name.removesuffix("_percent"): ACCURACY} if quality else {})
