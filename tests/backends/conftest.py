"""The runtimes under test: in this process, or in the Python they need."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

import pytest

from dse.core.backend import Runtime
from dse.core.registry import BACKENDS, backend
from dse.environments import _store
from tests.backends.remote import Connection, RemoteRuntime, SettledRuntime
from tests.conftest import KEPT_CACHE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dse.core.configuration import KnobValue


SETTLED: dict[str, dict[str, KnobValue]] = {"tensorflow": {"onednn": True}}
"""Runtimes whose threads hold for a whole process, with the knobs that do as well."""


@pytest.fixture(scope="session")
def pythons(request: pytest.FixtureRequest) -> Callable[[str], str]:
    """The Python of a backend; skips where it can't be had."""

    def find(name: str) -> str:
        place = _store.place_of(name)
        if place is None:
            return sys.executable
        large = BACKENDS[name].environment is not None
        cache = KEPT_CACHE if large else request.getfixturevalue("environments")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DSE_CACHE_DIR", str(cache))
            environment = _store.read_environment(place)
        if large and (environment is None or not environment.serves(name)):
            pytest.skip(f"{name} is not installed: make large-environments")
        assert environment is not None
        assert environment.serves(name)
        return str(environment.python)

    return find


@pytest.fixture(scope="session")
def runtimes(pythons: Callable[[str], str]) -> Iterator[Callable[[str], Runtime]]:
    """A backend that runs models, wherever that is."""
    connections: dict[str, Connection] = {}
    settled: dict[str, SettledRuntime] = {}

    def find(name: str) -> Runtime:
        python = pythons(name)
        if python == sys.executable:
            found = backend(name)
            assert isinstance(found, Runtime)
            return found
        if name in SETTLED:
            if name not in settled:
                settled[name] = SettledRuntime(name, python, SETTLED[name])
            return cast("Runtime", settled[name])
        if name not in connections:
            with pytest.MonkeyPatch.context() as patch:
                if BACKENDS[name].environment is not None:  # what it compiles takes long
                    patch.setenv("DSE_CACHE_DIR", str(KEPT_CACHE))
                connections[name] = Connection(python, name)
        return cast("Runtime", RemoteRuntime(name, connections[name]))

    yield find
    for connection in connections.values():
        connection.close()
    for one in settled.values():
        one.close()
