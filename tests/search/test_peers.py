"""Samplers of other projects search the same tables; one that is not installed is named."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from benchmarks.laboratory.contest import NAMES, Entry, Run, _trace, whole_s
from benchmarks.laboratory.peers import PEERS, require
from benchmarks.laboratory.tables import Table, read
from benchmarks.search import main
from dse.core.errors import UnavailableError
from dse.exploration._samplers import SAMPLERS
from tests.replays import write_table

if TYPE_CHECKING:
    from pathlib import Path

INSTALLED = {
    name: pytest.param(
        name, marks=pytest.mark.skipif(bool(p.missing), reason=f"needs {', '.join(p.missing)}")
    )
    for name, p in PEERS.items()
}
"""A parameter for each peer; skipped, with what is missing, where it is not installed."""
ABSENT = [name for name, peer in PEERS.items() if peer.missing]
# What other projects warn of is theirs.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    models = ("a", "b", "c", "d")
    return write_table(tmp_path, models, failing={"c": "no room"}, name="small.csv")


def searched(one: Table, sampler: str, rows: int, seconds: float = 0.0, seed: int = 0) -> Run:
    entry = Entry(one, sampler, seed, rows, seconds)
    return Run(entry, *_trace(entry))


def test_they_are_names_beside_our_own() -> None:
    assert (*SAMPLERS, *PEERS) == NAMES
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("name", INSTALLED.values())
def test_each_row_is_proposed_once(small: Path, name: str) -> None:
    (one,) = read(small)
    run = searched(one, name, len(one.outcomes))
    assert len(run.shares) == len(run.thinking) == len(one.outcomes)
    assert run.shares[-1] == pytest.approx(1)
    assert all(before < after for before, after in pairwise(run.seconds))


@pytest.mark.parametrize("name", INSTALLED.values())
def test_the_same_seed_finds_the_same(small: Path, name: str) -> None:
    (one,) = read(small)
    runs = [searched(one, name, 9, seed=seed) for seed in (1, 1)]
    assert runs[0].shares == runs[1].shares
    assert runs[0].seconds == runs[1].seconds


@pytest.mark.parametrize("name", INSTALLED.values())
def test_nothing_that_runs_is_found_at_first(tmp_path: Path, name: str) -> None:
    """Failures alone tell nothing of the objectives, and are no reason to stop."""
    models = tuple(f"m{number}" for number in range(10))
    failing = dict.fromkeys(models[:-1], "no room")
    (one,) = read(write_table(tmp_path, models, (1,), (1, 2), failing=failing))
    run = searched(one, name, len(one.outcomes))
    assert run.shares[-1] == pytest.approx(1)


@pytest.mark.parametrize("name", ["random", *INSTALLED.values()])
def test_a_search_ends_when_rows_and_seconds_are_spent(small: Path, name: str) -> None:
    (one,) = read(small)
    half = 0.5 * whole_s(one)
    run = searched(one, name, 3, half)
    assert len(run.shares) >= 3
    assert run.seconds[-1] >= half
    assert len(run.shares) == 3 or run.seconds[-2] < half
    assert len(run.thinking) == len(run.shares)


@pytest.mark.parametrize("name", INSTALLED.values())
def test_versions_are_told(name: str) -> None:
    assert all(part.split(" ")[1][0].isdigit() for part in PEERS[name].versions.split(", "))


@pytest.mark.skipif(not ABSENT, reason="all of them are installed")
def test_a_peer_that_is_not_installed(small: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ABSENT:
        with pytest.raises(UnavailableError, match=name):
            require(name)
        assert main(["--table", str(small), "--samplers", name]) == 2
        out, err = capsys.readouterr()
        assert (out, len(err.splitlines())) == ("", 1)
        assert "make peers" in err
        assert all(missing in err for missing in PEERS[name].missing)
