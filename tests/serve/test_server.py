"""A server from its first line to its end."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dse.fleet.certificates import make_certificates
from tests.serve.serving import PATIENCE_S, Served, end, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

SIGNALS = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


def refusal(here: Path, **options: object) -> str:
    """What a server writes that does not start."""
    with pytest.raises(AssertionError) as raised, serving(here, **options):
        pass
    return str(raised.value)


def stream_of(served: Served) -> socket.socket:
    opened = served.connect()
    lines = ["GET /stream HTTP/1.1", f"Host: {served.host}", served.cookie, "", ""]
    opened.sendall("\r\n".join(lines).encode())
    found = b""
    while b"begun\n\n" not in found:
        found += opened.recv(1 << 16)
    return opened


@SIGNALS
@pytest.mark.parametrize("streams", [0, 3])
def test_it_ends_at_once(here: Path, number: int, streams: int) -> None:
    with serving(here) as served, ExitStack() as stack:
        opened = [stack.enter_context(stream_of(served)) for _ in range(streams)]
        stack.enter_context(served.connect())  # one that waits
        assert end(served, number) == (0, "")
        for each in opened:
            try:
                assert each.recv(1 << 16) in (b"", b"0\r\n\r\n")
            except ConnectionResetError:
                continue


def test_one_line_with_the_address(served: Served) -> None:
    assert served.line == f"http://127.0.0.1:{served.port}/?token={served.token}"
    assert len(served.token) == 43


def test_the_token_stays_for_a_folder_and_port(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    port = free_port()
    found = []
    for folder in (folders[0], folders[0], folders[1]):
        with serving(folder, port=port) as served:
            found.append(served.token)
            assert end(served, signal.SIGTERM)[0] == 0
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_the_cookie_of_another_server_opens_nothing(here: Path) -> None:
    with serving(here) as one, serving(here) as other:
        assert one.token != other.token
        assert one.get("/", one.cookie, other.cookie).status == 200
        assert one.get("/", other.cookie).status == 403
        stolen = one.cookie.replace(one.token, other.token)
        assert one.get("/", stolen).status == 403
        assert one.get("/", other.cookie, stolen, one.cookie).status == 200


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def test_it_sleeps_while_nobody_asks(here: Path) -> None:
    """Something may be measured meanwhile: in a second, the server is not woken up once."""
    with serving(here) as served:
        assert served.get("/", served.cookie).status == 200
        counted = Path(f"/proc/{served.process.pid}/status")
        if not counted.exists():
            pytest.skip("there is no /proc here")
        time.sleep(0.5)
        before = switches(counted)
        time.sleep(1.0)
        assert switches(counted) - before <= 1


def switches(status: Path) -> int:
    lines = [line for line in status.read_text().splitlines() if "ctxt_switches" in line]
    return sum(int(line.split()[1]) for line in lines)


def test_a_mistake_is_in_the_log_and_not_in_the_page(here: Path) -> None:
    with serving(here) as served:
        answer = served.get("/mistake", served.cookie)
        assert answer.status == 500
        assert "inner words" not in answer.text
        assert "Traceback" not in answer.text
        assert served.get("/", served.cookie).status == 200
        _, err = end(served, signal.SIGTERM)
        assert "ValueError: inner words" in err


def test_strangers_write_nothing_on_the_terminal(here: Path) -> None:
    with serving(here) as served:
        for content in (b"hello\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 100):
            served.send(content)
        served.get("/", "Upgrade: websocket", "Connection: Upgrade")
        served.get("/")
        assert end(served, signal.SIGTERM) == (0, "")


class TestSocket:
    """A Unix socket, which its user alone can reach."""

    @pytest.fixture
    def place(self, tmp_path: Path) -> Path:
        return tmp_path / "dse.sock"

    def test_it_is_private_and_gone_at_the_end(self, here: Path, place: Path) -> None:
        with serving(here, socket=place) as served:
            assert stat.S_IMODE(place.stat().st_mode) == 0o600
            assert served.line == f"http://localhost:8765/?token={served.token}"
            assert served.get("/", served.cookie).status == 200
            assert end(served, signal.SIGTERM) == (0, "")
        assert [*place.parent.glob("dse.sock*")] == []

    def test_the_token_is_needed_at_any_port_of_a_tunnel(self, here: Path, place: Path) -> None:
        with serving(here, socket=place) as served:
            assert served.get("/").status == 403
            for host in ("localhost", "localhost:1234", "127.0.0.1:8765", "[::1]:1"):
                told = host.rpartition(":")[2] if host[-1].isdigit() else "80"
                cookie = f"Cookie: dse-{told}={served.token}"
                assert served.ask("GET", "/", cookie, host=host).status == 200
            assert served.ask("GET", "/", served.bearer, host="evil.example:8765").status == 421
            other = "Origin: http://evil.example"
            assert served.ask("POST", "/echo", served.bearer, other, body=b"x").status == 403

    def test_what_a_killed_server_left_is_replaced(self, here: Path, place: Path) -> None:
        with serving(here, socket=place) as served:
            served.process.kill()
            served.process.wait()
        assert place.exists()
        with serving(here, socket=place) as served:
            assert served.get("/", served.bearer).status == 200

    def test_one_in_use_is_refused(self, here: Path, place: Path) -> None:
        with serving(here, socket=place) as served:
            assert "in use by another server" in refusal(here, socket=place)
            assert served.get("/", served.bearer).status == 200

    def test_what_replaced_it_is_kept(self, here: Path, place: Path) -> None:
        with serving(here, socket=place) as served:
            place.unlink()
            place.write_text("mine")
            assert end(served, signal.SIGTERM)[0] == 0
        assert place.read_text() == "mine"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key."""
    folder = tmp_path_factory.mktemp("certificates") / "made"
    make_certificates(folder, 1)
    return folder / "node.pem", folder / "node-key.pem"


class TestEncrypted:
    """TLS, by a certificate that is made here."""

    @pytest.fixture
    def encrypted(self, here: Path, files: tuple[Path, Path]) -> Iterator[Served]:
        with serving(here, certificate=files[0], key=files[1]) as served:
            yield served

    def test_the_cookie_is_for_encrypted_connections_only(self, encrypted: Served) -> None:
        answer = encrypted.get(f"/?token={encrypted.token}")
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith(f"__Host-dse-{encrypted.port}=")
        assert cookie.endswith("; Secure")
        assert encrypted.get("/", encrypted.cookie).status == 200
        assert encrypted.get("/", encrypted.cookie.replace("__Host-", "")).status == 403
        origin = f"Origin: https://{encrypted.host}"
        assert encrypted.ask("POST", "/echo", encrypted.cookie, origin, body=b"1").status == 200
        plain = origin.replace("https", "http")
        assert encrypted.ask("POST", "/echo", encrypted.cookie, plain, body=b"1").status == 403

    def test_plain_requests_get_nothing(self, encrypted: Served) -> None:
        with socket.create_connection(("127.0.0.1", encrypted.port), PATIENCE_S) as opened:
            opened.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert not opened.recv(1 << 16).startswith(b"HTTP")
        assert end(encrypted, signal.SIGTERM) == (0, "")

    def test_everywhere_means_any_number_of_this_machine(
        self, here: Path, files: tuple[Path, Path]
    ) -> None:
        with serving(here, host="0.0.0.0", certificate=files[0], key=files[1]) as served:  # noqa: S104
            for host in ("127.0.0.1", "10.1.2.3", "localhost", socket.gethostname()):
                told = f"{host}:{served.port}"
                assert served.ask("GET", "/", served.bearer, host=told).status == 200
            for host in (f"evil.example:{served.port}", "127.0.0.1:1", "127.0.0.1"):
                assert served.ask("GET", "/", served.bearer, host=host).status == 421


def test_a_browser_is_opened_by_a_word_that_works_once(
    here: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > {told}.new && mv {told}.new {told}\n')
    script.chmod(0o700)
    monkeypatch.setenv("BROWSER", f"{script} %s")
    with serving(here, browser=True) as served:
        until = time.monotonic() + PATIENCE_S
        while not told.exists() and time.monotonic() < until:
            time.sleep(0.02)
        address = told.read_text().strip()
        place, _, word = address.partition("token=")
        assert place == f"http://{served.host}/?"
        assert word != served.token
        assert served.get("/", f"Authorization: Bearer {word}").status == 403
        assert served.get("/", f"Cookie: dse-{served.port}={word}").status == 403
        answer = served.get(f"/?token={word}")
        assert answer.status == 303
        assert served.token in answer.headers["set-cookie"]
        assert served.get(f"/?token={word}").status == 403


def test_a_port_in_use_is_one_line(here: Path) -> None:
    with serving(here) as served:
        assert "choose another one with --port" in refusal(here, port=served.port)


@pytest.mark.skipif(not Path("/usr/bin/curl").exists(), reason="there is no curl here")
def test_curl_as_the_page_of_the_manual_says(served: Served) -> None:
    told = subprocess.run(
        ["curl", "--silent", "--header", served.bearer, f"http://127.0.0.1:{served.port}/"],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "no_proxy": "*"},
    )
    assert told.stdout == "hello 0"
