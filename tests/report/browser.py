"""A real browser for the tests of the page, where the system has one."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SIZES = {"desktop": (1280, 900), "phone": (390, 844)}
"""Width and height in CSS pixels."""


@contextmanager
def browsing(width: int = 1280, height: int = 900) -> Iterator[WebDriver]:
    """A headless Chromium for the block; the test is skipped where none is installed."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    driver = shutil.which("chromedriver")
    if browser is None or driver is None:
        pytest.skip("chromium and chromedriver are not installed")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(word)
    options.add_argument(f"--window-size={width},{height}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=driver)
    opened = webdriver.Chrome(options=options, service=service)
    try:
        yield opened
    finally:
        opened.quit()


def visit(driver: WebDriver, page: Path) -> None:
    """Opens a page and waits until it says that it can be used."""
    from selenium.webdriver.support.wait import WebDriverWait

    driver.get(page.absolute().as_uri())
    ready = "return document.documentElement.dataset.ready === 'yes'"
    WebDriverWait(driver, 60, poll_frequency=0.02).until(lambda d: d.execute_script(ready))


def complaints(driver: WebDriver) -> list[dict[str, Any]]:
    """What the browser has to say of the page since it was asked last: errors and warnings."""
    return list(driver.get_log("browser"))  # type: ignore[no-untyped-call]
