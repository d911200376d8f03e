"""The way to a submission in the browser: points, rehearsal, system, export, tree, download."""

from __future__ import annotations

import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from dse.machine.measuring_lock import measuring_lock
from dse.serve.submitting import _dry_runs
from dse.serve.submitting import pages as submitting
from dse.serve.submitting._export import read_verdicts
from dse.serve.submitting._trees import SUBMISSIONS
from tests.commandline import Command, command, here, tmp_path
from tests.replays import write_space
from tests.serve.submitting_site import Browser
from tests.submission.conftest import copied, data, kept
from tests.submission.evidence import OF_ANY_MACHINE, TOLD
from tests.submission.exports import MODEL, SYSTEM, listing
from tests.submission.test_checkers import FAIL, clone
from tests.submission.trees import contents
from tests.validate.conftest import IMAGES, OBJECTIVES, OPTIONS, explored, small, write_inputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.submission.copies import Copy

__all__ = ["command", "copied", "data", "explored", "here", "kept", "small", "tmp_path"]

TOO_FEW = f"accuracy-samples: the data set has {IMAGES} images, not 50000"


@pytest.fixture
def full(copied: Callable[[str], Copy], here: Path) -> Copy:
    """The study ``full``, with valid runs and a description of its system."""
    found = copied("full")
    (found.folder / "system.yaml").write_text(TOLD)
    (here / "system.yaml").unlink()
    return found


def test_the_points_worth_validating_are_shown_with_the_time(small: list[str]) -> None:
    assert small
    browser = Browser()
    page = browser.get("small/submit")
    assert "0 of 1 point is valid" in page.text
    assert page.values["point"] == ["0"]
    assert "/studies/small/points/0" in page.links
    assert TOO_FEW in page.text
    assert "4 runs to do, about 2" in page.text
    assert "An export would refuse valid runs" in page.text
    assert "0 SingleStream performance" in page.text
    assert "dse validate small --dry-run" in page.text
    assert browser.jobs.asked == [("validate", "small", "--dry-run", "--json")]


def test_what_is_chosen_is_asked_for_and_kept(small: list[str]) -> None:
    assert small
    browser = Browser()
    chosen = {"scenario": "Offline", "point": "0", "anyway": "1", "now": "1"}
    page = browser.get("small/submit", **chosen)
    words = ("validate", "small", "--points", "0", "--scenario", "Offline", "--anyway")
    assert browser.jobs.asked == [(*words, "--dry-run", "--json")]
    assert (page.values["scenario"], page.values["anyway"]) == (["Offline"], ["1"])
    assert "2 runs to do" in page.text
    assert "SingleStream performance" not in page.text
    assert " ".join(("dse", *words)) in page.text


def test_a_rehearsal_is_a_job(small: list[str]) -> None:
    assert small
    browser = Browser()
    answer = browser.post("small/submit", point="0", scenario="Offline", do="rehearse")
    (job,) = browser.jobs.jobs
    assert answer.location == f"/jobs/{job.id}"
    words = ("validate", "small", "--points", "0", "--scenario", "Offline", "--rehearsal")
    assert (job.words, job.study, job.state) == (words, "small", "done")
    assert "rehearsed in part" in browser.get("small/submit").text  # of SingleStream nothing is
    browser.post("small/submit", point="0", do="rehearse")
    shown = browser.get("small/submit").text.partition("Runs to do")[0]
    assert "rehearsed" in shown
    assert "rehearsed in part" not in shown
    browser.jobs.held = True
    browser.post("small/submit", point="0", division="open", do="validate", anyway="1")
    assert browser.jobs.jobs[0].words == ("validate", "small", "--points", "0", "--anyway")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "point: no point is chosen; check the box of one at least"),
        ({"point": "9"}, "point: study 'small' has no measured point 9"),
        ({"point": "0; id"}, "point: '0; id' is not the id of a point"),
        ({"point": "-1"}, "point: '-1' is not the id"),
        ({"point": ["0"] * 999 + ["9999999999"]}, "is not the id"),
        ({"point": "0", "scenario": "--storage"}, "scenario: '--storage' is none of"),
        ({"point": "0", "division": "<b>"}, "division: '<b>' is none of open, closed"),
        ({"point": "0", "do": "explore"}, "do: 'explore' is none of rehearse, validate"),
        ({"point": "0"}, "do: '' is none of"),
    ],
)
def test_what_is_wrong_is_told_on_the_page(
    small: list[str], form: dict[str, str | list[str]], words: str
) -> None:
    assert small
    browser = Browser()
    page = browser.post("small/submit", 422, **form)
    assert words in page.text
    assert "b" not in page.tags
    assert browser.jobs.jobs == []
    assert browser.jobs.asked == []


def test_nothing_is_asked_beside_a_run_unless_the_user_wants_it(small: list[str]) -> None:
    assert small
    browser = Browser()
    browser.jobs.held = True
    job = browser.jobs.start(["explore", "other"], "other")
    page = browser.get("small/submit")
    assert browser.jobs.asked == []
    assert "dse explore other is running. To leave it undisturbed, this waits" in page.text
    assert f"/jobs/{job.id}" in page.links
    (again,) = [link for link in page.links if "now=1" in link]
    assert "4 runs to do" in browser.get(again.removeprefix("/studies/").partition("#")[0]).text
    assert len(browser.jobs.asked) == 1
    browser.get("small/submit/export", submitter="Org")
    assert len(browser.jobs.asked) == 1
    browser.get("small/submit/export", submitter="Org", now="1")
    assert len(browser.jobs.asked) == 2


def test_one_command_of_a_study_runs_at_a_time(small: list[str]) -> None:
    assert small
    browser = Browser()
    browser.jobs.held = True
    browser.post("small/submit", point="0", do="validate")
    browser.post("small/submit", point="0", do="validate")  # as a second click does
    assert len(browser.jobs.jobs) == 1
    page = browser.post("small/submit", 422, point="0", do="rehearse")
    assert "a command still runs; stop it first" in page.text
    page = browser.post("small/submit/export", 422, submitter="Org")
    assert "a command still runs; stop it first" in page.text
    assert page.values["submitter"] == ["Org"]


def test_a_division_that_can_t_be_had_is_told(full: Copy) -> None:
    assert full.folder.is_dir()
    browser = Browser()
    page = browser.get("full/submit", division="closed")  # it has not measured MultiStream
    assert "has not measured multistream_latency_p99_ms" in page.text
    assert page.values["division"] == ["closed"]
    assert any("system?division=closed" in link for link in page.links)


def test_points_that_no_submission_can_have_say_why(command: Command, here: Path) -> None:
    models = ["mobilenet-v3-small", "mobilenet-v3-large"]
    fields = {"models": models, "threads": 1, "batch_sizes": 1}
    space = write_space(here, "untrained", backends={"null": {"delay_ms": 1.0}}, **fields)
    command.good("explore", space, "--settle", 0)
    page = Browser().get("untrained/submit")
    assert "trained: the builtin models have untrained weights" in page.text
    assert "explore trained models with --models and --dataset" in page.text
    assert page.text.count("untrained weights; explore trained models") == 1  # once for all points
    assert "No point of the table can be submitted as it was explored" in page.text


def test_an_unknown_study_is_not_found() -> None:
    browser = Browser()
    for page in ("", "/system", "/export"):
        browser.get(f"none/submit{page}", 404)
        browser.post(f"none/submit{page}", 404)
    browser.get("none/submit/trees/none.tar.gz", 404)


def test_nothing_can_be_started_where_one_may_only_read(full: Copy) -> None:
    assert full.folder.is_dir()
    browser = Browser(read_only=True)
    for page, buttons in {"full/submit": 2, "full/submit/export": 1}.items():
        found = browser.get(page)
        assert found.tags.count("button") == buttons  # they show what would be done
    assert all(len({*(route.methods or ())} - {"HEAD"}) == 1 for route in submitting.routes())


def test_what_is_valid_is_exported_and_downloaded(full: Copy, here: Path) -> None:
    browser = Browser()
    page = browser.get("full/submit/export")
    assert "1 of 1 point is valid; the system is described; no tree is written." in page.text
    assert "Name the submitter to see it." in page.text
    assert browser.jobs.asked == []
    page = browser.get("full/submit/export", submitter="Org")
    words = ("export", "full", "--submitter", "Org", "--output", "submissions/full")
    told = ("--system", "studies/full/system.yaml")
    assert browser.jobs.asked == [(*words, *told, "--dry-run", "--json")]
    assert "to export: 2 results; lacking: nothing." in page.text
    assert not (here / SUBMISSIONS).exists()  # looking writes nothing

    answer = browser.post("full/submit/export", submitter="Org", point="0")
    (job,) = browser.jobs.jobs
    assert answer.location == f"/jobs/{job.id}"
    assert (job.words, job.state) == ((*words, *told, "--points", "0"), "done")
    page = browser.get("full/submit/export")
    assert "1 of 1 point is valid; the system is described." in page.text
    assert "2 results of 1 point in submissions/full: 25 files new" in page.text
    assert "25 files in submissions/full" in page.text
    assert "the tree is of Org" in page.text
    assert f"open/Org/systems/{SYSTEM}.json" in page.text
    (link,) = [link for link in page.links if link.endswith(".tar.gz")]
    response = browser.client.get(link)
    assert response.headers["content-type"] == "application/gzip"
    assert response.headers["content-disposition"] == 'attachment; filename="full.tar.gz"'
    assert int(response.headers["content-length"]) == len(response.content)
    with tarfile.open(fileobj=io.BytesIO(response.content)) as archive:
        assert sorted(archive.getnames()) == listing("Offline", "SingleStream")
        mapping = archive.extractfile("open/Org/model_mapping.json")
        assert mapping is not None
        assert json.load(mapping) == {MODEL: "resnet"}
    assert browser.client.get(link).content == response.content
    assert full.folder.is_dir()


def test_what_is_missing_is_listed_with_its_remedies(full: Copy) -> None:
    (full.folder / "system.yaml").write_text("cooling: <b>air</b>\n")
    for logs in (full.folder / "runs").glob("Offline-performance/performance/*detail*"):
        logs.unlink()
    page = Browser().get("full/submit/export", submitter="Org")
    assert "0 of 1 point is valid; 10 fields of the system are missing" in page.text
    assert "to export: 1 result; lacking: 1 result, 10 fields of the system." in page.text
    assert "complete-logs" in page.text
    assert "#0 Offline" in page.text
    assert "/studies/full/submit/system?division=open#system_name" in page.links
    assert "b" not in page.tags


def test_both_checkers_verdicts_are_shown(full: Copy, here: Path) -> None:
    assert full.folder.is_dir()
    checker = clone(here, new=FAIL)
    browser = Browser(checker)
    browser.post("full/submit/export", submitter="Org", check="1")
    (job,) = browser.jobs.jobs
    assert job.words[-2:] == ("--checker", str(checker))
    assert job.state == "failed"
    page = browser.get("full/submit/export")
    assert "submission_checker FAILED" in page.text
    assert "2 x ran too short" in page.text
    assert "submission_checker_old passed" in page.text
    assert "truncate_accuracy_log passed" in page.text
    browser.post("full/submit/export", submitter="Org")  # the box is not checked
    assert "--checker" not in browser.jobs.jobs[0].words


def test_verdicts_are_read_from_what_an_export_prints() -> None:
    output = (
        "note: #0: something\nsubmission_checker: FAILED\n  2 x this\n  1 x that\n"
        "submission_checker_old: passed\nnext: dse validate\n  more\n"
    )
    assert read_verdicts(output) == [
        ("submission_checker", "FAILED", ("2 x this", "1 x that")),
        ("submission_checker_old", "passed", ()),
    ]
    assert read_verdicts("dse: nothing\n") == []


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({}, "submitter: nobody submits; name the organisation"),
        ({"submitter": "../Org"}, "submitter: '../Org' can't be the name of a folder"),
        ({"submitter": "--force"}, "submitter: '--force' can't be"),
        ({"submitter": "an Org"}, "submitter: 'an Org' can't be"),
        ({"submitter": "<b>x</b>"}, "submitter: '<b>x</b>' can't be"),
        ({"submitter": "x" * 101}, "can't be the name of a folder"),
        ({"submitter": "Org", "name": "../up"}, "name: '../up' can't be the name of a folder"),
        ({"submitter": "Org", "name": "/etc"}, "name: '/etc' can't be"),
        ({"submitter": "Org", "name": ".."}, "name: '..' can't be"),
        ({"submitter": "Org", "name": "x-preview"}, "name: the name 'x-preview' ends like"),
        ({"submitter": "Org", "category": "phone"}, "category: 'phone' is none of"),
        ({"submitter": "Org", "release": "v9"}, "release: 'v9' is none of"),
        ({"submitter": "Org", "status": "sold"}, "status: 'sold' is none of"),
        ({"submitter": "Org", "division": "closed"}, ""),
    ],
)
def test_a_wrong_export_is_told_and_writes_nothing(
    full: Copy, here: Path, form: dict[str, str | list[str]], words: str
) -> None:
    browser = Browser()
    if not words:  # only the command knows
        browser.post("full/submit/export", **form)
        assert "has not measured" in browser.jobs.jobs[0].output
    else:
        page = browser.post("full/submit/export", 422, preview="1", **form)
        assert words in page.text
        assert page.values["preview"] == ["1"]  # what was chosen is kept
        assert "b" not in page.tags
        assert browser.jobs.jobs == []
    assert browser.jobs.asked == []
    assert not (here / SUBMISSIONS).exists()
    assert full.folder.is_dir()


def test_markup_in_names_of_files_stays_text(full: Copy, here: Path) -> None:
    assert full.folder.is_dir()
    folder = here / SUBMISSIONS / "full/open/Org"
    folder.mkdir(parents=True)
    (folder / "<script>x<").write_text("")
    (folder / "line\nbreak\x1b").write_text("")
    page = Browser().get("full/submit/export")
    assert "script" not in page.tags
    assert "open/Org/<script>x<" in page.text
    assert "open/Org/line?break?" in page.text


def test_the_whole_way_of_a_real_model(command: Command, here: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    write_inputs(here)
    fields = {"models": "m", "threads": 1, "batch_sizes": 4, "objectives": OBJECTIVES}
    space = write_space(here, "real", backends=["onnxruntime"], **fields)
    command.good("explore", space, "--settle", 0, *OPTIONS)
    browser = Browser()
    browser.post("real/submit", point="0", do="rehearse")
    assert browser.jobs.jobs[0].state == "done", browser.jobs.jobs[0].output
    page = browser.get("real/submit/system")
    told = dict(line.split(": ", 1) for line in (TOLD + OF_ANY_MACHINE).splitlines())
    form = {**told, "retraining": "no", "seen": page.values["seen"][0]}
    browser.post("real/submit/system", **form)
    page = browser.get("real/submit/export", submitter="Org", preview="1")
    assert "to export: 2 results; lacking: nothing." in page.text
    assert "Rules that a preview may break" in page.text
    browser.post("real/submit/export", submitter="Org", preview="1", name="first")
    assert browser.jobs.jobs[0].state == "done", browser.jobs.jobs[0].output
    page = browser.get("real/submit/export", name="first")
    (link,) = [link for link in page.links if link.endswith("first-preview.tar.gz")]
    with tarfile.open(fileobj=io.BytesIO(browser.client.get(link).content)) as archive:
        names = sorted(archive.getnames())
    assert names == sorted(contents(here / SUBMISSIONS / "first-preview"))
    assert len(names) == 25


def test_nothing_is_asked_beside_a_measurement(small: list[str]) -> None:
    assert small
    browser = Browser()
    with measuring_lock():
        page = browser.get("small/submit")
        assert browser.jobs.asked == []
        assert "Something is being measured on this machine. To leave it undisturbed" in page.text
        assert "/studies/small/submit?division=open&now=1#runs" in page.links
        browser.get("small/submit/export", submitter="Me")
        assert browser.jobs.asked == []
        assert "4 runs to do" in browser.get("small/submit", now="1").text
    assert len(browser.jobs.asked) == 1


def test_of_a_large_study_nothing_is_asked_unless_somebody_wants_it(
    small: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert small
    monkeypatch.setattr(_dry_runs, "MAX_ASKED", 0)
    browser = Browser()
    assert "The study is large, so this waits" in browser.get("small/submit").text
    assert browser.jobs.asked == []


def test_points_are_chosen_by_conditions(small: list[str]) -> None:
    assert small
    browser = Browser()
    page = browser.get(
        "small/submit", choose="1", point="0", where="threads < 100\r\n\r\nthreads > 0"
    )
    conditions = ("--where", "threads < 100", "--where", "threads > 0")
    assert browser.jobs.asked == [("validate", "small", *conditions, "--dry-run", "--json")]
    assert page.values["point"] == ["0"]
    browser.jobs.asked.clear()
    page = browser.get("small/submit", where="threads > 100", decided="1")
    assert "No point is left." in page.text
    assert page.values["decided"] == ["1"]
    assert browser.jobs.asked == []


def test_a_point_that_is_named_needs_no_condition(small: list[str]) -> None:
    assert small
    browser = Browser()
    page = browser.get("small/submit", point="0", where="threads < 100", memory="2GiB")
    words = ("validate", "small", "--points", "0", "--memory-limit", "2GiB")
    assert browser.jobs.asked == [(*words, "--dry-run", "--json")]
    assert page.values["memory"] == ["2GiB"]


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("where", "threads <", "--where"),
        ("where", "speed < 3", "speed"),
        ("where", "threads > 0\n" * 21, "more than 20 lines"),
        ("memory", "much", "'much' is not an amount of memory"),
    ],
)
def test_a_wrong_choice_is_told_and_kept(
    small: list[str], field: str, value: str, problem: str
) -> None:
    assert small
    browser = Browser()
    page = browser.get("small/submit", 422, **{field: value})
    assert problem in page.text
    first, *_ = value.splitlines()
    assert first in page.text or page.values[field] == [first]
    assert browser.jobs.asked == []
    browser.post("small/submit", 422, point="0", do="rehearse", **{field: value})
    assert browser.jobs.jobs == []
