"""Pythons of several kinds, and a package index that holds no more than names."""

from __future__ import annotations

import hashlib
import sysconfig
import venv
import zipfile
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import UnavailableError
from dse.core.registry import BACKENDS
from dse.environments import _store, availability
from dse.environments.interpreters import ask, find_python
from tests.environments.pythons import OtherPython

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _runtimes_asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(availability, "ask", ask)


@pytest.fixture
def empty(tmp_path: Path) -> OtherPython:
    """A Python of this version without any library."""
    folder = tmp_path / "empty"
    venv.create(folder, symlinks=True)
    return OtherPython(folder)


@pytest.fixture
def other(empty: OtherPython) -> OtherPython:
    """A Python that has the libraries of this one, by another path."""
    line = sysconfig.get_path("purelib")
    (empty.libraries / "others.pth").write_text(f"{line}\n")
    return empty


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own file of settings; the test writes it."""
    file = tmp_path / "config.yaml"
    monkeypatch.setenv("DSE_CONFIG", str(file))
    return file


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of wheels, each empty, of everything that the old runtimes require."""
    folder = tmp_path_factory.mktemp("wheels")
    for name in [name for name, entry in BACKENDS.items() if entry.python]:
        for line in _store.requirements_file(name).read_text().splitlines():
            if not line.startswith("#"):
                _wheel(folder, *line.split("=="))
    return folder


@pytest.fixture
def index(wheels: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Lets pip find the empty wheels and nothing else; the cache, which is empty."""
    try:
        find_python("3.11")
    except UnavailableError as error:
        pytest.skip(str(error))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    return own_cache


def _wheel(folder: Path, name: str, version: str) -> None:
    stem = f"{name.replace('-', '_')}-{version}"
    files = {
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = ""
    for path, text in files.items():
        digest = urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
        record += f"{path},sha256={digest},{len(text)}\n"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        wheel.writestr(f"{stem}.dist-info/RECORD", record + f"{stem}.dist-info/RECORD,,\n")
