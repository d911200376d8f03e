"""The reader of LoadGen's logs, on logs of real runs: whole, cut short, damaged, INVALID."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.metrics import Scenario
from dse.loadgen.harness import run
from dse.loadgen.logs import (
    ACCURACY,
    DETAIL,
    PREFIX,
    DetailLog,
    LogError,
    read_detail,
    read_responses,
)
from dse.loadgen.samples import Caller
from dse.loadgen.settings import RunSettings
from tests.loadgen.doubles import Echo, Numbers

if TYPE_CHECKING:
    from collections.abc import Callable

GOLDEN = Path(__file__).parent / "golden"
RUNS = ("single_stream", "offline", "accuracy")
SAMPLES = 64
KEYS = ("result_90.00_percentile_latency_ns", "early_stopping_latency_ss", "num_errors", "x")

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
FIELDS = st.sampled_from(["key", "value", "metadata", "is_error", "num_errors", "qsl_idx", "data"])
ENTRIES = JSON | st.dictionaries(FIELDS, JSON | FIELDS, max_size=4)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


def golden(name: str, file: str = DETAIL) -> bytes:
    return (GOLDEN / name / file).read_bytes()


def detail(folder: Path, text: bytes) -> DetailLog:
    (folder / DETAIL).write_bytes(text)
    return read_detail(folder)


def responses(folder: Path, text: bytes) -> dict[int, bytes]:
    (folder / ACCURACY).write_bytes(text)
    return read_responses(folder)


def entry(key: Any, value: Any, **metadata: Any) -> bytes:
    return (PREFIX + json.dumps({"key": key, "value": value, "metadata": metadata})).encode()


def test_a_single_stream_run() -> None:
    log = read_detail(GOLDEN / "single_stream")
    assert log.valid
    assert (log.errors, log.invalid_reason) == ((), "")
    assert log.number("result_90.00_percentile_latency_ns") == 312235
    assert log.number("early_stopping_latency_ss") == 322941
    assert log.number("result_mean_latency_ns") == 298832
    assert log.number("result_query_count") == 167
    assert log.values["effective_min_duration_ms"] == 50
    assert log.values["requested_scenario"] == "SingleStream"
    assert log.values["loadgen_version"].startswith("6.0.17")


def test_an_offline_run() -> None:
    log = read_detail(GOLDEN / "offline")
    assert log.valid
    assert (log.errors, log.invalid_reason) == ((), "")
    assert log.number("result_samples_per_second") == 26405.5
    assert log.number("effective_min_sample_count") == 200
    assert log.number("result_query_count") == 1
    assert read_responses(GOLDEN / "offline") == {}


def test_an_accuracy_run() -> None:
    log = read_detail(GOLDEN / "accuracy")
    assert log.errors == ()
    assert log.values["effective_accuracy_sample_count"] == SAMPLES
    found = read_responses(GOLDEN / "accuracy")
    assert found == {n: (n - 1).to_bytes(8, "little", signed=True) for n in range(SAMPLES)}


@pytest.mark.parametrize(
    "key", ["result_validity", "early_stopping_met", "absent", "loaded_qsl_set"]
)
def test_what_is_no_number(key: str) -> None:
    log = read_detail(GOLDEN / "single_stream")
    with pytest.raises(LogError, match=f"no number for {key}"):
        log.number(key)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400])
def test_what_is_no_finite_number(value: float) -> None:
    with pytest.raises(LogError, match="no number for x"):
        DetailLog({"x": value}, ()).number("x")


@pytest.mark.parametrize("name", RUNS)
def test_a_detail_log_cut_at_any_line_is_no_result(name: str, tmp_path: Path) -> None:
    lines = golden(name).splitlines(keepends=True)
    whole = detail(tmp_path, b"".join(lines))
    assert len(lines) > 60
    for count in range(len(lines)):
        with pytest.raises(LogError):
            detail(tmp_path, b"".join(lines[:count]))
    # The last line counts as soon as it is whole, with or without its end.
    assert detail(tmp_path, b"".join(lines).rstrip(b"\n")) == whole


@pytest.mark.parametrize("name", RUNS)
def test_a_detail_log_cut_inside_a_line_is_no_result(name: str, tmp_path: Path) -> None:
    text = golden(name).rstrip(b"\n")
    last = text.rindex(b"\n") + 1
    for end in (1, 10, len(text) // 3, len(text) // 2, last, *range(last + 1, len(text), 7)):
        with pytest.raises(LogError):
            detail(tmp_path, text[:end])


def test_an_accuracy_log_cut_anywhere_is_no_result(tmp_path: Path) -> None:
    text = golden("accuracy", ACCURACY).rstrip()
    whole = responses(tmp_path, text)
    assert len(whole) == SAMPLES
    for end in (0, 1, 2, *range(3, len(text), 31), len(text) - 2, len(text) - 1):
        with pytest.raises(LogError):
            responses(tmp_path, text[:end])


@pytest.mark.parametrize("read", [read_detail, read_responses])
def test_a_log_that_is_not_there(read: Callable[[Path], object], tmp_path: Path) -> None:
    with pytest.raises(LogError, match="No such file"):
        read(tmp_path)
    (tmp_path / DETAIL).mkdir()
    (tmp_path / ACCURACY).mkdir()
    with pytest.raises(LogError):
        read(tmp_path)


def damaged(data: st.DataObject, text: bytes) -> bytes:
    """The text with some of its bytes replaced, removed or added."""
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        removed = data.draw(st.integers(0, 40))
        text = text[:start] + data.draw(st.binary(max_size=6)) + text[start + removed :]
    return text


def read_everything(folder: Path) -> None:
    """Whatever the logs hold: an answer or a LogError, nothing else."""
    with contextlib.suppress(LogError):
        log = read_detail(folder)
        assert log.valid != bool(log.invalid_reason)
        for key in KEYS:
            with contextlib.suppress(LogError):
                log.number(key)
    with contextlib.suppress(LogError):
        read_responses(folder)


@given(name=st.sampled_from(RUNS), data=st.data())
def test_damaged_bytes_give_a_log_error_at_most(
    name: str, data: st.DataObject, scratch: Path
) -> None:
    for file in (DETAIL, ACCURACY):
        (scratch / file).write_bytes(damaged(data, golden(name, file)))
    read_everything(scratch)


@given(name=st.sampled_from(RUNS), content=ENTRIES, data=st.data())
def test_other_json_gives_a_log_error_at_most(
    name: str, content: Any, data: st.DataObject, scratch: Path
) -> None:
    lines = golden(name).splitlines()
    lines[data.draw(st.integers(0, len(lines) - 1))] = (PREFIX + json.dumps(content)).encode()
    (scratch / DETAIL).write_bytes(b"\n".join(lines))
    answered = json.loads(golden("accuracy", ACCURACY))
    answered[data.draw(st.integers(0, SAMPLES - 1))] = content
    whole = data.draw(st.booleans())
    (scratch / ACCURACY).write_text(json.dumps(answered if whole else content))
    read_everything(scratch)


@pytest.mark.parametrize(
    ("response", "problem"),
    [
        ({"qsl_idx": 0, "data": "zz"}, "not a response"),
        ({"qsl_idx": 0, "data": 0}, "not a response"),
        ({"data": "0000000000000000"}, "not a response"),
        ({"qsl_idx": "0", "data": "0000000000000000"}, "not the index of a sample"),
        ([0, "0000000000000000"], "not a response"),
        (None, "not a response"),
    ],
)
def test_responses_that_are_none(response: Any, problem: str, tmp_path: Path) -> None:
    with pytest.raises(LogError, match=problem):
        responses(tmp_path, json.dumps([response]).encode())


def test_responses_have_any_length_and_the_first_one_counts(tmp_path: Path) -> None:
    answered = [
        {"qsl_idx": 3, "data": "FFFF"},
        {"qsl_idx": 0, "data": "01020304"},
        {"qsl_idx": 1, "data": ""},
        {"qsl_idx": 3, "data": "05"},
    ]
    found = responses(tmp_path, json.dumps(answered).encode())
    assert found == {3: b"\xff\xff", 0: b"\x01\x02\x03\x04", 1: b""}


@pytest.mark.parametrize("name", RUNS)
def test_one_error_line_makes_a_run_invalid(name: str, tmp_path: Path) -> None:
    lines = golden(name).splitlines()
    lines.insert(70, entry("error_runtime", "it went wrong", is_error=True))
    log = detail(tmp_path, b"\n".join(lines))
    assert not log.valid
    assert log.errors == ("error_runtime: it went wrong",)
    assert log.invalid_reason.startswith("error_runtime: it went wrong")


def test_errors_that_are_only_counted_count_as_well(tmp_path: Path) -> None:
    lines = golden("offline").splitlines()
    log = detail(tmp_path, b"\n".join([*lines[:-1], entry("num_errors", 2, is_error=False)]))
    assert not log.valid
    assert log.invalid_reason == "2 errors"


def test_too_few_queries_are_invalid(tmp_path: Path) -> None:
    few = RunSettings(Scenario.SINGLE_STREAM, min_query_count=63)
    run([Caller(Echo())], Numbers(8), few, tmp_path)
    log = read_detail(tmp_path)
    assert log.values["result_validity"] == "INVALID"
    assert not log.valid
    assert log.invalid_reason == "early stopping not met"
    enough = RunSettings(Scenario.SINGLE_STREAM, min_query_count=64)
    run([Caller(Echo())], Numbers(8), enough, tmp_path)
    assert read_detail(tmp_path).valid


def test_running_out_of_queries_is_an_error(tmp_path: Path) -> None:
    settings = RunSettings(
        Scenario.SINGLE_STREAM,
        min_duration_ms=1000,
        min_query_count=64,
        expected_latency_ns=10_000_000_000,
    )
    run([Caller(Echo())], Numbers(8), settings, tmp_path)
    log = read_detail(tmp_path)
    assert not log.valid
    assert len(log.errors) == 1
    assert "Ran out of generated queries" in log.invalid_reason
    assert log.invalid_reason.endswith("min duration not met")


def test_an_offline_run_shorter_than_due_is_invalid_without_an_error(tmp_path: Path) -> None:
    settings = RunSettings(Scenario.OFFLINE, min_duration_ms=60_000, min_query_count=4)
    run([Caller(Echo())], Numbers(4), settings, tmp_path)
    log = read_detail(tmp_path)
    assert (log.valid, log.errors) == (False, ())
    assert log.invalid_reason == "min duration not met"
