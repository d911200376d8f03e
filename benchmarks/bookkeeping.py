"""What a study's own work costs as it grows: opening it, a step of an exploration, memory.

    python -m benchmarks.bookkeeping [--sizes N ...] [--write]

Each size has a process and a study of its own, filled as `benchmarks.recorded` says. A step
is one of the real exploring loop with a live display, but for the measuring: its outcomes come
from memory. `--write` puts the table and the curves into docs/bookkeeping.md and .png.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any, cast

from rich.console import Console

from benchmarks.recorded import fill, large_space, recorded, shuffled
from dse.commands.explore_display import Display
from dse.commands.interrupts import interrupts
from dse.core.measurement import Source
from dse.exploration._pool import Pool
from dse.exploration._samplers import SAMPLERS, make_sampler
from dse.exploration.explorer import Budget, Search, explore
from dse.machine.detect import detect
from dse.study.folder import StudyFolder
from dse.study.observations import Observation
from dse.study.record import Record
from dse.study.study import Study
from tests.study.studies import about, planned

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dse.core.configuration import Configuration
    from dse.core.measurement import Outcome
    from dse.exploration.measurer import Keep, Measurer
    from dse.exploration.planner import Step
    from dse.space.plan import Plan
    from dse.study.settling import Settling

PAGE = Path(__file__).parents[1] / "docs" / "bookkeeping.md"
SIZES = (1000, 2500, 5000, 10_000, 20_000)
STEPS, ASKED, AGAIN = 60, 60, 7
MIB = 2**20
HEAD = """# What the bookkeeping costs

The program's own work in one step of an exploration takes {first[step_ms]:.0f} ms in a study of
{first[trials]:,} trials, and {last[step_ms]:.0f} ms in one of {last[trials]:,}. Opening the study
takes {first[open_s]:.1f} s and {last[open_s]:.1f} s.

`python -m benchmarks.bookkeeping --write` writes this page (`make bench` only prints the figures).
The studies have a space of 24,000 configurations, on {machine}. The outcomes are made up and
nothing is measured, so all of the time and memory is the program's own:

{table}

![growth](bookkeeping.png)

- **open**: `dse explore` on such a study, until it asks for the first configuration;
  **read**: `dse status` and similar commands. Nearly all of it is Optuna reading its tables once.
- **ask**: the next configuration from each sampler, median; `tpe` and `nsga2` see a bounded part
  of the history (`dse/exploration/_optuna_samplers.py`).
- **step**: a whole step without the measuring, median and 95th percentile: looking for results of
  other processes, asking, storing the claim, three measurements (with their journal) and the
  outcome, the frontier, and the display, drawn twice. Most of it is the disk: each of these writes
  is a transaction that is on the disk when it returns.
- **frontier**: the frontier after one more outcome; **anew**: the frontier after a repetition,
  which changes every interval.
- **memory**: resident memory with the study open; **added** by {steps} steps; **peak**: while
  Optuna reads all objects of the study.

A study whose space changes continues in a further space revision, which begins with a copy of all
outcomes that the space contains. Optuna can't add several trials in one transaction, so a copy
takes as long as writing its trials one by one: **{copy} ms** each here.
"""


class Recalled:
    """Stands where the measuring would be; answers at once."""

    def __init__(self, study: Study) -> None:
        self._measured = study.results.measured

    def measure(self, configuration: Configuration, run: str, keep: Keep) -> Outcome:
        outcome = recorded(configuration, Source.MEASURED)
        for measurement in outcome.measurements:
            if self._measured.latest(measurement.key) is None:
                keep(replace(measurement, run=f"{run}-1"))
        return outcome

    def overlaps(self, one: Configuration, other: Configuration) -> bool:
        return one == other


class Clock:
    """Observes an exploration through its display, and when its steps ended."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self.ends = [time.perf_counter()]

    def began(self, step: Step) -> None:
        self._display.began(step)

    def waits(self, why: str) -> None:
        self._display.waits(why)

    def estimated(self, found: float) -> None:
        self._display.estimated(found)

    def ended(self, step: Step, record: Record, seconds: float) -> None:
        self._display.ended(step, record, seconds)
        self.ends.append(time.perf_counter())

    def settling(self, state: Settling) -> None:
        self._display.settling(state)


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def resident() -> float:
    """The memory that this process has now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


def one(size: int, path: Path) -> dict[str, Any]:
    """The figures of a study with this number of trials, which is made in a folder."""
    space = large_space()
    plan, folder = planned(space), StudyFolder(path / "study")
    own = about(space, planned=len(plan.configurations))
    Study.create(folder, space, plan, own, None)
    fill(folder, plan, shuffled(plan)[:size], Source.MEASURED)
    opened: list[Study] = []
    found: dict[str, Any] = {
        "trials": size,
        "open_s": seconds(lambda: opened.append(Study.create(folder, space, plan, own, None))),
    }
    (study,) = opened
    study.frontier()
    found |= {"resident_mib": resident(), "peak_mib": _peak()}
    for name in SAMPLERS:
        found[f"ask_{name}_ms"] = 1e3 * asked(study, plan, name)
    before = resident()
    steps = explored(study, plan)
    growth = resident() - before
    grown, anew = frontiers(study)
    return {
        **found,
        "step_ms": 1e3 * median(steps),
        "step_p95_ms": 1e3 * quantiles(steps, n=20)[-1],
        "growth_mib": growth,
        "frontier_ms": 1e3 * grown,
        "anew_ms": 1e3 * anew,
        "read_s": seconds(lambda: Study.load(folder)),
    }


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MIB


def asked(study: Study, plan: Plan, sampler: str) -> float:
    """The median time of a proposal, as outcomes go on coming."""
    pool = Pool(plan, study.records)
    chooser = make_sampler(sampler, pool, study.space, 0)
    for record in sorted(study.records.values(), key=lambda r: r.id):
        chooser.learn(record)
    times = []
    for number in range(ASKED):
        started = time.perf_counter()
        configuration = chooser.propose()
        times.append(time.perf_counter() - started)
        pool.take(configuration)
        outcome = recorded(configuration, Source.MEASURED)
        chooser.learn(Record(study.trials_begun + number, configuration, outcome))
    return median(times)


def explored(study: Study, plan: Plan) -> list[float]:
    """The seconds of each step of an exploration."""
    budget = Budget(trials=STEPS)
    console = Console(file=io.StringIO(), force_terminal=True, width=160, height=50)
    search = Search("tpe", 0, settle_s=0)
    with Display(console, study, budget) as display, interrupts(display.say) as wanted:
        clock = Clock(display)
        measurer = cast("Measurer", Recalled(study))
        explore(study, plan, measurer, search, budget, wanted, clock)
    # The first step begins with what an exploration begins with.
    return [b - a for a, b in zip(clock.ends[1:], clock.ends[2:], strict=False)]


def frontiers(study: Study) -> tuple[float, float]:
    """The median times of the frontier: after an outcome of a new one, and of a known one."""
    results, anchor = study.results, study.results.anchor
    assert anchor is not None
    left = [c for c in planned(study.space).configurations if c.key not in results.records]
    times: tuple[list[float], list[float]] = ([], [])
    for number, configuration in enumerate([*left[:AGAIN], *[anchor.configuration] * AGAIN]):
        place, known = study.trials_begun + number, configuration.key in results.records
        outcome = recorded(configuration, Source.MEASURED)
        started = time.perf_counter()
        for measurement in outcome.measurements[1:] if known else ():
            again = replace(measurement, value=measurement.value * (1 + 0.01 * (number % 3)))
            results.measured.add(Observation(again, (1, place), "here"))
        results.note(place, configuration, outcome)
        study.frontier()
        times[known].append(time.perf_counter() - started)
    return median(times[False]), median(times[True])


def copied(path: Path, trials: int = 100) -> float:
    """The seconds that a further revision takes for each trial of the one before."""
    space, wider = large_space(), large_space(31)
    folder = StudyFolder(path / "study")
    Study.create(folder, space, planned(space), about(space), None)
    fill(folder, planned(space), shuffled(planned(space))[:trials])
    opening = seconds(lambda: Study.create(folder, space, planned(space), about(space), None))
    plan, own = planned(wider), about(wider)
    return (seconds(lambda: Study.create(folder, wider, plan, own, None)) - opening) / trials


def in_a_process(size: int) -> Any:
    """The figures of a size; 0 for those of copying."""
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            "-m",
            "benchmarks.bookkeeping",
            "--alone",
            str(size),
            folder,
        ]
        # Another folder for temporary files: no other process is waited for to end its run.
        environment = {**os.environ, "TMPDIR": folder}
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, text=True, env=environment
        )
    return json.loads(done.stdout)


COLUMNS = {
    "trials": ("trials", "{:,.0f}"),
    "open_s": ("open [s]", "{:.1f}"),
    "read_s": ("read [s]", "{:.1f}"),
    **{f"ask_{name}_ms": (f"ask {name} [ms]", "{:.1f}") for name in SAMPLERS},
    "step_ms": ("step [ms]", "{:.0f}"),
    "step_p95_ms": ("step, p95 [ms]", "{:.0f}"),
    "frontier_ms": ("frontier [ms]", "{:.2f}"),
    "anew_ms": ("anew [ms]", "{:.0f}"),
    "resident_mib": ("memory [MiB]", "{:.0f}"),
    "growth_mib": ("added [MiB]", "{:.1f}"),
    "peak_mib": ("peak [MiB]", "{:.0f}"),
}


def table(found: Sequence[dict[str, Any]]) -> str:
    """A row for each figure, a column for each size, in Markdown."""
    rows = [
        [title, *(form.format(each[name]) for each in found)]
        for name, (title, form) in COLUMNS.items()
    ]
    rows.insert(1, ["---", *(["---:"] * len(found))])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def draw(found: Sequence[dict[str, Any]], file: Path) -> None:
    """How the figures grow with the number of trials."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3), layout="constrained")
    panels = {
        "seconds": ("open_s", "read_s"),
        "milliseconds": ("step_ms", "anew_ms", *(f"ask_{name}_ms" for name in SAMPLERS)),
        "MiB": ("resident_mib", "peak_mib"),
    }
    for axes, (unit, names) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        for name in names:
            label = COLUMNS[name][0].partition(" [")[0]
            axes.plot([f["trials"] for f in found], [f[name] for f in found], "o-", label=label)
        axes.set(xlabel="trials", ylabel=unit, ylim=(0, None))
        axes.legend(fontsize="small")
    figure.savefig(file, dpi=110)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--write", action="store_true", help="into docs/")
    parser.add_argument("--alone", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        size, folder = int(options.alone[0]), Path(options.alone[1])
        sys.stdout.write(json.dumps(one(size, folder) if size else copied(folder)))
        return 0
    found = [in_a_process(size) for size in options.sizes]
    copy = f"{1e3 * in_a_process(0):.0f}"
    sys.stdout.write(f"{table(found)}\n\ncopying a trial: {copy} ms\n")
    if options.write:
        system = detect()
        machine = f"{system.cpu} with {system.available_cpus} CPUs"
        text = HEAD.format(
            machine=machine,
            table=table(found),
            steps=STEPS,
            copy=copy,
            first=found[0],
            last=found[-1],
        )
        PAGE.write_text(text, encoding="utf-8")
        draw(found, PAGE.with_suffix(".png"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
