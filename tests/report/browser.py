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
    from selenium.webdriver.remote.webelement import WebElement

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


def visit(driver: WebDriver, page: Path, address: str = "") -> None:
    """Opens a page, with the end of an address, and waits until it says that it can be used."""
    driver.get("about:blank")  # else an address that differs in its end alone would load nothing
    driver.get(page.absolute().as_uri() + address)
    wait_until(driver, "return document.documentElement.dataset.ready === 'yes'")


def complaints(driver: WebDriver) -> list[dict[str, Any]]:
    """What the browser has to say of the page since it was asked last: errors and warnings."""
    return list(driver.get_log("browser"))  # type: ignore[no-untyped-call]


def find(driver: WebDriver, selector: str) -> WebElement:
    """The first element that fits a CSS selector."""
    return driver.find_element("css selector", selector)


def texts(driver: WebDriver, selector: str) -> list[str]:
    """What every element shows that fits a CSS selector."""
    return [each.text for each in driver.find_elements("css selector", selector)]


def column(driver: WebDriver, title: str) -> list[str]:
    """What stands in a column of the table, intervals and notes left out."""
    heads = [text.split("\n")[0] for text in texts(driver, "#table thead th")]
    place = heads.index(title) + 1
    return [text.split(" ")[0] for text in texts(driver, f"#table tbody tr > :nth-child({place})")]


def select(driver: WebDriver, selector: str, value: str) -> None:
    """Chooses the entry of a list."""
    from selenium.webdriver.support.select import Select

    Select(find(driver, selector)).select_by_value(value)


def write(driver: WebDriver, selector: str, text: str) -> None:
    """Writes a text in the place of the one in a field, as its keys would."""
    field = find(driver, selector)
    field.clear()
    field.send_keys(text)


def press(driver: WebDriver, *keys: str) -> None:
    """Presses keys, wherever the focus is."""
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(driver).send_keys(*keys).perform()


def keys() -> Any:
    """The keys that have no character."""
    from selenium.webdriver.common.keys import Keys

    return Keys


def focused(driver: WebDriver) -> str:
    """What the element shows that has the focus."""
    return str(driver.switch_to.active_element.text)


def wait_until(driver: WebDriver, script: str) -> None:
    """Waits until a script gives something true."""
    from selenium.webdriver.support.wait import WebDriverWait

    WebDriverWait(driver, 60, poll_frequency=0.02).until(lambda d: d.execute_script(script))
