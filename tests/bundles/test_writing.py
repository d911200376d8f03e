"""Bundles as they are written."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

from dse.bundles.merging import merge
from dse.bundles.reading import read_bundle
from dse.bundles.writing import known_trials, write_bundle
from dse.study.folder import StudyFolder
from dse.study.record import Purpose
from dse.study.revisions import distributions
from dse.study.study import Study
from tests.bundles.studies import bundled, explored, told
from tests.study.studies import create, failed, fill, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path


def lines(file: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]


def test_the_same_study_gives_the_same_bytes(tmp_path: Path) -> None:
    folder = explored(tmp_path / "s")
    one, other = tmp_path / "one", tmp_path / "other"
    assert write_bundle(Study.load(folder), one) == write_bundle(Study.load(folder), other)
    assert one.read_bytes() == other.read_bytes()
    assert [line["kind"] for line in lines(one)] == ["header", *["trial"] * 3, "end"]


def test_what_the_receiver_has_is_left_out(tmp_path: Path) -> None:
    folder = explored(tmp_path / "s", 2)
    known = known_trials(Study.load(folder))
    assert list(known.values()) == [1]
    study = create(folder, small_space())
    fill(study, small_space(), 2)
    study.close()
    file = tmp_path / "new"
    assert write_bundle(Study.load(folder), file, after=known).trials == 2
    assert [line["number"] for line in lines(file) if line["kind"] == "trial"] == [2, 3]
    assert sorted(known_trials(Study.load(folder)).values()) == [1, 3]


def test_a_trial_that_runs_is_left_out(tmp_path: Path) -> None:
    space = small_space()
    folder = explored(tmp_path / "s", 1)
    study = create(folder, space)
    plan = planned(space)
    study.begin(plan.configurations[-1], distributions(plan), Purpose.EXPLORE)
    assert write_bundle(Study.load(folder), tmp_path / "b").trials == 1
    study.close()


def test_runs_of_machines_have_different_names_and_their_summaries(tmp_path: Path) -> None:
    space = small_space()
    folder = explored(tmp_path / "s", 1)
    logs = folder.runs / "by-hand" / "performance"
    logs.mkdir(parents=True, exist_ok=True)
    (logs / "mlperf_log_summary.txt").write_text("Result is : VALID\n")
    (logs / "mlperf_log_detail.txt").write_text("left out")
    found = bundled(folder, tmp_path / "b")
    (summary,) = found.summaries
    assert summary.run.endswith("-by-hand")
    assert (summary.path, summary.text) == ("performance", "Result is : VALID\n")
    assert {m["run"] for t in found.trials for m in t.attributes["outcome"]["measurements"]} == {
        summary.run
    }
    assert space.objectives


def test_an_earlier_space_counts_only_where_the_new_one_has_its_configurations(
    tmp_path: Path,
) -> None:
    folder = explored(tmp_path / "s", None, models=["a", "b"])
    study = create(folder, small_space(models=["b"]))
    study.close()
    found = bundled(folder, tmp_path / "b")
    counted = [t for t in found.trials if "other_space" not in t.attributes]
    assert {t.attributes["configuration"]["model"] for t in counted} == {"b"}
    assert len(found.trials) == len(planned(small_space(models=["a", "b"])).configurations)
    merged = merge(found, StudyFolder(tmp_path / "merged"))
    assert told(merged.folder)["records"] == told(folder)["records"]


def test_an_opened_study_gives_the_same_bytes(tmp_path: Path) -> None:
    """What has come since it was opened was read without parameters, values and constraints."""
    fields = {"constraints": {"latency_p90_ms": {"max": 4.0}}}
    folder, space = StudyFolder(tmp_path / "s"), small_space(**fields)
    study = create(folder, space)
    fill(study, space, 2)
    opened = Study.load(folder)
    plan = planned(space)
    trial = study.begin(plan.configurations[-1], distributions(plan))
    study.finish(trial, failed())
    fill(study, space, 3, sampler="random")
    study.close()
    opened.sync()
    one, other = tmp_path / "one", tmp_path / "other"
    assert write_bundle(opened, one) == write_bundle(Study.load(folder), other)
    assert one.read_bytes() == other.read_bytes()
    assert read_bundle(one).trials


def test_a_study_that_explores_now_is_bundled_with_what_has_come(tmp_path: Path) -> None:
    folder, space = StudyFolder(tmp_path / "s"), small_space()
    study = create(folder, space)
    fill(study, space, 2)
    study.sync()
    write_bundle(study, tmp_path / "b")
    study.close()
    merged = merge(read_bundle(tmp_path / "b"), StudyFolder(tmp_path / "m"))
    assert told(merged.folder)["records"] == told(folder)["records"]
    states = {t.state.name for t in Study.load(merged.folder).optuna_study.get_trials()}
    assert states == {"COMPLETE"}
