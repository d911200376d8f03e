"""The answer of the page, in a real browser: what `dse pick` gives by values, and its address."""

from __future__ import annotations

import json
import shlex
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dse.answer.choice import Answer, Miss, choose
from dse.answer.limits import Limit
from dse.answer.question import Question
from dse.core.metrics import METRICS, MODEL_SIZE, PEAK_MEMORY
from dse.report.html.page import render_page
from dse.report.view import View
from dse.study.folder import StudyFolder
from dse.study.study import Study
from tests.documented import ROOT
from tests.objectives import DEFAULT_OBJECTIVES
from tests.report.browser import (
    SIZES,
    column,
    find,
    keys,
    press,
    select,
    texts,
    visit,
    wait_until,
    write,
)

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

    from tests.commandline import Command

ACCURACY, LATENCY, THROUGHPUT = DEFAULT_OBJECTIVES
LONG = pytest.mark.long


def limit(metric: str) -> str:
    """The field of a limit."""
    return f".limit[data-metric={metric}] input[type=number]"


def slider(metric: str) -> str:
    return f".limit[data-metric={metric}] input[type=range]"


def best(driver: WebDriver) -> list[int]:
    """The ids of the cards, the first one foremost."""
    return [int(text.split("#")[1].split()[0]) for text in texts(driver, "#best button")]


def address(driver: WebDriver) -> str:
    return str(driver.execute_script("return location.hash"))


def values(view: View, metric: str) -> list[float]:
    return sorted(record.outcome.values[metric] for record in view.records)


def test_it_begins_with_the_best_in_the_first_objective(
    opened: WebDriver, shown_view: View
) -> None:
    found = choose(shown_view, Question((), METRICS[ACCURACY]))
    assert isinstance(found, Answer)
    assert best(opened)[0] == found.record.id
    assert len(best(opened)) == 3
    assert find(opened, "#verdict").text == f"the best of {found.count} points"
    assert address(opened) == ""
    bottoms = "return arguments[0].getBoundingClientRect().bottom"
    assert opened.execute_script(bottoms, find(opened, "#command")) < SIZES["desktop"][1]


@pytest.mark.parametrize("goal", [LATENCY, pytest.param(THROUGHPUT, marks=LONG)])
@pytest.mark.parametrize("share", [0.6, pytest.param(0.3, marks=LONG)])
def test_it_is_what_pick_chooses(
    opened: WebDriver, shown_view: View, goal: str, share: float
) -> None:
    accuracies, latencies = values(shown_view, ACCURACY), values(shown_view, LATENCY)
    limits = [
        Limit(ACCURACY, accuracies[int((1 - share) * len(accuracies))], upper=False),
        Limit(LATENCY, latencies[int(share * len(latencies))], upper=True),
    ]
    select(opened, "#goal", goal)
    for each in limits:
        write(opened, limit(each.metric), repr(each.value))
    found = choose(shown_view, Question(tuple(limits), METRICS[goal]))
    assert isinstance(found, Answer)
    assert best(opened)[0] == found.record.id
    assert find(opened, "#verdict").text.startswith(f"the best of {found.count} point")
    assert len(column(opened, "id")) == found.count
    assert set(best(opened)) <= set(map(int, column(opened, "id")))


def test_the_filter_counts_too(opened: WebDriver, shown_study: Study) -> None:
    write(opened, "#filter", "threads == 1 and backend == 'null'")
    chosen = [record for record in shown_study.records.values() if record.id in best(opened)]
    assert {(r.configuration.threads, r.configuration.backend) for r in chosen} == {(1, "null")}
    assert "--where" in find(opened, "#command").text
    write(opened, "#filter", "null")
    assert "--where" not in find(opened, "#command").text
    assert find(opened, "#command-note").is_displayed()


def test_where_nothing_fits_it_says_what_comes_closest(opened: WebDriver, shown_view: View) -> None:
    limits = [Limit(LATENCY, 0.1, upper=True), Limit(ACCURACY, 0.5, upper=False)]
    for each in limits:
        write(opened, limit(each.metric), repr(each.value))
    found = choose(shown_view, Question(tuple(limits), METRICS[ACCURACY]))
    assert isinstance(found, Miss)
    assert found.record is not None
    assert best(opened) == [found.record.id]
    assert find(opened, "#verdict").text == "no point meets all limits"
    share = 100 * limits[0].share(found.record.outcome.values[LATENCY])
    (missed,) = texts(opened, "#best .warning")
    assert missed.startswith(f"p90 {found.record.outcome.values[LATENCY]:.3f} ms is {share:.0f} %")
    assert column(opened, "id") == []


CHOOSE = """
const [goal, limits] = arguments;
const id = (row) => byName.get("id").value(row);
const asked = limits.map(([name, value, upper]) => ({ column: byName.get(name), value, upper }));
const { best, count, closest } = chooseRows(answer.able, byName.get(goal), asked);
return { best: best.map(id), count, closest: closest === null ? null : id(closest) };
"""
METRICS_SHOWN = [ACCURACY, LATENCY, THROUGHPUT, PEAK_MEMORY.name, MODEL_SIZE.name]
LIMITS = st.dictionaries(
    st.sampled_from(METRICS_SHOWN),
    st.tuples(st.integers(0, 30), st.sampled_from([0.1, 0.9, 1.0, 1.1, 3.0])),
    max_size=len(METRICS_SHOWN),
)


@pytest.fixture(scope="module")
def quickstart(tmp_path_factory: pytest.TempPathFactory) -> View:
    """A study that was measured: many of its points have one and the same accuracy."""
    folder = tmp_path_factory.mktemp("studies") / "quickstart"
    shutil.copytree(ROOT / "tests" / "golden" / "quickstart", folder)
    return View(Study.load(StudyFolder(folder)))


@pytest.fixture
def explored(driver: WebDriver, quickstart: View, tmp_path: Path) -> WebDriver:
    """Its page."""
    file = tmp_path / "report.html"
    file.write_text(render_page(quickstart, []), encoding="utf-8")
    visit(driver, file)
    return driver


@given(LIMITS, st.sampled_from(METRICS_SHOWN))
@example({ACCURACY: (0, 3.0)}, THROUGHPUT)
@example({ACCURACY: (0, 3.0), LATENCY: (0, 0.1)}, MODEL_SIZE.name)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
def test_any_limits_have_the_answer_of_pick(
    explored: WebDriver, quickstart: View, wanted: dict[str, tuple[int, float]], goal: str
) -> None:
    limits = []
    for metric, (place, factor) in wanted.items():
        known = values(quickstart, metric)
        value = factor * known[place % len(known)]
        limits.append(Limit(metric, value, upper=METRICS[metric].direction == "minimize"))
    asked = [[each.metric, each.value, each.upper] for each in limits]
    shown = explored.execute_script(CHOOSE, goal, asked)
    found = choose(quickstart, Question(tuple(limits), METRICS[goal]))
    if isinstance(found, Answer):
        assert (shown["count"], shown["closest"]) == (found.count, None)
        first = next(record for record in quickstart.records if record.id == shown["best"][0])
        ours, other = (each.outcome.values[goal] for each in (first, found.record))
        # Rounds may have decided for another one than the values.
        assert ours >= other if METRICS[goal].direction == "maximize" else ours <= other
    else:
        closest = None if found.record is None else found.record.id
        assert shown == {"best": [], "count": 0, "closest": closest}


def test_a_slider_reaches_from_no_limit_to_the_best_value(
    opened: WebDriver, shown_view: View
) -> None:
    for metric, tightest in ((LATENCY, keys().HOME), (ACCURACY, keys().END)):
        find(opened, slider(metric)).send_keys(tightest)
        value = float(str(find(opened, limit(metric)).get_property("value")))
        fits = values(shown_view, metric)[0 if metric == LATENCY else -1]
        assert fits <= value <= 1.01 * fits if metric == LATENCY else fits >= value >= 0.99 * fits
        assert len(best(opened)) >= 1
        assert opened.execute_script("return Object.keys(points.view.limits).length") >= 1
        back = keys().END if metric == LATENCY else keys().HOME
        find(opened, slider(metric)).send_keys(back)
        assert find(opened, limit(metric)).get_property("value") == ""
        assert find(opened, slider(metric)).get_attribute("aria-valuetext") == "no limit"


def test_the_command_gives_the_same_answer(
    opened: WebDriver, shown_study: Study, command: Command
) -> None:
    select(opened, "#goal", THROUGHPUT)
    write(opened, limit(LATENCY), "30")
    write(opened, "#filter", "model == 'a' or threads == 2")
    program, verb, name, *options = shlex.split(find(opened, "#command").text)
    assert (program, verb, name) == ("dse", "pick", shown_study.folder.name)
    assert {"--max-latency", "30ms", "--maximize", "throughput"} <= set(options)
    told = command.good("pick", shown_study.folder.path, "--json", *options)
    assert json.loads(told.out)["answer"]["id"] == best(opened)[0]


@pytest.mark.long
def test_a_card_chooses_its_point(opened: WebDriver) -> None:
    button = opened.find_elements("css selector", "#best button")[1]
    id_ = best(opened)[1]
    button.send_keys(keys().ENTER)
    assert find(opened, "#details-title").text.startswith(f"#{id_} ")
    assert find(opened, "#best [aria-current] button").text.startswith(f"2. #{id_} ")


def test_the_best_are_named_in_the_plot(opened: WebDriver) -> None:
    named = opened.execute_script("return points.view.names.map(([row, text]) => text)")
    assert [text.split()[0] for text in named[:3]] == ["1", "2", "3"]
    assert opened.execute_script("return points.view.marked.length") == 3


def test_the_address_leads_to_a_point(driver: WebDriver, file: Path) -> None:
    visit(driver, file, f"#point=3&best={LATENCY}&limit={LATENCY}:2.5&where=threads+%3D%3D+1")
    assert find(driver, "#details-title").text.startswith("#3 ")
    assert find(driver, limit(LATENCY)).get_property("value") == "2.5"
    assert find(driver, "#goal").get_property("value") == LATENCY
    assert find(driver, "#filter").get_property("value") == "threads == 1"
    top = "return document.getElementById('points').getBoundingClientRect().top"
    wait_until(driver, f"{top} < 10")


def test_what_is_chosen_is_in_the_address_and_back_leads_to_what_was(opened: WebDriver) -> None:
    find(opened, "#best button").click()
    first = find(opened, "#details-title").text
    wait_until(opened, "return location.hash.startsWith('#point=')")
    write(opened, limit(LATENCY), "2.5")
    wait_until(opened, f"return location.hash.includes('{LATENCY}%3A2.5')")
    opened.back()
    wait_until(opened, "return answer.asked.length === 0")
    assert find(opened, "#details-title").text == first
    opened.back()
    wait_until(opened, "return location.hash === ''")
    assert find(opened, "#details-title").text == "No point is chosen"
    opened.forward()
    wait_until(opened, "return chosen !== null")
    assert find(opened, "#details-title").text == first


@pytest.mark.parametrize(
    "hash_",
    [
        "#point=999999",
        "#point=-1&point=1.5&point=x",
        "#point=%00&best=__proto__&limit=__proto__:1&show=constructor",
        f"#limit={LATENCY}:Infinity&limit={LATENCY}:&limit=:&limit={LATENCY}:1e999&limit=toString:1",
        "#best=nothing&show=nothing&where=",
        "#%ff%zz=&&&===",
        "#" + "(" * 5000,
    ],
)
def test_an_address_that_is_wrong_changes_nothing(
    driver: WebDriver, file: Path, hash_: str
) -> None:
    state = "return JSON.stringify(readState())"
    visit(driver, file)
    expected = driver.execute_script(state)
    visit(driver, file, hash_)
    assert driver.execute_script(state) == expected
    assert find(driver, "#filter-problem").text == ""


@pytest.mark.parametrize(
    "where", ["(" * 400, "<img src=x onerror=window.harmed=1>", "$(id) == `id`"]
)
def test_a_filter_in_an_address_is_a_text(driver: WebDriver, file: Path, where: str) -> None:
    from urllib.parse import quote

    visit(driver, file, f"#where={quote(where)}")
    assert find(driver, "#filter-problem").text.startswith("not applied")
    assert "--where" not in find(driver, "#command").text
    assert driver.execute_script("return window.harmed") is None


def test_a_text_in_the_command_is_quoted(opened: WebDriver) -> None:
    text = "model != \"$(id)'`\" and model != 'a!' "
    write(opened, "#filter", text)
    words = shlex.split(find(opened, "#command").text)
    assert words[-1] == text.strip()


@pytest.mark.long
def test_a_point_that_is_not_shown_is_shown_for_its_address(
    driver: WebDriver, file: Path, shown_study: Study
) -> None:
    failed = next(r for r in shown_study.records.values() if r.outcome.failure is not None)
    visit(driver, file, f"#point={failed.id}")
    assert find(driver, "#show").get_property("value") == "all"
    assert find(driver, "#table tr[aria-current] th").text == str(failed.id)


@pytest.mark.long
def test_links_to_sections_keep_the_state(opened: WebDriver) -> None:
    write(opened, limit(LATENCY), "2.5")
    wait_until(opened, "return location.hash.includes('limit')")
    find(opened, "nav a[href='#rows']").click()
    wait_until(opened, "return location.hash === '#rows'")
    assert find(opened, limit(LATENCY)).get_property("value") == "2.5"


@pytest.mark.long
def test_the_skip_link_and_the_controls_come_in_order(opened: WebDriver) -> None:
    seen: list[Any] = []
    for _ in range(24):
        press(opened, keys().TAB)
        seen.append(opened.execute_script("return document.activeElement.id"))
    for before, after in (("theme", "goal"), ("goal", "copy"), ("copy", "filter")):
        assert seen.index(before) < seen.index(after)
