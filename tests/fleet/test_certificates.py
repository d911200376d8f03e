from __future__ import annotations

import ssl
import stat
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from unittest import mock

import pytest

from dse.core.errors import RequestError
from dse.fleet.certificates import ROLES, Certificates, make_certificates

if TYPE_CHECKING:
    from pathlib import Path


def test_keys_are_private_and_nothing_is_replaced(tmp_path: Path) -> None:
    folder = tmp_path / "made"
    files = make_certificates(folder)
    assert [file.name for file in files][:2] == ["ca.pem", "ca-key.pem"]
    assert sorted(files) == sorted(folder.iterdir())
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    for file in files:
        private = file.name.endswith("-key.pem")
        assert stat.S_IMODE(file.stat().st_mode) & 0o077 == (0 if private else 0o044)
    before = {file: file.read_bytes() for file in files}
    with pytest.raises(RequestError, match="is there already"):
        make_certificates(folder)
    assert before == {file: file.read_bytes() for file in files}


def test_a_role_needs_its_files_only(tmp_path: Path) -> None:
    made = Certificates(tmp_path / "made")
    make_certificates(made.folder)
    for role in ROLES:
        fields = made.security_fields(role)
        assert fields["require_encryption"]
        assert fields["tls_ca_file"] == str(made.authority)
    assert "tls_worker_cert" in made.security_fields("node")
    for name in ("ca-key", "client", "client-key", "scheduler", "scheduler-key"):
        (made.folder / f"{name}.pem").unlink()
    made.check("node")
    with pytest.raises(RequestError, match=r"client\.pem: --certificates: .*No such file"):
        made.check("client")
    made.key("node").chmod(0o644)
    with pytest.raises(RequestError, match="chmod 600"):
        made.check("node")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        (
            "node",
            "others/node",
            r"node-key\.pem: --certificates: is not the private key of node\.pem",
        ),
        ("node-key", "mine/client-key", r"node-key\.pem: .*is not the private key of node\.pem"),
        ("ca", "others/ca", r"node\.pem: .*was not signed by the authority of ca\.pem"),
        ("node", "", r"node\.pem: --certificates: is no certificate"),
        ("node-key", "", r"node-key\.pem: --certificates: is no certificate and no private key"),
        ("ca", "", r"ca\.pem: --certificates: is no certificate"),
    ],
)
def test_files_that_do_not_fit_are_named(
    tmp_path: Path, name: str, content: str, words: str
) -> None:
    """Else a node would wait for its scheduler for ever, which refuses it without a word."""
    for each in ("mine", "others"):
        make_certificates(tmp_path / each)
    made = Certificates(tmp_path / "mine")
    made.check("node")
    data = (tmp_path / f"{content}.pem").read_bytes() if content else b"nothing\n"
    (tmp_path / "mine" / f"{name}.pem").write_bytes(data)
    with pytest.raises(RequestError, match=words):
        made.check("node")


@pytest.mark.parametrize(
    ("days", "words"), [(-10, "has expired on "), (10, "is not valid before ")]
)
def test_certificates_of_other_days_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, days: int, words: str
) -> None:
    moved = mock.Mock(wraps=datetime, now=lambda zone: datetime.now(zone) + timedelta(days=days))
    with monkeypatch.context() as patch:
        patch.setattr("dse.fleet.certificates.datetime", moved)
        make_certificates(tmp_path / "made", days=1)
    for role in ROLES:
        with pytest.raises(RequestError, match=rf"{role}\.pem: --certificates: {words}.*clock"):
            Certificates(tmp_path / "made").check(role)


def shake_hands(client: tuple[Certificates, str], server: tuple[Certificates, str]) -> None:
    """Connects two roles in memory, as their libraries do."""
    contexts = []
    for (made, role), purpose in (
        (client, ssl.Purpose.SERVER_AUTH),
        (server, ssl.Purpose.CLIENT_AUTH),
    ):
        context = ssl.create_default_context(purpose, cafile=str(made.authority))
        context.load_cert_chain(made.certificate(role), made.key(role))
        context.verify_mode, context.check_hostname = ssl.CERT_REQUIRED, False
        contexts.append(context)
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        contexts[0].wrap_bio(down, up, server_side=False),
        contexts[1].wrap_bio(up, down, server_side=True),
    ]
    waiting = list(ends)
    for _ in range(10):
        for end in list(waiting):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            waiting.remove(end)
        if not waiting:
            return
    raise AssertionError("no end in sight")


def test_roles_know_each_other_and_no_other_fleet(tmp_path: Path) -> None:
    mine, others = Certificates(tmp_path / "mine"), Certificates(tmp_path / "others")
    for each in (mine, others):
        make_certificates(each.folder)
    shake_hands((mine, "node"), (mine, "scheduler"))
    shake_hands((mine, "scheduler"), (mine, "node"))
    shake_hands((mine, "client"), (mine, "scheduler"))
    with pytest.raises(ssl.SSLError):
        shake_hands((others, "node"), (mine, "scheduler"))
    with pytest.raises(ssl.SSLError):  # a client's can't stand for a server
        shake_hands((mine, "node"), (mine, "client"))
