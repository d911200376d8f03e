"""``dse pick`` and ``dse show``: one configuration, how sure it is, and what to deploy."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import pytest

from dse.core.registry import BackendEntry
from dse.core.wording import WIDTH
from tests.objectives import DEFAULT_OBJECTIVES
from tests.replays import write_space

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

ACCURACY, LATENCY, THROUGHPUT = DEFAULT_OBJECTIVES
MAX_LINES = 7


@pytest.fixture
def study(recorded: Path, here: Path) -> str:
    """Eight points: models a and b, accuracies 41 and 42, one or two threads, batches of 1 or 2."""
    shutil.copytree(recorded, here, dirs_exist_ok=True)
    return "mine"


def picked(command: Command, study: str, *options: object) -> dict[str, Any]:
    return dict(json.loads(command.good("pick", study, "--json", *options).out))


@pytest.mark.parametrize(
    ("options", "metric", "values"),
    [
        # The first objective without a limit is what counts.
        (("--max-latency", "3ms"), ACCURACY, (41, 2, 400)),
        (("--max-latency", "4ms"), ACCURACY, (42, 4, 200)),
        (("--min-accuracy", "42"), LATENCY, (42, 4, 200)),
        (("--min-accuracy", "best-0.5"), LATENCY, (42, 4, 200)),
        (("--min-accuracy", "best-1"), LATENCY, (41, 2, 400)),
        (("--max-latency", "4ms", "--min-accuracy", "41"), THROUGHPUT, (41, 2, 400)),
        (("--min-throughput", "300"), ACCURACY, (41, 2, 400)),
        (("--maximize", "accuracy"), ACCURACY, (42, 4, 200)),
        (("--minimize", "throughput"), THROUGHPUT, (42, 8, 50)),
        (("--minimize", LATENCY, "--where", "threads == 1"), LATENCY, (41, 4, 200)),
        (("--where", "threads == 1"), ACCURACY, (42, 8, 100)),
    ],
)
def test_the_answer_is_the_best_that_keeps_the_limits(
    command: Command, study: str, options: tuple[str, ...], metric: str, values: tuple[float, ...]
) -> None:
    found = picked(command, study, *options)
    assert found["goal"]["name"] == metric
    shown = found["answer"]["values"]
    assert tuple(shown[name] for name in DEFAULT_OBJECTIVES) == values
    # Of a recorded accuracy nothing tells how well it is known.
    for kept in found["answer"]["keeps"]:
        assert kept["chance"] == (None if kept["metric"] == ACCURACY else 1)


def test_a_metric_of_the_user_may_be_what_counts(command: Command, study: str) -> None:
    options = ("--metric", "per_thread = throughput_samples_per_s / threads")
    found = picked(command, study, *options, "--maximize", "per_thread", "--min-accuracy", 42)
    assert found["goal"]["direction"] == "maximize"
    assert found["answer"]["derived"] == {"per_thread": 100}
    command.good("pick", study, *options, "--maximize", "per_thread")


def test_words_fit_seven_lines_of_80_columns(command: Command, study: str) -> None:
    options = ("--max-latency", "4ms", "--min-accuracy", "41")
    answer = command.good("pick", study, *options)
    lines = answer.out.splitlines()
    assert len(lines) <= MAX_LINES
    assert max(map(len, lines)) <= WIDTH
    assert lines[0].startswith("#")
    best = "  highest throughput of 6 with p90 <= 4 ms (sure), top-1 >= 41 % "
    assert lines[2].startswith(best)
    assert lines[3].startswith("  ahead of #")
    many = command.good("pick", study, *options, "--min-throughput", 10).out.splitlines()
    assert lines[2] != many[2]
    assert "of 6 points within 3 limits; " in many[2]


def test_the_runner_up_is_told_with_its_distance(command: Command, study: str) -> None:
    found = picked(command, study, "--maximize", "throughput")
    assert found["runner_up"]["values"][THROUGHPUT] == 200
    assert (found["runner_up"]["ratio"], found["runner_up"]["rounds"]) == (0.5, 0)
    assert (found["runner_up"]["order"], found["runner_up"]["chance_behind"]) == ("better", 1)
    alone = picked(command, study, "--where", "threads == 1 and batch_size == 1 and model == 'a'")
    assert (alone["count"], alone["runner_up"]) == (1, None)


def test_a_chance_that_no_point_has_is_told(command: Command, here: Path) -> None:
    delays = {"null": {"delay_ms": [1.0]}}
    fields = {"models": "a", "threads": 1, "batch_sizes": 1, "objectives": [LATENCY]}
    space = write_space(here, backends=delays, **fields)
    command.good("explore", space, "--settle", "1s")
    (point,) = command.frontier("space")["points"]
    limit = f"{point['values'][LATENCY]}ms"
    command.good("pick", "space", "--max-latency", limit)
    answer = command("pick", "space", "--max-latency", limit, "--sure", 90)
    assert answer.code == 1
    assert answer.out.endswith("but not with the chance that was asked for\n")


def test_where_nothing_fits_it_says_what_comes_closest(command: Command, study: str) -> None:
    options = ("--max-latency", "1ms", "--min-accuracy", "41")
    answer = command("pick", study, *options)
    assert answer.code == 1
    first, closest, gap = answer.out.splitlines()
    assert first == "no point meets p90 <= 1 ms and top-1 >= 41 %"
    assert closest.startswith("closest: #")
    assert gap.strip() == "p90 2.000 ms is 100 % above the limit"
    found = json.loads(command("pick", study, "--json", *options).out)
    assert found["closest"]["misses_by"] == {LATENCY: 1.0}
    assert (found["answer"], found["count"]) == (None, 0)
    nothing = command("pick", study, "--max-memory", "1GiB")
    assert (nothing.code, nothing.out) == (
        1,
        "nothing to choose from: memory is unknown for all of 8 points\n",
    )
    none = command("pick", study, "--where", "threads == 9")
    assert none.code == 1
    assert none.out.startswith("no measured point keeps")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "nothing says what matters"),
        (("--max-latency", "5"), "write 5ms"),
        (("--max-memory", "512"), "512MiB"),
        (("--min-accuracy", "good"), "write 70 or best-2"),
        (("--min-throughput", "0"), "write 200"),
        (("--min-accuracy", "700"), "write 70"),
        (("--min-accuracy", "0.7"), "write 70"),
        (("--max-latency", "5ms", "--picture", "answer.gif"), "not a picture format"),
        (("--max-latency", "5ms", "--sure", "101"), "--sure"),
        (("--maximize", "latencie"), "latency"),
        (("--maximize", "latency", "--minimize", "latency"), "exclude each other"),
        (("--maximize", "accuracy", "--where", "latencie < 2"), "latencie"),
    ],
)
def test_a_wrong_request_says_what_to_write(
    command: Command, study: str, options: tuple[str, ...], words: str
) -> None:
    answer = command("pick", study, *options)
    assert (answer.code, answer.out) == (2, "")
    assert words in answer.err
    assert len(answer.err.splitlines()) == 1


def test_the_answer_can_be_drawn(command: Command, study: str, here: Path) -> None:
    with mpl.rc_context({"svg.fonttype": "none"}):
        options = ("--max-latency", "4ms", "--min-accuracy", 41, "--picture", "answer.svg")
        answer = command.good("pick", study, *options)
    assert answer.last.startswith(f"next: dse show {study} ")
    drawn = (here / "answer.svg").read_text("utf-8")
    assert drawn.count("stroke-dasharray: 3.7") == 2, "a line at each limit"
    assert "mine: " in drawn


def test_a_point_is_shown_with_how_it_was_measured(command: Command, study: str) -> None:
    lines = command.good("show", study, 0).out.splitlines()
    assert lines[0].startswith(("#0 a fp32, replay", "#0 b fp32, replay"))
    assert "    recorded elsewhere, not measured here" in lines
    assert "  model: reads no model file" in lines
    found = json.loads(command.good("show", study, 0, "--json").out)
    assert (found["id"], found["failure"], found["notes"]) == (0, None, [])
    assert found["deployment"]["code"] is None
    missing = command("show", study, 99)
    assert (missing.code, "has no point 99" in missing.err) == (2, True)


def test_what_is_deployed_runs_as_it_stands(
    command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    space = write_space(
        here,
        models=["mobilenet-v1-0.25-128"],
        backends=["onnxruntime"],
        threads=[1],
        batch_sizes=[2],
        pinned=[True],
    )
    command.good("explore", space, "--settle", 0)
    found = picked(command, "space", "--maximize", "throughput")["deployment"]
    assert (found["backend"], found["origin"]) == ("onnxruntime", "builtin, untrained weights")
    assert len(found["sha256"]) == 64
    assert "(2, 3, 128, 128)" in found["code"]
    assert "sched_setaffinity" in found["code"]
    subprocess.run([sys.executable, "-c", found["code"]], check=True, cwd=here)
    single = picked(command, "space", "--minimize", "latency")["deployment"]
    assert "(1, 3, 128, 128)" in single["code"]
    answer = command.good("pick", "space", "--maximize", "throughput")
    assert answer.out.split("\n\n", 1)[1] == found["code"]
    assert "# Input: RGB images of 128 x 128 pixels, NCHW, float32.\n" in found["code"]
    apart = command.good("pick", "space", "--maximize", "throughput", "--code", "own.py").out
    assert apart == f"{answer.out.split(chr(10) * 2, 1)[0]}\n  code: own.py\n"
    assert (here / "own.py").read_text("utf-8") == found["code"]
    command.good("show", "space", 0, "--code", "shown.py", "--json")
    assert "(2, 3, 128, 128)" in (here / "shown.py").read_text("utf-8")

    # Without its runs, a builtin model is built anew; another file than the one that was measured
    # is not shown as that.
    shutil.rmtree(here / "studies" / "space" / "runs")
    again = picked(command, "space", "--maximize", "throughput")["deployment"]
    assert (again["sha256"], again["code"]) == (found["sha256"], found["code"])

    # A runtime with an environment of its own is in no other Python.
    monkeypatch.setattr(BackendEntry, "apart", True)
    other = picked(command, "space", "--maximize", "throughput")["deployment"]
    where = "# Run it with the Python that `dse backends` names for onnxruntime.\n"
    assert other["code"] == where + found["code"]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ("", "--code: '.' is no file; name a file"),
        ("-", "--code: '-' is no file; leave the option out: the code is on stdout then"),
        ("pipe", "pipe: is no regular file; choose another place"),
    ],
)
def test_code_goes_into_no_other_than_a_file(
    named: str, told: str, command: Command, here: Path
) -> None:
    os.mkfifo(here / "pipe")
    for asked in (("pick", "any"), ("show", "any", 0)):
        answer = command(*asked, "--code", named)
        assert (answer.code, answer.out, answer.err) == (2, "", f"dse: {told}\n")
    assert (here / "pipe").is_fifo()


def test_no_file_of_code_is_written_where_there_is_none(
    command: Command, study: str, here: Path
) -> None:
    answer = command("pick", study, "--maximize", "throughput", "--code", "own.py")
    assert (answer.code, answer.out) == (1, "")
    assert answer.err == "dse: own.py: there is no code to write: reads no model file\n"
    assert not (here / "own.py").exists()


def test_a_file_that_has_changed_is_not_deployed(command: Command, here: Path) -> None:
    from tests.small_models import onnx_bytes

    model = here / "model.onnx"
    model.write_bytes(onnx_bytes())
    options = ("--backend", "onnxruntime", "--threads", 1, "--duration", "0.02s")
    command.good("bench", model, *options, "--study", "own")
    (point,) = command.frontier("own")["points"]
    shown = json.loads(command.good("show", "own", point["id"], "--json").out)["deployment"]
    assert shown["model_files"] == [str(model)]
    subprocess.run([sys.executable, "-c", shown["code"]], check=True, cwd=here)
    model.write_bytes(onnx_bytes() + b" ")
    changed = json.loads(command.good("show", "own", point["id"], "--json").out)["deployment"]
    assert changed["code"] is None
    assert "has changed since it was measured" in changed["origin"]
    model.unlink()
    gone = json.loads(command.good("show", "own", point["id"], "--json").out)["deployment"]
    assert "is not here any more" in gone["origin"]
