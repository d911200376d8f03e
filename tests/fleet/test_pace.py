"""What is slow is done more rarely."""

from __future__ import annotations

import time
from unittest import mock

from dse.fleet._pace import MAX_PAUSE_S, QUICK_S, SHARE, Pace


def done(pace: Pace, began: float, seconds: float) -> None:
    """Does something that takes so long."""
    with mock.patch.object(time, "monotonic", side_effect=[began, began + seconds]), pace.doing():
        pass


def due(pace: Pace, at: float) -> bool:
    """Whether it may be done at a time."""
    with mock.patch.object(time, "monotonic", return_value=at):
        return pace.due


def test_what_is_slow_takes_a_share_of_the_time() -> None:
    pace = Pace()
    assert due(pace, 0.0)
    done(pace, 10.0, QUICK_S / 2)
    assert due(pace, 10.0 + QUICK_S)
    done(pace, 20.0, 0.5)
    assert not due(pace, 20.5)
    assert not due(pace, 20.4 + 0.5 / SHARE)
    assert due(pace, 20.6 + 0.5 / SHARE)
    done(pace, 100.0, QUICK_S / 2)
    assert due(pace, 100.1)


def test_a_pause_is_not_long() -> None:
    pace = Pace()
    done(pace, 20.0, 13.0)
    assert not due(pace, 33.0 + MAX_PAUSE_S / 2)
    assert due(pace, 33.1 + MAX_PAUSE_S)
