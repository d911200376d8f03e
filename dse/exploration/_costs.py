"""What a configuration costs: what is recorded on the way, and what can't be had here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core import registry
from dse.core.backend import Recording
from dse.core.metrics import (
    CPU_TIME,
    ENERGY,
    LOAD_TIME,
    METRICS,
    PEAK_MEMORY,
    SINGLE_STREAM_METRICS,
)
from dse.machine import rapl

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from dse.space.space import SearchSpace


def piggybacked_metrics(metrics: Collection[str], *, again: bool) -> tuple[str, ...]:
    """The metrics to record beside those of a run; in a repetition, only what it gives anyway."""
    single = any(name in SINGLE_STREAM_METRICS for name in metrics)
    batched = any(METRICS[name].batched for name in metrics)
    found = [PEAK_MEMORY.name] if batched or not again else []
    found += [LOAD_TIME.name] if single or not again else []
    found += SINGLE_STREAM_METRICS[1:] if single else ()
    return tuple(name for name in found if name not in metrics)


def refuse_unmeasurable(space: SearchSpace, root: Path = rapl.POWERCAP) -> None:
    """Refuses a space that asks for energy where it can't be measured.

    Raises:
        RequestError: names the remedy.
    """
    field = "objectives" if ENERGY.name in space.objectives else "constraints"
    wanted = field == "objectives" or any(c.metric == ENERGY.name for c in space.constraints)
    measured = any(not isinstance(registry.backend(b.name), Recording) for b in space.backends)
    if not (wanted and measured) or rapl.find_packages(root):
        return
    if rapl.find_zones(root):
        files = root / "intel-rapl:*" / "energy_uj"
        raise space.document.error(
            f"{ENERGY.name} comes from {files}, which this user may not read",
            field,
            remedy=f"run `sudo chmod a+r {files}`, or take {ENERGY.name} out",
        )
    raise space.document.error(
        f"{ENERGY.name} needs the RAPL counters of the kernel, and this machine shows none",
        field,
        remedy=f"take it out; {CPU_TIME.name} can stand in for it",
    )
