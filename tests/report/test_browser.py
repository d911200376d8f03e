"""The page in a real browser: drawn, usable by keyboard, and nothing to complain of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dse.derived.derivation import Derivation
from dse.report.html.page import render_page
from dse.report.view import View
from tests.report.browser import SIZES, browsing, complaints, visit
from tests.report.samples import harmful, ordinary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver
    from selenium.webdriver.remote.webelement import WebElement

    from dse.study.study import Study

LONG = pytest.mark.long
DRAWN = """
const drawn = document.getElementById(arguments[0]);
const { width, height } = drawn;
const copy = Object.assign(document.createElement("canvas"), { width, height });
const pen = copy.getContext("2d", { willReadFrequently: true });
pen.drawImage(drawn, 0, 0);
const { data } = pen.getImageData(0, 0, width, height);
return new Set(new Uint32Array(data.buffer)).size;
"""
"""How many colours a canvas has: one where nothing is drawn."""


@pytest.fixture(scope="module")
def driver() -> Iterator[WebDriver]:
    with browsing(*SIZES["desktop"]) as opened:
        yield opened


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    return ordinary(tmp_path_factory.mktemp("study") / "mine")


@pytest.fixture(scope="module")
def file(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("page") / "report.html"
    # Its name is wider than a phone.
    name = "latency_of_all_the_threads_that_are_busy_together"
    wanted = Derivation.parse([f"{name} [ms] = latency_p90_ms * threads"])
    file.write_text(render_page(View(study, wanted), ["study.csv"]), encoding="utf-8")
    return file


@pytest.fixture
def opened(driver: WebDriver, file: Path) -> Iterator[WebDriver]:
    """The page of an ordinary study, of which there is nothing to complain before and after."""
    driver.set_window_size(*SIZES["desktop"])
    visit(driver, file)
    assert complaints(driver) == []
    yield driver
    assert complaints(driver) == []


def find(driver: WebDriver, selector: str) -> WebElement:
    return driver.find_element("css selector", selector)


def texts(driver: WebDriver, selector: str) -> list[str]:
    return [each.text for each in driver.find_elements("css selector", selector)]


def column(driver: WebDriver, title: str) -> list[str]:
    """What stands in a column of the table, intervals and notes left out."""
    heads = [text.split("\n")[0] for text in texts(driver, "#table thead th")]
    place = heads.index(title) + 1
    return [text.split(" ")[0] for text in texts(driver, f"#table tbody tr > :nth-child({place})")]


def choose(driver: WebDriver, selector: str, value: str) -> None:
    from selenium.webdriver.support.select import Select

    Select(find(driver, selector)).select_by_value(value)


def press(driver: WebDriver, *keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(driver).send_keys(*keys).perform()


def keys() -> Any:
    from selenium.webdriver.common.keys import Keys

    return Keys


def focused(driver: WebDriver) -> str:
    return str(driver.switch_to.active_element.text)


def test_charts_and_table_are_there(opened: WebDriver, study: Study) -> None:
    for name in ("points-chart", "progress-chart"):
        assert opened.execute_script(DRAWN, name) > 5
    kept = [record for record in study.records.values() if record.outcome.failure is None]
    assert len(column(opened, "id")) == len(kept)
    assert find(opened, "#count").text == f"{len(kept)} of {len(study.records)}"
    resources = "return performance.getEntriesByType('resource').length"
    assert opened.execute_script(resources) == 0


@pytest.mark.long
def test_rows_begin_with_the_frontier(opened: WebDriver, study: Study) -> None:
    ids = [int(text) for text in column(opened, "id")]
    assert set(ids[: len(study.frontier())]) == {record.id for record in study.frontier()}


@pytest.mark.long
def test_columns_are_sorted_by_buttons_that_keep_the_focus(opened: WebDriver) -> None:
    titles = ("p90 [ms]", "samples/s", "threads")
    for title, first in zip(titles, ("ascending", "descending", "ascending"), strict=True):
        head = next(
            each
            for each in opened.find_elements("css selector", "#table thead th")
            if each.text.split("\n")[0] == title
        )
        button = head.find_element("css selector", "button")
        for way in (first, {"ascending": "descending", "descending": "ascending"}[first]):
            button.send_keys(keys().ENTER)
            assert head.get_attribute("aria-sort") == way
            assert focused(opened) == title
            values = [float(text) for text in column(opened, title)]
            assert values == sorted(values, reverse=way == "descending")


@pytest.mark.parametrize(
    ("text", "column_title", "fits"),
    [
        ("threads=2", "threads", lambda value: value == "2"),
        pytest.param("THREADS>1 null", "backend", lambda value: value == "null", marks=LONG),
        pytest.param(
            "latency_p90_ms<=20", "p90 [ms]", lambda value: float(value) <= 20, marks=LONG
        ),
        pytest.param("model=a", "model", lambda value: value == "a", marks=LONG),
    ],
)
def test_the_filter(opened: WebDriver, text: str, column_title: str, fits: Any) -> None:
    before = len(column(opened, "id"))
    find(opened, "#filter").send_keys(text)
    found = column(opened, column_title)
    assert 0 < len(found) < before
    assert all(map(fits, found))
    assert find(opened, "#filter-problem").text == ""


@pytest.mark.long
@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("thread=2", "there is no column thread"),
        ("threads=many", "many is not a number"),
        ("model<a", "model has words: use ="),
    ],
)
def test_a_filter_that_is_wrong_says_so(opened: WebDriver, text: str, problem: str) -> None:
    before = len(column(opened, "id"))
    find(opened, "#filter").send_keys(text)
    assert find(opened, "#filter-problem").text == problem
    assert len(column(opened, "id")) == before


@pytest.mark.long
def test_failures_are_shown_when_asked_for(opened: WebDriver) -> None:
    choose(opened, "#show", "failed")
    assert sorted(column(opened, "failure")) == ["crash", "timeout"]
    choose(opened, "#show", "frontier")
    assert {*column(opened, "standing")} <= {"leads", "tied", "behind"}


def test_points_are_chosen_by_keyboard(opened: WebDriver, study: Study) -> None:
    opened.execute_script("document.getElementById('points-chart').focus()")
    leading = {f"#{record.id}" for record in study.frontier()}
    press(opened, keys().HOME)
    seen = [find(opened, "#details-title").text]
    for _ in range(len(leading) - 1):
        press(opened, keys().ARROW_RIGHT)
        seen.append(find(opened, "#details-title").text)
    assert {title.split()[0] for title in seen} == leading
    assert "measured, SingleStream" in find(opened, "#details").text
    assert find(opened, "#table tr[aria-current] th").text == seen[-1].split()[0][1:]
    press(opened, "++-0", keys().ESCAPE)
    assert find(opened, "#details-title").text == "No point is chosen"
    assert find(opened, "#details").text == ""


@pytest.mark.long
def test_a_row_is_shown_in_the_plot(opened: WebDriver) -> None:
    button = find(opened, "#table tbody tr:last-child th button")
    id_ = button.text
    button.send_keys(keys().ENTER)
    assert find(opened, "#details-title").text.startswith(f"#{id_} ")
    assert opened.execute_script("return byName.get('id').cells[points.selected]") == int(id_)


@pytest.mark.long
def test_every_axis_and_every_colour_can_be_drawn(opened: WebDriver) -> None:
    for control in ("x", "y", "colour"):
        selector = f"#{control} option"
        names = [
            each.get_attribute("value") for each in opened.find_elements("css selector", selector)
        ]
        assert {"latency_p90_ms", "backend", "threads", "standing"} <= set(names)
        for name in names:
            choose(opened, f"#{control}", str(name))
            box = None if control == "colour" else find(opened, f"#{control}-log")
            for _ in range(2 if box is not None and box.is_enabled() else 1):
                if box is not None and box.is_enabled():
                    box.click()
                assert opened.execute_script("return points.rows.length") > 0
                assert opened.execute_script(DRAWN, "points-chart") > 5
    assert complaints(opened) == []


@pytest.mark.long
def test_the_legend_hides_points(opened: WebDriver) -> None:
    assert texts(opened, "#legend button") == ["null", "replay"]
    find(opened, "#legend li:first-child button").send_keys(keys().SPACE)
    assert set(column(opened, "backend")) == {"replay"}
    assert find(opened, "#legend button").get_attribute("aria-pressed") == "false"


@pytest.mark.long
def test_a_part_is_seen_closer_by_dragging(opened: WebDriver) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    canvas = find(opened, "#points-chart")
    drag = ActionChains(opened).move_to_element_with_offset(canvas, -100, -50)
    drag.click_and_hold().move_by_offset(120, 80).release().perform()
    zoom = opened.execute_script("return points.zoom")
    assert zoom["x"][0] < zoom["x"][1]
    assert zoom["y"][0] < zoom["y"][1]
    find(opened, "#zoom-whole").click()
    assert opened.execute_script("return points.zoom") is None


@pytest.mark.long
def test_the_pointer_is_told_what_it_is_over(opened: WebDriver) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    place = """
    points.canvas.scrollIntoView({ block: "center" });
    const row = points.rows.find((each) => onFrontier(each));
    const [x, y] = points.place(row);
    const { width, height } = points.canvas.getBoundingClientRect();
    return [Math.round(x - width / 2), Math.round(y - height / 2), nameOf(row)];
    """
    x, y, name = opened.execute_script(place)
    canvas = find(opened, "#points-chart")
    ActionChains(opened).move_to_element_with_offset(canvas, x, y).perform()
    assert find(opened, "#points-tip").text.startswith(name)
    ActionChains(opened).click().perform()
    assert find(opened, "#details-title").text == name


@pytest.mark.long
def test_the_skip_link_comes_first(opened: WebDriver) -> None:
    press(opened, keys().TAB)
    assert focused(opened) == "To the plot"
    press(opened, keys().ENTER)
    assert opened.execute_script("return location.hash") == "#points"


@pytest.mark.long
def test_dark_and_light(opened: WebDriver) -> None:
    def shade() -> str:
        return str(find(opened, "body").value_of_css_property("background-color"))

    button = find(opened, "#theme")
    light = shade()
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert shade() != light
    button.click()
    assert shade() == light
    emulated = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", emulated)
    opened.execute_script("delete document.documentElement.dataset.theme")
    assert shade() != light
    opened.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.mark.parametrize("size", SIZES)
def test_nothing_is_wider_than_the_screen(opened: WebDriver, file: Path, size: str) -> None:
    width, height = SIZES[size]
    screen = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": size == "phone"}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    visit(opened, file)
    assert opened.execute_script("return innerWidth") == width
    assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    assert opened.execute_script(DRAWN, "points-chart") > 5
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_names_that_mean_harm_are_shown_as_they_are(driver: WebDriver, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render_page(View(harmful(tmp_path / "mine")), []), encoding="utf-8")
    visit(driver, file)
    choose(driver, "#show", "all")
    driver.execute_script("choose(0); points.hover(points.place(points.rows[0]))")
    assert driver.execute_script("return window.harmed") is None
    assert driver.find_elements("css selector", "img") == []
    assert "<img src=x onerror=window.harmed=1>" in find(driver, "#table").text
    assert complaints(driver) == []


@pytest.mark.long
def test_the_policy_is_enforced(opened: WebDriver) -> None:
    tried = (
        "try { document.body.innerHTML = '<b>x</b>'; return 'done'; } catch (e) { return e.name; }"
    )
    assert opened.execute_script(tried) == "TypeError"
    loaded = """
    const image = new Image();
    const end = arguments[0];
    document.addEventListener("securitypolicyviolation", (e) => end(e.effectiveDirective));
    image.src = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
    """
    assert opened.execute_async_script(loaded) == "img-src"
    assert complaints(opened)  # told, for once
