"""A strict reader of LoadGen's logs.

Everything comes from ``mlperf_log_detail.txt``, whose lines are ``:::MLLOG`` and a JSON object,
and from ``mlperf_log_accuracy.json``. A log that was cut short is an error, never a result.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dse.core.errors import DseError
from dse.core.wording import format_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

DETAIL = "mlperf_log_detail.txt"
ACCURACY = "mlperf_log_accuracy.json"
PREFIX = ":::MLLOG "


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
    def long_enough(self) -> bool:
        """Whether the run had its duration and queries and no error.

        Early stopping, on which LoadGen's verdict depends as well, takes more queries than a short
        run has.
        """
        met = ("result_min_duration_met", "result_min_queries_met")
        return all(self.values.get(key) is True for key in met) and not self.errors

    def met(self, key: str) -> bool:
        """Whether LoadGen says that a condition is met."""
        return self.values.get(key) is True

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
        value: Any = self.values.get(key)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if is_number and abs(value) <= sys.float_info.max:  # neither infinite nor NaN
            return float(value)
        raise LogError(f"the LoadGen log holds no number for {key}")


def read_detail(folder: Path) -> DetailLog:
    """Reads the detail log of a run folder.

    Raises:
        LogError: no log, a line that is not a log line, or a log without LoadGen's closing line.
    """
    path = folder / DETAIL
    text = _text(path)
    entries = [_entry(path, number, line) for number, line in enumerate(text.splitlines(), start=1)]
    if not _is_complete(entries):
        raise LogError(f"{path}: the log ends before LoadGen's closing line")
    values = {entry["key"]: entry["value"] for entry in entries}
    errors = [f"{entry['key']}: {entry['value']}" for entry in entries if _is_error(entry)]
    if values.get("num_errors") and not errors:
        errors.append(format_count(values["num_errors"], "error"))
    return DetailLog(values, tuple(errors))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LogError(f"{path}: {error}") from error


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise LogError(f"{where}: {error}") from error


def _entry(path: Path, number: int, line: str) -> dict[str, Any]:
    if not line.startswith(PREFIX):
        raise LogError(f"{path}:{number}: not a LoadGen log line")
    entry = _json(line.removeprefix(PREFIX), f"{path}:{number}")
    if not isinstance(entry, dict) or not isinstance(entry.get("key"), str) or "value" not in entry:
        raise LogError(f"{path}:{number}: no key and value")
    return entry


def _is_error(entry: Mapping[str, Any]) -> bool:
    metadata = entry.get("metadata")
    return isinstance(metadata, dict) and bool(metadata.get("is_error"))


def _is_complete(entries: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the last line is the one that LoadGen writes last.

    That is the number of errors, which it leaves out in accuracy mode: there it is the end of the
    round that issued the last of the samples.
    """
    if not entries:
        return False
    if entries[-1]["key"] != "power_end":
        return bool(entries[-1]["key"] == "num_errors")
    values = {entry["key"]: entry["value"] for entry in entries}
    rounds = [entry["value"] for entry in entries if entry["key"] == "loaded_qsl_set"]
    issued = sum(len(indices) for indices in rounds if isinstance(indices, list))
    total = values.get("effective_accuracy_sample_count")
    # MultiStream fills its last query up with samples that it asks for a second time.
    return values.get("effective_test_mode") == "AccuracyOnly" and issued >= (total or issued + 1)


def read_responses(folder: Path) -> dict[int, bytes]:
    """The response to each sample, by sample index, from the accuracy log.

    A sample that LoadGen issued twice counts once, as in MLPerf's own accuracy script.

    Raises:
        LogError: see `list_responses`.
    """
    return first_of_each(list_responses(folder))


def first_of_each(responses: Iterable[tuple[int, bytes]]) -> dict[int, bytes]:
    """The first response to each sample, by sample index."""
    found: dict[int, bytes] = {}
    for index, data in responses:
        found.setdefault(index, data)
    return found


def list_responses(folder: Path) -> list[tuple[int, bytes]]:
    """Sample index and response of each entry of the accuracy log, in its order.

    Raises:
        LogError: no log, not JSON (a log cut short), or an entry without a response.
    """
    path = folder / ACCURACY
    entries = _json(_text(path), str(path))
    if not isinstance(entries, list):
        raise LogError(f"{path}: not a list of responses")
    return [_response(path, entry) for entry in entries]


def _response(path: Path, entry: Any) -> tuple[int, bytes]:
    """Sample index and bytes of one response."""
    try:
        index, data = entry["qsl_idx"], bytes.fromhex(entry["data"])
    except (KeyError, TypeError, ValueError) as error:
        raise LogError(f"{path}: not a response: {entry}") from error
    if not isinstance(index, int):
        raise LogError(f"{path}: '{index}' is not the index of a sample")
    return index, data
