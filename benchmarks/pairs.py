"""Two ways to do the same, timed in alternation, so that both meet the same machine."""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MIN_PAIRS = 5


@dataclass(frozen=True, slots=True)
class Summary:
    """What the pairs say.

    Attributes:
        name: what was compared.
        unit: of the figures.
        median: over the pairs.
        lowest: of the pairs.
        highest: of the pairs.
        limit: what the median must not be above.
        pairs: the two figures of each pair, in the order in which they were taken.
    """

    name: str
    unit: str
    median: float
    lowest: float
    highest: float
    limit: float
    pairs: tuple[tuple[float, float], ...]

    @property
    def kept(self) -> bool:
        """Whether the limit is kept."""
        return self.median <= self.limit

    def __str__(self) -> str:
        verdict = "kept" if self.kept else "EXCEEDED"
        return (
            f"{self.name}: median {self.median:.3f} {self.unit}, "
            f"{self.lowest:.3f} to {self.highest:.3f} in {len(self.pairs)} pairs; "
            f"limit {self.limit:g} {self.unit} {verdict}"
        )


def arguments(description: str, backends: Sequence[str] = ()) -> argparse.Namespace:
    """The options that the benchmarks have: ``json``, ``pairs`` and, of several, ``backend``."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
    parser.add_argument("--pairs", type=int, default=9, help=f"at least {MIN_PAIRS}; default 9")
    if backends:
        parser.add_argument("--backend", nargs="+", choices=backends, default=list(backends))
    found = parser.parse_args()
    if found.pairs < MIN_PAIRS:
        parser.error(f"--pairs: at least {MIN_PAIRS}")
    return found


def alternate(
    count: int, ours: Callable[[], float], bare: Callable[[], float]
) -> tuple[tuple[float, float], ...]:
    """Figures of both, ``count`` times; which one comes first changes from pair to pair."""
    pairs = []
    for attempt in range(count):
        gc.collect()
        if attempt % 2:
            second = bare()
            pairs.append((ours(), second))
        else:
            first = ours()
            pairs.append((first, bare()))
    return tuple(pairs)


def summary(
    name: str,
    unit: str,
    limit: float,
    pairs: Sequence[tuple[float, float]],
    compare: Callable[[float, float], float],
) -> Summary:
    """The median and the spread of what the pairs compare to."""
    figures = [compare(ours, bare) for ours, bare in pairs]
    return Summary(
        name, unit, statistics.median(figures), min(figures), max(figures), limit, tuple(pairs)
    )


def report(summaries: Sequence[Summary], *, as_json: bool) -> int:
    """Prints the summaries; the exit code, 1 if a limit is exceeded."""
    if as_json:
        results = [{**asdict(s), "kept": s.kept} for s in summaries]
        sys.stdout.write(json.dumps({"results": results}, indent=1) + "\n")
    else:
        sys.stdout.writelines(f"{s}\n" for s in summaries)
    return 0 if all(s.kept for s in summaries) else 1
