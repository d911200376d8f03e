"""Nodes give signs of life rarely: each runs beside what is measured."""

from __future__ import annotations

from unittest import mock

import pytest

from dse.fleet import _dask
from dse.fleet import scheduler as module

pytest.importorskip("distributed", reason="the library distributed is not installed")


@pytest.mark.parametrize(("told", "wanted"), [(0.5, module.HEARTBEAT_S), (60.0, 60.0)])
def test_few_nodes_do_not_give_more_of_them(told: float, wanted: float) -> None:
    scheduler = module._scheduler_class()
    answer = {"status": "OK", "heartbeat-interval": told}
    base = _dask.load().Scheduler
    with mock.patch.object(base, "heartbeat_worker", return_value=answer):
        made = scheduler.__new__(scheduler)
        assert made.heartbeat_worker(address="a") == {**answer, "heartbeat-interval": wanted}
    with mock.patch.object(base, "heartbeat_worker", return_value={"status": "missing"}):
        assert made.heartbeat_worker(address="a") == {"status": "missing"}
