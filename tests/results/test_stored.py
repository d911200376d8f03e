"""What there is in a folder of studies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.results.imported import Import, keep, source
from dse.results.read import read_file
from dse.results.stored import stored_results
from dse.study.folder import StudyFolder
from tests.results.tables import write_published
from tests.study.studies import create, fill, small_space

if TYPE_CHECKING:
    from pathlib import Path


def test_studies_imports_and_damage_are_listed(tmp_path: Path) -> None:
    root = tmp_path / "studies"
    assert stored_results(root) == []
    study = create(StudyFolder(root / "mine"), small_space())
    fill(study, small_space())
    file = write_published(tmp_path / "t.csv", [{}, {"Platform": "two"}])
    read = Import((source(file),), tuple(read_file(file)))
    StudyFolder(root / "theirs").path.mkdir()
    keep(read, StudyFolder(root / "theirs"))
    (root / "broken").mkdir()
    (root / "broken" / "study.db").write_text("no database")
    (root / "empty").mkdir()
    (root / "a file").write_text("")
    broken, mine, theirs = stored_results(root)
    assert (broken.name, broken.kind, broken.configurations) == ("broken", "unreadable", None)
    assert "study.db" in broken.problem
    failed = sum(study.results.failed.values())
    assert (mine.kind, mine.configurations, mine.failed) == (
        "study",
        len(study.records) - failed,
        failed,
    )
    assert mine.changed is not None
    assert (theirs.kind, theirs.configurations, theirs.systems) == ("import", 2, ("one", "two"))
