from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from dse.core.checksums import sha256_of
from dse.core.errors import DseError
from dse.models import cache

if TYPE_CHECKING:
    from pathlib import Path


def test_what_is_stored_is_found(tmp_path: Path) -> None:
    path, checksum = cache.store(tmp_path / "a/b", "x[1]", ".bin", b"data")
    assert path.read_bytes() == b"data"
    assert checksum == hashlib.sha256(b"data").hexdigest() == sha256_of(path)
    assert cache.find(tmp_path / "a/b", "x[1]", ".bin") == (path, checksum)
    assert list(path.parent.iterdir()) == [path]
    assert cache.find(tmp_path / "a/b", "x", ".bin") is None
    assert cache.find(tmp_path / "nowhere", "x", ".bin") is None


def test_damage_of_any_kind_is_noticed_and_repaired(tmp_path: Path) -> None:
    path, checksum = cache.store(tmp_path, "x", ".bin", b"data")
    for damaged in (b"dat", b"", b"dada"):
        path.write_bytes(damaged)
        os.utime(path, ns=(1, len(damaged)))  # on a coarse clock two writes look like one
        assert cache.find(tmp_path, "x", ".bin") is None
    cache.store(tmp_path, "x", ".bin", b"data")
    assert cache.find(tmp_path, "x", ".bin") == (path, checksum)


def test_a_folder_that_can_t_be_written_to_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DseError, match=r"can't be written: File exists; choose a place"):
        cache.store(tmp_path / "file", "x", ".bin", b"data")


def test_what_is_built_is_built_once(tmp_path: Path) -> None:
    calls: list[int] = []

    def make() -> bytes:
        calls.append(1)
        return f"data {len(calls)}".encode()

    first = cache.build(tmp_path, "x", ".bin", make)
    assert cache.build(tmp_path, "x", ".bin", make) == first
    assert len(calls) == 1
    assert cache.find(tmp_path, "x", ".bin") == first
    first[0].write_bytes(b"damaged")
    again = cache.build(tmp_path, "x", ".bin", make)
    assert again[0].read_bytes() == b"data 2"


def test_what_can_t_be_made_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> bytes:
        raise DseError("no")

    with pytest.raises(DseError, match="no"):
        cache.build(tmp_path, "x", ".bin", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["x.bin.lock"]
    assert cache.build(tmp_path, "x", ".bin", lambda: b"data")[0].read_bytes() == b"data"
