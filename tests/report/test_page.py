"""The page as a file: what it holds, what it forbids, and that no name becomes markup."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shlex
from html.parser import HTMLParser
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.derived.derivation import Derivation
from dse.report.html.page import SCRIPTS, Served, page_policy, render_page, to_script
from dse.report.view import View
from dse.study.folder import StudyFolder
from tests.report.samples import SPACE, harmful, ordinary
from tests.study.studies import create

if TYPE_CHECKING:
    from pathlib import Path


class Read(HTMLParser):
    """A page as a browser reads it, as far as it goes without one."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self.texts: list[str] = []
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open in self.inside:
            self.inside[self._open][-1] += data
        else:
            self.texts.append(data)

    def attributes(self, name: str) -> list[str]:
        return [str(found[name]) for _, found in self.tags if name in found]

    @property
    def data(self) -> dict[str, Any]:
        return dict(json.loads(self.inside["script"][0]))


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    study = ordinary(tmp_path_factory.mktemp("page") / "mine")
    return Read(render_page(View(study), ["study.csv", "frontier.png"]))


def test_nothing_is_loaded_from_elsewhere(read: Read) -> None:
    loading = {"img", "link", "iframe", "object", "embed", "base", "form", "source", "video"}
    assert loading.isdisjoint(tag for tag, _ in read.tags)
    assert read.attributes("src") == []
    links = [link for link in read.attributes("href") if not link.startswith("#")]
    assert links == ["study.csv", "frontier.png"]
    assert not re.search(r"https?:|@import|url\(", "".join(read.inside["style"]))
    assert "://" not in read.inside["script"][1]


def test_the_policy_lets_our_own_style_and_script_run_and_nothing_else(read: Read) -> None:
    (policy,) = [each for each in read.attributes("content") if "default-src" in each]
    rules = {rule.split()[0]: rule.split()[1:] for rule in policy.split("; ")}
    assert rules["default-src"] == ["'none'"]
    (style,), (_, script) = read.inside["style"], read.inside["script"]
    for text, rule in ((style, "style-src"), (script, "script-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == [f"'sha256-{digest}'"]
    handlers = {name for _, found in read.tags for name in found if name.startswith("on")}
    assert not handlers
    assert read.attributes("style") == []


def test_a_server_adds_its_own_and_no_more(tmp_path: Path) -> None:
    study = ordinary(tmp_path / "mine")
    served = Served(
        head='<link rel="icon" href="/icon">',
        top='<p id="own">links</p>',
        style="p { margin: 0; }",
        script="const more = 1;",
        files={"study.csv": "/mine/study.csv?where=threads+%3D%3D+1"},
        card=("/mine/points/", "?where=1"),
    )
    page = Read(render_page(View(study), ["study.csv"], served))
    assert page.inside["style"][0].endswith(served.style)
    assert page.inside["script"][1].endswith(served.script)
    assert page.data["card"] == list(served.card)
    assert served.files["study.csv"] in page.attributes("href")
    assert "own" in page.attributes("id")
    (policy,) = [each for each in page.attributes("content") if "default-src" in each]
    assert policy == page_policy(served)
    plain, rules = page_policy().split("; "), policy.split("; ")
    new = [rule for rule in rules if rule not in plain and not rule.startswith("s")]
    assert new == ["connect-src 'self'", "img-src 'self'", "form-action 'self'"]
    assert "unsafe" not in policy


def test_every_file_of_the_page_is_in_it(read: Read) -> None:
    files = {each.name for each in resources.files("dse.report.html").iterdir()}
    assert {name for name in files if name.endswith(".js")} == set(SCRIPTS)
    for name in SCRIPTS:
        text = resources.files("dse.report.html").joinpath(name).read_text(encoding="utf-8")
        assert text in read.inside["script"][1]
        assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", text)


def test_references_within_the_page_lead_somewhere(read: Read) -> None:
    ids = read.attributes("id")
    assert len(set(ids)) == len(ids)
    named = [link[1:] for link in read.attributes("href") if link.startswith("#")]
    for name in ("aria-labelledby", "aria-describedby"):
        named += [word for each in read.attributes(name) for word in each.split()]
    assert set(named) <= set(ids)
    used = set(re.findall(r'byId\("([a-z-]+)"\)', read.inside["script"][1]))
    assert used <= set(ids)


def test_what_it_tells(read: Read) -> None:
    text = " ".join(" ".join(read.texts).split())
    for words in (
        *("configurations measured", "crash: 1", "timeout: 1", "bang", "fingerprint"),
        *("Effect of each knob", "noise of SingleStream p90 latency", "anchor #0"),
        *("measured, Offline, short run, one process", "not verified by MLCommons"),
    ):
        assert words in text
    assert read.data["objectives"] == list(SPACE.objectives)
    assert read.data["axes"] == ["latency_p90_ms", "accuracy_percent"]
    assert read.data["steps"]["share"][-1] == 1
    assert read.data["facts"]["cpus"] >= 1
    assert {"latency_p90_ms", "energy_per_sample_mj_low", "delay_ms", "ghz"} <= set(
        read.data["names"]
    )


def test_the_command_selects_the_same_points(tmp_path: Path) -> None:
    facts = tmp_path / "my facts.yaml"
    facts.write_text("price: 2", encoding="utf-8")
    study = ordinary(tmp_path / "mine")
    wanted = Derivation.parse(
        ["cost [x] = price * latency_p90_ms"], ["cost > 0"], ["cost:minimize"], facts
    )
    pick = Read(render_page(View(study, wanted), [])).data["pick"]
    assert shlex.split(pick["command"]) == [
        *("dse", "pick", "mine", "--facts", "my facts.yaml"),
        *("--metric", "cost [x] = price * latency_p90_ms", "--where", "cost > 0"),
    ]
    assert pick["names"]["latency_p90_ms"] == "latency"
    assert pick["options"]["latency_p90_ms"] == ["--max-latency", "ms"]
    assert pick["limited"] == ["cost"]
    plain = Read(render_page(View(study), [])).data["pick"]
    assert shlex.split(plain["command"]) == ["dse", "pick", "mine"]
    assert plain["lacking"] == []


def test_a_limit_that_pick_does_not_know_has_no_option(tmp_path: Path) -> None:
    turned = Derivation.parse(objectives=["latency_p90_ms:maximize"])
    study = ordinary(tmp_path / "mine")
    assert (
        "latency_p90_ms" not in Read(render_page(View(study, turned), [])).data["pick"]["options"]
    )


def test_names_that_mean_harm_stay_names(tmp_path: Path) -> None:
    study = harmful(tmp_path / "mine")
    harmed = Read(render_page(View(study), ["study.csv"]))
    assert len(harmed.inside["script"]) == 2
    assert "img" not in {tag for tag, _ in harmed.tags}
    text = " ".join(harmed.texts)
    assert text.count("onerror=window.harmed=1") >= 5  # system, runtime, excluded, failure, basis
    assert "&{{7+7}}" in text
    models = next(c for c in harmed.data["columns"] if c["name"] == "model")
    assert any("</script><script>" in word for word in models["words"])


def test_a_study_of_nothing_has_a_page(tmp_path: Path) -> None:
    empty = Read(render_page(View(create(StudyFolder(tmp_path / "mine"), SPACE)), []))
    text = " ".join(empty.texts)
    for words in ("Nothing failed", "Nothing has been explored yet", "No two configurations"):
        assert words in text


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=20)


@given(JSON)
def test_data_never_ends_its_element_and_comes_back(value: Any) -> None:
    text = to_script(value)
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == value
    text.encode("ascii")
