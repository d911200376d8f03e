"""How long a browser takes until the page of a report can be used, and how long to use it.

    python -m benchmarks.report_page [--study FOLDER] [--points N ...]

Needs chromium and chromedriver. A study of N points is made as `benchmarks.recorded` says.
Each page is opened several times, and the medians are told.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.recorded import fill, large_space, shuffled
from dse.core.measurement import Source
from dse.report.html.page import render_page
from dse.report.view import View
from dse.study.folder import StudyFolder, existing_folder
from dse.study.study import Study
from tests.report.browser import browsing, complaints, visit
from tests.study.studies import about, planned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from selenium.webdriver.chrome.webdriver import WebDriver

TIMES = 7
READY = "return performance.getEntriesByName('report-ready')[0].startTime"
ENTER = "{0}.value = {1!r}; {0}.dispatchEvent(new Event('input'))"
USES = {
    "sort": "table.sortBy(byName.get('throughput_samples_per_s'))",
    "key in a condition": ENTER.format("byId('filter')", "threads > 3 and precision == 'int8'"),
    "key in words": ENTER.format("byId('filter')", "int8 onnxruntime"),
    "step of a slider": ENTER.format("answer.limits[1].slider", 60),
    "other axis": "byId('x').value = 'throughput_samples_per_s'; update()",
    "zoom": "points.zoomBy(0.5)",
    "point under the pointer": "points.hover([400, 200])",
}
"""What a reader does, as a script."""
AFRESH = """
byId('filter').value = '';
byId('x').value = report.axes[0];
for (const limit of answer.limits) limit.set(null);
update();
points.draw();
document.body.getBoundingClientRect();
"""
"""Brings the page back to where it began."""
TIMED = """
const start = performance.now();
{work};
if (points.waiting) points.draw();
document.body.getBoundingClientRect();
return performance.now() - start;
"""
"""Tells the milliseconds of a use with the drawing and the layout that follow."""


def recorded_study(folder: Path, points: int) -> Study:
    """A study of this number of measured configurations."""
    space = large_space()
    plan, own = planned(space), StudyFolder(folder / "recorded")
    Study.create(own, space, plan, about(space, planned=len(plan.configurations)), None)
    fill(own, plan, shuffled(plan)[:points], Source.MEASURED)
    return Study.load(own)


def timed(driver: WebDriver, file: Path) -> dict[str, float]:
    """Median milliseconds until the page is ready, and of each use."""
    ready: list[float] = []
    uses: dict[str, list[float]] = {name: [] for name in USES}
    for _ in range(TIMES):
        visit(driver, file)
        ready.append(driver.execute_script(READY))
        for name, work in USES.items():
            driver.execute_script(AFRESH)
            uses[name].append(driver.execute_script(TIMED.format(work=work)))
    if found := complaints(driver):
        raise AssertionError(found)
    return {"ready": median(ready), **{name: median(times) for name, times in uses.items()}}


def one(name: str, study: Study, folder: Path, driver: WebDriver) -> str:
    """A row of the table: points, size, time to write, times in the browser."""
    file = folder / "report.html"
    started = time.perf_counter()
    file.write_text(render_page(View(study), []), encoding="utf-8")
    seconds = time.perf_counter() - started
    found = timed(driver, file)
    size = f"{file.stat().st_size / 1e6:.2f} MB"
    shown = [f"{value:.0f} ms" for value in found.values()]
    return " | ".join(["", name, f"{len(study.records):,}", size, f"{seconds:.1f} s", *shown, ""])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--study", action="append", default=[], help="a name or folder")
    parser.add_argument("--points", type=int, nargs="*", default=[10_000])
    options = parser.parse_args(arguments)
    heads = ["study", "points", "page", "written in", "ready", *USES]
    sys.stdout.write(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}\n")
    with tempfile.TemporaryDirectory() as name, browsing() as driver:
        folder = Path(name)
        for each in options.study:
            study = Study.load(existing_folder(each))
            sys.stdout.write(one(study.folder.name, study, folder, driver).strip() + "\n")
        for points in options.points:
            own = folder / str(points)
            own.mkdir()
            study = recorded_study(own, points)
            sys.stdout.write(one("recorded", study, folder, driver).strip() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
