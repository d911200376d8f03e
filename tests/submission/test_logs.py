"""Accuracy logs cut short in the official way, and the text that goes with them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import DseError
from dse.loadgen.logs import ACCURACY
from dse.submission.logs import accuracy_log, accuracy_text

if TYPE_CHECKING:
    from pathlib import Path


@given(st.binary(min_size=1, max_size=4), st.integers(0, 20_000))
def test_the_first_and_the_last_bytes_are_shown(
    tmp_path_factory: pytest.TempPathFactory, pattern: bytes, length: int
) -> None:
    folder = tmp_path_factory.mktemp("run")
    data = (pattern * length)[:length]
    (folder / ACCURACY).write_bytes(data)
    log = accuracy_log(folder)
    assert log.sha256 == hashlib.sha256(data).hexdigest()
    assert log.whole == folder / ACCURACY
    if length < 4096:
        assert log.shown == data
    else:
        assert log.shown[:4096] == data[:4096]
        assert log.shown[4096:-4096] == b"\n\n...\n\n"
        assert log.shown[-4096:] == data[-4096:]


def test_a_log_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DseError, match=r"mlperf_log_accuracy\.json: can't be read: No such file"):
        accuracy_log(tmp_path)


def test_the_text_is_that_of_the_official_script() -> None:
    assert accuracy_text(44.904, 50_000, "0f" * 32) == (
        f"accuracy=44.904%, good=22452, total=50000\n\nhash={'0f' * 32}\n"
    )


@given(st.integers(1, 60_000), st.data())
def test_it_counts_what_was_right(total: int, data: st.DataObject) -> None:
    good = data.draw(st.integers(0, total))
    text = accuracy_text(100.0 * good / total, total, "")
    assert f", good={good}, total={total}\n" in text
