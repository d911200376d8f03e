"""The coordinator's studies: kept open, and always with what others have added meanwhile."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from dse.bundles.merging import merge
from dse.bundles.reading import read_bundle
from dse.bundles.writing import write_bundle
from dse.core.errors import RequestError
from dse.fleet._studies import Studies
from dse.fleet.folder import FleetFolder
from dse.study.study import Study
from tests.bundles.studies import explored
from tests.study.studies import create, fill, small_space

if TYPE_CHECKING:
    from pathlib import Path

ONE, OTHER = "1" * 12, "2" * 12


@pytest.fixture
def folder(here: Path) -> FleetFolder:
    found = FleetFolder.of("space")
    assert found.path.absolute().is_relative_to(here)
    found.bundles.mkdir(parents=True)
    return found


def bundle(place: Path, seed: int, most: int = 3) -> bytes:
    """What a node has measured."""
    file = place.parent / f"{place.name}.bundle"
    write_bundle(Study.load(explored(place, most, seed, machine=place.name)), file)
    return file.read_bytes()


def test_what_a_node_does_not_know(folder: FleetFolder, here: Path) -> None:
    studies = Studies(folder)
    assert studies.known(ONE) == {}
    assert studies.news(ONE, {}) == ({}, b"")
    assert studies.take_in(ONE, b"") == 0
    first, second = bundle(here / "a", 0), bundle(here / "b", 1)
    assert studies.take_in(ONE, first) == 3
    known = studies.known(ONE)
    assert list(known.values()) == [2]
    assert studies.news(ONE, known) == (known, b"")
    assert studies.take_in(ONE, second) == 3
    assert studies.take_in(ONE, second) == 0
    here_, news = studies.news(ONE, known)
    assert here_ == studies.known(ONE)
    file = here / "news.bundle"
    file.write_bytes(news)
    assert len(read_bundle(file).trials) == 3
    assert list(folder.bundles.iterdir()) == []
    assert studies.study(OTHER) is None


def test_damage_is_told_and_changes_nothing(folder: FleetFolder, here: Path) -> None:
    studies = Studies(folder)
    whole = bundle(here / "a", 0)
    for content in (whole[:-20], b"nothing", gzip.compress(b"{}")):
        with pytest.raises(RequestError):
            studies.take_in(ONE, content)
    assert studies.study(ONE) is None
    assert list(folder.bundles.iterdir()) == []


def test_another_space_needs_another_study(folder: FleetFolder, here: Path) -> None:
    """The bundle was never a file of the user's: what helps is an option of the fleet."""
    studies = Studies(folder)
    studies.take_in(ONE, bundle(here / "a", 0))
    write_bundle(Study.load(explored(here / "b", models=["a"])), here / "b.bundle")
    with pytest.raises(RequestError) as caught:
        studies.take_in(ONE, (here / "b.bundle").read_bytes())
    words = f"study 'space@{ONE}' is of another space; choose another --study"
    assert str(caught.value) == words


def test_one_that_was_half_begun_is_completed(folder: FleetFolder, here: Path) -> None:
    """A coordinator may be killed between the file of the database and its first table."""
    half = folder.study(ONE)
    half.create()
    half.database.touch()
    studies = Studies(folder)
    assert folder.studies() == []
    assert studies.known(ONE) == {}
    assert studies.take_in(ONE, bundle(here / "a", 0)) == 3
    assert list(studies.known(ONE).values()) == [2]
    assert folder.studies() == [half]


def test_what_others_add_is_seen(folder: FleetFolder, here: Path) -> None:
    studies = Studies(folder)
    studies.take_in(ONE, bundle(here / "a", 0))
    file = here / "other.bundle"
    file.write_bytes(bundle(here / "b", 1))
    merge(read_bundle(file), folder.study(ONE))
    assert sorted(studies.known(ONE).values()) == [2, 2]
    wider = small_space(models=["a", "b", "c"])
    study = create(folder.study(ONE), wider)  # the study goes on in another space
    fill(study, wider, 1)
    study.close()
    found = studies.study(ONE)
    assert found is not None
    assert len(found.revisions) == 2


def test_studies_that_were_not_used_are_closed(folder: FleetFolder, here: Path) -> None:
    studies = Studies(folder, most=5)
    studies.take_in(ONE, bundle(here / "a", 0))
    kept = studies.study(ONE)
    assert studies.study(ONE) is kept
    studies.take_in(OTHER, bundle(here / "b", 1))
    other = studies.study(OTHER)
    assert studies.study(OTHER) is other
    again = studies.study(ONE)
    assert again is not kept
    assert studies.study(OTHER) is not other
    assert again is not None
    assert len(again.records) == 3
    studies.close()
