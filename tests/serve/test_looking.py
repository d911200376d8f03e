"""The pages that show, as a browser gets them; and that no name or text of others does harm."""

from __future__ import annotations

import html
import re
import shlex
import shutil
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

import pytest

from dse.core.measurement import Failure, FailureKind, Outcome
from dse.report.html import page as report_page
from dse.results.imported import Import, keep, source
from dse.results.read import read_file
from dse.serve.looking import library as library_module
from dse.study.folder import StudyFolder
from dse.study.revisions import distributions
from dse.study.study import Study
from tests.commandline import command, here, tmp_path
from tests.report.samples import HARM, SPACE, harmful, ordinary
from tests.results.tables import write_published
from tests.serve.looking_site import ToldJob, client, make_site
from tests.study.studies import create, fill, planned

if TYPE_CHECKING:
    from pathlib import Path

    import httpx2 as httpx
    from starlette.testclient import TestClient

    from tests.commandline import Command

__all__ = ["command", "here", "tmp_path"]
COST = "cost [x] = latency_p90_ms * threads"
BAD_NAMES = (
    *("nothing", "..%2f..%2fetc%2fpasswd", "%2e%2e", "mine%00", "a" * 101, "a" * 5000, ".jobs"),
    *("mine%2f", "%3Cscript%3E", "mine%0a", "mine%20", "sqlite%3A%2F%2F%2Fx"),
)

WRONG = (
    ("metric", "nothing", "defines no metric"),
    ("metric", "x = latncy_p90_ms", "did you mean"),
    ("where", "__import__('os')", ""),
    ("where", "threads <", ""),
    ("where", "\n".join(["threads > 0"] * 21), "more than 20 lines"),
    ("where", "(" * 5000, ""),
    ("where", f"model == '{HARM}' and <", ""),
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the study ``mine``."""
    root = tmp_path / "studies"
    ordinary(root / "mine")
    return root


@pytest.fixture
def browser(root: Path) -> TestClient:
    return client(make_site(root))


def keep_published(root: Path, tmp_path: Path) -> None:
    """Imports two systems as ``theirs``."""
    file = write_published(tmp_path / "t.csv", [{}, {"Platform": "<two>", "Result": "2.5"}])
    folder = StudyFolder(root / "theirs")
    folder.path.mkdir()
    keep(Import((source(file),), tuple(read_file(file))), folder)


class Page(HTMLParser):
    """What a browser sees of an answer, as far as it goes without one."""

    def __init__(self, answer: httpx.Response) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self._open = ""
        self.feed(answer.text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self._open = tag

    def handle_endtag(self, tag: str) -> None:
        self._open = "" if tag == self._open else self._open

    def handle_data(self, data: str) -> None:
        if self._open not in ("script", "style"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def links(self) -> list[str]:
        return [found["href"] for tag, found in self.tags if tag == "a"]

    def elements(self, tag: str) -> list[dict[str, str]]:
        return [found for name, found in self.tags if name == tag]


def good(answer: httpx.Response) -> Page:
    assert answer.status_code == 200, answer.text[:1000]
    check_policy(answer)
    return Page(answer)


def check_policy(answer: httpx.Response) -> None:
    """Nothing that the policy forbids is in the page."""
    policy = answer.headers["content-security-policy"]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    assert rules["default-src"] == ["'none'"]
    assert rules["frame-ancestors"] == ["'none'"]
    assert rules["require-trusted-types-for"] == ["'script'"]
    assert "'unsafe-inline'" not in policy
    assert "'unsafe-eval'" not in policy
    page = Page(answer)
    names = {name for _, found in page.tags for name in found}
    assert not {name for name in names if name.startswith("on") or name == "style"}


def check_ids(page: Page) -> None:
    """Ids are unique, and what refers to one leads somewhere."""
    ids = [found["id"] for _, found in page.tags if "id" in found]
    assert len({*ids}) == len(ids)
    for name in ("for", "aria-labelledby", "aria-describedby"):
        for _, found in page.tags:
            assert {*found.get(name, "").split()} <= {*ids}


def test_an_empty_folder_says_how_to_begin(tmp_path: Path) -> None:
    page = good(client(make_site(tmp_path / "studies")).get("/"))
    assert "/new" in page.links()
    assert "no study" in page.text
    page = good(client(make_site(tmp_path / "studies", read_only=True)).get("/"))
    assert "/new" not in page.links()
    assert "dse explore quickstart" in page.text


def test_all_studies_are_listed_newest_first(root: Path, tmp_path: Path) -> None:
    keep_published(root, tmp_path)
    (root / "broken").mkdir()
    (root / "broken" / "study.db").write_text("no database")
    shutil.copytree(root / "mine", root / "running")
    job = ToldJob("20261129-190212-4f3a", "running", "running")
    ended = ToldJob("20261129-190213-4f3a", "mine", "done")
    page = good(client(make_site(root, [ended, job])).get("/"))
    check_ids(page)
    rows = [found["href"] for tag, found in page.tags if tag == "a" and found["href"] != "/"]
    assert rows.index("/studies/running") < rows.index("/studies/mine")
    assert f"/jobs/{job.id}" in rows
    assert f"/jobs/{ended.id}" not in rows
    assert {"/studies/mine/run", "/studies/mine/submit", "/compare?source=theirs"} <= {*rows}
    assert "17 measured, 2 failed, 1 left" in page.text or "17 measured, 2 failed" in page.text
    assert "import of 2 systems with 2 configurations" in page.text
    assert "can't be read" in page.text
    assert "image-classification" in page.text


def test_many_studies_can_be_searched(root: Path) -> None:
    for number in range(12):
        shutil.copytree(root / "mine", root / f"copy-{number}")
    browser = client(make_site(root))
    page = good(browser.get("/"))
    assert any(found.get("name") == "search" for found in page.elements("input"))
    found = good(browser.get("/", params={"search": "COPY-1 image"}))
    names = {link for link in found.links() if link.startswith("/studies/")}
    assert {link for link in names if link.count("/") == 2} == {
        *("/studies/copy-1", "/studies/copy-10", "/studies/copy-11"),
    }
    assert "No study has these words" in good(browser.get("/", params={"search": "<b>"})).text


def test_what_there_is_no_time_for_is_said_to_be_unread(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(library_module, "LISTING_S", 0.0)
    browser = client(make_site(root))
    assert "1 of 1 are not read yet" in good(browser.get("/")).text
    monkeypatch.setattr(library_module, "LISTING_S", 60.0)
    assert "not read yet" not in good(browser.get("/")).text


def test_the_page_of_a_study_is_that_of_its_report(browser: TestClient, root: Path) -> None:
    page = good(browser.get("/studies/mine"))
    check_ids(page)
    assert "configurations measured" in page.text
    assert {"/", "/compare", "/jobs", "/new", "/studies/mine/run"} <= {*page.links()}
    assert "/studies/mine/study.csv" in page.links()
    assert "/studies/mine/frontier.png" not in page.links()
    (news,) = [found for _, found in page.tags if found.get("id") == "news"]
    assert browser.get(news["data-state"]).json() == {
        "mark": news["data-mark"],
        "configurations": int(news["data-configurations"]),
    }
    (root / "mine" / "frontier.png").write_bytes(b"\x89PNG")
    assert "/studies/mine/frontier.png" in good(browser.get("/studies/mine")).links()
    answer = browser.get("/studies/mine/frontier.png")
    assert (answer.content, answer.headers["content-type"]) == (b"\x89PNG", "image/png")


def test_a_picture_that_leads_elsewhere_is_none(
    browser: TestClient, root: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (root / "mine" / "frontier.png").symlink_to(secret)
    answer = browser.get("/studies/mine/frontier.png")
    assert answer.status_code == 404
    assert "secret" not in answer.text


def test_a_page_is_rendered_once_for_each_state(
    browser: TestClient, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[str] = []
    read = report_page._data

    def noted(*arguments: object) -> object:
        rendered.append("page")
        return read(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(report_page, "_data", noted)
    first = browser.get("/studies/mine").text
    assert browser.get("/studies/mine").text == first
    assert len(rendered) == 1
    before = browser.get("/studies/mine/state").json()
    fill(Study.resume(StudyFolder(root / "mine")), SPACE, most=1)
    after = browser.get("/studies/mine/state").json()
    assert after["mark"] != before["mark"]
    assert after["configurations"] == before["configurations"] + 1
    assert browser.get("/studies/mine").text != first
    assert len(rendered) == 2


def test_an_import_is_shown_by_the_comparison(
    browser: TestClient, root: Path, tmp_path: Path
) -> None:
    keep_published(root, tmp_path)
    answer = browser.get("/studies/theirs", follow_redirects=False)
    assert answer.headers["location"] == "/compare?source=theirs"
    assert "Compare" in good(browser.get("/studies/theirs")).text


@pytest.mark.parametrize("name", BAD_NAMES)
@pytest.mark.parametrize("end", ["", "/state", "/study.csv", "/frontier.png", "/points/0"])
def test_names_that_are_none(browser: TestClient, name: str, end: str) -> None:
    answer = browser.get(f"/studies/{name}{end}")
    assert answer.status_code == 404
    assert "root:" not in answer.text
    assert len(answer.text) < 300


@pytest.mark.parametrize("name", ["nothing", "../mine", "/etc/passwd", "mine\0", "a" * 5000])
def test_only_names_are_compared(browser: TestClient, name: str) -> None:
    for page in ("/compare", "/compare.csv", "/compare.png"):
        answer = browser.get(page, params={"source": ["mine", name]})
        assert answer.status_code == 404


@pytest.mark.parametrize(
    ("id_", "told"),
    [("99", "no point 99"), ("-1", "is a number"), ("x", "is a number"), ("9" * 5000, "number")],
)
def test_points_that_are_none(browser: TestClient, id_: str, told: str) -> None:
    answer = browser.get(f"/studies/mine/points/{id_}")
    assert answer.status_code == 404
    assert told in answer.text


def test_metrics_conditions_and_objectives_of_the_reader(browser: TestClient) -> None:
    wanted = {"metric": f"{COST}\n", "where": "threads == 1\nbatch_size >= 1", "objective": ""}
    page = good(browser.get("/studies/mine", params=wanted))
    assert f"dse report mine --metric '{COST}' --where" in page.text
    areas = {found["name"] for found in page.elements("textarea")}
    assert areas == {"metric", "where", "objective"}
    query = urlencode([("metric", COST), ("where", "threads == 1"), ("where", "batch_size >= 1")])
    assert f"/studies/mine/study.csv?{query}" in page.links()
    table = browser.get(f"/studies/mine/study.csv?{query}")
    assert "cost" in table.text.splitlines()[0].split(",")
    assert table.headers["content-disposition"] == 'attachment; filename="mine.csv"'


@pytest.mark.parametrize(("field", "text", "told"), WRONG)
@pytest.mark.parametrize("end", ["", "/study.csv", "/points/0"])
def test_what_is_wrong_stands_at_its_field(
    browser: TestClient, field: str, text: str, told: str, end: str
) -> None:
    answer = browser.get(f"/studies/mine{end}", params={field: text, "unknown": "1"})
    assert answer.status_code == 422
    check_policy(answer)
    page = Page(answer)
    check_ids(page)
    (area,) = [each for each in page.elements("textarea") if each.get("aria-invalid")]
    assert area["name"] == field
    assert told in page.text
    assert html.escape(text.splitlines()[0], quote=True)[:40] in answer.text.replace(
        "&#39;", "&#x27;"
    ).replace("&#34;", "&quot;")
    assert not page.elements("img")


def test_a_wrong_objective_stands_at_its_field(browser: TestClient) -> None:
    answer = browser.get("/studies/mine", params={"objective": "cost"})
    assert answer.status_code == 422
    assert "names no direction" in Page(answer).text
    good(browser.get("/studies/mine/points/0", params={"objective": "cost"}))  # it has none


def test_the_card_tells_what_show_tells(
    root: Path, here: Path, browser: TestClient, command: Command
) -> None:
    shutil.copytree(root, here / "studies")
    page = good(browser.get("/studies/mine/points/2"))
    check_ids(page)
    said = command.good("show", "mine", "2").out
    for line in said.splitlines()[1:]:
        for part in re.split(r", (?=measured|SingleStream|Offline|one)", line.strip()):
            word = part.split(" ±")[0].split(" ")
            assert word[-1] in page.text, part
    assert "dse show mine 2" in page.text
    assert "/studies/mine/points/1" in page.links()
    assert "/studies/mine/points/3" in page.links()
    assert "/studies/mine#point=2" in page.links()
    first = good(browser.get("/studies/mine/points/0", params={"metric": COST}))
    assert "computed: cost" in first.text
    assert f"/studies/mine/points/1?{urlencode({'metric': COST})}" in first.links()
    assert shlex.join(["dse", "show", "mine", "0", "--metric", COST]) in first.text


def test_the_card_of_a_failure_says_why(root: Path, browser: TestClient) -> None:
    study = Study.load(StudyFolder(root / "mine"))
    failed = next(r for r in study.records.values() if r.outcome.failure is not None)
    page = good(browser.get(f"/studies/mine/points/{failed.id}"))
    assert "Failed: crash" in page.text or "Failed: timeout" in page.text
    assert "> in node 1" in page.text
    assert "| the end of it" in page.text
    assert "has no result" in page.text


def test_texts_of_others_stay_texts(tmp_path: Path) -> None:
    root = tmp_path / "studies"
    study = harmful(root / "mine")
    browser = client(make_site(root))
    pages = [browser.get("/"), browser.get("/studies/mine")]
    pages += [browser.get(f"/studies/mine/points/{r.id}") for r in study.records.values()]
    pages += [browser.get("/compare", params={"source": "mine"})]
    for answer in pages:
        page = good(answer)
        assert "img" not in {tag for tag, _ in page.tags}
        assert "\u202e" not in answer.text
        scripts = page.elements("script")
        assert all(each.get("src", "/static/").startswith("/static/") for each in scripts)
    assert any("window.harmed=1" in Page(answer).text for answer in pages[2:])


def test_lines_of_a_message_stay_lines(tmp_path: Path) -> None:
    root = tmp_path / "studies"
    study = create(StudyFolder(root / "mine"), SPACE)
    plan = planned(SPACE)
    trial = study.begin(plan.configurations[0], distributions(plan))
    message = "first\nsecond <b>\tthird\x1b[31m"
    study.finish(trial, Outcome(failure=Failure(FailureKind.CRASH, message, "one\ntwo")))
    answer = client(make_site(root)).get("/studies/mine/points/0")
    good(answer)
    assert (
        "    &gt; first\n    &gt; second &lt;b&gt; third?[31m\n    | one\n    | two\n"
        in answer.text
    )


def test_a_damaged_study_is_one_line(root: Path) -> None:
    (root / "mine" / "study.db").write_bytes(b"no database" * 1000)
    answer = client(make_site(root)).get("/studies/mine")
    assert answer.status_code == 400
    assert "Traceback" not in answer.text
    assert len(answer.text.splitlines()) == 1


def test_nothing_is_compared_before_it_is_chosen(browser: TestClient) -> None:
    page = good(browser.get("/compare"))
    check_ids(page)
    assert [
        found["value"] for found in page.elements("input") if found.get("name") == "source"
    ] == ["mine"]
    assert browser.get("/compare.csv").status_code == 400


def test_a_comparison_tells_what_the_command_tells(
    root: Path, tmp_path: Path, here: Path, command: Command, browser: TestClient
) -> None:
    keep_published(root, tmp_path)
    shutil.copytree(root, here / "studies")
    chosen = {"source": ["mine", "theirs"], "accuracy": "1,2", "by": "latency"}
    page = good(browser.get("/compare", params=chosen))
    check_ids(page)
    words = ("compare", "mine", "theirs", "--accuracy", "1,2", "--by", "latency")
    conclusion = " ".join(command.good(*words).out.split("\n\n")[0].split())
    assert conclusion in page.text
    assert "dse compare mine theirs --by latency --accuracy 1,2" in page.text
    assert "≥ 2 %" in page.text
    assert "not verified by MLCommons" in page.text
    assert "<two>" in page.text
    assert "/studies/mine" in page.links()
    assert "/studies/theirs" not in page.links()
    checked = {each["value"] for each in page.elements("input") if "checked" in each}
    assert checked == {"mine", "theirs"}
    (address,) = [link for link in page.links() if link.startswith("/compare.csv")]
    table, own = browser.get(address).text, command.good(*words, "--csv").out
    assert table.splitlines()[0] == own.splitlines()[0]
    assert len(table.splitlines()) == len(own.splitlines())


@pytest.mark.long
def test_a_comparison_as_a_picture(browser: TestClient) -> None:
    answer = browser.get("/compare.png", params={"source": "mine"})
    assert answer.content.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("wrong", "field", "told"),
    [
        ({"accuracy": "many"}, "accuracy", "is not a list of percentages"),
        ({"by": "beauty"}, "by", "to be sorted by"),
        ({"task": "question-answering"}, "task", "no results of it|none of them has results"),
        ({"metric": "nothing"}, "ask-metric", "defines no metric"),
        ({"source": ["mine"] + [f"s{n}" for n in range(101)]}, "source", "too many"),
    ],
)
def test_what_is_wrong_with_a_comparison_stands_at_its_field(
    browser: TestClient, wrong: dict[str, str | list[str]], field: str, told: str
) -> None:
    answer = browser.get("/compare", params={"source": "mine", **wrong})
    assert answer.status_code == 422
    check_policy(answer)
    page = Page(answer)
    check_ids(page)
    assert re.search(told, page.text)
    assert any(found.get("id") == f"{field}-problem" for _, found in page.tags)


def test_tasks_are_not_mixed(browser: TestClient, root: Path) -> None:
    generated = create(StudyFolder(root / "other"), SPACE, task="generated")
    assert generated.about.task == "generated"
    answer = browser.get("/compare", params={"source": ["mine", "other"]})
    assert answer.status_code == 422
    assert "systems of different tasks" in Page(answer).text
    chosen = {"source": ["mine", "other"], "task": "image-classification"}
    assert browser.get("/compare", params=chosen).status_code == 200


@pytest.mark.parametrize("name", ["a+b", "a@b.c", "x-y_z"])
def test_every_name_of_a_study_has_an_address(root: Path, name: str) -> None:
    (root / "mine").rename(root / name)
    browser = client(make_site(root))
    (link,) = {
        each
        for each in good(browser.get("/")).links()
        if each.startswith("/studies/") and each.count("/") == 2
    }
    assert link == f"/studies/{quote(name)}"
    page = good(browser.get(link))
    (address,) = [each for each in page.links() if each.startswith("/compare?")]
    assert f"dse compare {name}" in good(browser.get(address)).text
    good(browser.get(f"{link}/points/0"))
