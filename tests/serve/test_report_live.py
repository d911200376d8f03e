"""The page of a study in a browser: it tells what is new, and shows it where the reader was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dse.study.folder import StudyFolder
from dse.study.study import Study
from tests.commandline import tmp_path
from tests.report.browser import (
    SIZES,
    browsing,
    complaints,
    find,
    select,
    texts,
    wait_until,
    write,
)
from tests.serve.looking_site import Told, make_looking_app, make_site, serving
from tests.study.studies import create, fill, small_space

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

__all__ = ["tmp_path"]
SPACE = small_space()
READY = "return document.documentElement.dataset.ready === 'yes'"


@pytest.fixture(scope="module")
def driver() -> Iterator[WebDriver]:
    """A browser with the window of a desktop."""
    with browsing(*SIZES["desktop"]) as opened:
        yield opened


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fill(create(StudyFolder(tmp_path / "studies" / "mine"), SPACE), SPACE, most=12)
    return tmp_path / "studies"


@pytest.fixture
def address(root: Path, told: Told) -> Iterator[str]:
    """Where the pages are."""
    with serving(make_looking_app(make_site(root), told)) as found:
        yield found
        told.open = False


@pytest.fixture
def opened(driver: WebDriver, address: str, told: Told) -> Iterator[WebDriver]:
    """The page of the study, of which there is nothing to complain before and after."""
    told.tell({"mine": {"trials": 20, "job": ""}})
    driver.get(f"{address}/studies/mine")
    wait_until(driver, READY)
    assert complaints(driver) == []
    yield driver
    assert complaints(driver) == []
    driver.get("about:blank")


def measure_more(root: Path, told: Told, job: str = "") -> None:
    """Another process measures a configuration more."""
    study = Study.resume(StudyFolder(root / "mine"))
    fill(study, SPACE, most=1)
    told.tell({"mine": {"trials": len(study.records) + 1000, "job": job}})


def wait_for_news(driver: WebDriver) -> None:
    wait_until(driver, "return !document.getElementById('news-show').hidden")


def reloaded(driver: WebDriver, work: Any) -> None:
    """Does what loads the page again, and waits until it is there."""
    driver.execute_script("window.before = true")
    work()
    wait_until(driver, f"if (window.before) return false; {READY}")


def test_nothing_is_new_at_first(opened: WebDriver) -> None:
    wait_until(opened, "return news.trials === 20")
    assert not find(opened, "#news-show").is_displayed()
    assert find(opened, "#news-text").text == ""
    assert not find(opened, "#news-job").is_displayed()


def test_more_is_offered_and_shown_where_the_reader_was(
    opened: WebDriver, root: Path, told: Told
) -> None:
    count = len(Study.load(StudyFolder(root / "mine")).records)
    select(opened, "#x", "throughput_samples_per_s")
    select(opened, "#colour", "threads")
    find(opened, "#legend button").click()
    find(opened, "#zoom-in").click()
    write(opened, "#filter", "threads <= 2")
    head = next(
        each
        for each in opened.find_elements("css selector", "#table thead button")
        if each.text.startswith("p90")
    )
    head.click()
    find(opened, "#table tbody tr th button").click()
    opened.execute_script("document.querySelector('#rows details').open = true")
    opened.execute_script("document.getElementById('rows').scrollIntoView()")
    state = """
        const place = readPlace();
        place.top = Math.round(place.top);
        return JSON.stringify([place, location.hash, chosen === null ? null : nameOf(chosen)]);
    """
    measure_more(root, told, job="20261129-190212-4f3a")
    wait_for_news(opened)
    assert find(opened, "#news-text").text == "1 more configuration since this page was made"
    link = str(find(opened, "#news-job").get_attribute("href"))
    assert link.endswith("/jobs/20261129-190212-4f3a")
    opened.execute_script("document.getElementById('page-next').focus({preventScroll: true})")
    opened.execute_script("address.write()")
    before = opened.execute_script(state)
    reloaded(opened, lambda: opened.execute_script("news.show()"))
    assert opened.execute_script(state) == before
    assert opened.execute_script("return allRows.length") == count + 1
    assert find(opened, "#news-text").text == ""


def test_what_is_new_is_shown_at_once_where_that_is_wanted(
    opened: WebDriver, root: Path, told: Told
) -> None:
    opened.execute_script("news.made = -1e6")  # as if it were there for long
    find(opened, "#news-at-once").click()
    reloaded(opened, lambda: measure_more(root, told))
    assert find(opened, "#news-at-once").is_selected()
    opened.execute_script("news.made = -1e6")
    find(opened, "#filter").click()
    opened.execute_script("window.before = true")
    measure_more(root, told)
    wait_for_news(opened)
    assert opened.execute_script("return window.before")  # somebody may write just now
    find(opened, "#news-at-once").click()


def test_metrics_of_the_reader_are_asked_for_by_keys(opened: WebDriver) -> None:
    find(opened, "details summary").click()
    write(opened, "#ask-metric", "cost [x] = latency_p90_ms * threads")
    find(opened, "details form button").click()
    wait_until(opened, f"{READY} && byName.has('cost')")
    assert "metric=cost" in opened.current_url
    write(opened, "#ask-where", "nothing > 1")
    find(opened, "details form button").click()
    wait_until(opened, "return document.title.includes('wrong')")
    assert "nothing is called 'nothing'" in find(opened, "#ask-where-problem").text
    # The browser notes the status 422 of that page.
    assert all("422" in each["message"] for each in complaints(opened))


def test_a_chosen_point_leads_to_its_page(opened: WebDriver) -> None:
    find(opened, "#table tbody tr th button").click()
    id_ = find(opened, "#details-title").text.split()[0][1:]
    find(opened, "#details a").click()
    wait_until(opened, "return location.pathname.includes('/points/')")
    assert opened.current_url.endswith(f"/studies/mine/points/{id_}")
    button = next(
        each
        for each in opened.find_elements("css selector", "button[data-copy]")
        if each.get_attribute("data-copy") == "command"
    )
    button.click()
    wait_until(opened, "return /copied|selected/.test(document.body.textContent)")


def test_the_list_says_when_it_is_old(opened: WebDriver, address: str, told: Told) -> None:
    opened.get(f"{address}/")
    assert not find(opened, "#studies-news").is_displayed()
    assert "mine" in texts(opened, "tbody th")
    told.tell({"mine": {"trials": 20, "job": ""}})
    told.tell({"mine": {"trials": 21, "job": ""}})
    wait_until(opened, "return !document.getElementById('studies-news').hidden")
