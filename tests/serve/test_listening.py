"""Places to listen at that are taken, or not there."""

from __future__ import annotations

import os
import socket
import stat
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from dse.core.errors import DseError, RequestError
from dse.fleet.certificates import make_certificates
from dse.serve.request import ServeRequest
from dse.serve.web._listening import check_certificate, listening


def refusal(request: ServeRequest) -> DseError:
    with pytest.raises(DseError) as raised, listening(request):
        raise AssertionError("it listens")
    assert "\n" not in str(raised.value)
    return raised.value


def test_a_port_in_use() -> None:
    with listening(ServeRequest(port=0)) as opened:
        port = opened.getsockname()[1]
        error = refusal(ServeRequest(port=port))
    assert error.exit_code == 1
    assert str(error).startswith(f"port {port} of 127.0.0.1 is in use; choose another one")
    with listening(ServeRequest(port=port)):
        pass


def test_a_host_that_is_not_here() -> None:
    request = ServeRequest(host="192.0.2.1", port=0, certificate=Path("c.pem"), key=Path("k.pem"))
    assert isinstance(refusal(request), RequestError)
    assert "has no address" in str(refusal(replace(request, host="no.invalid")))


def test_a_name_that_only_sounds_like_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: found)
    error = refusal(ServeRequest(host="localhost", port=0))
    assert "'localhost' is 192.0.2.1 here" in str(error)


@pytest.mark.skipif(os.geteuid() == 0, reason="every port is allowed to this user")
def test_a_port_that_is_not_allowed() -> None:
    assert "choose one from 1024 on" in str(refusal(ServeRequest(port=80)))


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_a_socket_replaces_nothing_else(tmp_path: Path, kind: str) -> None:
    place = tmp_path / "s"
    if kind == "file":
        place.write_text("mine")
    elif kind == "folder":
        place.mkdir()
    else:
        place.symlink_to(tmp_path / "elsewhere")
    before = place.lstat()
    assert "is there, and no socket" in str(refusal(ServeRequest(socket=place)))
    assert os.path.samestat(place.lstat(), before)


def test_places_where_no_socket_can_be(tmp_path: Path) -> None:
    assert "not a folder" in str(refusal(ServeRequest(socket=tmp_path / "no" / "s")))
    assert "too long" in str(refusal(ServeRequest(socket=tmp_path / ("s" * 150))))


def test_a_socket_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with listening(ServeRequest(socket=tmp_path / "s")):
            assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o600
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    assert [*tmp_path.iterdir()] == []


def test_of_many_that_start_at_once_one_gets_the_socket(tmp_path: Path) -> None:
    place = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(place))

    def attempt(_number: int) -> socket.socket | None:
        made = listening(ServeRequest(socket=place))
        try:
            opened = made.__enter__()
        except DseError:
            return None
        kept.append(made)
        return opened

    kept: list[object] = []
    with ThreadPoolExecutor(8) as pool:
        won = [each for each in pool.map(attempt, range(8)) if each is not None]
    assert len(won) == 1
    with socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(place))
    won[0].close()


def test_certificates_that_can_not_be_used(tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    request = ServeRequest(certificate=certificate, key=key)
    for content in (None, "no certificate"):
        if content is not None:
            certificate.write_text(content)
            key.write_text(content)
        with pytest.raises(RequestError, match="in PEM and without a password") as raised:
            check_certificate(request)
        assert raised.value.file == certificate


def test_a_key_with_a_password_is_not_asked_for_it(tmp_path: Path) -> None:
    make_certificates(tmp_path / "made", 1)
    certificate, plain = tmp_path / "made" / "node.pem", tmp_path / "made" / "node-key.pem"
    check_certificate(ServeRequest(certificate=certificate, key=plain))
    locked = tmp_path / "locked.pem"
    key = serialization.load_pem_private_key(plain.read_bytes(), None)
    locked.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"word"),
        )
    )
    with pytest.raises(RequestError, match="without a password"):
        check_certificate(ServeRequest(certificate=certificate, key=locked))
