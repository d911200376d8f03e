"""Windows of long paragraphs, held against the rule written out."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from dse.tasks.question_answering._windows import (
    MARKS,
    MAX_QUESTION_TOKENS,
    STRIDE,
    Window,
    count_windows,
    cut,
    has_most_context,
)

LENGTHS = st.sampled_from([128, 200, 384, 512])
QUESTIONS = st.integers(0, MAX_QUESTION_TOKENS)


def by_the_rule(windows: list[Window], index: int) -> list[bool]:
    """For each token of a window, whether the first best of all windows is this one."""
    most = []
    for place in range(windows[index].start, windows[index].end):
        scores = [
            min(place - one.start, one.end - 1 - place) + 0.01 * (one.end - one.start)
            if one.start <= place < one.end
            else -1.0
            for one in windows
        ]
        most.append(scores.index(max(scores)) == index)
    return most


def test_what_fits_is_one_window() -> None:
    assert cut(0, 10, 384) == []
    assert cut(371, 10, 384) == [Window(0, 371)]
    assert cut(372, 10, 384) == [Window(0, 371), Window(128, 372)]


def test_short_samples_do_not_overlap() -> None:
    assert cut(150, 64, 128) == [Window(0, 61), Window(61, 122), Window(122, 150)]


@given(tokens=st.integers(0, 2000), question=QUESTIONS, length=LENGTHS)
def test_windows_cover_a_paragraph(tokens: int, question: int, length: int) -> None:
    windows = cut(tokens, question, length)
    assert count_windows(tokens, question, length) == len(windows)
    assert {t for one in windows for t in range(one.start, one.end)} == set(range(tokens))
    assert all(one.end - one.start <= length - question - MARKS for one in windows)
    for one, following in pairwise(windows):
        assert 0 < following.start - one.start <= STRIDE
        assert one.end < following.end


@given(tokens=st.integers(1, 1500), question=QUESTIONS, length=LENGTHS)
def test_each_token_has_most_context_in_one_window(tokens: int, question: int, length: int) -> None:
    windows = cut(tokens, question, length)
    found = [has_most_context(windows, index).tolist() for index in range(len(windows))]
    assert found == [by_the_rule(windows, index) for index in range(len(windows))]
    assert sum(map(sum, found)) == tokens
