"""What is found when the machine is looked at, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "unknown"]
HIDDEN = "the system does not show it"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that may disturb a measurement.

    Attributes:
        name: what was looked at.
        state: whether it disturbs; ``unknown`` where the system hides it, as containers do.
        found: what was seen.
        remedy: what the reader can do; empty where there is nothing to do.
    """

    name: str
    state: State
    found: str
    remedy: str = ""

    @classmethod
    def hidden(cls, name: str) -> Check:
        """The check of what can't be seen from here."""
        return cls(name, "unknown", HIDDEN)

    @classmethod
    def judged(cls, name: str, found: str, remedy: str, *, disturbs: bool) -> Check:
        """The check of what was seen; the remedy counts where it disturbs."""
        return cls(name, "warning", found, remedy) if disturbs else cls(name, "ok", found)
