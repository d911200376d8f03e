"""The command line in a folder of its own, and a server of databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commandline import command, here, tmp_path
from tests.study.server import postgresql_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.study.server import Server

__all__ = ["command", "here", "tmp_path"]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """A PostgreSQL server, or the test is skipped."""
    with postgresql_server() as started:
        yield started
