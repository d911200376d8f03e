"""From an empty folder to a submission's tree in a real browser, whatever is killed on the way."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.commandline import isolate
from tests.report.browser import browsing, complaints, find, texts, wait_until, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium.webdriver.chrome.webdriver import WebDriver

SPACE = """\
task: image-classification
models: [a, b]
backends: {"null": {delay_ms: [2, 3, 5]}}
threads: [1]
batch_sizes: [1, 2]
objectives: [latency_p90_ms, throughput_samples_per_s]
"""
PATIENCE_S = 60.0
PLACES = ("", "/run", "/points/0", "/submit", "/submit/system")
"""The pages of a study."""


class Served:
    """`dse serve` as a process of its own.

    Args:
        folder: where it works.
        port: where it listens.
    """

    def __init__(self, folder: Path, port: int) -> None:
        words = [sys.executable, "-m", "dse", "serve", "--no-browser", "--port", str(port)]
        with (folder / "errors.txt").open("ab") as errors:
            self.process = subprocess.Popen(
                words, cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().strip()
        assert self.address, (folder / "errors.txt").read_text()

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(PATIENCE_S)
        assert self.process.stdout is not None
        self.process.stdout.close()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    isolate(tmp_path, monkeypatch)
    work = tmp_path / "work"
    work.mkdir()
    return work


@contextmanager
def serving(folder: Path, port: int = 0) -> Iterator[Served]:
    served = Served(folder, port or free_port())
    try:
        yield served
    finally:
        served.end()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def follow(driver: WebDriver, text: str) -> None:
    driver.find_element("link text", text).click()
    ready(driver)


def press(driver: WebDriver, text: str) -> None:
    buttons = driver.find_elements("css selector", "button")
    next(each for each in buttons if each.text == text and each.is_displayed()).click()
    ready(driver)


def ready(driver: WebDriver) -> None:
    wait_until(driver, "return document.readyState === 'complete'")


def says(driver: WebDriver, words: str) -> None:
    """Waits until the page says something, without being loaded again."""
    wait_until(driver, f"return document.body.textContent.includes({words!r})")


def explore(driver: WebDriver, served: Served, name: str = "small") -> None:
    """Starts an exploration as a user does who has nothing yet."""
    driver.get(served.address)
    follow(driver, "New exploration")
    find(driver, "input[name=source][value=yaml]").click()
    write(driver, "#f-yaml", SPACE)
    write(driver, "#f-name", name)
    write(driver, "#f-settle", "0")
    press(driver, "Show the plan")
    assert "12 configurations" in find(driver, "#plan").text
    assert f"dse explore search_spaces/{name}.yaml" in find(driver, "#plan").text
    press(driver, "Start")
    assert driver.current_url.endswith(f"/studies/{name}/run")


def explorer(folder: Path) -> int:
    """The process that explores."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for place in os.listdir("/proc"):  # noqa: PTH208
            if place.isdigit() and is_explorer(int(place), folder):
                return int(place)
        time.sleep(0.05)
    raise AssertionError("nothing explores")


def is_explorer(pid: int, folder: Path) -> bool:
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:  # noqa: PTH123
            words = file.read().split(b"\0")
        return b"explore" in words and os.readlink(f"/proc/{pid}/cwd") == str(folder)  # noqa: PTH115
    except OSError:
        return False


def ended(pid: int, folder: Path) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while is_explorer(pid, folder) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not is_explorer(pid, folder)


def rows(driver: WebDriver) -> int:
    return len(texts(driver, "table[data-table=frontier] tbody tr"))


def test_a_study_is_made_killed_resumed_picked_and_submitted(folder: Path) -> None:
    port = free_port()
    with browsing() as driver:
        with serving(folder, port) as served:
            explore(driver, served)
            wait_until(
                driver, "return document.querySelectorAll('[data-table=frontier] td').length"
            )
            assert rows(driver) >= 1  # without having loaded the page again
            process = explorer(folder)
            served.kill()
            says(driver, "Connection lost")
            assert is_explorer(process, folder)  # it goes on
        complaints(driver)  # that the server was gone
        with serving(folder, port) as served:
            wait_until(driver, "return document.getElementById('lost').textContent === ''")
            if is_explorer(process, folder):
                os.kill(process, signal.SIGKILL)
            assert ended(process, folder)
            wait_until(driver, "return !document.querySelector('[data-show=idle]').hidden")
            press(driver, "Go on")
            says(driver, "12 of 12")
            wait_until(driver, "return !document.querySelector('[data-show=idle]').hidden")
            see_results(driver)
            submit(driver, folder)
            fit_the_screen(driver)
            others = [each["message"] for each in complaints(driver)]
            assert [each for each in others if "ERR_CONNECTION" not in each] == []
    assert "Traceback" not in (folder / "errors.txt").read_text()


def see_results(driver: WebDriver) -> None:
    """The report with the sliders of `dse pick`, and a point's card."""
    follow(driver, "Report")
    wait_until(driver, "return document.documentElement.dataset.ready === 'yes'")
    assert "dse pick small" in find(driver, "#command").text
    point = find(driver, "#best li").text
    driver.get(driver.current_url.split("#")[0] + "/points/0")
    ready(driver)
    assert "What to deploy" in find(driver, "main").text
    assert point


def submit(driver: WebDriver, folder: Path) -> None:
    """Rehearses a point, and asks what an export lacks."""
    driver.get(driver.current_url.split("/points")[0] + "/submit")
    ready(driver)
    for each in driver.find_elements("css selector", "input[name=point]:checked")[1:]:
        each.click()
    find(driver, "input[name=anyway]").click()
    press(driver, "Rehearse")
    assert "/jobs/" in driver.current_url
    says(driver, "rehearsed, 0 failed")
    driver.back()
    ready(driver)
    follow(driver, "Tree")
    write(driver, "#submitter", "Somebody")
    press(driver, "Show what is missing")
    assert "Rules that results break" in find(driver, "main").text
    assert not (folder / "submissions").exists()


def test_a_page_stops_what_it_started_as_ctrl_c_does(folder: Path) -> None:
    with browsing() as driver, serving(folder) as served:
        explore(driver, served)
        says(driver, "1 of 12")
        process = explorer(folder)
        press(driver, "Stop")
        assert ended(process, folder)
        says(driver, "interrupted")
        assert (folder / "studies" / "small" / "study.db").is_file()
        assert complaints(driver) == []


def fit_the_screen(driver: WebDriver) -> None:
    """No page is wider than a phone, or than a small laptop."""
    base = driver.current_url.split("/studies/")[0]
    for width in (500, 1280):  # a window of Chromium is not narrower than that
        driver.set_window_size(width, 844)
        for place in ("/", "/new", "/jobs", "/compare", *map("/studies/small".__add__, PLACES)):
            driver.get(base + place)
            ready(driver)
            wider = "return document.documentElement.scrollWidth - innerWidth"
            assert driver.execute_script(wider) <= 0, (place, width)
