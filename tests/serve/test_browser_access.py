"""Who may, by a browser that keeps cookies and says where a request comes from."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.report.browser import browsing, complaints, find, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

    from tests.serve.serving import Served


@pytest.fixture(scope="module")
def driver() -> Iterator[WebDriver]:
    with browsing() as opened:
        yield opened


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        return


@contextmanager
def elsewhere(folder: Path, page: str) -> Iterator[int]:
    """Another server of this machine, with one page; its port."""
    (folder / "index.html").write_text(page)
    handler = partial(_Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def text(driver: WebDriver) -> str:
    return find(driver, "body").text


def await_text(driver: WebDriver, words: str) -> None:
    """Waits until the page shows some words: a click returns before the next page is there."""
    wait_until(driver, f"return (document.body?.innerText ?? '').includes({words!r})")


def test_the_address_that_was_printed_opens_the_page(driver: WebDriver, served: Served) -> None:
    driver.delete_all_cookies()
    driver.get(f"http://{served.host}/form")
    assert "Not open without the token" in text(driver)
    complaints(driver)  # the status 403
    driver.get(served.line.replace("/?", "/form?"))
    assert driver.current_url == f"http://{served.host}/form"
    assert driver.execute_script("return document.cookie") == ""
    for _ in range(2):
        find(driver, "button").click()
        await_text(driver, "3")
        assert driver.current_url == f"http://{served.host}/echo"
        driver.get(f"http://{served.host}/form")
    mine = [each for each in complaints(driver) if "favicon" not in each["message"]]
    assert mine == []


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])  # another site; another port of ours
def test_a_page_of_elsewhere_can_not_send_a_form(
    driver: WebDriver, served: Served, tmp_path: Path, host: str
) -> None:
    driver.get(served.line)
    page = f"<form method='post' action='http://{served.host}/echo'><button>go</button></form>"
    with elsewhere(tmp_path, page) as port:
        driver.get(f"http://{host}:{port}/")
        find(driver, "button").click()
        await_text(driver, "comes from a page of somewhere else")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_page_of_elsewhere_can_not_show_ours_and_can_lead_to_it(
    driver: WebDriver, served: Served, tmp_path: Path, host: str
) -> None:
    driver.get(served.line)
    page = f"<iframe src='http://{served.host}/form'></iframe><a href='http://{served.host}/'>x</a>"
    with elsewhere(tmp_path, page) as port:
        driver.get(f"http://{host}:{port}/")
        driver.switch_to.frame(find(driver, "iframe"))
        assert "go" not in text(driver)
        driver.switch_to.default_content()
        find(driver, "a").click()
        if host == "localhost":  # of another site: the browser comes without the cookie
            await_text(driver, "Not open without the token")
            find(driver, "a").click()
        await_text(driver, "hello 0")
