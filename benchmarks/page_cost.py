"""What a page of `dse serve` that somebody looks at costs a measurement on the same machine.

    python -m benchmarks.page_cost [--json] [--rounds N] [--points N] [--threads N]
                                   [--page {run,report} ...] [BACKEND ...]

A real server shows a study of N configurations to a real browser, both on this machine. In each
round one configuration is measured by three brief runs, each in a process of its own, in random
order: one with the page **shown**, and two with the page **hidden** behind another tab. Before each
run a trial is stored, and the run has a folder in the study, as while `dse explore` runs; so the
page that is shown asks for the new state as the run begins. The ratio of shown to hidden is what
the page costs, as `benchmarks.contrasts` says.

- ``run`` is the page that follows an exploration.
- ``report`` is the page of the study with "at once" checked: it loads itself again at a random
  instant of each run, which is more than it does in truth.

Before that, the CPU time of the server and of the browser is counted: of each of some trials that
are stored while the page is shown, and of a minute in which nothing happens.

And it is timed how long it takes from the click on *Start* to the first point in the page,
and from the same command in a shell to the first point in its output. Needs chromium and
chromedriver, and a machine that does nothing else.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contrasts import Ratio, Subject, contrasts, parser, usable
from benchmarks.recorded import fill, shuffled
from benchmarks.report_page import recorded_study
from dse.core.measurement import Source
from tests.report.browser import browsing, find, wait_until
from tests.study.studies import planned

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from selenium.webdriver.chrome.webdriver import WebDriver

    from dse.study.study import Study

SHOWN, HIDDEN, AGAIN = "shown", "hidden", "hidden again"
RATIOS = {"shown / hidden": (SHOWN, HIDDEN), "hidden / hidden": (AGAIN, HIDDEN)}
STUDY = "recorded"
PAGES = {"run": f"/studies/{STUDY}/run", "report": f"/studies/{STUDY}"}
SETTLING_S = 0.5
LONGEST_RUN_S = 2.5
"""About what a brief run takes with its process; the report is loaded again within it."""
TRIALS, EVERY_S = 12, 5.0
"""Trials whose CPU time is counted, and the time from one to the next."""
IDLE_S = 60.0
TICKS = os.sysconf("SC_CLK_TCK")
SPACE = "quickstart"
FIRST_POINT = """
const told = arguments[arguments.length - 1];
const rows = () => document.querySelectorAll("[data-table=frontier] tbody tr").length;
const look = () => rows() && told(rows());
new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
look();
"""
"""Tells when there is a point; asking for it again and again would disturb its measurement."""
PATIENCE_S = 120.0


class Server:
    """`dse serve` in a folder.

    Args:
        folder: where it works.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        command = [sys.executable, "-m", "dse", "serve", "--no-browser", "--port", "0"]
        with (folder / "errors.txt").open("wb") as errors:
            self._process = subprocess.Popen(
                command, cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True
            )
        assert self._process.stdout is not None
        self.address = self._process.stdout.readline().strip()
        if not self.address:
            sys.exit((folder / "errors.txt").read_text())

    def place(self, path: str) -> str:
        """The address of a page, once the browser has the cookie."""
        return self.address.partition("/?")[0] + path

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def end(self) -> None:
        self._process.send_signal(signal.SIGINT)
        self._process.wait(PATIENCE_S)
        assert self._process.stdout is not None
        self._process.stdout.close()


@contextmanager
def shown(folder: Path) -> Iterator[tuple[Server, WebDriver]]:
    """A server, and a browser that may see its pages."""
    server = Server(folder)
    try:
        with browsing() as driver:
            driver.get(server.address)
            yield server, driver
    finally:
        server.end()


class Page:
    """A page in one of two tabs.

    Args:
        driver: whose window it is.
        address: of the page.
        study: what it shows.
        at_once: whether it loads itself again.
    """

    def __init__(self, driver: WebDriver, address: str, study: Study, *, at_once: bool) -> None:
        self._driver, self._folder, self._at_once = driver, study.folder, at_once
        self._plan, self._order = planned(study.space), random.Random(0)  # noqa: S311
        known = {*study.records}
        self._left = [each for each in shuffled(self._plan) if each.key not in known]
        driver.get(address)
        wait_until(driver, "return document.documentElement.dataset.ready === 'yes'")
        if at_once:
            find(driver, "#news-at-once").click()
        self._tab = driver.current_window_handle
        driver.switch_to.new_window("tab")
        self._other = driver.current_window_handle

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Somebody looks at it."""
        if not self._at_once:
            self._driver.switch_to.window(self._tab)
            assert self._driver.execute_script("return document.visibilityState") == "visible"
            time.sleep(SETTLING_S)
            self._store()
            yield
        else:
            time.sleep(SETTLING_S)
            self._store()
            wait_s = self._order.uniform(0, LONGEST_RUN_S)
            timer = threading.Timer(wait_s, self._driver.switch_to.window, [self._tab])
            timer.start()
            yield
            timer.join()
        self._driver.switch_to.window(self._other)

    @contextmanager
    def hidden(self) -> Iterator[None]:
        """Nobody does."""
        time.sleep(SETTLING_S)
        self._store()
        yield

    @contextmanager
    def looked_at(self) -> Iterator[None]:
        """Somebody looks at it, for the block."""
        self._driver.switch_to.window(self._tab)
        time.sleep(EVERY_S)
        yield
        self._driver.switch_to.window(self._other)

    def end_trial(self) -> None:
        """A trial is stored, and the next one begins."""
        self._store()
        (self._folder.runs / f"counted-{len(self._left)}").mkdir()

    def _store(self) -> None:
        fill(self._folder, self._plan, [self._left.pop()], Source.MEASURED)


@dataclass(frozen=True, slots=True)
class Used:
    """CPU time in milliseconds.

    Attributes:
        page: that was shown.
        server: for each trial.
        browser: for each trial.
        idle: of both in each second in which nothing happens.
    """

    page: str
    server: float
    browser: float
    idle: float

    @classmethod
    def of(cls, name: str, page: Page, server: int, browser: int) -> Used:
        """Counts, with the ids of two processes; those that they have started belong to them."""
        with page.looked_at():
            before = _cpu_ms(server), _cpu_ms(browser)
            time.sleep(IDLE_S)
            between = _cpu_ms(server), _cpu_ms(browser)
            for _ in range(TRIALS):
                page.end_trial()
                time.sleep(EVERY_S)
            after = _cpu_ms(server), _cpu_ms(browser)
        idle = (sum(between) - sum(before)) / IDLE_S
        of_server, of_browser = ((b - a) / TRIALS for a, b in zip(between, after, strict=True))
        return cls(name, of_server, of_browser, idle)

    def __str__(self) -> str:
        return (
            f"CPU time of the {self.page} page: {self.server:.0f} ms of the server and "
            f"{self.browser:.0f} ms of the browser for each trial; {self.idle:.1f} ms a second idle"
        )


def _cpu_ms(pid: int) -> float:
    """CPU time of a process and of those that it has started."""
    stats: dict[int, list[str]] = {}
    for place in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            stats[int(place.parent.name)] = place.read_text().rpartition(")")[2].split()
    total, waiting = 0, [pid]
    while waiting:
        own = waiting.pop()
        total += sum(map(int, stats[own][11:13]))
        waiting += [each for each, fields in stats.items() if int(fields[1]) == own]
    return 1e3 * total / TICKS


def costs(folder: Path, options: argparse.Namespace) -> tuple[list[Ratio], list[Used]]:
    """The ratios and the CPU time of each page and backend."""
    found: list[Ratio] = []
    used: list[Used] = []
    for backend, python in usable(options.backends):
        for name in options.page:
            place = folder / f"{backend}-{name}"
            studies = place / "studies"
            studies.mkdir(parents=True)
            study = recorded_study(studies, options.points)
            runs = study.folder.runs
            runs.mkdir(exist_ok=True)
            with shown(place) as (server, driver):
                page = Page(driver, server.place(PAGES[name]), study, at_once=name == "report")
                browser = driver.service.process.pid
                used.append(Used.of(name, page, server.pid, browser))
                subject = Subject(backend, python, options.threads, runs)
                ways = {SHOWN: page.shown, HIDDEN: page.hidden, AGAIN: page.hidden}
                ratios = {f"{name} {words}": both for words, both in RATIOS.items()}
                found += contrasts(subject, ways, ratios, options.rounds)
            if not options.json:
                lines = [used[-1], *found[-2 * len(RATIOS) :]]
                sys.stdout.writelines(f"{each}\n" for each in lines)
                sys.stdout.flush()
    return found, used


def first_points(folder: Path) -> dict[str, float]:
    """Seconds to the first measured point, from a click and from a command."""
    page, shell = folder / "page", folder / "shell"
    page.mkdir()
    shell.mkdir()
    words = [sys.executable, "-m", "dse", "explore", SPACE, "--study", STUDY]
    times: dict[str, float] = {}
    for attempt in ("first", "second"):  # the first one makes the models
        times[f"command, {attempt}"] = _in_a_shell([*words[:-1], f"{STUDY}-{attempt}"], shell)
    with shown(page) as (server, driver):
        driver.get(server.place("/new"))
        field = find(driver, "#f-name")
        field.clear()
        field.send_keys(STUDY)
        next(b for b in driver.find_elements("css selector", "button") if "plan" in b.text).click()
        wait_until(driver, "return document.querySelector('#plan button') !== null")
        began = time.monotonic()
        find(driver, "#plan button").click()
        driver.set_script_timeout(PATIENCE_S)
        driver.execute_async_script(FIRST_POINT)
        times["click"] = time.monotonic() - began
        buttons = driver.find_elements("css selector", "button")
        next(each for each in buttons if each.text == "Stop").click()
        wait_until(driver, "return !document.querySelector('[data-show=idle]').hidden")
    return times


def _in_a_shell(words: list[str], folder: Path) -> float:
    with subprocess.Popen(
        words, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        began = time.monotonic()
        next(line for line in process.stderr if line.startswith("1/"))
        taken = time.monotonic() - began
        process.send_signal(signal.SIGINT)
        process.stderr.read()
    return taken


def main() -> int:
    """Prints the ratios, and the times to the first point."""
    words = parser(__doc__, rounds=60)
    words.add_argument("--points", type=int, default=500, help="of the study; default 500")
    words.add_argument("--page", nargs="+", choices=[*PAGES], default=[*PAGES])
    options = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="dse-page-cost-") as name:
        times = first_points(Path(name))
        if not options.json:
            sys.stdout.writelines(f"to the first point: {n} {t:.1f} s\n" for n, t in times.items())
        ratios, used = costs(Path(name), options)
    if options.json:
        told = {
            "first_point_s": times,
            "cpu": [asdict(each) for each in used],
            "ratios": [asdict(each) for each in ratios],
        }
        sys.stdout.write(json.dumps(told, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
