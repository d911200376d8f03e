"""The Python that is found, among several that pretend."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dse.core.errors import RequestError, UnavailableError
from dse.environments.pythons import find_python

THIS = f"{sys.version_info[0]}.{sys.version_info[1]}"


def script(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_this_python_serves_for_its_own_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find_python(THIS) == sys.executable


def test_the_first_on_the_path_that_is_what_it_is_called(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script(
        tmp_path / "a", "python3.99", "echo 'pyenv: python3.99: command not found' >&2; exit 127"
    )
    script(tmp_path / "b", "python3.99", "echo 3.98")
    good = script(tmp_path / "c", "python3.99", "echo 3.99")
    script(tmp_path / "d", "python3.99", "echo 3.99")
    monkeypatch.setenv("PATH", ":".join(str(tmp_path / name) for name in "abcd"))
    assert find_python("3.99") == str(good)


def test_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(
        UnavailableError, match=r"Python 3\.99 is needed, and there is no python3\.99"
    ):
        find_python("3.99")


def test_the_one_that_is_named(tmp_path: Path) -> None:
    assert find_python(THIS, Path(sys.executable)) == sys.executable
    with pytest.raises(RequestError, match=rf"is Python {THIS}; name a Python 3\.99"):
        find_python("3.99", Path(sys.executable))
    for path in (tmp_path, tmp_path / "missing", script(tmp_path, "bad", "exit 3")):
        with pytest.raises(RequestError, match=r"--python: .* can't be run as a Python"):
            find_python(THIS, path)
