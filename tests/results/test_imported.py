"""Results of others that are kept beside the studies."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import RequestError
from dse.core.measurement import Source
from dse.core.metrics import METRICS
from dse.results.imported import Import, SourceForm, keep, name_for, read_import, sha256_of, source
from dse.results.read import read_file
from dse.results.table import OFFLINE_POWER, ResultTable, Row
from dse.study.folder import StudyFolder
from dse.tasks import registry
from dse.tasks.image_classification._quality import ACCURACY
from tests.results.tables import write_published
from tests.results.trees import write_tree

if TYPE_CHECKING:
    from pathlib import Path

METRIC_NAMES = st.sampled_from([*METRICS, OFFLINE_POWER])
TEXTS = st.text(max_size=20)
NAMES = st.text(min_size=1, max_size=20)
NUMBERS = st.floats(min_value=1e-9, max_value=1e12)
KNOBS = st.one_of(st.integers(-9, 9), NUMBERS, st.booleans(), TEXTS)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    values = draw(st.dictionaries(METRIC_NAMES, NUMBERS))
    some = st.frozensets(st.sampled_from(sorted(values))) if values else st.just(frozenset())
    sources = {name: draw(st.sampled_from(Source)) for name in values}
    known = {name for name in draw(some) if sources[name] is Source.MEASURED}
    return Row(
        configuration=draw(st.dictionaries(NAMES, KNOBS, max_size=4)),
        label=draw(NAMES),
        values=values,
        sources=sources,
        intervals={name: (values[name] / 2, values[name] * 2) for name in known},
        inferred=draw(some),
        valid=draw(some),
        samples=draw(st.none() | st.integers(1, 50_000)),
    )


@st.composite
def results(draw: st.DrawFn) -> ResultTable:
    return ResultTable(
        name=draw(NAMES),
        task=draw(st.sampled_from([*registry.TASKS])),
        origin="table.csv",
        cpu=draw(TEXTS),
        cores=draw(st.none() | st.integers(1, 999)),
        ghz=draw(st.none() | st.floats(0.1, 9)),
        software=draw(TEXTS),
        rows=tuple(draw(st.lists(rows(), max_size=3))),
        accelerator=draw(TEXTS),
        release=draw(TEXTS),
        description=draw(st.dictionaries(NAMES, TEXTS, max_size=3)),
        left_out=tuple(draw(st.lists(TEXTS, max_size=2))),
    )


@pytest.fixture
def place(tmp_path: Path) -> StudyFolder:
    return StudyFolder(tmp_path / "studies" / "theirs")


def imported(path: Path) -> Import:
    return Import((source(path),), read_file(path))


@given(systems=st.lists(results(), max_size=3))
def test_what_was_kept_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, systems: list[ResultTable]
) -> None:
    place = StudyFolder(tmp_path_factory.mktemp("kept") / "x")
    made = Import((SourceForm(file="table.csv", sha256="0" * 64),), tuple(systems))
    assert keep(made, place)
    assert read_import(place.imported) == made
    assert not keep(made, place)


def test_a_published_quality_of_an_earlier_import_loses_its_interval(
    tmp_path: Path, place: StudyFolder
) -> None:
    made = imported(write_published(tmp_path / "t.csv", [{}]))
    (system,) = made.results
    (row,) = system.rows
    quality = ACCURACY.name
    guessed = replace(row, intervals={quality: (row.values[quality] - 1, row.values[quality] + 1)})
    keep(replace(made, results=[replace(system, rows=(guessed,))]), place)
    assert f'"{quality}": [' in place.imported.read_text()
    (found,) = read_import(place.imported).results
    assert found.rows == (row,)


def test_an_import_of_an_earlier_version_is_of_images(tmp_path: Path, place: StudyFolder) -> None:
    made = imported(write_published(tmp_path / "t.csv", [{}]))
    keep(made, place)
    record = json.loads(place.imported.read_text())
    assert record["systems"][0].pop("task") == "image-classification"
    place.imported.write_text(json.dumps(record))
    (found,) = read_import(place.imported).results
    assert (found.task, found.rows) == ("image-classification", made.results[0].rows)


def test_the_same_again_changes_nothing(tmp_path: Path, place: StudyFolder) -> None:
    made = imported(write_published(tmp_path / "t.csv", [{}]))
    assert keep(made, place)
    before = place.imported.stat().st_mtime_ns
    assert not keep(made, place)
    assert place.imported.stat().st_mtime_ns == before
    assert sorted(path.name for path in place.path.iterdir()) == [".lock", "imported.json"]


def test_it_names_what_was_read(tmp_path: Path, place: StudyFolder) -> None:
    path = write_published(tmp_path / "t.csv", [{}])
    keep(imported(path), place)
    kept = json.loads(place.imported.read_text())
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert kept["sources"] == [{"file": "t.csv", "sha256": digest}]
    assert str(tmp_path) not in place.imported.read_text()


def test_the_same_sources_may_be_read_in_another_way(tmp_path: Path, place: StudyFolder) -> None:
    made = imported(write_published(tmp_path / "t.csv", [{}]))
    keep(made, place)
    later = replace(made, results=tuple(replace(each, cpu="new") for each in made.results))
    assert keep(later, place)
    assert read_import(place.imported).results[0].cpu == "new"


def test_nothing_else_is_replaced(tmp_path: Path, place: StudyFolder) -> None:
    keep(imported(write_published(tmp_path / "t.csv", [{}])), place)
    before = place.imported.read_bytes()
    other = imported(write_published(tmp_path / "t2.csv", [{"Result": "2"}]))
    with pytest.raises(RequestError, match=r"holds other results, of t\.csv; choose another"):
        keep(other, place)
    assert place.imported.read_bytes() == before
    place.database.touch()
    with pytest.raises(RequestError, match="holds a study; choose another place with --name"):
        keep(other, place)


def test_the_digest_of_a_tree_is_that_of_its_evidence(tmp_path: Path) -> None:
    folder = write_tree(tmp_path)
    before = sha256_of(tmp_path)
    (folder / "README.md").write_text("more")
    assert sha256_of(tmp_path) == before
    log = next(tmp_path.glob("**/run_1/mlperf_log_detail.txt"))
    log.write_bytes(log.read_bytes() + b"\n")
    assert sha256_of(tmp_path) != before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda record: record.update(form="another"), "form: expected "),
        (lambda record: record.pop("systems"), "systems: is missing"),
        (lambda record: record["systems"][0].update(task="folding"), "unknown task 'folding'"),
        (lambda record: record["systems"][0].update(cores=0), "cores: expected at least 1"),
        (lambda record: record["systems"][0].update(cores="2"), "cores: expected a whole number"),
        (
            lambda record: record["systems"][0]["rows"][0]["values"].update(speed=1.0),
            "'speed' is not a metric",
        ),
        (
            lambda record: record["systems"][0]["rows"][0]["values"].update(latency_p90_ms=-1.0),
            "expected more than 0",
        ),
        (
            lambda record: record["systems"][0]["rows"][0].update(code="__import__('os')"),
            "code: unknown field",
        ),
    ],
)
def test_what_was_damaged_is_told(
    tmp_path: Path, place: StudyFolder, change: Any, words: str
) -> None:
    keep(imported(write_published(tmp_path / "t.csv", [{}])), place)
    record = json.loads(place.imported.read_text())
    change(record)
    place.imported.write_text(json.dumps(record))
    with pytest.raises(RequestError) as caught:
        read_import(place.imported)
    told = str(caught.value)
    assert told.startswith(f"{place.imported}: ")
    assert words in told
    assert told.endswith("; import the results again")


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "[]", "NaN", '{"form": 1e999}'])
def test_what_is_no_record_is_told(place: StudyFolder, text: str) -> None:
    place.path.mkdir(parents=True)
    place.imported.write_text(text)
    with pytest.raises(RequestError, match="import the results again"):
        read_import(place.imported)


def test_names_of_folders(tmp_path: Path) -> None:
    assert name_for(tmp_path / "results v3.0 (edge).csv") == "results-v3.0-edge-"
    assert name_for(tmp_path / ".csv") == "csv"
    assert name_for(tmp_path / "....csv") == ""
    (tmp_path / "tree.v1").mkdir()
    assert name_for(tmp_path / "tree.v1") == "tree.v1"


def test_what_is_too_long_to_be_kept_is_told(tmp_path: Path, place: StudyFolder) -> None:
    made = imported(write_published(tmp_path / "t.csv", [{}]))
    (system,) = made.results
    rows = tuple(replace(row, label="x" * 2000) for row in system.rows)
    with pytest.raises(RequestError, match=r"t\.csv: label: can't be kept: String should have at"):
        keep(replace(made, results=(replace(system, rows=rows),)), place)
    assert not place.path.exists()
