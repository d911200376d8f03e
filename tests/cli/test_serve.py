"""``dse serve`` as it is typed."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from http.client import HTTPConnection
from typing import TYPE_CHECKING

import pytest

from dse.commands import serve
from dse.core.requirements import Requirement
from tests.cli.test_lazy_imports import modules
from tests.commandline import PATIENCE_S, start_python

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command


@pytest.fixture(autouse=True)
def _own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    monkeypatch.setenv("no_proxy", "*")
    for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_one_address_and_ends_with_code_0(here: Path, number: int) -> None:
    with start_python("serve", "--port", 0, cwd=here) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}\n", line)
        place, _, token = line.strip().partition("/?token=")
        connection = HTTPConnection(place.removeprefix("http://"), timeout=PATIENCE_S)
        connection.request("GET", "/", headers={"Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        assert answer.status == 200
        assert "<h1>" in answer.read().decode()
        connection.close()
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out) == (0, "")
    assert err == "next: Ctrl-C ends the page, and nothing that it started\n"


def test_quiet_prints_the_address_alone(here: Path) -> None:
    with start_python("-q", "serve", "--port", 0, cwd=here) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://")
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=PATIENCE_S) == ("", "")


def test_it_tells_the_tunnel(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSH_CONNECTION", "1 2 3 4")
    with start_python("serve", "--port", 0, cwd=here) as process:
        assert process.stdout is not None
        port = process.stdout.readline().partition("/?")[0].rpartition(":")[2]
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert f"`ssh -L {port}:127.0.0.1:{port} " in err
    with start_python("serve", "--socket", "s", cwd=here) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://localhost:8765/?token=")
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=PATIENCE_S)
    assert f"`ssh -L 8765:{here}/s " in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--host", "0.0.0.0"], "give --certificate and --key"),  # noqa: S104
        (["--certificate", "c.pem"], "give --key as well"),
        (["--certificate", "c.pem", "--key", "k.pem"], "c.pem: --certificate: TLS can't use it"),
        (["--socket", "no/s"], "choose a place that is there"),
        (["--allow-host", "a b"], "--allow-host: 'a b' is not the name of a host"),
        (["--port", "70000"], "70000"),
        (["--models", "nowhere"], "nowhere"),
        (["--dataset", "nowhere"], "nowhere"),
    ],
)
def test_a_wrong_option_is_one_line(command: Command, options: list[str], words: str) -> None:
    answer = command("serve", *options)
    assert answer.code == 2
    assert words in answer.last
    assert len(answer.err.splitlines()) == 1


def test_a_port_in_use_is_one_line(command: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        answer = command("serve", "--port", port)
    assert answer.code == 1
    assert answer.err.startswith(f"dse: port {port} of 127.0.0.1 is in use; choose another")
    assert len(answer.err.splitlines()) == 1


def test_without_its_libraries_it_says_how_to_get_them(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    lacking = Requirement("pages", ("jinja2", "no_such_library"), "serve")
    monkeypatch.setattr(serve, "REQUIREMENT", lacking)
    answer = command("serve")
    assert answer.code == 2
    assert answer.last == (
        "dse: pages need jinja2 and no-such-library; pip install 'mlperf-dse[serve]'"
    )


def test_the_help_loads_none_of_them() -> None:
    found = modules("from dse.cli import run; run(['serve', '--help'])")
    assert not found & {"starlette", "uvicorn", "jinja2", "asyncio", "dse.serve.app"}


def test_the_server_loads_nothing_that_measures(here: Path) -> None:
    code = """
import os, signal, sys
from importlib import import_module
from dse.cli import run
import_module('dse.cli.serve').write_line = lambda line: os.kill(os.getpid(), signal.SIGTERM)
assert run(['serve', '--port', '0']) == 0
loaded = {name.split('.')[0] for name in sys.modules}
print(loaded & {'mlperf_loadgen', 'onnxruntime', 'ai_edge_litert', 'openvino', 'onnx'})
"""
    told = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=here
    )
    assert told.stdout.splitlines()[-1] == "set()"
