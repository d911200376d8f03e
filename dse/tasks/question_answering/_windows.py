"""How a paragraph that is longer than a sample is cut into windows. Imports only numpy."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

STRIDE = 128
"""How many tokens further the next window begins, by MLPerf's rules."""
MAX_QUESTION_TOKENS = 64
"""What a question has more is cut off, by MLPerf's rules."""
MARKS = 3
"""A sample begins with a mark, and has one after the question and one after the paragraph."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a paragraph's tokens.

    Attributes:
        start: its first token.
        end: the token after its last.
    """

    start: int
    end: int


def cut(tokens: int, question_tokens: int, sequence_length: int) -> list[Window]:
    """The windows of a paragraph; none where it has no tokens.

    Args:
        tokens: of the paragraph.
        question_tokens: at most `MAX_QUESTION_TOKENS`.
        sequence_length: tokens of a sample, with room for at least one of the paragraph.
    """
    room = sequence_length - question_tokens - MARKS
    found: list[Window] = []
    while not found or found[-1].end < tokens:
        start = found[-1].start + min(room, STRIDE) if found else 0
        found.append(Window(start, min(start + room, tokens)))
    return found if tokens else []


def count_windows(tokens: int, question_tokens: int, sequence_length: int) -> int:
    """The number of windows that `cut` gives, without making them."""
    room = sequence_length - question_tokens - MARKS
    if tokens <= room:
        return min(tokens, 1)
    return 1 + math.ceil((tokens - room) / min(room, STRIDE))


def has_most_context(windows: Sequence[Window], index: int) -> NDArray[np.bool_]:
    """For which tokens of a window no other window has more of the text around them.

    Answers that begin elsewhere are left to the other window. Of equal windows it is the first.

    Args:
        windows: of one paragraph, in order.
        index: of the window.

    Returns:
        (tokens of the window,)
    """
    own = windows[index]
    places = np.arange(own.start, own.end)
    context = _measure_context(own, places)
    most = np.ones(len(places), bool)
    for other, earlier in _overlapping(windows, index):
        theirs = _measure_context(other, places)
        more = theirs >= context if earlier else theirs > context
        most &= ~(more & (other.start <= places) & (places < other.end))
    return most


def _overlapping(windows: Sequence[Window], index: int) -> Iterator[tuple[Window, bool]]:
    """The windows that share tokens with one, and whether each is before it."""
    own = windows[index]
    before = (windows[place] for place in range(index - 1, -1, -1))
    after = (windows[place] for place in range(index + 1, len(windows)))
    for other in takewhile(lambda w: w.end > own.start, before):
        yield other, True
    for other in takewhile(lambda w: w.start < own.end, after):
        yield other, False


def _measure_context(window: Window, places: NDArray[np.int_]) -> NDArray[np.float64]:
    """How much of the text is around tokens; a little more counts in a longer window."""
    nearer = np.minimum(places - window.start, window.end - 1 - places)
    return np.asarray(nearer + 0.01 * (window.end - window.start), np.float64)
