"""A server for the tests that change nothing of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commandline import here, tmp_path
from tests.serve.serving import Served, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["here", "tmp_path"]


@pytest.fixture(autouse=True, scope="session")
def _own_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Tokens are kept in a folder of the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("settings")))
        yield


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server at a port of 127.0.0.1."""
    with serving(tmp_path_factory.mktemp("served")) as server:
        yield server
