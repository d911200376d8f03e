"""Trying again: what may pass, for so long and no longer, and warned of once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.errors import DseError
from dse.core.retry import RetryPolicy

if TYPE_CHECKING:
    from collections.abc import Callable


def from_disk(error: DseError) -> bool:
    return isinstance(error.__cause__, OSError)


def failing(times: int) -> Callable[[], int]:
    tries = 0

    def work() -> int:
        nonlocal tries
        tries += 1
        if tries <= times:
            raise DseError("the disk is full") from OSError("full")
        return tries

    return work


def test_it_goes_on_as_soon_as_it_can_and_warns_once(caplog: pytest.LogCaptureFixture) -> None:
    assert RetryPolicy(max_seconds=300).run(failing(3), from_disk) == 4
    assert caplog.messages == ["the disk is full; waiting for it, at most 300 s"]
    assert RetryPolicy(max_seconds=300).run(failing(0), from_disk) == 1
    assert RetryPolicy(max_attempts=9).run(failing(1), from_disk) == 2
    assert len(caplog.messages) == 1


def test_a_second_attempt_that_succeeds_is_no_waiting(caplog: pytest.LogCaptureFixture) -> None:
    waits: list[bool] = []
    policy = RetryPolicy(max_seconds=300)
    assert policy.run(failing(1), from_disk, waits=lambda: waits.append(True)) == 2
    assert not caplog.messages
    assert not waits
    policy.run(failing(4), from_disk, waits=lambda: waits.append(True))
    assert waits == [True]


def test_it_ends() -> None:
    with pytest.raises(DseError, match="the disk is full"):
        RetryPolicy(max_seconds=0.2).run(failing(10**9), from_disk)


def test_an_interrupt_ends_it_at_once() -> None:
    asked: list[bool] = []

    def stopped() -> bool:
        asked.append(True)
        return len(asked) > 2

    with pytest.raises(KeyboardInterrupt):
        RetryPolicy(stopped=stopped).run(failing(10**9), from_disk)
    assert len(asked) == 3


def test_what_does_not_pass_is_not_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(DseError, match="the disk is full"):
        RetryPolicy(max_seconds=300).run(failing(1), lambda _: False)
    assert caplog.messages == []


def test_attempts_that_make_progress_do_not_count() -> None:
    policy = RetryPolicy(max_attempts=2, first_pause_s=0.001)
    with pytest.raises(DseError, match="the disk is full"):
        policy.run(failing(2), from_disk)
    assert policy.run(failing(1), from_disk) == 2
    steps = iter([True, True, True])
    assert policy.run(failing(3), from_disk, lambda: next(steps)) == 4
    steps = iter([True, True, False])
    with pytest.raises(DseError, match="the disk is full"):
        policy.run(failing(3), from_disk, lambda: next(steps))
