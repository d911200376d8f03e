"""A strict reader of LoadGen's logs.

Everything comes from ``mlperf_log_detail.txt``, whose lines are ``:::MLLOG`` and a JSON object,
and from ``mlperf_log_accuracy.json``. A log that was cut short is an error, never a result.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dse.errors import DseError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DETAIL = "mlperf_log_detail.txt"
ACCURACY = "mlperf_log_accuracy.json"
PREFIX = ":::MLLOG "
LABEL_BYTES = 8
"""A prediction is logged as one little-endian int64."""


class LogError(DseError):
    """A LoadGen log is missing, cut short, or says something it can't say."""


@dataclass(frozen=True, slots=True)
class DetailLog:
    """The detail log of one run.

    Attributes:
        values: value by key; the last one where LoadGen logs a key several times.
        errors: the messages of the lines marked as errors.
    """

    values: Mapping[str, Any]
    errors: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether LoadGen calls the run VALID and logged no error."""
        return self.values.get("result_validity") == "VALID" and not self.errors

    @property
    def invalid_reason(self) -> str:
        """Why the run does not count, in LoadGen's words; empty where it does."""
        if self.valid:
            return ""
        unmet = [
            key.removeprefix("result_").removesuffix("_met").replace("_", " ") + " not met"
            for key in ("result_min_duration_met", "result_min_queries_met", "early_stopping_met")
            if self.values.get(key) is False
        ]
        return "; ".join([*self.errors, *unmet]) or "LoadGen calls the run INVALID"

    def number(self, key: str) -> float:
        """A numeric value.

        Raises:
            LogError: the log holds no number for the key.
        """
        value = self.values.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise LogError(f"the LoadGen log holds no number for {key}")
        return float(value)


def read_detail(folder: Path) -> DetailLog:
    """Reads the detail log of a run folder.

    Raises:
        LogError: no log, a line that is no log line, or a log without LoadGen's closing line.
    """
    path = folder / DETAIL
    values: dict[str, Any] = {}
    errors = []
    for number, line in enumerate(_lines(path), start=1):
        entry = _entry(path, number, line)
        key, value = entry["key"], entry["value"]
        if entry.get("metadata", {}).get("is_error"):
            errors.append(f"{key}: {value}")
        values[key] = value
    # LoadGen counts its errors in the last line it writes.
    if "num_errors" not in values:
        raise LogError(f"{path}: the log ends before LoadGen's closing line")
    if values["num_errors"] and not errors:
        errors.append(f"{values['num_errors']} errors")
    return DetailLog(values, tuple(errors))


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise LogError(f"{path}: {error}") from error


def _entry(path: Path, number: int, line: str) -> dict[str, Any]:
    if not line.startswith(PREFIX):
        raise LogError(f"{path}:{number}: not a LoadGen log line")
    try:
        entry = json.loads(line.removeprefix(PREFIX))
    except json.JSONDecodeError as error:
        raise LogError(f"{path}:{number}: {error}") from error
    if not isinstance(entry, dict) or "key" not in entry or "value" not in entry:
        raise LogError(f"{path}:{number}: no key and value")
    return entry


def read_predictions(folder: Path) -> dict[int, int]:
    """The predicted label of each sample, by sample index, from the accuracy log.

    A sample that LoadGen issued twice counts once, as in MLPerf's own accuracy script.

    Raises:
        LogError: no log, not JSON (a log cut short), or a response that is no int64.
    """
    path = folder / ACCURACY
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise LogError(f"{path}: {error}") from error
    predictions: dict[int, int] = {}
    for entry in entries:
        data = bytes.fromhex(entry["data"])
        if len(data) != LABEL_BYTES:
            raise LogError(f"{path}: a response of {len(data)} bytes where {LABEL_BYTES} are due")
        predictions.setdefault(entry["qsl_idx"], int.from_bytes(data, "little", signed=True))
    return predictions


def accuracy_percent(predictions: Mapping[int, int], labels: Sequence[int]) -> float:
    """Share of the data set's samples whose predicted label is right, in percent.

    Raises:
        LogError: the predictions do not cover exactly the data set's samples.
    """
    if set(predictions) != set(range(len(labels))):
        raise LogError(
            f"the accuracy log covers {len(predictions)} samples, the data set has {len(labels)}"
        )
    good = sum(predictions[index] == label for index, label in enumerate(labels))
    return 100.0 * good / len(labels)
