"""Short runs, for tests of something else than how long a run lasts."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dse.measure.spec import RUN_LENGTHS

if TYPE_CHECKING:
    from dse.core.measurement import FidelityName
    from dse.measure.spec import Fidelity

TRUE = dict(RUN_LENGTHS)
"""The table as the program has it."""


def _brief(name: FidelityName) -> Fidelity:
    if name == "rehearsal":
        return replace(TRUE[name], min_duration_ms=100, min_query_count=64)
    return replace(
        TRUE[name],
        min_duration_ms=20,  # a run keeps a CPU busy: half of what a worker took were longer ones
        min_query_count=64,
        performance_samples=8,
        warm_up_ms=10,
    )


BRIEF: dict[FidelityName, Fidelity] = {
    name: _brief(name) for name in ("brief", "probe", "rehearsal")
}
"""A valid run has no short form: the tests take its logs from files."""
ROOT = str(Path(__file__).parents[1])
BRIEFLY = ("-c", f"import sys; sys.path.append({ROOT!r}); from tests.brief import main; main()")
"""Words for a Python that runs the command line with short runs, where ``-m dse`` has long ones."""


def shorten() -> None:
    """Enters the short runs in the table; the next spec that is written has them."""
    RUN_LENGTHS.update(BRIEF)


def main() -> None:
    """Runs the command of this process's arguments."""
    from dse.cli import run

    shorten()
    sys.exit(run(sys.argv[1:]))
