"""Answers from logits, F1 and exact match, by the rules of MLPerf's and SQuAD's scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from dse.tasks.question_answering._scoring import (
    NO_ANSWER,
    TokenisedParagraph,
    TokenisedQuestion,
    Truth,
    find_answer,
    find_faults,
    score_part,
    score_responses,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

LENGTH = 128
QUESTION = 3
OFFSET = QUESTION + 2
Logits = dict[int, tuple[float, float]]


def paragraph(words: int) -> TokenisedParagraph:
    names = [f"w{number}" for number in range(words)]
    return TokenisedParagraph(names, names, list(range(words)))


def truth(words: int = 60, *answers: str) -> Truth:
    """A question for each answer, on one paragraph of so many words."""
    asked = [TokenisedQuestion(0, QUESTION, [answer]) for answer in answers or ("w0",)]
    return Truth(LENGTH, [paragraph(words)], asked)


def response(logits: Logits, other: float = -5.0) -> bytes:
    """Start and end logits by place, and another number everywhere else."""
    rows = np.full((LENGTH, 2), other, "<f4")
    for place, pair in logits.items():
        rows[place] = pair
    return rows.tobytes()


def answer(logits: Logits | list[Logits], known: Truth | None = None, other: float = -5.0) -> str:
    """What is answered where each window has these logits."""
    known = known or truth()
    several = logits if isinstance(logits, list) else [logits]
    found = {index: response(one, other) for index, one in enumerate(several)}
    return find_answer(known, known.questions[0], len(several), found)


def score(found: str, *right: str) -> tuple[float, float]:
    """F1 and exact match of an answer: the words of a paragraph are those of the answer."""
    words = found.split()
    text = TokenisedParagraph(words, [word.lower() for word in words], list(range(len(words))))
    known = Truth(LENGTH, [text], [TokenisedQuestion(0, QUESTION, right)])
    logits: Logits = {OFFSET: (9, -5)}
    logits[OFFSET + len(words) - 1] = (9 if len(words) == 1 else -5, 9)
    got = score_responses(known, {0: response(logits)}, 1)
    return got.value, float(got.details["exact_match"])


@pytest.mark.parametrize(
    ("found", "right", "f1", "exact_match"),
    [
        ("Denver Broncos", ["denver broncos"], 100, 100),
        ("The Denver Broncos", ["Denver Broncos"], 100, 100),
        ("U.S.", ["US"], 100, 100),
        ("Denver", ["Denver Broncos"], 200 / 3, 0),
        ("to be or not to be", ["to be"], 50, 0),
        ("to be", ["to to be"], 80, 0),
        ("Denver", ["Boston"], 0, 0),
        ("Denver", ["Boston", "Denver Broncos", "Denver"], 100, 100),
        ("the", ["a"], 0, 100),  # no word is left of either
        ("theatre", ["atre"], 0, 0),
    ],
)
def test_the_better_of_the_right_answers_counts(
    found: str, right: list[str], f1: float, exact_match: float
) -> None:
    assert score(found, *right) == pytest.approx((f1, exact_match))


def test_the_likeliest_span_is_the_answer() -> None:
    logits = {OFFSET + 7: (3.0, -5.0), OFFSET + 9: (-5.0, 2.0), OFFSET + 20: (2.5, 2.0)}
    assert answer(logits) == "w7 w8 w9"


@pytest.mark.parametrize(
    ("logits", "expected"),
    [
        ({1: (9, 9), OFFSET: (1, 1)}, "w0"),  # in the question
        ({OFFSET - 1: (9, 9), OFFSET: (1, 1)}, "w0"),  # the mark after it
        ({OFFSET + 60: (9, 9), OFFSET + 59: (1, 1)}, "w59"),  # the mark after the paragraph
        ({100: (9, 9), OFFSET: (1, 1)}, "w0"),  # what fills up the sample
        ({OFFSET + 9: (9, -5), OFFSET + 8: (-5, 9), OFFSET + 40: (1, 1)}, "w9"),  # backwards
        ({OFFSET: (9, -5), OFFSET + 30: (2, 9)}, "w30"),  # 31 tokens
    ],
)
def test_what_can_be_no_answer_is_passed_over(logits: Logits, expected: str) -> None:
    assert answer({**logits, OFFSET + 59: logits.get(OFFSET + 59, (-6, -6))}) == expected


def test_thirty_tokens_are_an_answer() -> None:
    found = answer({OFFSET: (9, -5), OFFSET + 29: (-5, 9)})
    assert found.split() == [f"w{number}" for number in range(30)]


def test_the_first_of_equally_likely_spans_is_the_answer() -> None:
    assert answer({OFFSET + 4: (1, 1), OFFSET + 2: (1, 1)}) == "w2"
    # Every place is as likely: of the first twenty, those of the paragraph count.
    assert answer({}) == "w0"


def test_candidates_are_the_twenty_likeliest_places() -> None:
    known = truth(100)
    beyond = dict.fromkeys(range(OFFSET + 100, OFFSET + 119), (5.0, 5.0))
    assert answer({**beyond, OFFSET + 3: (1, 1)}, known) == "w3"
    beyond = dict.fromkeys(range(OFFSET + 100, OFFSET + 120), (5.0, 5.0))
    assert answer({**beyond, OFFSET + 3: (1, 1)}, known) == NO_ANSWER


def test_an_answer_begins_where_the_window_has_most_context() -> None:
    known = Truth(384, [paragraph(500)], [TokenisedQuestion(0, QUESTION, ["w300"])])
    windows = known.windows(known.questions[0])
    assert [(one.start, one.end) for one in windows] == [(0, 378), (128, 500)]

    def at(index: int, word: int) -> bytes:
        rows = np.full((384, 2), -5, "<f4")
        rows[OFFSET + word - windows[index].start] = 9
        return rows.tobytes()

    nothing = np.full((384, 2), -5, "<f4").tobytes()
    # From word 253 on the second window has as much text around a word, or more.
    for index, word in ((0, 251), (1, 254)):
        found = {index: at(index, word), 1 - index: nothing}
        assert find_answer(known, known.questions[0], 2, found) == f"w{word}"
        other = {1 - index: at(1 - index, word), index: nothing}
        assert find_answer(known, known.questions[0], 2, other) != f"w{word}"


def test_the_best_window_answers_and_a_missing_one_does_not() -> None:
    known = truth(200)
    assert len(known.windows(known.questions[0])) == 2
    first: Logits = {OFFSET + 1: (1, 1)}
    assert answer([first, {OFFSET + 1: (2, 2)}], known) == "w123"
    assert answer([first, first], known) == "w1"
    assert find_answer(known, known.questions[0], 2, {0: response(first)}) == "w1"
    assert find_answer(known, known.questions[0], 2, {}) == NO_ANSWER


def test_a_question_on_an_empty_paragraph_is_answered_as_the_scripts_do() -> None:
    known = Truth(
        LENGTH,
        [paragraph(0), paragraph(5)],
        [TokenisedQuestion(0, 3, ["Empty!"]), TokenisedQuestion(1, 3, ["w1"])],
    )
    got = score_responses(known, {0: response({OFFSET + 1: (1, 1)})}, 1)
    assert (got.value, got.details, got.right) == (
        100,
        {"exact_match": 100, "total": 2},
        [True, True],
    )


def responses(known: Truth, *words: int) -> Mapping[int, bytes]:
    """Each question, of one sample, is answered by a word."""
    assert known.ends == list(range(1, len(words) + 1))
    return {n: response({OFFSET + word: (9, 9)}) for n, word in enumerate(words)}


def test_the_score_tells_which_answers_match_and_how_sure_it_is() -> None:
    known = truth(60, "w0", "w1 w2", "w3", "w4")
    got = score_responses(known, responses(known, 0, 1, 9, 4), 4)
    assert got.value == 100.0 * (1 + 2 / 3 + 0 + 1) / 4
    assert got.details == {"exact_match": 50.0, "total": 4}
    assert got.right == [True, False, False, True]
    assert got.interval is not None
    assert 0 <= got.interval[0] < got.value < got.interval[1] <= 100
    assert score_responses(known, responses(known, 0, 1, 9, 4), 4).interval == got.interval


def test_more_questions_make_the_interval_narrower() -> None:
    few, many = (truth(60, *(["w0", "w1"] * n)) for n in (10, 1000))
    widths = []
    for known in (few, many):
        got = score_responses(known, responses(known, *[0] * len(known.questions)), known.ends[-1])
        assert got.value == 50
        assert got.interval is not None
        widths.append(got.interval[1] - got.interval[0])
    # That of a share of one half: 2 * 1.96 * 50 / sqrt(n).
    assert widths == pytest.approx([43.8, 4.38], rel=0.15)


def test_equal_scores_tell_nothing_of_their_interval() -> None:
    known = truth(60, "w0", "w1")
    assert score_responses(known, responses(known, 0, 1), 2).interval is None


def test_a_part_is_scored_by_its_complete_questions() -> None:
    known = truth(200, "w0", "w1", "w2")
    assert known.ends == [2, 4, 6]
    logits = [response({OFFSET + n // 2: (9, 9)}) for n in range(6)]
    for count, total in ((6, 3), (5, 2), (4, 2), (2, 1), (1, 1)):
        got = score_responses(known, dict(enumerate(logits[:count])), count)
        assert got.details["total"] == total


def test_any_part_is_scored_by_the_questions_that_were_answered_in_it() -> None:
    known = truth(200, "w0", "w1", "w2")
    logits = {n: response({OFFSET + word: (9, 9)}) for n, word in {3: 0, 4: 2, 5: 0}.items()}
    # The second question has an answer in one of its windows, the third one in both.
    got = score_part(known, logits)
    assert (got.value, got.details) == (50, {"exact_match": 50, "total": 2})
    whole = {n: response({OFFSET + n // 2: (9, 9)}) for n in range(6)}
    assert score_part(known, whole) == score_responses(known, whole, 6)
    for wrong in ({}, {6: logits[3]}, {-1: logits[3]}):
        with pytest.raises(ValueError, match="is not of 6 samples"):
            score_part(known, wrong)


@pytest.mark.parametrize(
    ("changed", "count", "problem"),
    [
        ({1: b""}, 2, "a response has 0 bytes, not 1,024"),
        ({1: b"x" * 1023}, 2, "a response has 1,023 bytes, not 1,024"),
        ({1: np.full(256, np.nan, "<f4").tobytes()}, 2, "not finite"),
        ({2: b""}, 2, "covers 3 samples, not the first 2 of 2"),
        ({}, 3, "covers 2 samples, not the first 3 of 2"),
        ({}, 0, "not the first 0 of 2"),
    ],
)
def test_other_responses_are_refused(changed: dict[int, bytes], count: int, problem: str) -> None:
    known = truth(60, "w0", "w1")
    with pytest.raises(ValueError, match=problem):
        score_responses(known, {**responses(known, 0, 1), **changed}, count)


def test_the_truth_travels_as_text() -> None:
    known = truth(3, "w0", 'a "quoted" answer é')
    assert Truth.from_json(known.to_json()) == known
    for text in ("{}", "[]", '{"sequence_length": 1, "paragraphs": [{}]}', "x", "[" * 100_000):
        with pytest.raises(ValueError, match=r"not the questions|Expecting"):
            Truth.from_json(text)


def test_faults_of_a_log_are_named() -> None:
    fine, nan = np.zeros(8, "<f4").tobytes(), np.full(8, np.nan, "<f4").tobytes()
    assert list(find_faults({0: fine, 1: fine})) == []
    assert list(find_faults({0: fine, 1: nan})) == ["not finite in the accuracy log: 1 response"]
    assert list(find_faults({0: fine, 1: fine[:8]})) == [
        "responses of 2 different lengths in the accuracy log"
    ]
    for damaged in (b"", fine[:7]):
        with pytest.raises(ValueError, match="no logits"):
            list(find_faults({0: damaged}))
