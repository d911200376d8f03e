"""Why a file can't be written: whose it is, and what to do."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from dse.core.access import choose_remedy, explain_denial, find_other_user
from tests.other_users import give_away, run_unprivileged

if TYPE_CHECKING:
    from pathlib import Path

WRITE = """
import sys
from pathlib import Path
from dse.core.errors import DseError
from dse.core.paths import atomic_write
for place in sys.argv[1:]:
    try:
        with atomic_write(Path(place)) as file:
            file.write(b"x")
        print("written")
    except DseError as error:
        print(error)
"""


def test_the_owner_of_what_refuses_is_named(tmp_path: Path) -> None:
    mine, closed, other = tmp_path / "mine", tmp_path / "closed", tmp_path / "a b"
    for folder in (mine, closed, other):
        folder.mkdir()
    for folder in (mine, other):
        (folder / "file").touch()
        give_away(folder / "file", 0o644)
    give_away(other, 0o755)
    give_away(closed, 0o700)
    cached = {"DSE_CACHE_DIR": str(closed / "cache")}
    places = (mine / "file", other / "file", closed / "in" / "x", closed / "cache" / "x")
    told = run_unprivileged("-c", WRITE, *map(str, places), **cached)
    denied = "can't be written: Permission denied, as"
    remedy = f"choose another place, or make it yours: sudo chown -R {os.geteuid()}"
    cache = "set DSE_CACHE_DIR to a folder that you can write"
    assert told.stdout.splitlines() == [
        "written",  # over the file of another user, in a folder of this one
        f"{places[1]}: {denied} {other} belongs to user 12345; {remedy} '{other}'",
        f"{places[2]}: {denied} {closed} belongs to user 12345; {remedy} {closed}",
        f"{places[3]}: {denied} {closed} belongs to user 12345; {cache}",
    ], told.stderr


@pytest.mark.parametrize(
    ("number", "cached", "remedy"),
    [
        (errno.ENOSPC, False, "make room there"),
        (errno.EDQUOT, True, "make room there, or set DSE_CACHE_DIR to a folder elsewhere"),
        (errno.EROFS, False, "choose a place that you can write"),
        (errno.EROFS, True, "set DSE_CACHE_DIR to a folder that you can write"),
        (errno.EACCES, False, "choose a place that you can write"),
    ],
)
def test_the_remedy_follows_the_reason(
    number: int, cached: bool, remedy: str, tmp_path: Path
) -> None:
    error = OSError(number, os.strerror(number))
    assert explain_denial(error, tmp_path / "x") == os.strerror(number)
    assert choose_remedy(error, tmp_path / "x", cached=cached) == remedy
    assert find_other_user(tmp_path / "none" / "x") is None
