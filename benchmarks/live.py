"""How much of a frontier a search has found, and how soon, where everything was measured as well.

    python -m benchmarks.live EXHAUSTIVE SEARCH ... [--json]

Both are studies of one space on one machine. The share of the hypervolume is that of what SEARCH
has measured by then, by the values that EXHAUSTIVE knows of it (so that luck of one of the two runs
counts for none), over that of everything: latency and throughput in logarithms, each objective
scaled to 0 to 1 over the exhaustive study, reference point 1.1. Times are of the clock, from the
first trial's start to the last one's end: of exploring, without what was repeated in its end.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.laboratory.contest import Scale
from benchmarks.laboratory.studies import as_recorded, of_study
from dse.core.errors import DseError, RequestError
from dse.study.folder import existing_folder
from dse.study.record import Purpose, configuration_of, outcome_of, purpose_of
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Sequence

    from optuna.trial import FrozenTrial

    from benchmarks.laboratory.tables import Table

SHARES = (0.9, 0.95, 0.99, 0.995, 0.999)


@dataclass(frozen=True, slots=True)
class Reached:
    """When a search first had a share of the hypervolume.

    Attributes:
        share: of the exhaustive study's.
        configurations: measured by then.
        seconds: since its start.
        ratio: of these to the exhaustive study's.
    """

    share: float
    configurations: int
    seconds: float
    ratio: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A search beside an exhaustive study.

    Attributes:
        study: the search.
        configurations: measured in its end.
        share: found by then.
        seconds: of exploring.
        ratio: of these to the exhaustive study's.
        seconds_in_all: with what was repeated.
        exhaustive_configurations: of the other study.
        exhaustive_seconds: of its exploring.
        reached: the way there.
    """

    study: str
    configurations: int
    share: float
    seconds: float
    ratio: float
    seconds_in_all: float
    exhaustive_configurations: int
    exhaustive_seconds: float
    reached: tuple[Reached, ...]


def compare(exhaustive: Path, search: Path) -> Comparison:
    """Puts a search beside the study in which everything was measured.

    Raises:
        RequestError: one of them can't be read, or the search has measured what the other has not.
    """
    table = of_study(exhaustive)
    scale, whole_s = Scale(table), _seconds(_explored(_trials(exhaustive)))
    every = _trials(search)
    trials = _explored(every)
    track = _track(table, scale, trials, search)
    reached = []
    for wanted in SHARES:
        for count, (share, seconds) in enumerate(track, start=1):
            if share >= wanted:
                reached.append(Reached(wanted, count, seconds, seconds / whole_s))
                break
    share, seconds = track[-1]
    return Comparison(
        study=search.name,
        configurations=len(trials),
        share=share,
        seconds=seconds,
        ratio=seconds / whole_s,
        seconds_in_all=_seconds(every),
        exhaustive_configurations=len(table.outcomes),
        exhaustive_seconds=whole_s,
        reached=tuple(reached),
    )


def _track(
    table: Table, scale: Scale, trials: Sequence[FrozenTrial], search: Path
) -> list[tuple[float, float]]:
    """Share and seconds after each configuration."""
    track, losses = [], []
    for count, trial in enumerate(trials, start=1):
        found = configuration_of(trial)
        outcome = table.outcomes.get(as_recorded(found)) if found else None
        if outcome is None:
            problem = f"trial {trial.number} measured what the exhaustive study lacks"
            raise RequestError(problem, file=search, remedy="name studies of one space")
        if outcome.failure is None:
            losses.append(scale.losses(outcome))
        track.append((scale.share(losses), _seconds(trials[:count])))
    return track


def _trials(folder: Path) -> list[FrozenTrial]:
    """The trials with an outcome, in the order in which they ended."""
    trials = Study.load(existing_folder(str(folder))).optuna_study.trials
    return [trial for trial in trials if outcome_of(trial) is not None]


def _explored(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    return [trial for trial in trials if purpose_of(trial) is Purpose.EXPLORE]


def _seconds(trials: Sequence[FrozenTrial]) -> float:
    starts = [trial.datetime_start for trial in trials if trial.datetime_start]
    ends = [trial.datetime_complete for trial in trials if trial.datetime_complete]
    return (max(ends) - min(starts)).total_seconds()


def shown(found: Comparison) -> str:
    """A comparison as a table in Markdown."""
    head = (
        f"`{found.study}`: {found.configurations} of {found.exhaustive_configurations} "
        f"configurations in {found.seconds:.0f} of {found.exhaustive_seconds:.0f} s "
        f"({found.ratio:.1%}), {found.share:.4f} of the hypervolume; "
        f"{found.seconds_in_all:.0f} s with what was repeated"
    )
    lines = [
        head,
        "",
        "| share of the hypervolume | configurations | seconds | of the exhaustive study's |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {each.share:g} | {each.configurations} | {each.seconds:.0f} | {each.ratio:.1%} |"
        for each in found.reached
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit codes: 0 done, 1 the work failed, 2 the request was wrong, told in one line."""
    parser = argparse.ArgumentParser(
        prog="live", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("exhaustive", type=Path)
    parser.add_argument("search", type=Path, nargs="+")
    parser.add_argument("--json", action="store_true", help="print a list of objects")
    options = parser.parse_args(arguments)
    try:
        found = [compare(options.exhaustive, search) for search in options.search]
    except DseError as error:
        sys.stderr.write(f"live: {error}\n")
        return error.exit_code
    if options.json:
        text = json.dumps([asdict(each) for each in found], indent=1)
    else:
        text = "\n\n".join(map(shown, found))
    sys.stdout.write(f"{text}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
