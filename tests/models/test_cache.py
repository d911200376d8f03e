import hashlib
import os
from pathlib import Path

import pytest

from dse.errors import RequestError
from dse.models import cache


def test_the_folder_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    assert cache.cache_dir() == tmp_path
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(cache.VARIABLE, "here")
    assert cache.cache_dir() == tmp_path / "here"
    monkeypatch.setenv(cache.VARIABLE, "")
    assert cache.cache_dir().is_absolute()
    assert cache.cache_dir().name == "mlperf-dse"


def test_the_folder_may_be_in_the_home(monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, "~/somewhere")
    assert cache.cache_dir() == Path.home() / "somewhere"


def test_what_is_stored_is_found(tmp_path):
    path, checksum = cache.store(tmp_path / "a/b", "x[1]", ".bin", b"data")
    assert path.read_bytes() == b"data"
    assert checksum == hashlib.sha256(b"data").hexdigest() == cache.sha256_of(path)
    assert cache.find(tmp_path / "a/b", "x[1]", ".bin") == (path, checksum)
    assert list(path.parent.iterdir()) == [path]
    assert cache.find(tmp_path / "a/b", "x", ".bin") is None
    assert cache.find(tmp_path / "nowhere", "x", ".bin") is None


def test_damage_of_any_kind_is_noticed_and_repaired(tmp_path):
    path, checksum = cache.store(tmp_path, "x", ".bin", b"data")
    for damaged in (b"dat", b"", b"dada"):
        path.write_bytes(damaged)
        os.utime(path, ns=(1, len(damaged)))  # on a coarse clock two writes look like one
        assert cache.find(tmp_path, "x", ".bin") is None
    cache.store(tmp_path, "x", ".bin", b"data")
    assert cache.find(tmp_path, "x", ".bin") == (path, checksum)


def test_a_folder_that_can_t_be_written_to_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RequestError, match=f"can't write to the cache.*{cache.VARIABLE}"):
        cache.store(tmp_path / "file", "x", ".bin", b"data")
