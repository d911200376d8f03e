"""Who predicts: models, and the CPUs that each of them keeps to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dse.core.backend import Model


@dataclass(frozen=True, slots=True)
class Caller:
    """A model that is called by one thread at a time.

    Attributes:
        model: loaded.
        cpus: the CPUs its thread keeps to; empty for wherever the system puts it.
    """

    model: Model
    cpus: tuple[int, ...] = ()
