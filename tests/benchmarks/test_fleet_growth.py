"""The page about fleets has the table that the benchmark has written."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from benchmarks import fleet_growth
from benchmarks.growing.prepared import CONFIGURATIONS, prepare, sessions_in
from dse.bundles.merging import merge
from dse.bundles.reading import read_bundle
from dse.study.folder import StudyFolder
from dse.study.study import Study

if TYPE_CHECKING:
    from pathlib import Path


def test_prepared_answers_are_bundles_of_other_cpus(tmp_path: Path) -> None:
    prepared = prepare(tmp_path)
    assert sum(len(group.keys) for group in prepared.groups) == CONFIGURATIONS
    owner = {"session": "ab" * 8, "host": "host-1", "machine": "1"}
    keys = prepared.groups[0].keys
    content = prepared.bundle(3, keys, owner)
    assert sessions_in(content) == {"ab" * 8: len(keys) - 1}
    assert sessions_in(b"") == {}
    file = tmp_path / "answer.bundle"
    file.write_bytes(content)
    folder = merge(read_bundle(file), StudyFolder(tmp_path / "merged")).folder
    study = Study.load(folder)
    assert set(study.records) == set(keys)
    assert study.system.fingerprint == prepared.planned(3).fingerprint
    assert prepared.planned(4).fingerprint != prepared.planned(3).fingerprint
    prepared.write(tmp_path / "prepared.json")
    assert type(prepared).read(tmp_path / "prepared.json") == prepared
    assert gzip.decompress(content).count(b"\n") == len(keys) + 2


def test_the_table_goes_between_the_marks(tmp_path: Path) -> None:
    found = dict.fromkeys(fleet_growth.ROWS, 1000.0) | {"nodes": 1000, "cpus": 100}
    found |= {"explored": 40_000, "assignments": 4000, "scheduler_files": 2000}
    page = tmp_path / "page.md"
    page.write_text(f"above\n{fleet_growth.BEGIN}\nold\n{fleet_growth.END}\nbelow\n")
    fleet_growth.write_page(fleet_growth.section([found, found], "a CPU"), page)
    text = page.read_text()
    assert text.startswith(f"above\n{fleet_growth.BEGIN}\n\nOn a CPU:\n\n| nodes | 1,000 |")
    assert text.endswith(f"|\n\n{fleet_growth.END}\nbelow\n")
    assert "old" not in text
    page.write_text("no marks")
    with pytest.raises(ValueError, match="has no lines"):
        fleet_growth.write_page("", page)


def test_the_page_has_the_rows_of_the_table() -> None:
    text = fleet_growth.PAGE.read_text(encoding="utf-8")
    between = text.partition(fleet_growth.BEGIN)[2].partition(fleet_growth.END)[0]
    titles = [line.split("|")[1].strip() for line in between.splitlines() if line.startswith("|")]
    assert [title for title in titles if title != "---"] == [
        t for t, _ in fleet_growth.ROWS.values()
    ]
