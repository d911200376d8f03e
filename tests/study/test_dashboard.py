"""optuna-dashboard, started on a study, tells what is in it."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.commandline import PATIENCE_S
from tests.objectives import DEFAULT_OBJECTIVES
from tests.replays import write_space, write_table

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.commandline import Command

# As its command does, but that the port may be any that is free.
START = "from optuna_dashboard._cli import main; main()"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def dashboard(url: str) -> Iterator[str]:
    """Runs it for the block; yields its address."""
    port = free_port()
    words = [sys.executable, "-c", START, "--host", "127.0.0.1", "--port", str(port), url]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


def ask(address: str) -> dict[str, Any]:
    """What it answers, as soon as it does."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            with opener.open(address, timeout=PATIENCE_S) as answer:
                return dict(json.load(answer))
        except urllib.error.HTTPError:
            raise
        except OSError:
            assert time.monotonic() < end, f"nothing answers at {address}"
            time.sleep(0.05)


@pytest.mark.long
def test_it_opens_a_study_as_it_is(command: Command, here: Path) -> None:
    pytest.importorskip("optuna_dashboard")
    write_table(here, failing={"b": "does not run"})
    command.good("explore", write_space(here))
    points = {p["id"]: p["values"] for p in command.frontier("space")["points"]}
    before = (here / "studies/space/study.db").read_bytes()
    with dashboard(f"sqlite:///{here}/studies/space/study.db") as address:
        (summary,) = ask(f"{address}/api/studies")["study_summaries"]
        assert summary["study_name"] == "space"
        assert summary["directions"] == ["maximize", "minimize", "maximize"]
        seen = ask(f"{address}/api/studies/{summary['study_id']}?after=0")
    assert seen["objective_names"] == list(DEFAULT_OBJECTIVES)
    states = [trial["state"] for trial in seen["trials"]]
    assert (states.count("Complete"), states.count("Fail")) == (4, 4)
    values = {trial["number"]: trial.get("values") for trial in seen["trials"]}
    for id_, known in points.items():
        assert values[id_] == [known[name] for name in DEFAULT_OBJECTIVES]
    assert {p["name"] for p in seen["trials"][0]["params"]} >= {"model", "threads", "batch_size"}
    assert (here / "studies/space/study.db").read_bytes() == before
