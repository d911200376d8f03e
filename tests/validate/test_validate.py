"""``dse validate``: what is said beforehand, rehearsals, INVALID runs, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dse.core.measurement import Measurement, Outcome, Source
from dse.core.metrics import METRICS_OF, Scenario
from dse.loadgen.logs import DETAIL, read_detail
from dse.measure.spec import RUN_LENGTHS
from dse.study.folder import existing_folder
from dse.study.record import Purpose
from dse.study.study import Study
from tests.brief import TRUE
from tests.commandline import none_left
from tests.replays import attributes, write_space, write_table
from tests.validate.conftest import IMAGES, OPTIONS, write_inputs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Answer, Command

LATENCY, THROUGHPUT = "latency_p90_ms", "throughput_samples_per_s"
SCENARIOS = ("SingleStream", "Offline")
WORDS = {*SCENARIOS, "performance", "accuracy"}
NULL = {"models": "a", "threads": 1, "batch_sizes": 1, "objectives": [LATENCY]}


HEADING = "`dse export` would refuse valid runs of these points:"
REMEDY = "explore trained models with --models and --dataset"
OTHERWISE = "or --anyway runs them all the same"


def foretold(answer: Answer) -> list[str]:
    """What stderr says of a submission, and all after it."""
    lines = answer.err.splitlines()
    return lines[lines.index(HEADING) :]


def unwrapped(text: str) -> str:
    """The same in one line."""
    return " ".join(text.split())


def remember(metric: str, fidelity: str = "standard", **details: float | str) -> Measurement:
    """Stores a further measurement of the only point, as a session that measured it would."""
    study = Study.load(existing_folder("studies/small"))
    (record,) = study.frontier()
    known = record.outcome.measurement(metric)
    assert known is not None
    if "scenario" in details:
        timed = record.outcome.measurement(METRICS_OF[Scenario(str(details["scenario"]))])
        assert timed is not None
        details["timed_key"] = timed.key
        accuracy = study.about.accuracy
        details.setdefault("dataset", accuracy if len(accuracy) == 64 else "")  # a fingerprint
    run = f"remembered-{study.trials_begun}"
    if "mode" in details:
        logs = study.folder.runs / run / str(details["mode"])
        logs.mkdir(parents=True)
        (logs / DETAIL).touch()
    more = {"fidelity": fidelity, "run": run, "details": {**known.details, **details}}
    data = {**known.as_dict(), **more}
    measurement = Measurement.from_dict(data)
    purpose = Purpose.VALIDATE if fidelity == "valid" else Purpose.REPEAT
    trial = study.begin(record.configuration, study.choices_of(record), purpose)
    study.keep(trial, measurement)
    study.finish(trial, Outcome((measurement,)))
    return measurement


def test_it_says_beforehand_what_it_will_do(command: Command, here: Path, small: list[str]) -> None:
    before = list((here / "studies/small/runs").iterdir())
    answer = command.good("validate", "small", "--dry-run", *small)
    heading, *rows, legend, last = answer.out.splitlines()
    assert heading.split() == ["id", "model", "runtime", "scenario", "mode", "expecting", "time"]
    assert {tuple(row.split()[:6]) for row in rows} == {("0", "m", "fp32", "null", "t1", "b4")}
    modes = [(name, mode) for name in SCENARIOS for mode in ("performance", "accuracy")]
    assert [tuple(word for word in row.split() if word in WORDS) for row in rows] == modes
    assert ["10 min" in row for row in rows] == [True, False, False, False]
    assert legend == "t threads, b batch size"
    assert last.startswith("to do: 4 runs, about 2")  # ten minutes, eleven and a little
    assert list((here / "studies/small/runs").iterdir()) == before
    assert answer.last == f"next: dse validate small {' '.join(small)} --rehearsal"


def test_runs_that_no_submission_can_have_are_refused_beforehand(
    command: Command, here: Path
) -> None:
    fields = {**NULL, "models": "mobilenet-v3-small"}
    space = write_space(here, "untrained", backends={"null": {"delay_ms": 1.0}}, **fields)
    command.good("explore", space, "--settle", 0)
    before = {*(here / "studies/untrained/runs").iterdir()}
    answer = command("validate", "untrained")
    told = [
        HEADING,
        "  trained: the builtin models have untrained weights (#0)",
        "  accuracy-measured: its accuracy is not measured here (#0)",
    ]
    assert (answer.code, answer.out) == (2, "")
    assert foretold(answer) == [
        *told,
        f"dse: `dse export` would refuse 1 of 1 point; {REMEDY}, {OTHERWISE}",
    ]
    assert {*(here / "studies/untrained/runs").iterdir()} == before
    remedy = f"  remedy: {REMEDY}"
    answer = command("validate", "untrained", "--dry-run")
    assert answer.code == 1
    assert foretold(answer) == [*told, remedy]  # nothing comes next
    answer = command.good("validate", "untrained", "--dry-run", "--anyway")
    more = "next: dse validate untrained --anyway --rehearsal"
    assert foretold(answer) == [*told, remedy, more]
    answer = command.good("validate", "untrained", "--rehearsal")
    assert foretold(answer)[:4] == [*told, remedy]
    assert "next: " not in answer.err


def test_too_few_images_are_told_beforehand(command: Command, small: list[str]) -> None:
    *options, anyway = small
    why = f"accuracy-samples: the data set has {IMAGES} images, not 50000 (#0)"
    answer = command("validate", "small", *options)
    assert answer.code == 2
    assert f"  {why}\n" in answer.err
    assert "1 of 1 point; explore with the whole data set, or --anyway runs" in answer.last
    answer = command.good("validate", "small", "--rehearsal", *options)
    assert why in answer.err
    assert answer.last == (  # what is too short can be previewed
        "next: dse export small --submitter ORG --output submission --preview --dry-run"
    )
    answer = command.good("validate", "small", "--rehearsal", *options, anyway)
    assert answer.last == f"next: dse validate small {' '.join(small)}"


def test_a_rehearsal_goes_all_the_way_and_counts_for_nothing(
    command: Command, here: Path, small: list[str]
) -> None:
    frontier, status = command.frontier("small"), command.status("small")
    del status["health"]  # tells of disturbances whatever counts
    answer = command.good("validate", "small", "--rehearsal", *small)
    assert none_left(here)
    assert answer.err.count("rehearsed: ") == 4
    assert "every run is done: 4 rehearsed, 0 failed, 0 that can't be run" in answer.err
    heading, *rows, _ = answer.out.splitlines()
    assert heading.split() == ["id", "model", "runtime", "scenario", "value", "run"]
    assert {tuple(row.split()[:6]) for row in rows} == {("0", "m", "fp32", "null", "t1", "b4")}
    shown = [next(word for word in row.split() if word in SCENARIOS) for row in rows]
    assert shown == [name for name in SCENARIOS for _ in range(2)]
    assert [" top-1 " in row for row in rows] == [False, True] * 2
    assert max(map(len, answer.out.splitlines())) <= 80
    assert command.frontier("small") == frontier
    assert command.status("small").items() >= status.items()
    assert "short runs, not valid MLPerf results" in command.good("frontier", "small").out

    runs = here / "studies/small/runs"
    database = here / "studies/small/study.db"
    purposes = attributes(database, "purpose")
    trials = [trial for trial, purpose in purposes.items() if purpose == "validate"]
    outcomes = [attributes(database, "outcome")[trial] for trial in trials]
    found = [m for outcome in outcomes for m in outcome["measurements"]]
    assert len(trials) == len(found) == 4
    assert {m["fidelity"] for m in found} == {"rehearsal"}
    modes = [(m["details"]["scenario"], m["details"]["mode"]) for m in found]
    assert modes == [(s, mode) for s in SCENARIOS for mode in ("performance", "accuracy")]
    for measurement in found:
        details = measurement["details"]
        log = read_detail(runs / measurement["run"] / details["mode"])
        assert log.values["effective_scenario"] == details["scenario"]
        told = (runs / measurement["run"] / "user.conf").read_text()
        assert told == details["user_conf"] + "\n"
        if details["mode"] == "accuracy":
            assert details["total"] == IMAGES

    assert (
        "to do: 4 runs" in command.good("validate", "small", "--rehearsal", "--dry-run", *small).out
    )
    assert "to do: 4 runs" in command.good("validate", "small", "--dry-run", *small).out


def test_a_real_model_is_rehearsed(command: Command, here: Path) -> None:
    pytest.importorskip("onnxruntime")
    pytest.importorskip("onnx")
    write_inputs(here)
    fields = {"models": "m", "threads": 1, "batch_sizes": 4}
    objectives = ["accuracy_percent", "throughput_samples_per_s"]
    space = write_space(here, "real", backends=["onnxruntime"], objectives=objectives, **fields)
    command.good("explore", space, "--settle", 0, *OPTIONS)
    answer = command.good("validate", "real", "--rehearsal", *OPTIONS)
    assert "2 rehearsed, 0 failed" in answer.err
    (point,) = command.frontier("real")["points"]
    percent = f"{point['values']['accuracy_percent']:.2f} %"
    assert f"rehearsed: {percent} (" in answer.err  # the same images, the same predictions
    (note,) = point["notes"]
    assert note.startswith("accuracy is that of chance (")  # its weights were never trained
    assert f"note: {note}" in unwrapped(answer.err)


def test_the_environment_is_that_of_the_study(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_inputs(here)
    fields = {"models": "m", "threads": 1, "batch_sizes": 1, "objectives": ["latency_p90_ms"]}
    space = write_space(here, "set", backends={"null": {"delay_ms": 1.0}}, **fields)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere/then")
    models = OPTIONS[:2]
    command.good("explore", space, "--settle", 0, *models, "--env", "KMP_BLOCKTIME=0")
    monkeypatch.setenv("LD_LIBRARY_PATH", "/nowhere/now")
    monkeypatch.setenv("KMP_BLOCKTIME", "200")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    before = set((here / "studies/set/runs").iterdir())
    answer = command.good("validate", "set", "--rehearsal", *models)
    assert "environment: KMP_BLOCKTIME=0 LD_LIBRARY_PATH=/nowhere/then\n" in answer.err
    assert "not passed on to the measurement: OMP_WAIT_POLICY\n" in answer.err
    taken = [run for run in (here / "studies/set/runs").iterdir() if run not in before]
    assert taken
    for run in taken:
        assert json.loads((run / "spec.json").read_text())["environment"] == {
            "KMP_BLOCKTIME": "0",
            "LD_LIBRARY_PATH": "/nowhere/then",
        }


def test_what_is_valid_is_not_run_again(command: Command, small: list[str]) -> None:
    details: dict[str, Any] = {"mode": "performance", "mean_ms": 0.5}
    remember(LATENCY, "valid", scenario="SingleStream", **details)
    answer = command.good("validate", "small", "--dry-run", *small)
    assert "valid already: 1 run" in answer.out
    assert "to do: 3 runs" in answer.out
    shown = command.good("frontier", "small").out
    assert "by MLPerf's rules, not verified by MLCommons Association: #0 SingleStream" in shown
    (point,) = command.frontier("small")["points"]
    assert point["validity"] == "probe"  # the other one is still

    remember(THROUGHPUT, "valid", scenario="Offline", **details)
    (point,) = command.frontier("small")["points"]
    assert point["validity"] == "valid"
    shown = command.good("frontier", "small").out
    assert "latency and throughput are from runs by MLPerf's rules; not verified" in shown
    left = command.good("validate", "small", "--dry-run", *small).out
    assert "to do: 2 runs" in left  # one accuracy run for each scenario
    remember("accuracy_percent", "valid", scenario="Offline", mode="accuracy")
    left = command.good("validate", "small", "--dry-run", *small).out
    assert "to do: 1 run," in left
    remember("accuracy_percent", "valid", scenario="SingleStream", mode="accuracy")
    answer = command.good("validate", "small", *small)
    assert "valid already: 4 runs\nto do: 0 runs\n" in answer.err
    assert answer.last == (
        "next: dse export small --submitter ORG --output submission --preview --dry-run"
    )


def test_a_run_that_no_submission_could_use_is_taken_again(
    command: Command, here: Path, small: list[str]
) -> None:
    """Its logs are gone, or it was with other images than the accuracy run."""

    def left() -> str:
        return command.good("validate", "small", "--dry-run", *small).out

    details: dict[str, Any] = {"mode": "performance", "mean_ms": 0.5, "scenario": "SingleStream"}
    remember(LATENCY, "valid", dataset="", **details)
    assert "to do: 4 runs" in left()
    kept = remember(LATENCY, "valid", **details)
    assert "to do: 3 runs" in left()
    assert "to do: 4 runs" in command.good("validate", "small", "--dry-run", "--again", *small).out
    (here / "studies/small/runs" / kept.run / "performance" / DETAIL).unlink()
    assert "to do: 4 runs" in left()


def test_an_invalid_run_is_explained_and_tried_again_with_another_target(
    command: Command, here: Path, small: list[str]
) -> None:
    remember(LATENCY, mean_ms=20.0)  # far from what it takes
    arguments = ["--rehearsal", "--scenario", "SingleStream", *small]
    answer = command.good("validate", "small", *arguments)
    assert "INVALID: LoadGen ran out of queries: they took 1." in answer.err
    assert "where user.conf had it expect 26 ms; again, expecting 1." in unwrapped(answer.err)
    assert "2 rehearsed, 0 failed" in answer.err
    confs = sorted((here / "studies/small/runs").glob("*/user.conf"))
    first, second = (float(each.read_text().split("=")[1]) for each in confs[:2])
    assert first == 26
    assert 1.3 < second < 13


def test_an_invalid_run_that_memory_lets_nobody_correct_is_stored(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # So long that no machine is slow enough for its queries to fit; they run out in a second.
    long = replace(TRUE["rehearsal"], min_duration_ms=600_000)
    monkeypatch.setitem(RUN_LENGTHS, "rehearsal", long)
    space = write_space(here, "small", backends=["null"], **NULL)
    command.good("explore", space, "--settle", 0)
    frontier = command.frontier("small")["points"][0]
    remember(LATENCY, mean_ms=20.0)
    answer = command("validate", "small", "--rehearsal", "--memory-limit", "200MiB")
    assert answer.code == 1
    assert "FAILED (invalid_run: LoadGen ran out of queries" in answer.err
    assert "0 rehearsed, 1 failed" in answer.err
    *_, (trial, outcome) = attributes(here / "studies/small/study.db", "outcome").items()
    assert attributes(here / "studies/small/study.db", "purpose")[trial] == "validate"
    failure = outcome["failure"]
    assert (failure["kind"], failure["attempts"]) == ("invalid_run", 1)
    assert (here / "studies/small/runs" / failure["run"] / "performance").is_dir()
    # What shorter runs have shown stays: the point is where it was.
    assert command.frontier("small")["points"][0]["id"] == frontier["id"]
    assert command.status("small")["failures"] == {}


def test_queries_that_fit_no_memory_are_refused_before_anything_starts(
    command: Command, here: Path
) -> None:
    space = write_space(here, "small", backends=["null"], **NULL)
    command.good("explore", space, "--settle", 0)
    before = list((here / "studies/small/runs").iterdir())
    answer = command("validate", "small", "--anyway", "--memory-limit", "200MiB")
    assert answer.code == 1
    assert "can't be run: #0 a fp32, null, 1 thread, batch 1, SingleStream: " in unwrapped(
        answer.err
    )
    assert "LoadGen generates its queries in advance: at least " in unwrapped(answer.err)
    assert "and 100 MiB of memory can be used for that" in unwrapped(answer.err)
    assert list((here / "studies/small/runs").iterdir()) == before
    remember(LATENCY, "valid", scenario="SingleStream", mode="performance")
    answer = command.good("validate", "small", "--anyway", "--memory-limit", "200MiB")
    assert "valid already: 1 run" in answer.err  # whatever memory there is by now
    answer = command("validate", "small", "--anyway", "--memory-limit", "10MiB")
    assert "15 MiB of samples stay loaded, and 10 MiB of memory can be used" in unwrapped(
        answer.err
    )


def test_replayed_values_have_nothing_to_run(command: Command, here: Path) -> None:
    write_table(here)
    command.good("explore", write_space(here, "small", threads=1, batch_sizes=1))
    answer = command("validate", "small", "--dry-run")
    assert answer.code == 1
    told = unwrapped(answer.out)
    assert "its values were recorded elsewhere: there is nothing to run" in told
    assert "to do: 0 runs" in answer.out


def test_what_points_share_is_run_once(command: Command, here: Path) -> None:
    fields = {**NULL, "batch_sizes": [1, 2], "objectives": [LATENCY, THROUGHPUT]}
    backends = {"null": {"delay_ms": 1.0}}
    space = write_space(here, "small", **{**fields, "backends": backends})
    command.good("explore", space, "--settle", 0)
    answer = command.good("validate", "small", "--dry-run", "--anyway", "--points", "0,1")
    assert answer.out.count(" SingleStream ") == 1  # batches have no part in it
    assert answer.out.count(" Offline ") == 2
    assert "to do: 3 runs" in answer.out


def test_points_are_chosen_as_the_frontier_is(command: Command, here: Path) -> None:
    fields = {**NULL, "batch_sizes": [1, 2], "objectives": [LATENCY, THROUGHPUT]}
    space = write_space(here, "two", **{**fields, "backends": {"null": {"delay_ms": 1.0}}})
    command.good("explore", space, "--settle", 0)
    plan = ("validate", "two", "--dry-run", "--anyway")
    answer = command.good(*plan, "--where", "batch_size == 2", "--objective", THROUGHPUT)
    assert {row.split()[5] for row in answer.out.splitlines()[1:-2]} == {"b2"}
    assert "only where batch_size == 2: 1 of 2 points" in answer.err
    assert answer.last.startswith("next: dse validate two --anyway --where 'batch_size == 2' --obj")
    for options, words in (
        (
            ("--where", "threads > 1"),
            "asked for: --where holds for none of 2 points; `dse frontier",
        ),
        (("--where", "thread == 1"), "--where: 'thread == 1': nothing is called 'thread'"),
        (("--points", 0, "--decided"), "--points: points are named and chosen at once; leave it"),
        (("--points", 0, "--where", "threads == 1"), "--points: points are named and chosen at"),
    ):
        answer = command(*plan, *options)
        assert (answer.code, answer.out, answer.err.count("\n")) == (2, "", 1)
        assert words in answer.err


def test_points_and_scenarios_can_be_named(command: Command, small: list[str]) -> None:
    arguments = ["--dry-run", "--points", 0, "--scenario", "Offline", *small]
    answer = command.good("validate", "small", *arguments)
    assert "to do: 2 runs" in answer.out
    assert "SingleStream" not in answer.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--points", "7"],
            "--points: study 'small' has no measured point 7; `dse frontier` shows 0",
        ),
        (["--scenario", "Server"], "has not measured server_throughput_samples_per_s; add it to"),
        (["--scenario", "Server"], "; add it to its objectives and explore"),
    ],
)
def test_what_the_study_has_not_is_refused(
    command: Command, small: list[str], arguments: list[str], words: str
) -> None:
    answer = command("validate", "small", *small, *arguments)
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert words in answer.err


def test_other_models_and_images_are_refused(
    command: Command, here: Path, small: list[str]
) -> None:
    models, images, anyway = small[:2], small[2:4], small[4:]
    (here / "studies" / "small" / "inputs.json").unlink()  # else it takes what it was explored with
    answer = command("validate", "small", *models, *anyway)
    assert answer.code == 2
    assert "has its qualities from data set " in answer.err
    assert "validate where it was explored, with the same runtimes and --dataset" in answer.err
    answer = command("validate", "small", *anyway)
    assert answer.code == 2
    (here / "images" / "val_map.txt").write_text("0.png 3\n")
    assert command("validate", "small", *models, *images, *anyway).code == 2
    space = write_space(here, "other", backends=["null"], **NULL)
    command.good("explore", space, "--settle", 0)
    answer = command("validate", "other", *models, *anyway)
    assert answer.code == 2
    assert "has its models from the provider 'builtin', not 'file'" in answer.err


def test_a_study_that_is_not_there_and_one_without_a_frontier(command: Command, here: Path) -> None:
    answer = command("validate", "none")
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    space = write_space(here, "small", backends={"null": {"fault": "refuse"}}, **NULL)
    assert command("explore", space).code == 1
    answer = command("validate", "small")
    assert answer.code == 2
    assert "study 'small' has nothing on its frontier yet" in answer.err


def test_a_study_without_a_timed_objective(command: Command, here: Path) -> None:
    write_table(here)
    fields = {"objectives": ["accuracy_percent"], "threads": 1, "batch_sizes": 1}
    command.good("explore", write_space(here, "small", **fields))
    answer = command("validate", "small")
    assert answer.code == 2
    assert "has no objective that LoadGen measures" in answer.err


def test_the_frontier_says_what_was_validated_as_json(command: Command, small: list[str]) -> None:
    assert small
    value = remember(LATENCY, "valid", scenario="SingleStream", mode="performance")
    assert value.source is Source.MEASURED
    shown = json.loads(command.good("frontier", "small", "--json").out)
    assert shown["points"][0]["values"][LATENCY] == value.value
