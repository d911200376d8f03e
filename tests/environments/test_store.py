"""Environments in the cache: what counts as one, and what the backends require."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from dse.core.registry import BACKENDS
from dse.environments import _store
from dse.environments._store import Environment

if TYPE_CHECKING:
    from pathlib import Path

OLD = [name for name, entry in BACKENDS.items() if entry.python]
PYTHON = "3.11"


def made(name: str = "made") -> Environment:
    environment = Environment(_store.folder_of(PYTHON) / name, {"deepsparse": "0"})
    environment.python.parent.mkdir(parents=True)
    environment.python.touch()
    return environment


def test_what_was_written_is_in_force(own_cache: Path) -> None:
    assert _store.read_environment(PYTHON) is None
    for environment in (made("one"), made("other")):
        _store.write_environment(PYTHON, environment)
        assert _store.read_environment(PYTHON) == environment
    assert own_cache in environment.folder.parents
    assert _store.read_environment("3.12") is None


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"{", b"[]", b"3", b"{}", b'{"folder": "made"}', b'{"folder": 3, "backends": {}}'),
        *(b'{"folder": "made", "backends": 3}', b"\xff\xfe"),
        b'{"folder": "gone", "backends": {}}',
    ],
)
def test_what_is_not_whole_is_none(content: bytes) -> None:
    made()
    (_store.folder_of(PYTHON) / _store.COMPLETE).write_bytes(content)
    assert _store.read_environment(PYTHON) is None


@pytest.mark.usefixtures("own_cache")
def test_an_environment_without_its_python_is_none() -> None:
    environment = made()
    _store.write_environment(PYTHON, environment)
    environment.python.unlink()
    environment.python.symlink_to("/nowhere/python3.11")  # as when that Python was removed
    assert _store.read_environment(PYTHON) is None


@pytest.mark.usefixtures("own_cache")
def test_it_serves_what_is_required_today() -> None:
    environment = Environment(
        _store.folder_of(PYTHON), {"deepsparse": _store.digest_of("deepsparse")}
    )
    assert environment.serves("deepsparse")
    assert not environment.serves("tflite-runtime")
    assert not made().serves("deepsparse")


@pytest.mark.parametrize("name", OLD)
def test_every_requirement_is_pinned(name: str) -> None:
    lines = _store.requirements_file(name).read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(len(pin.split("==")) == 2 for pin in pins)
    assert f"{name}==" in "\n".join(pins)
    assert "mlcommons_loadgen==6.0.17" in pins


def test_backends_of_one_environment_require_the_same() -> None:
    versions: dict[str, str] = {}
    for name in OLD:
        for line in _store.requirements_file(name).read_text(encoding="utf-8").splitlines():
            if not line.startswith("#"):
                package, _, version = line.partition("==")
                assert versions.setdefault(package, version) == version, package
    assert versions["numpy"].startswith("1.26.")


@pytest.mark.parametrize("name", [name for name, entry in BACKENDS.items() if entry.environment])
def test_a_large_runtime_has_a_place_and_pins_of_its_own(name: str) -> None:
    place = str(_store.place_of(name))
    assert _store.python_of(place) == "{}.{}".format(*sys.version_info)
    assert place.endswith(f"-{BACKENDS[name].environment}")
    lines = _store.requirements_file(name).read_text(encoding="utf-8").splitlines()
    pins = [line.partition(";")[0] for line in lines if not line.startswith(("#", "--"))]
    assert all(len(pin.split("==")) == 2 for pin in pins)
    assert "mlcommons_loadgen==6.0.17" in pins


def test_the_torch_of_linux_is_the_one_without_cuda() -> None:
    lines = _store.requirements_file("pytorch").read_text(encoding="utf-8").splitlines()
    [pin] = [line for line in lines if line.startswith("torch==") and "linux" in line]
    assert "+cpu;" in pin
