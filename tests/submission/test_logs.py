"""Accuracy logs cut short in the official way, and the text that goes with them."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import DseError
from dse.loadgen.logs import ACCURACY
from dse.submission._logs import accuracy_log

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
