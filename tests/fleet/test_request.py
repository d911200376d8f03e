from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.fleet.request import FleetRequest, prepare_job
from tests.replays import write_space, write_table

if TYPE_CHECKING:
    from pathlib import Path


def test_files_that_a_space_names_travel_with_it(here: Path) -> None:
    (here / "more").mkdir()
    write_table(here, name="more/table.csv")
    backends = {"replay": {"table": "more/table.csv", "runtime": ["x"]}}
    (here / "unnamed").write_text("stays")
    job = prepare_job(FleetRequest(str(write_space(here, backends=backends))))
    source, manifest = job.inputs["space"]
    assert source == here
    assert [entry.path for entry in manifest.entries] == ["more/table.csv", "space.yaml"]
    assert job.folder.name == "space"
    assert set(job.digests) == {"space"}


def test_files_elsewhere_can_not_travel(here: Path) -> None:
    (here / "inner").mkdir()
    write_table(here)
    space = write_space(
        here / "inner", backends={"replay": {"table": "../table.csv", "runtime": ["x"]}}
    )
    with pytest.raises(RequestError, match=r"space\.yaml:\d+: .*does not lie in the folder"):
        prepare_job(FleetRequest(str(space)))


@pytest.mark.parametrize(
    ("name", "words"),
    [("x" * 88, "is too long: .*; use at most 87 characters"), ("", "'' is not a study name")],
)
def test_names_that_no_study_can_have(here: Path, name: str, words: str) -> None:
    """Before any node is asked: a study's name has its CPU's fingerprint, too."""
    write_table(here)
    space = str(write_space(here))
    with pytest.raises(RequestError, match=words):
        prepare_job(FleetRequest(space, study=name))
    assert prepare_job(FleetRequest(space, study="x" * 87)).folder.name == "x" * 87


def test_values_out_of_range(here: Path) -> None:
    for fields, name in (({"timeout": 0.0}, "--timeout"), ({"n_trials": 0}, "--n-trials")):
        with pytest.raises(RequestError, match=name):
            FleetRequest(str(here), **fields)
