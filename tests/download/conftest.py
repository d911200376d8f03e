"""A server on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.download.servers import Site, serve

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session", autouse=True)
def _direct() -> Iterator[None]:
    """No proxy stands between."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("no_proxy", "*")
        yield


@pytest.fixture
def site() -> Iterator[Site]:
    """A server that serves nothing yet."""
    with serve(Site()) as running:
        yield running
