"""Merging: in any order, as often as one likes, it gives the same."""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.bundles.merging import Merged, folder_for, merge, merge_all, merge_into
from dse.bundles.reading import read_bundle
from dse.bundles.writing import known_trials
from dse.core.errors import RequestError
from dse.study.folder import StudyFolder
from dse.study.study import Study
from tests.bundles.studies import bundled, explored, told
from tests.study.studies import create, fill, small_space

if TYPE_CHECKING:
    from collections.abc import Callable

    from dse.bundles.bundle import Bundle

GOLDEN = Path(__file__).parents[1] / "golden" / "quickstart"


def changed(file: Path, change: Callable[[list[dict[str, Any]]], None]) -> Path:
    """The bundle with other lines, and a right end."""
    lines = [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]
    change(lines[:-1])
    data = b"".join(json.dumps(line).encode() + b"\n" for line in lines[:-1])
    end = {"kind": "end", "lines": len(lines) - 1, "sha256": hashlib.sha256(data).hexdigest()}
    file.write_bytes(gzip.compress(data + json.dumps(end).encode() + b"\n"))
    return file


def test_a_merged_study_tells_what_its_source_tells(tmp_path: Path) -> None:
    source = explored(tmp_path / "s", None)
    merged = merge(bundled(source, tmp_path / "b"), StudyFolder(tmp_path / "m"))
    assert (merged.new, merged.known) == (20, 0)
    assert told(merged.folder) == told(source)
    ids = [{k: r.id for k, r in Study.load(f).records.items()} for f in (source, merged.folder)]
    assert ids[0] == ids[1]


def test_a_study_with_rounds_is_merged_as_it_is(tmp_path: Path) -> None:
    """Trials of rounds are brief: what they measured is not what their configuration has."""
    shutil.copytree(GOLDEN, tmp_path / "quickstart")
    source = StudyFolder(tmp_path / "quickstart")
    merged = merge(bundled(source, tmp_path / "b"), StudyFolder(tmp_path / "m"))
    assert told(merged.folder) == told(source)
    one, other = (Study.load(each).results.frontier for each in (source, merged.folder))
    assert (one.leading, one.open_ids) == (other.leading, other.open_ids)
    assert one.open_ids
    assert merge(read_bundle(tmp_path / "b"), source).new == 0


def test_merging_again_changes_nothing(tmp_path: Path) -> None:
    one = bundled(explored(tmp_path / "s"), tmp_path / "b")
    folder = StudyFolder(tmp_path / "m")
    merge(one, folder)
    before = told(folder)
    assert (merge(one, folder).new, merge(one, folder).known) == (0, 3)
    assert told(folder) == before


def test_a_study_is_merged_into_itself_without_effect(tmp_path: Path) -> None:
    source = explored(tmp_path / "s")
    assert merge(bundled(source, tmp_path / "b"), source).new == 0


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> list[Bundle]:
    """Bundles of three machines that measured some of the same configurations."""
    root = tmp_path_factory.mktemp("three")
    return [
        bundled(explored(root / name, 8, seed, machine=name), root / f"{name}.bundle")
        for seed, name in enumerate(("one", "two", "three"))
    ]


@given(orders=st.lists(st.integers(0, 2), min_size=3, max_size=6))
@settings(max_examples=15, deadline=None)
def test_any_order_gives_the_same(three: list[Bundle], orders: list[int]) -> None:
    with TemporaryDirectory() as root:
        together = merge_all(three, StudyFolder(Path(root) / "together")).folder
        folder = StudyFolder(Path(root) / "m")
        for index in (*orders, 0, 1, 2):
            merge(three[index], folder)
        assert told(folder) == told(together)


def test_a_merged_study_is_bundled_again_without_a_loss(
    three: list[Bundle], tmp_path: Path
) -> None:
    first = merge_all(three, StudyFolder(tmp_path / "a")).folder
    again = merge(bundled(first, tmp_path / "b"), StudyFolder(tmp_path / "c")).folder
    assert told(again) == told(first)
    assert merge_all(three, again).new == 0


def test_ids_do_not_depend_on_the_order_of_files(three: list[Bundle], tmp_path: Path) -> None:
    ids = []
    for number, order in enumerate(itertools.permutations(three)):
        study = Study.load(merge_all(order, StudyFolder(tmp_path / f"m{number}")).folder)
        ids.append({key: record.id for key, record in study.records.items()})
    assert all(each == ids[0] for each in ids)


def test_a_study_goes_on_after_a_merge_and_measures_nothing_again(
    three: list[Bundle], tmp_path: Path
) -> None:
    folder = merge_all(three, StudyFolder(tmp_path / "m")).folder
    known = set(Study.load(folder).records)
    space = small_space()
    study = create(folder, space)
    done = fill(study, space)
    assert {each.key for each in done}.isdisjoint(known)
    assert len(study.records) == 20
    study.close()


def test_one_that_explores_takes_in_what_is_merged(three: list[Bundle], tmp_path: Path) -> None:
    folder = explored(tmp_path / "s", 1)
    study = create(folder, small_space())
    merge_all(three, folder)
    study.sync()
    assert set(study.records) == set(Study.load(folder).records)
    study.close()


def test_a_study_that_goes_on_in_another_space_meanwhile_gets_nothing(
    three: list[Bundle], tmp_path: Path
) -> None:
    folder = explored(tmp_path / "s", 1)
    merging = create(folder, small_space())
    create(folder, small_space(models=["a"])).close()
    with pytest.raises(RequestError, match="is of another space"):
        merging.add_ended(three[0].trials, three[0].choices)
    merging.close()
    assert sum(len(each.trials) for each in Study.load(folder).revisions) in (1, 2)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"models": ["a"]}, "is of another space"),
        ({"batch_sizes": [1]}, "is of another space"),
    ],
)
def test_another_space_is_refused(tmp_path: Path, fields: dict[str, Any], words: str) -> None:
    one = bundled(explored(tmp_path / "s"), tmp_path / "b")
    other = explored(tmp_path / "o", **fields)
    before = told(other)
    with pytest.raises(RequestError, match=words) as caught:
        merge(one, other)
    assert str(tmp_path / "b") in str(caught.value)
    assert caught.value.remedy == "merge it into another study with --study"
    assert told(other) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda about: about["system"].update(cpu="another"), "another system"),
        (lambda about: about.update(accuracy="0" * 64), "qualities"),
        (lambda about: about["runtimes"].update(null="2"), "null 1"),
        (lambda about: about["artefacts"].update(a="0" * 64), "another file of a"),
    ],
)
def test_what_is_not_of_the_same_study_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], None], words: str
) -> None:
    source = explored(tmp_path / "s")
    study = create(source, small_space())
    study.check_artefact("a", "1" * 64)
    study.close()
    bundled(source, tmp_path / "b")
    file = changed(tmp_path / "b", lambda lines: change(lines[0]["about"]))
    with pytest.raises(RequestError, match=words):
        merge(read_bundle(file), source)


def test_a_contradiction_is_named(tmp_path: Path) -> None:
    source = explored(tmp_path / "s")
    bundled(source, tmp_path / "b")

    def other_value(lines: list[dict[str, Any]]) -> None:
        lines[2]["own"][0]["value"] += 1

    file = changed(tmp_path / "b", other_value)
    with pytest.raises(RequestError, match="with other results, as its trial 1"):
        merge(read_bundle(file), source)


def test_a_configuration_without_a_metric_is_refused_before_anything_is_begun(
    tmp_path: Path,
) -> None:
    bundled(explored(tmp_path / "s"), tmp_path / "b")

    def without(lines: list[dict[str, Any]]) -> None:
        del lines[1]["outcome"]["measurements"][1:]

    read = read_bundle(changed(tmp_path / "b", without))
    folder = StudyFolder(tmp_path / "m")
    with pytest.raises(RequestError, match="would have no latency_p90_ms of "):
        merge(read, folder)
    assert not folder.begun


def test_each_cpu_has_a_study_of_its_own(tmp_path: Path) -> None:
    one = bundled(explored(tmp_path / "s"), tmp_path / "b")
    folder = folder_for(one, tmp_path)
    assert folder.name.startswith("s@")
    again = bundled(merge(one, folder).folder, tmp_path / "again")
    assert folder_for(again, tmp_path) == folder


def test_summaries_lie_with_the_runs(tmp_path: Path) -> None:
    source = explored(tmp_path / "s", 1)
    logs = source.runs / "by-hand" / "offline"
    logs.mkdir(parents=True)
    (logs / "mlperf_log_summary.txt").write_text("a summary")
    folder = merge(bundled(source, tmp_path / "b"), StudyFolder(tmp_path / "m")).folder
    (found,) = folder.runs.glob("*/offline/mlperf_log_summary.txt")
    assert found.read_text() == "a summary"
    assert found.parents[1].name.endswith("-by-hand")


def test_bundles_are_merged_into_an_opened_study(tmp_path: Path) -> None:
    parts = [
        bundled(explored(tmp_path / name, 6, seed, machine=name), tmp_path / f"{name}.bundle")
        for seed, name in enumerate(("a", "b", "c"))
    ]
    together = merge_all(parts, StudyFolder(tmp_path / "together")).folder
    folder = merge(parts[0], StudyFolder(tmp_path / "m")).folder
    study = Study.resume(folder)
    assert [merge_into(study, part).new for part in parts] == [0, 6, 6]
    assert merge_into(study, parts[1]) == Merged(folder, 0, 6)
    assert set(study.records) == set(Study.load(together).records)
    assert known_trials(study) == known_trials(Study.load(together))
    study.close()
    assert told(folder) == told(together)
    other = bundled(explored(tmp_path / "other", models=["a"]), tmp_path / "other.bundle")
    with pytest.raises(RequestError, match=r"other\.bundle: study 'm' is of another space"):
        merge_into(study, other)
