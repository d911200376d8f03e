"""The file of a token: of the user alone, or made anew."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import pytest

from dse.serve.request import ServeRequest
from dse.serve.web._token import KEPT_S, kept_token, new_token, token_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "settings" / "serve" / "x.token"


def test_a_token_is_kept_in_a_private_file(file: Path) -> None:
    before = os.umask(0)
    try:
        token = kept_token(file)
    finally:
        os.umask(before)
    assert kept_token(file) == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert [each.name for each in file.parent.iterdir()] == ["x.token"]


def test_tokens_have_256_bits() -> None:
    made = {new_token() for _ in range(100)}
    assert len(made) == 100
    assert {len(each) for each in made} == {43}


@pytest.mark.parametrize("content", ["", "short", "x" * 44, "é" * 43, "x" * 42 + "\n\n" + "y"])
def test_what_is_no_token_is_replaced(file: Path, content: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(content)
    file.chmod(0o600)
    assert len(kept_token(file)) == 43
    assert kept_token(file) == file.read_text().strip()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_what_others_could_read_is_replaced(file: Path, mode: int) -> None:
    token = kept_token(file)
    file.chmod(mode)
    assert kept_token(file) != token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_old_token_is_replaced(file: Path) -> None:
    token = kept_token(file)
    old = time.time() - KEPT_S - 1
    os.utime(file, (old, old))
    assert kept_token(file) != token


def test_a_link_or_a_pipe_is_not_followed(file: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("t" * 43)
    theirs.chmod(0o600)
    file.parent.mkdir(parents=True)
    file.symlink_to(theirs)
    assert kept_token(file) != "t" * 43
    assert theirs.read_text() == "t" * 43
    file.unlink()
    os.mkfifo(file, 0o600)
    assert len(kept_token(file)) == 43
    assert file.is_file()


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is closed to this user")
def test_a_closed_folder_is_no_obstacle(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    token = kept_token(tmp_path / "serve" / "x.token")
    tmp_path.chmod(0o700)
    assert len(token) == 43


def test_each_folder_port_and_socket_has_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = []
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        monkeypatch.chdir(tmp_path / folder)
        found += [
            token_file(ServeRequest()),
            token_file(ServeRequest(port=1)),
            token_file(ServeRequest(socket=Path("s"))),
        ]
        assert token_file(ServeRequest()) == found[-3]
    assert None not in found
    assert len(set(found)) == 6
    assert token_file(ServeRequest(port=0)) is None
