"""A Server bound that a busy machine keeps: a test must not depend on how fast it is."""

from __future__ import annotations

import pytest

from dse.loadgen import settings
from dse.measure import server

BOUND_NS = 2_000_000_000


@pytest.fixture
def patient_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (settings, server):
        monkeypatch.setattr(module, "SERVER_BOUND_NS", BOUND_NS)
