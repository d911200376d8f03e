"""``dse system`` and its ``--check``."""

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

from dse.environments.availability import runtime_availabilities
from dse.exploration.noise import RUNTIMES
from dse.machine.detect import detect
from tests.commandline import PATIENCE_S, none_left, read_until, start, unwrapped

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command


@pytest.fixture
def no_runtime(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings under which no runtime of the noise figure is usable."""
    config = here / "config.yaml"
    config.write_text("interpreters:\n" + "".join(f"  {n}: /gone/python\n" for n in RUNTIMES))
    monkeypatch.setenv("DSE_CONFIG", str(config))


def test_the_checks_alone(command: Command) -> None:
    answer = command.good("system", "--check", "--probes", "0")
    first, *lines = answer.out.splitlines()
    assert detect().fingerprint in first
    assert answer.err == ""
    found = [line for line in lines if not line.startswith(" ")]  # remedies, and wrapped lines
    assert len(found) == 12
    assert {line.split()[0] for line in found} <= {"ok", "warning", "unknown"}


def test_the_users_name_for_the_cpu_is_shown(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = command.good("system").out
    assert "your name for it" not in before
    (here / "config.yaml").write_text("cpu_name: the small one\n")
    monkeypatch.setenv("DSE_CONFIG", str(here / "config.yaml"))
    lines = command.good("system").out.splitlines()
    assert lines[:2] == [before.splitlines()[0], "your name for it: the small one"]
    first = command.good("system", "--check", "--probes", "0").out.splitlines()[0]
    assert "'the small one')" in first
    assert json.loads(command.good("system", "--json").out)["given_name"] == "the small one"


def test_what_tells_cpus_apart_is_listed(command: Command) -> None:
    system = detect()
    lines = command.good("system").out.splitlines()
    for line in (
        f"CPU vendor: {system.cpu_vendor}",
        f"CPU family: {system.cpu_family}",
        f"CPU model: {system.cpu_model}",
        f"CPU stepping: {system.stepping}",
        f"micro-architecture: {system.microarchitecture or 'unknown'}",
        f"available CPUs: {system.available_cpus}",
    ):
        assert line in lines
    names = [line.partition(":")[0] for line in lines]
    for name in ("instruction sets", "caches", "CPU quota", "memory limit in MiB"):
        assert name in names


@pytest.mark.usefixtures("no_runtime")
def test_json_without_a_runtime_holds_the_checks_and_the_remedy(command: Command) -> None:
    answer = command.good("system", "--check", "--probes", 1, "--drift", "--json")
    told = json.loads(answer.out)
    assert answer.err == ""
    assert told["fingerprint"] == detect().fingerprint
    assert all(set(check) == {"name", "state", "found", "remedy"} for check in told["checks"])
    assert "name a Python" in told["noise"]["unavailable"]
    assert told["drift"] == told["noise"]


@pytest.mark.usefixtures("no_runtime")
def test_without_a_runtime_the_checks_come_first(command: Command) -> None:
    answer = command.good("system", "--check", "--probes", 8, "--drift")
    *checks, noise, drift = unwrapped(answer.out)
    assert noise.startswith("no noise figure: ")
    assert drift == noise
    assert len(checks) >= 12
    first, second = unwrapped(answer.err)
    assert first == "measuring the noise, about 32 s: leave the machine alone"
    assert second.startswith("measuring the noise over time, about 5 min: leave the machine")


def test_json_says_that_nobody_asked_for_the_noise(command: Command) -> None:
    told = json.loads(command.good("system", "--check", "--probes", "0", "--json").out)
    assert told["noise"] == told["drift"] == {"unavailable": "not asked for"}


@pytest.mark.long
def test_the_drift_of_a_real_runtime_up_to_ctrl_c(here: Path, shared_cache: Path) -> None:
    assert shared_cache.is_dir()
    if not any(found.version for found in runtime_availabilities(RUNTIMES).values()):
        pytest.skip("no runtime is installed")
    words = ("system", "--check", "--drift", "--duration")
    with start(*words, "1s", "--json") as process:
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, err) == (0, "")
    told = json.loads(out)["drift"]
    assert told["used"] + told["left_out"] == len(told["processes"]) == 8
    assert told["minutes_to_tell_apart"]["10"] <= told["minutes_to_tell_apart"]["5"]
    with start(*words, "1h") as process:
        assert read_until(process, "measuring the noise over time, about 60 min")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 130, err
    assert "stopping after the run in hand" in err
    assert "processes are too few; leave it time for 8" in out.splitlines()[-1]
    assert none_left(here)


@pytest.mark.long
def test_one_probe_on_a_real_runtime(
    command: Command, shared_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSE_CACHE_DIR", str(shared_cache))
    answer = command.good("system", "--check", "--probes", "1")
    if "no noise figure" in answer.out:
        pytest.skip("no runtime is installed")
    *_, title, latency, throughput, disturbed = answer.out.splitlines()
    assert title.startswith("noise: mobilenet-v1-0.25-128 fp32, ")
    assert title.endswith("1 thread, 1 process")
    assert " ms, range 0.0 %" in latency
    assert " samples/s, range 0.0 %" in throughput
    assert disturbed.strip()[0] in "01"
    assert disturbed.strip()[1:].startswith(" of 1 disturbed")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--probes", "3"), "give --check as well"),
        (("--drift",), "--drift needs --check; give --check as well"),
        (("--check", "--duration", "5m"), "--duration needs --drift; give --check --drift as well"),
        (("--check", "--drift", "--duration", "5 parsecs"), "is not a span of time"),
        (("--check", "--drift", "--duration", "0s"), "is not a span of time"),
        (("--check", "--probes", "-1"), "--probes"),
        (("--check", "--probes", "x"), "--probes"),
    ],
)
def test_wrong_requests(command: Command, arguments: tuple[str, ...], words: str) -> None:
    answer = command("system", *arguments)
    assert (answer.code, answer.out) == (2, "")
    assert words in answer.err
    assert len(answer.err.splitlines()) == 1
