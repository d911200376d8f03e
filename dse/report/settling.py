"""How much of a frontier is decided, in words: while rounds go on, and afterwards."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from dse.core.wording import MIN_OF_UNIT, format_count, format_duration

if TYPE_CHECKING:
    from dse.study.contenders import Contenders
    from dse.study.settling import Settling

MAX_TOLD_S = 7 * 86_400.0
"""Nobody waits longer to know which of two points is better."""


def describe_frontier(state: Settling) -> str:
    """How many points of a frontier are decided."""
    against = " against all" if state.undecided else ""
    counts = [format_count(state.points, "point"), f"{state.decided} decided{against}"]
    if state.undecided:
        counts.append(f"{state.undecided} undecided")
    if beyond := state.points - state.decided - state.undecided:
        counts.append(f"{beyond} that rounds can't decide")
    return ", ".join(counts)


def describe_left_out(contenders: Contenders) -> str:
    """How many points were left out as most likely dominated, and how many of them by error."""
    count = format_count(contenders.left_out, "point")
    wrongly = math.ceil(10 * contenders.left_out_wrongly) / 10
    return f"{count} as most likely dominated (expected mistakes: at most {wrongly:g})"


def describe_need(needed_s: float) -> str:
    """How long it may take to decide all of a frontier, and how to ask for it.

    It is a rough guess and worded as one: points that seemed settled come back, and pairs are
    rarely as far apart as they first seem.

    Args:
        needed_s: see `dse.study.settling.Settling`.
    """
    if needed_s > MAX_TOLD_S:
        return "to tell takes more than a week, it seems"
    asked = format_duration(_round_up(needed_s))
    option = asked.replace(" ", "").replace("min", "m")
    return f"{asked} more may tell, or several times that: --settle {option}"


def describe_round(state: Settling) -> str:
    """How far settling is after a round."""
    begun = f"settling: round {state.rounds}"
    if not state.undecided:
        return f"{begun}, {describe_frontier(state)}"
    left = _describe_left(state)
    return f"{begun}, {state.undecided} of {state.points} points undecided, {left}"


def _describe_left(state: Settling) -> str:
    """The time that may still be spent; a guess of the time that is needed is only told as such."""
    left_s = min(state.needed_s, state.budget_s)
    if left_s <= 0:
        return "the time is spent"
    if left_s > MAX_TOLD_S:
        return "time left unknown"
    how = "about" if state.budget_s <= state.needed_s else "perhaps"
    return f"{how} {format_duration(math.ceil(left_s))} of rounds left"


def _round_up(seconds: float) -> int:
    """Whole minutes, hours or days, and tens of seconds, as somebody asks for a time."""
    whole = (step for step in (86_400, 3_600, 60) if seconds > MIN_OF_UNIT * step)
    step = next(whole, 10)
    return step * max(1, math.ceil(seconds / step))
