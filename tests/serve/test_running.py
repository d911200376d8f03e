"""The pages that start and follow explorations, on real studies and real commands."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import pytest
import yaml

from dse.cli import run as run_dse
from dse.core.errors import RequestError
from dse.exploration import request
from dse.exploration.explorer import StopReason
from dse.machine.process_identity import process_identity
from dse.serve.errors import NotFoundError
from dse.serve.exploring._explore_form import SAMPLERS, USUAL_SAMPLER
from dse.serve.exploring._live import state_of_study
from dse.serve.exploring.pages import routes
from dse.serve.jobs.jobs import Answer, Jobs
from dse.serve.looking.library import Library
from dse.serve.news.changes import Changes
from dse.serve.pages import Pages
from dse.serve.request import ServeRequest
from dse.serve.site import Site
from dse.study.folder import StudyFolder
from tests.commandline import command, here, none_left, start, start_python, tmp_path
from tests.replays import write_space, write_table
from tests.serve.test_jobs import NULL, ended, eventually, forge, printed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from httpx2 import Response
    from starlette.requests import Request
    from starlette.testclient import TestClient

    from tests.commandline import Command

__all__ = ["command", "here", "tmp_path"]

BACKENDS = {
    "backends": [
        {"backend": "null", "usable": True, "version": "1", "problem": None, "remedy": None},
        {
            "backend": "onnxruntime",
            "usable": False,
            "version": None,
            "problem": "onnxruntime is <not> installed",
            "remedy": "pip install it",
        },
    ]
}
HOSTILE = (
    "",
    ".",
    "..",
    "../x",
    "a/b",
    "a b",
    "-x",
    "--storage=x",
    "\u202ename",
    "x\0",
    "é",
    "n" * 101,
)
"""Names that no study may have."""
SPACE = {
    "models": ["a", "b"],
    "backends": {"replay": {"table": "../table.csv", "runtime": ["x"]}},
    "threads": [1, 2],
    "batch_sizes": [1, 2],
}


class Web:
    """The pages, as a browser without scripts sees them."""

    def __init__(self, client: TestClient, jobs: Jobs) -> None:
        self.client = client
        self.jobs = jobs

    def get(self, place: str, status: int = 200) -> Response:
        answer = self.client.get(place)
        assert answer.status_code == status, answer.text
        return answer

    def post(self, place: str, status: int = 303, /, **fields: Any) -> Response:
        body = urlencode(fields, doseq=True)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = self.client.post(place, content=body, headers=kind, follow_redirects=False)
        assert answer.status_code == status, answer.text
        return answer

    def state(self, name: str) -> dict[str, Any]:
        return dict(json.loads(self.get(f"/studies/{name}/run/state").text))


def problem(answer: Response) -> str:
    """What a page says is wrong."""
    found = re.search(r'role="alert">([^<]*)<', answer.text)
    assert found is not None, answer.text
    return html.unescape(found[1])


@pytest.fixture
def make_web(here: Path) -> Iterator[Callable[..., Web]]:
    """Makes the pages in the working folder."""
    from starlette.applications import Starlette
    from starlette.responses import PlainTextResponse
    from starlette.testclient import TestClient

    jobs = Jobs(Path("studies/.jobs"))

    def report(_request: Request, error: Exception) -> PlainTextResponse:
        return PlainTextResponse(str(error), 404 if isinstance(error, NotFoundError) else 400)

    def make(**options: Any) -> Web:
        app = Starlette(routes=routes(), exception_handlers={RequestError: report})
        asked = ServeRequest(**options)
        pages = Pages(read_only=asked.read_only)
        library = Library()
        app.state.site = Site(asked, library, jobs, Changes(jobs), pages)
        return Web(TestClient(app), jobs)

    yield make
    for job in jobs.all():
        if job.runs and job.process["pid"] != os.getpid():
            os.kill(int(job.process["pid"]), signal.SIGKILL)
    assert here.is_dir()


@pytest.fixture
def web(make_web: Callable[..., Web], monkeypatch: pytest.MonkeyPatch) -> Web:
    """The pages; short commands are forked, which is quick, and no runtime is asked."""

    def ask(_jobs: Jobs, words: Sequence[str], timeout_s: float = 60.0) -> Answer:
        if words == ["backends", "--json"]:
            return Answer(0, json.dumps(BACKENDS), "")
        with start(*words) as process:
            out, err = process.communicate(timeout_s)
            return Answer(process.wait(), out, err)

    monkeypatch.setattr(Jobs, "ask", ask)
    return make_web()


def test_the_form_offers_what_there_is(web: Web, here: Path) -> None:
    (here / "search_spaces").mkdir()
    text = "# Of mine: <b>bold</b>\n# and more.\n#\n# dse explore mine\n\nmodels: [a]\n"
    (here / "search_spaces" / "mine.yaml").write_text(text)
    shown = web.get("/new").text
    assert "Of mine: &lt;b&gt;bold&lt;/b&gt; and more.</small>" in shown
    assert "dse explore mine" not in shown
    for words in ("quickstart", "mobilenet-v3-small", "million MACs, published fp32", "bert-base"):
        assert words in shown
    assert "not usable: onnxruntime is &lt;not&gt; installed; pip install it" in shown
    assert "<script>" not in shown
    assert not re.search(r"\son\w+=|style=", shown)


def test_the_samplers_are_those_of_the_command() -> None:
    assert (SAMPLERS, USUAL_SAMPLER) == (request.SAMPLERS, request.BORROWER)


def test_a_search_that_has_ended_early_says_why() -> None:
    state = state_of_study(None, {}, None, f"21/40 m fp32\n{StopReason.ENOUGH}: 21 done now\n")
    assert state["texts"]["found"] == f"the search has ended: {StopReason.ENOUGH}"


def test_a_link_fills_the_form(web: Web) -> None:
    query = {"source": "form", "name": "mine", "model": "bert-base", "settle": '"><script>'}
    shown = web.get(f"/new?{urlencode(query)}").text
    assert 'name="name" value="mine"' in shown
    assert 'value="bert-base" checked' in shown
    assert 'value="form" checked' in shown
    assert "&#34;&gt;&lt;script&gt;" in shown


def test_backends_are_asked_once(make_web: Callable[..., Web]) -> None:
    web = make_web()
    told: list[tuple[str, ...]] = []
    ask = web.jobs.ask

    def count(words: Any, timeout_s: float = 60.0) -> Any:
        told.append(tuple(words))
        return ask(words, timeout_s)

    web.jobs.ask = count  # type: ignore[method-assign]
    for place in ("/new", "/new", "/new?look=again"):
        assert "onnxruntime" in web.get(place).text
    assert told == [("backends", "--json")] * 2


def test_backends_that_can_not_be_asked(
    make_web: Callable[..., Web], monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = type("Answer", (), {"code": 1, "out": "", "err": "broken"})
    monkeypatch.setattr(Jobs, "ask", lambda *_: answer)
    assert "it can&#39;t be told whether it can be used here" in make_web().get("/new").text


def test_a_known_space_from_its_plan_to_its_end(web: Web, here: Path) -> None:
    write_table(here, failing={"b": "no <kernel>"})
    (here / "search_spaces").mkdir()
    write_space(here / "search_spaces", "recorded", **SPACE)
    fields = {"source": "known", "space": "recorded", "settle": "0", "sampler": "grid"}
    shown = html.unescape(web.post("/new/plan", 200, **fields).text)
    assert "study 'recorded': 8 configurations, new" in shown
    assert "dse explore recorded --study recorded --settle 0 --sampler grid" in shown
    assert "models:\n- a\n- b\n" in shown
    assert not (here / "studies" / "recorded").exists()

    answer = web.post("/new/start", **fields)
    assert answer.headers["location"] == "/studies/recorded/run"
    (job,) = web.jobs.all()
    assert ended(web.jobs, job).state == "done"
    shown = web.get("/studies/recorded/run").text
    assert "no &lt;kernel&gt;" in shown
    state = web.state("recorded")
    assert state["texts"]["state"] == "done"
    assert state["texts"]["done"] == "8 of 8 configurations done, 4 failed"
    assert state["progress"] == [8, 8]
    assert state["flags"] == {
        "running": False,
        "stopping": False,
        "failed": False,
        "idle": True,
        "job": True,
        "study": True,
    }
    head, *_ = state["tables"]["frontier"]["head"]
    assert head == ["id", False]
    (first, *_) = state["tables"]["frontier"]["rows"]
    assert first[0]["href"] == f"/studies/recorded/points/{first[0]['text'][1:]}"
    assert state["tables"]["failures"]["rows"][0][:3] == ["unsupported", "4", "no <kernel>"]
    assert state["lists"]["growth"]
    assert state["lists"]["output"][-1].startswith("next: ")


def test_a_space_that_is_made(web: Web, here: Path) -> None:
    fields = {
        "source": "form",
        "name": "made",
        "more_models": "a, b",
        "backend": "null",
        "threads": "1",
        "objective": "latency_p90_ms",
        "settle": "0",
        "max_latency_p90_ms": "50",
    }
    shown = html.unescape(web.post("/new/plan", 200, **fields).text)
    assert "search_spaces/made.yaml is written when it starts" in shown
    assert "dse explore search_spaces/made.yaml --study made --settle 0" in shown
    assert "study 'made': 2 configurations, new" in shown
    assert not list(here.iterdir())
    web.post("/new/start", **fields)
    (job,) = web.jobs.all()
    job = ended(web.jobs, job)
    assert job.state == "done", web.jobs.output(job)
    file = here / "search_spaces" / "made.yaml"
    assert yaml.safe_load(file.read_text()) == {
        "models": ["a", "b"],
        "backends": ["null"],
        "threads": [1],
        "batch_sizes": [1],
        "objectives": ["latency_p90_ms"],
        "constraints": {"latency_p90_ms": {"max": 50.0}},
    }
    # The same space may go on, another one does not take its place.
    web.post("/new/start", **fields)
    assert ended(web.jobs, web.jobs.all()[0]).state == "done"
    answer = web.post("/new/start", 422, **{**fields, "more_models": "a"})
    assert problem(answer) == (
        "name: search_spaces/made.yaml is another space; choose another name for this one"
    )
    assert 'value="made"' in answer.text
    assert [path.name for path in file.parent.iterdir()] == ["made.yaml"]


def test_a_space_as_yaml(web: Web, here: Path) -> None:
    write_table(here)
    (here / "search_spaces").mkdir()
    fields = {"source": "yaml", "name": "typed", "yaml": yaml.safe_dump(SPACE), "settle": "0"}
    shown = html.unescape(web.post("/new/plan", 200, **fields).text)
    assert "study 'typed': 8 configurations, new" in shown
    web.post("/new/start", **fields)
    (job,) = web.jobs.all()
    assert ended(web.jobs, job).state == "done"
    assert len(StudyFolder(Path("studies/typed")).space.read_text()) > 50


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "search_spaces/typed.yaml: the file is empty; expected 'key: value' lines"),
        ("- a", "search_spaces/typed.yaml:1: expected fields ('key: value' lines) at the top"),
        ("models: a\nbackends: [nll]", "typed.yaml:2: backends[0]: unknown backend 'nll'; did you"),
        ("models: &x [a]\nbackends: *x", "typed.yaml:2: not valid YAML: '*x' stands for another"),
        ("models: !!python/object:os.x a", "typed.yaml:1: not valid YAML: the tag"),
        ("models: " + "[" * 40 + "]" * 40, "nested more than 32 levels deep"),
        ("models: a\x07", "the character U+0007 is not allowed in YAML"),
        ("models: a\nbackends: {replay: {table: /etc/passwd, runtime: x}}", "is outside of the"),
        (
            "models: a\nbackends: {replay: {table: ../../x, runtime: x}}",
            "is outside of the working",
        ),
        ('models: a\nbackends: {replay: {table: "x\\0", runtime: x}}', "is outside of the working"),
        ("models: a\nbackends: {replay: {table: loop, runtime: x}}", "is outside of the working"),
        ("models: a\nbackends: {replay: {table: away, runtime: x}}", "is outside of the working"),
        ("models: [a]\nbackends: ['null']\nthreads: [0]", "threads[0]: expected 1 to 4096, not 0"),
    ],
)
def test_hostile_yaml(web: Web, here: Path, text: str, told: str) -> None:
    (here / "search_spaces").mkdir()
    (here / "search_spaces" / "loop").symlink_to("loop")
    (here / "search_spaces" / "away").symlink_to("/etc/passwd")
    for place in ("/new/plan", "/new/start"):
        answer = web.post(place, 422, source="yaml", name="typed", yaml=text)
        assert told in problem(answer)
        assert "passwd:" not in answer.text
    assert web.jobs.all() == []
    assert not (here / "search_spaces" / "typed.yaml").exists()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names(web: Web, name: str) -> None:
    answer = web.post("/new/start", 422, source="yaml", name=name, yaml="models: a")
    assert problem(answer).startswith("name: ")
    if name:
        fields = {"source": "known", "space": "quickstart", "name": name}
        assert problem(web.post("/new/plan", 422, **fields)).startswith("name: ")
    if name in ("", ".", ".."):
        return  # addresses with these are others
    quoted = urlencode({"": name})[1:].replace("+", "%20")
    for place in (f"/studies/{quoted}/run", f"/studies/{quoted}/run/state", f"/jobs/{quoted}"):
        assert web.client.get(place).status_code == 404
    assert web.jobs.all() == []


@pytest.mark.parametrize(
    ("field_", "value", "told"),
    [
        ("settle", "soon", "settle: 'soon' is not a time; write 90s, 10m or 2h, or 0 for none"),
        ("settle", "--help", "settle: '--help' is not a time"),
        ("timeout", "1e9", "timeout: '1e9' is not a time"),
        ("n_trials", "0", "n_trials: '0' is not a number of configurations"),
        ("stop_gain", "101", "stop_gain: '101' is not a percentage"),
        ("sampler", "best", "sampler: unknown sampler 'best'; known are grid"),
        ("warm_start", "../x", "warm_start: there is no study '../x'; choose one of the list"),
        ("warm_start", "none", "warm_start: there is no study 'none'"),
        ("models_folder", "0", "--models: there is no folder '0'; give it when the server"),
        ("dataset_folder", "/etc", "--dataset: there is no folder '/etc'"),
        ("space", "/etc/passwd", "space: there is no space '/etc/passwd'; choose one of the list"),
    ],
)
def test_options_that_are_wrong(web: Web, field_: str, value: str, told: str) -> None:
    fields = {"source": "known", "space": "quickstart", field_: value}
    assert problem(web.post("/new/start", 422, **fields)).startswith(told)
    assert web.jobs.all() == []


def test_what_the_command_refuses_is_told(web: Web) -> None:
    fields = {"source": "form", "name": "x", "more_models": "a", "backend": "onnxruntime"}
    answer = web.post("/new/plan", 422, **fields, task="question-answering")
    assert "/dse-plan-" not in answer.text
    fields = {"source": "known", "space": "own-models"}
    assert "--models" in problem(web.post("/new/plan", 422, **fields))


def test_folders_are_chosen_by_their_place(make_web: Callable[..., Web], here: Path) -> None:
    for name in ("one", "two"):
        (here / name).mkdir()
    web = make_web(models=(Path("one"), Path("two")))
    fields = {"source": "form", "name": "x", "backend": "null", "models_folder": "1"}
    told = problem(web.post("/new/plan", 422, **fields))
    assert str(here / "two") in told


def test_a_form_that_is_too_large(web: Web) -> None:
    answer = web.post("/new/plan", 400, yaml="x" * (1 << 17))
    assert "KiB" in answer.text


def test_an_exploration_is_stopped_and_goes_on(web: Web, here: Path) -> None:
    (here / "search_spaces").mkdir()
    delays = {"null": {"delay_ms": [1.0, 2.0, 3.0]}}
    write_space(here / "search_spaces", "space", backends=delays, **NULL)
    fields = {"source": "known", "space": "space", "settle": "0"}
    web.post("/new/start", **fields)
    (job,) = web.jobs.all()
    state = web.state("space")  # there is no study yet, or there is
    assert state["flags"]["running"]
    other = web.post("/new/start", 422, **{**fields, "settle": "1m"})
    assert problem(other).startswith("name: `dse explore space")
    assert printed(web.jobs, job, "1/3 ")
    state = web.state("space")
    assert state["texts"]["state"] == "running"
    assert state["progress"] == [1, 3] or state["progress"] == [2, 3]
    assert re.search("at this pace", state["texts"]["time"])
    answer = web.post(f"/jobs/{job.id}/stop", back="study")
    assert answer.headers["location"] == "/studies/space/run"
    assert ended(web.jobs, job).state == "interrupted"
    assert web.state("space")["texts"]["state"] == "stopped; it can go on"
    wrong = web.post("/studies/space/run", 400, settle="long").text
    assert "settle: 'long' is not a time" in wrong
    answer = web.post("/studies/space/run", settle="0s")
    assert answer.headers["location"] == "/studies/space/run"
    again = web.jobs.all()[0]
    assert job.words == ("explore", "space", "--study", "space", "--settle", "0")
    assert again.words == (*job.words[:-1], "0s")
    assert ended(web.jobs, again).state == "done"
    assert web.state("space")["progress"] == [3, 3]
    rows = json.loads(web.get("/jobs/state").text)["tables"]["jobs"]["rows"]
    assert [(row[0]["text"], row[1]) for row in rows] == [
        (again.id, "done"),
        (job.id, "stopped; it can go on"),
    ]
    for each in (again, job):
        assert each.id in web.get("/jobs").text
        assert "dse explore space" in web.get(f"/jobs/{each.id}").text
        assert json.loads(web.get(f"/jobs/{each.id}/state").text)["lists"]["output"]
    assert web.post(f"/jobs/{job.id}/stop").headers["location"] == f"/jobs/{job.id}"
    web.post("/jobs/20260101-000000-0000/stop", 404)


def test_a_study_of_the_command_line(web: Web, here: Path, command: Command) -> None:
    delays = {"null": {"delay_ms": [1.0, 200.0]}}
    space = write_space(here, "space", backends=delays, **NULL)
    with start_python("explore", space, "--settle", "0", "--study", "other") as process:
        assert eventually(lambda: any(Path("studies/other/runs").glob("*")))
        assert eventually(lambda: web.state("other")["lists"]["now"])
        state = web.state("other")
        assert state["texts"]["state"] == "a command outside of this page explores the study"
        (now,) = state["lists"]["now"]
        assert re.fullmatch(
            rf"measuring: m fp32, .*, by process {process.pid} on .*, outside of this page", now
        )
        process.kill()
    # A process that has gone measures nothing, whatever it has begun.
    state = web.state("other")
    assert state["texts"]["state"] == "nothing runs"
    assert "which has gone" in state["lists"]["now"][0]
    assert none_left(here)
    web.post("/studies/other/run")
    (job,) = web.jobs.all()
    assert job.words == ("explore", "studies/other/space.yaml", "--study", "other")
    web.post(f"/jobs/{job.id}/stop")
    ended(web.jobs, job)
    assert command.good("status", "other")


def test_a_study_whose_space_can_not_be_told(web: Web, here: Path) -> None:
    write_table(here)
    space = write_space(here, "space")
    assert run_dse(["explore", str(space), "--study", "studies/kept", "--settle", "0"]) == 0
    assert "give the command again that began it" in web.post("/studies/kept/run", 400).text
    web.post("/studies/none/run", 404)


def test_a_study_that_is_made_just_now(web: Web, here: Path) -> None:
    folder = here / "studies" / "early"
    (folder / "runs").mkdir(parents=True)
    sqlite3.connect(folder / "study.db").close()
    job = forge(web.jobs, study="early", process=process_identity())
    state = web.state("early")
    assert state["flags"]["running"]
    assert state["job"] == job.id
    assert not state["flags"]["study"]
    forge(web.jobs, study="early", code=1)
    web.get("/studies/early/run/state", 400)


def test_what_a_command_prints_is_only_text(web: Web, here: Path) -> None:
    job = forge(web.jobs, code=1, study="x", words=("explore", "<b>", "--study", "x"))
    (web.jobs.folder / f"{job.id}.txt").write_text("</pre><script>alert(1)</script>\n\x1b[2J\n")
    for place in ("/studies/x/run", f"/jobs/{job.id}"):
        shown = web.get(place).text
        assert "<script>alert" not in shown
        assert "&lt;/pre&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in shown
        assert "\x1b" not in shown
    state = web.state("x")
    assert state["texts"]["state"] == "failed, exit code 1"
    assert state["flags"]["study"] is False
    assert here.is_dir()


def test_nothing_is_offered_where_nothing_can_be_started(
    make_web: Callable[..., Web], here: Path
) -> None:
    write_table(here)
    assert run_dse(["explore", str(write_space(here)), "--settle", "0"]) == 0
    web = make_web(read_only=True)
    web.get("/new", 404)
    assert "<form" not in web.get("/studies/space/run").text
    assert "<form" not in web.get("/jobs").text
    shutil.rmtree(here / "studies")
