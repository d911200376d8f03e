"""The page in a real browser: drawn, usable by keyboard, and nothing to complain of."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dse.report._labels import place_labels
from dse.report.html.page import render_page, to_script
from dse.report.view import View
from tests.report.browser import (
    SIZES,
    column,
    complaints,
    find,
    focused,
    keys,
    press,
    select,
    texts,
    visit,
    wait_until,
    write,
)
from tests.report.samples import harmful
from tests.report.test_labels import BOXES, FRAME, LABELS

if TYPE_CHECKING:
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

    from dse.report._labels import Box, Label
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


def test_charts_and_table_are_there(opened: WebDriver, shown_study: Study) -> None:
    for name in ("points-chart", "progress-chart"):
        assert opened.execute_script(DRAWN, name) > 5
    kept = [record for record in shown_study.records.values() if record.outcome.failure is None]
    assert len(column(opened, "id")) == len(kept)
    assert find(opened, "#count").text == f"{len(kept)} of {len(shown_study.records)} points"
    resources = "return performance.getEntriesByType('resource').length"
    assert opened.execute_script(resources) == 0


@pytest.mark.long
def test_rows_begin_with_the_frontier(opened: WebDriver, shown_study: Study) -> None:
    ids = [int(text) for text in column(opened, "id")]
    assert set(ids[: len(shown_study.frontier())]) == {
        record.id for record in shown_study.frontier()
    }


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
        ("threads == 2", "threads", lambda value: value == "2"),
        ("NULL", "backend", lambda value: value == "null"),
        pytest.param(
            "latency_p90_ms <= 20", "p90 [ms]", lambda value: float(value) <= 20, marks=LONG
        ),
        pytest.param("model == 'a'", "model", lambda value: value == "a", marks=LONG),
    ],
)
def test_the_filter(opened: WebDriver, text: str, column_title: str, fits: Any) -> None:
    before = len(column(opened, "id"))
    write(opened, "#filter", text)
    found = column(opened, column_title)
    assert 0 < len(found) < before
    assert all(map(fits, found))
    assert find(opened, "#filter-problem").text == ""


@pytest.mark.long
def test_failures_are_shown_when_asked_for(opened: WebDriver) -> None:
    select(opened, "#show", "failed")
    assert sorted(column(opened, "failure")) == ["crash", "timeout"]
    select(opened, "#show", "frontier")
    assert {*column(opened, "standing")} <= {"leads", "tied", "behind"}


def test_points_are_chosen_by_keyboard(opened: WebDriver, shown_study: Study) -> None:
    opened.execute_script("document.getElementById('points-chart').focus()")
    leading = {f"#{record.id}" for record in shown_study.frontier()}
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
            select(opened, f"#{control}", str(name))
            box = None if control == "colour" else find(opened, f"#{control}-log")
            for _ in range(2 if box is not None and box.is_enabled() else 1):
                if box is not None and box.is_enabled():
                    box.click()
                assert opened.execute_script("return points.rows.length") > 0
                wait_until(opened, "return !points.waiting")
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
    opened.execute_script("arguments[0].scrollIntoView({ block: 'center' })", canvas)
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
    assert button.text == "dark theme"
    button.click()
    assert button.text == "light theme"
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
    screen(opened, file, width, height, mobile=size == "phone")
    assert opened.execute_script("return innerWidth") == width
    assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    assert opened.execute_script(DRAWN, "points-chart") > 5
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def screen(driver: WebDriver, file: Path, width: int, height: int, *, mobile: bool) -> None:
    """Opens a page on a screen of this size."""
    size = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": mobile}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    visit(driver, file)


def edges(driver: WebDriver, selector: str) -> dict[str, float]:
    """Where an element is on the screen."""
    script = "return arguments[0].getBoundingClientRect().toJSON()"
    return dict(driver.execute_script(script, find(driver, selector)))


def test_the_table_fits_a_window_and_the_chosen_point_stands_beside_the_plot(
    opened: WebDriver, file: Path
) -> None:
    screen(opened, file, 1100, 800, mobile=False)
    assert edges(opened, "#table")["right"] <= edges(opened, "#rows")["right"]
    plot, chosen = edges(opened, "#points-chart"), edges(opened, "#chosen")
    assert plot["right"] <= chosen["left"]
    assert plot["top"] - 20 < chosen["top"] < plot["bottom"]
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_on_a_phone_each_row_is_a_card(opened: WebDriver, file: Path) -> None:
    screen(opened, file, *SIZES["phone"], mobile=True)
    cells = [edges(opened, f"#table tbody tr:first-child > :nth-child({n})") for n in (2, 3)]
    assert cells[0]["left"] == cells[1]["left"]
    assert cells[0]["bottom"] <= cells[1]["top"]
    title = "return getComputedStyle(arguments[0], '::before').content"
    assert opened.execute_script(title, find(opened, "#table tbody td")) == '"standing"'
    assert find(opened, "#table thead button").is_displayed()
    assert edges(opened, "#points-chart")["bottom"] < edges(opened, "#chosen")["top"]
    opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_names_in_the_plot_cover_neither_names_nor_lines(opened: WebDriver) -> None:
    limited = "limit.change(limit.valueAt(limit.upper ? 85 : 15), limit.slider)"
    opened.execute_script(f"for (const limit of answer.limits) {limited}")
    wait_until(opened, "return !points.waiting")
    drawn = """
    const drawn = [];
    const pen = points.canvas.getContext("2d");
    const fillText = pen.fillText;
    pen.fillText = (text, left, middle) =>
      drawn.push([text, left, pen.measureText(text).width, middle]);
    paintNames(pen, points);
    pen.fillText = fillText;
    return [drawn, linesOf(points)];
    """
    names, lines = opened.execute_script(drawn)
    assert names[0][0].startswith("1 ")
    assert len(lines) > 2
    for number, (_, left, width, middle) in enumerate(names):
        for _, other, other_width, other_middle in names[:number]:
            apart = left >= other + other_width or other >= left + width
            assert apart or abs(middle - other_middle) >= 14
        for start, end in lines:
            (west, east), (north, south) = map(sorted, zip(start, end, strict=True))
            beside = east <= left or west >= left + width
            assert beside or south <= middle - 7 or north >= middle + 7


@given(LABELS, BOXES, BOXES, st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_names_are_placed_as_in_the_pictures(
    opened: WebDriver, labels: list[Label], solid: list[Box], faint: list[Box], left_first: bool
) -> None:
    """The page counts pixels from the top."""

    def turned(box: Box | None) -> dict[str, float] | None:
        if box is None:
            return None
        return {"left": box.left, "top": -box.top, "right": box.right, "bottom": -box.bottom}

    expected = place_labels(labels, FRAME, solid, faint, left_first=left_first)
    flipped = [{**asdict(label), "y": -label.y} for label in labels]
    boxes = [[*map(turned, each)] for each in (solid, faint)]
    script = "return placeLabels(...arguments)"
    found = opened.execute_script(script, flipped, turned(FRAME), *boxes, left_first)
    assert found == [*map(turned, expected)]


COUNTED = """
const done = arguments[arguments.length - 1];
const counts = { looked: 0, sorted: 0, drawn: 0 };
const { value } = Column.prototype;
Column.prototype.value = function (row) {
  counts.looked += 1;
  return value.call(this, row);
};
const { sort } = Array.prototype;
Array.prototype.sort = function (...order) {
  counts.sorted += this.length;
  return sort.apply(this, order);
};
points.draw = () => {
  counts.drawn += 1;
};
const field = byId("filter");
const { slider } = answer.limits[0];
const changes = [[field, "threads > 1"], [slider, "50"], [slider, "51"], [field, "null"]];
for (const [control, text] of changes) {
  control.value = text;
  control.dispatchEvent(new Event("input"));
}
requestAnimationFrame(() => requestAnimationFrame(() => {
  Array.prototype.sort = sort;
  done(counts);
}));
"""
"""What four changes of the reader cost: looks at cells, sorted entries, drawings of the plot."""


def test_a_key_stroke_looks_at_each_point_a_few_times_and_sorts_none(
    driver: WebDriver, file: Path, tmp_path: Path
) -> None:
    cost = {}
    for times in (10, 100):
        large = tmp_path / f"{times}.html"
        large.write_text(_with_more_points(file.read_text("utf-8"), times), "utf-8")
        visit(driver, large)
        cost[times] = driver.execute_async_script(COUNTED)
    assert cost[100]["looked"] < 10.5 * cost[10]["looked"]
    assert cost[100]["looked"] < 4 * 40 * 20 * 100
    assert cost[100]["sorted"] == cost[10]["sorted"] < 100
    assert cost[100]["drawn"] == 1


def _with_more_points(page: str, times: int) -> str:
    """The page of a study that has each point so many times."""
    start, data, end = re.split(r'(?<=id="data">)(.*?)(?=</script>)', page, maxsplit=1)
    told = json.loads(data)
    for each in told["columns"]:
        for own in (each, each.get("basis", {})):
            kept = {"cells", "low", "high"} & own.keys()
            own.update({key: times * own[key] for key in kept})
    ids = told["columns"][0]["cells"]
    ids[:] = range(len(ids))
    return f"{start}{to_script(told)}{end}"


def test_names_that_mean_harm_are_shown_as_they_are(driver: WebDriver, tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    file.write_text(render_page(View(harmful(tmp_path / "mine")), []), encoding="utf-8")
    visit(driver, file)
    select(driver, "#show", "all")
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
