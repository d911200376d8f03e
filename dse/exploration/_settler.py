"""Settles the frontier: rounds of rivals, until their order is decided or the time is spent."""

from __future__ import annotations

import math
import random
import secrets
from collections import Counter
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from dse.core.metrics import TAILS
from dse.exploration._rounds import MAX_ROUND_S, Member, choose_round
from dse.exploration.planner import Step
from dse.study.record import Purpose
from dse.study.rounds import RoundPlace
from dse.study.settling import (
    BRIEF_SHARE,
    is_of_probes,
    open_bounds,
    pairs_to_decide,
    run_seconds,
    settling_of,
)

if TYPE_CHECKING:
    from dse.core.measurement import FidelityName
    from dse.exploration.planner import StepPlanner
    from dse.study.decisions import OpenPair
    from dse.study.settling import OpenBounds, Settling
    from dse.study.study import Study

_Name = tuple[int, int, tuple[str, ...]]
"""Tells a pair from others, and from itself with other metrics open."""
MAX_IN_VAIN = 5
"""So many rounds without a ratio, and a pair is left open."""
MIN_SETTLE_S = 60.0
"""A study is settled for this long, however short it was explored."""


class Settler:
    """Chooses rounds, and knows how much time is left for them.

    The values of a round are held against each other, so its runs are brief, and all of them of
    one length. Each eighth round is of probes; the anchor and points that may miss a bound are
    members of these. While the tail of a latency is open, all are of probes.

    Args:
        study: what is known so far.
        agenda: knows whether the anchor is due.
        settle_s: the longest time for what is measured again, in seconds; None for as long as
            the study was explored in all, of which others may have spent some.
        seed: of the order within rounds.
    """

    def __init__(
        self, study: Study, agenda: StepPlanner, settle_s: float | None, seed: int
    ) -> None:
        self._study, self._agenda, self._settle_s = study, agenda, settle_s
        self._rng = random.Random(seed)  # noqa: S311
        self._spent_s = 0.0
        self._rounds = 0
        self._tried = Counter[_Name]()
        self._rounds_before: dict[_Name, int] = {}

    @property
    def budget_s(self) -> float:
        """How long may still be measured again, in seconds."""
        spent = self._study.results.spent
        left = (
            self._settle_s - self._spent_s
            if self._settle_s is not None
            else max(MIN_SETTLE_S, spent[Purpose.EXPLORE])
            - (spent[Purpose.ROUND] + spent[Purpose.REPEAT])
        )
        return max(0.0, left)

    def note(self, step: Step, seconds: float) -> None:
        """Takes in how long a step took."""
        if step.purpose in (Purpose.ROUND, Purpose.REPEAT):
            self._spent_s += seconds

    @property
    def idle(self) -> bool:
        """Whether there is no further round: all is decided, or the time is spent."""
        return not self.budget_s or not (self._open_pairs() or self._open_bounds())

    def next_round(self, left_s: float = math.inf) -> list[Step]:
        """The steps of the next round; none where all is decided, or the time is spent.

        Args:
            left_s: how long the round may take, in seconds; two rivals may take longer.
        """
        if not self.budget_s:
            return []
        pairs = [self._as_tried(pair) for pair in self._open_pairs()]
        bounds = self._open_bounds()
        if not pairs and not bounds:
            return []
        tails = any(not TAILS.isdisjoint(pair.metrics) for pair in pairs)
        brief = bool(pairs) and not tails and not is_of_probes(self._rounds)
        members = choose_round(
            pairs,
            self._rng,
            required=[] if brief else self._anchor(),
            optional=[] if brief else [Member(bound.record, bound.metrics) for bound in bounds],
            max_s=min(MAX_ROUND_S, self.budget_s, left_s),
            seconds_of=partial(run_seconds, share=BRIEF_SHARE if brief else 1.0),
        )
        return _steps(members, "brief" if brief else "probe")

    def begin_round(self, steps: list[Step]) -> None:
        """Notes that a round begins."""
        anchor = self._study.results.anchor
        if anchor and any(step.configuration == anchor.configuration for step in steps):
            self._agenda.note_anchor()
        ids = {self._study.records[step.configuration.key].id for step in steps}
        for pair in self._open_pairs():
            if ids.issuperset((pair.one.id, pair.other.id)):
                self._tried[_name(pair)] += 1
                self._rounds_before.setdefault(_name(pair), pair.rounds)

    def end_round(self) -> Settling:
        """Notes that a round has ended; how far the frontier is decided."""
        self._rounds += 1
        return self.state()

    def state(self) -> Settling:
        """How far the frontier is decided."""
        return settling_of(self._study, self._rounds, self.budget_s)

    def _open_pairs(self) -> list[OpenPair]:
        return pairs_to_decide(self._study.results.frontier, self._in_vain)

    def _open_bounds(self) -> list[OpenBounds]:
        return open_bounds(self._study.results, self._study.space.constraints)

    def _in_vain(self, pair: OpenPair) -> bool:
        """Whether rounds tell nothing of a pair, because one of both fails each time."""
        name = _name(pair)
        return self._tried[name] >= MAX_IN_VAIN and pair.rounds == self._rounds_before[name]

    def _as_tried(self, pair: OpenPair) -> OpenPair:
        """A pair that is disturbed each time does not come first forever."""
        return replace(pair, rounds=max(pair.rounds, self._tried[_name(pair)]))

    def _anchor(self) -> list[Member]:
        step, anchor = self._agenda.due_anchor(), self._study.results.anchor
        return [Member(anchor, step.metrics)] if step and anchor else []


def _name(pair: OpenPair) -> _Name:
    return pair.one.id, pair.other.id, pair.metrics


def _steps(members: list[Member], fidelity: FidelityName) -> list[Step]:
    id_, size = secrets.token_hex(8), len(members)
    return [
        Step(
            member.record.configuration,
            Purpose.ROUND,
            fidelity,
            member.metrics,
            RoundPlace(id_, position, size),
        )
        for position, member in enumerate(members)
    ]
