"""Variables that are set on purpose: given, recorded, told, and compared when a study goes on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.commandline import unwrapped
from tests.replays import taken, write_space

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

NULL: dict[str, Any] = {
    "models": "a",
    "threads": 1,
    "batch_sizes": 1,
    "objectives": ["latency_p90_ms"],
    "backends": {"null": {"delay_ms": [0.1]}},
}
SLOW = "ONEDNN_MAX_CPU_ISA=SSE41"


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell in which nothing is set that steers runtimes or leads to other libraries."""
    from dse.core.worker_environment import LIBRARIES, ignored_variables

    for name in (*LIBRARIES, *ignored_variables({})):
        monkeypatch.delenv(name, raising=False)


def keys(here: Path, name: str) -> set[str]:
    return {key for _, key, _ in taken(here / "studies" / name / "study.db")}


def specs(here: Path, name: str) -> list[dict[str, Any]]:
    files = sorted((here / "studies" / name / "runs").glob("*/spec.json"))
    return [json.loads(file.read_text()) for file in files]


def test_a_study_with_a_variable(command: Command, here: Path) -> None:
    space = write_space(here, **NULL)
    begun = command.good("explore", space, "--study", "s", "--settle", 0, "--env", SLOW)
    assert f"environment: {SLOW}" in begun.err.splitlines()
    assert {spec["environment"]["ONEDNN_MAX_CPU_ISA"] for spec in specs(here, "s")} == {"SSE41"}

    status = command.good("status", "s").out.splitlines()
    assert f"environment: {SLOW}" in status
    for told in (command.status("s"), command.frontier("s")):
        assert told["environment"] == {"ONEDNN_MAX_CPU_ISA": "SSE41"}
    note = f"measured with {SLOW} in the environment"
    assert note in command.good("frontier", "s").out.splitlines()

    resumed = command("explore", space, "--study", "s", "--settle", 0)
    assert resumed.code == 2
    assert resumed.last == (
        "dse: study 's' was measured in another environment: ONEDNN_MAX_CPU_ISA was 'SSE41' and "
        "is not set; give --env ONEDNN_MAX_CPU_ISA=SSE41, or choose another --study"
    )
    other = command("explore", space, "--study", "s", "--env", "ONEDNN_MAX_CPU_ISA=AVX2")
    assert other.code == 2
    assert "was 'SSE41' and is 'AVX2'" in other.last
    more = command("explore", space, "--study", "s", "--env", SLOW, "--env", "OMP_SCHEDULE=static")
    assert more.code == 2
    command.good("explore", space, "--study", "s", "--settle", 0, "--env", SLOW)
    assert command.counts("s")[:3] == (1, 0, 0)


def test_a_study_without_one_is_as_it_was(command: Command, here: Path) -> None:
    space = write_space(here, **NULL)
    command.good("explore", space, "--study", "plain", "--settle", 0)
    command.good("explore", space, "--study", "set", "--settle", 0, "--env", SLOW)
    assert keys(here, "plain").isdisjoint(keys(here, "set"))
    for told in (command.status("plain"), command.frontier("plain")):
        assert "environment" not in told
    for words in (("status", "plain"), ("frontier", "plain")):
        assert "environment" not in command.good(*words).out
    refused = command("explore", space, "--study", "plain", "--env", SLOW)
    assert refused.code == 2
    assert "ONEDNN_MAX_CPU_ISA was not set and is 'SSE41'" in refused.last


def test_keys_do_not_hang_on_where_libraries_lie(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = write_space(here, **NULL)
    command.good("explore", space, "--study", "plain", "--settle", 0)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere/lib")
    command.good("explore", space, "--study", "led", "--settle", 0)
    assert keys(here, "plain") & keys(here, "led")
    assert "environment: LD_LIBRARY_PATH=/nowhere/lib" in command.good("status", "led").out
    assert "environment" not in command.frontier("led")
    refused = command("explore", space, "--study", "plain")
    assert refused.code == 2
    assert "LD_LIBRARY_PATH was not set and is '/nowhere/lib'" in refused.last


def test_what_is_left_out_is_said_in_one_line(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = write_space(here, **NULL)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("ONEDNN_VERBOSE", "1")
    answer = command.good("explore", space, "--settle", 0, "--env", SLOW)
    (said,) = [line for line in unwrapped(answer.err) if "OMP_NUM_THREADS" in line]
    names = "OMP_NUM_THREADS, ONEDNN_VERBOSE"
    assert said == f"not passed on to the measurement: {names} (--env NAME=VALUE sets one)"
    assert "OMP_NUM_THREADS" not in answer.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["X"], "'X' is not a variable with its value; write NAME=VALUE"),
        (["=1"], "'' is not the name of a variable; write NAME=VALUE"),
        (["X=1", "X=2"], "'X' is given twice"),
        (["PYTHONPATH=/x"], "PYTHONPATH would change the worker itself"),
        (["OMP_NUM_THREADS=2"], "OMP_NUM_THREADS would contradict the configuration"),
    ],
)
@pytest.mark.parametrize("name", ["explore", "bench"])
def test_what_can_not_be_given_is_refused_in_one_line(
    command: Command, name: str, words: list[str], message: str
) -> None:
    answer = command(name, "x", *(part for word in words for part in ("--env", word)))
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.count("\n") == 1
    assert "--env" in answer.err
    assert message in answer.err
