"""How often a frontier changes when the same study is made again on the same machine.

    python -m benchmarks.stability [RUNS]

Makes a small study of real models RUNS times, each from nothing, and compares every two of
them: the frontier of the first single probes, as a tool without rounds would show it, and the
frontier with its marks. The second has changed if a point that is certain in one study is not on
the frontier of the other.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.pareto import nondominated
from dse.study.folder import existing_folder
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Sequence

SPACE = """
models: [mobilenet-v1-0.25-128]
precisions: [fp32, int8]
backends: [onnxruntime]
threads: [1]
pinned: [false, true]
objectives: [accuracy_percent, latency_p90_ms]
"""
"""Whether pinning helps one thread is hard to see: who is fastest is a matter of luck where each is
measured once."""
RUNS = 10


class Made:
    """A finished study.

    Attributes:
        naive: the frontier of the first probes.
        kept: the frontier as the study shows it.
        certain: the points of it that are not marked.
    """

    def __init__(self, folder: Path) -> None:
        study = Study.load(existing_folder(str(folder)))
        records = [r for r in study.records.values() if r.outcome.failure is None]
        measured = study.results.measured
        points = [
            {
                m.metric: (measured.all(m.key, "probe") or [m])[0].value
                for m in record.outcome.measurements
            }
            for record in records
        ]
        best = nondominated(points, study.space.objectives)
        self.naive = {str(records[i].configuration) for i in best}
        frontier = study.results.frontier
        self.kept = {str(r.configuration) for r in frontier}
        self.certain = {str(r.configuration) for r in frontier if frontier.certain(r)}


def make(folder: Path, number: int) -> Made:
    """Explores the space once."""
    study = folder / f"run-{number}"
    space = folder / "space.yaml"
    space.write_text(SPACE, encoding="utf-8")
    command = [sys.executable, "-m", "dse", "explore", str(space), "--study", str(study)]
    subprocess.run(command, check=True, capture_output=True)
    return Made(study)


def changes(runs: Sequence[Made]) -> tuple[int, int, int]:
    """Of all pairs: how many there are, and in how many each of the frontiers has changed."""
    pairs = list(combinations(runs, 2))
    naive = sum(one.naive != other.naive for one, other in pairs)
    marked = sum(
        not (one.certain <= other.kept and other.certain <= one.kept) for one, other in pairs
    )
    return len(pairs), naive, marked


def main() -> None:
    """Prints a line for each study, then how often each frontier changed."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    runs = []
    with tempfile.TemporaryDirectory() as name:
        for number in range(1, count + 1):
            runs.append(make(Path(name), number))
            last = runs[-1]
            _say(
                f"run {number}: {len(last.naive)} points of single probes; "
                f"{len(last.kept)} points, {len(last.certain)} of them certain"
            )
    pairs, naive, marked = changes(runs)
    _say(f"of {pairs} pairs of runs")
    _say(f"  the frontier of single probes differs in {naive} ({naive / pairs:.0%})")
    _say(f"  a certain point is not on the other frontier in {marked} ({marked / pairs:.0%})")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
