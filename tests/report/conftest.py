"""The command line in a folder of its own; the page of a study in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.derived.derivation import Derivation
from dse.report.html.page import render_page
from dse.report.view import View
from tests.commandline import command, here, tmp_path
from tests.report.browser import SIZES, browsing, complaints, visit
from tests.report.samples import ordinary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

    from dse.study.study import Study

__all__ = ["command", "here", "tmp_path"]
# Its name is wider than a phone.
LONG_NAME = "latency_of_all_the_threads_that_are_busy_together"


@pytest.fixture(scope="session")
def driver() -> Iterator[WebDriver]:
    """A browser with the window of a desktop."""
    with browsing(*SIZES["desktop"]) as opened:
        yield opened


@pytest.fixture(scope="session")
def shown_study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The study of the page."""
    return ordinary(tmp_path_factory.mktemp("study") / "mine")


@pytest.fixture(scope="session")
def shown_view(shown_study: Study) -> View:
    """The same with a metric of the user."""
    wanted = Derivation.parse([f"{LONG_NAME} [ms] = latency_p90_ms * threads"])
    return View(shown_study, wanted)


@pytest.fixture(scope="session")
def file(shown_view: View, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its page."""
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(render_page(shown_view, ["study.csv"]), encoding="utf-8")
    return file


@pytest.fixture
def opened(driver: WebDriver, file: Path) -> Iterator[WebDriver]:
    """The page of an ordinary study, of which there is nothing to complain before and after."""
    driver.set_window_size(*SIZES["desktop"])
    visit(driver, file)
    assert complaints(driver) == []
    yield driver
    assert complaints(driver) == []
