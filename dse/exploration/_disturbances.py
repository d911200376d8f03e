"""Whether repeating what was disturbed is worth its time."""

from __future__ import annotations

import logging

LOG = logging.getLogger(__name__)
MAX_IN_VAIN = 3
"""After this many disturbed measurements in a row a machine counts as never quiet."""


class Disturbances:
    """Remembers how repeating has gone so far.

    On a machine that is never quiet, each measurement would take three times as long, to no use.
    There nothing is repeated until a measurement comes out undisturbed.

    Args:
        repeating: whether disturbed measurements are repeated at all.
    """

    def __init__(self, *, repeating: bool) -> None:
        self._repeating = repeating
        self._in_vain = 0

    def worth_repeating(self) -> bool:
        """Whether a disturbed measurement is to be taken again."""
        return self._repeating and self._in_vain < MAX_IN_VAIN

    def note(self, reason: str) -> None:
        """Takes in what disturbed a measurement in the end; empty if nothing did."""
        self._in_vain = self._in_vain + 1 if reason else 0
        if self._repeating and self._in_vain == MAX_IN_VAIN:
            LOG.warning(
                "this machine is not quiet (%s): disturbed measurements are marked, and not "
                "repeated for now; see `dse system --check`",
                reason,
            )
