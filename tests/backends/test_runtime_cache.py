"""Where what runtimes make of models is kept."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

runtime_folder = importlib.import_module("dse.backends._runtime_cache").runtime_folder


def test_it_is_the_users_alone(own_cache: Path) -> None:
    folder = runtime_folder("programs", "1.0")
    assert folder == own_cache / "programs" / "1.0"
    assert folder.stat().st_mode & 0o077 == 0
    assert runtime_folder("programs", "1.0") == folder


def test_without_a_named_cache_it_is_in_the_usual_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DSE_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert runtime_folder("programs", "1") == tmp_path / "mlperf-dse" / "programs" / "1"


def test_without_a_place_it_is_of_this_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DSE_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    one, other = runtime_folder("programs", "1"), runtime_folder("programs", "1")
    assert one != other
    assert one.parent == other.parent == tmp_path
