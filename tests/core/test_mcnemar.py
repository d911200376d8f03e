"""McNemar's test tells two models apart by the samples on which they disagree."""

from __future__ import annotations

import base64
import math
import re
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.intervals import wilson
from dse.core.mcnemar import (
    MAX_SAMPLES,
    MAX_TEXT_LENGTH,
    compare_right,
    encode_right,
    exact_p_value,
    quality_p_value,
)
from dse.core.measurement import Measurement, Source
from dse.tasks.image_classification._quality import ACCURACY

DATASET = "0123456789abcdef" * 4
COUNTS = st.integers(0, 400)
PAIRS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=200)


def text(right: list[bool], dataset: str = DATASET) -> str:
    found = encode_right(right, dataset)
    assert found is not None
    return found


def accuracy(right: str | None, key: str = "a") -> Measurement:
    details = {} if right is None else {"right": right}
    return Measurement(ACCURACY.name, 70.0, key, Source.MEASURED, details=details)


@given(COUNTS, COUNTS)
def test_it_is_the_exact_binomial_test(one: int, other: int) -> None:
    stats = pytest.importorskip("scipy.stats")
    expected = stats.binomtest(one, one + other).pvalue if one + other else 1.0
    assert exact_p_value(one, other) == pytest.approx(expected, rel=1e-9)


@given(COUNTS, COUNTS, st.integers(1, 50))
def test_it_is_symmetric_and_falls_as_the_split_gets_uneven(
    one: int, other: int, more: int
) -> None:
    found = exact_p_value(one, other)
    assert found == exact_p_value(other, one)
    assert 0 < found <= 1
    assert (found == 1) or one != other
    assert exact_p_value(one, one) == 1
    if one >= other:
        assert exact_p_value(one + more, other) <= found + 1e-12


def test_as_many_as_can_be_kept_are_compared_at_once() -> None:
    half = MAX_SAMPLES // 2
    assert exact_p_value(half, half) == 1
    # The standard deviation of the difference is the root of the sum: 548.
    assert exact_p_value(half + 548, half - 548) == pytest.approx(0.0455, rel=0.01)
    assert exact_p_value(MAX_SAMPLES, 0) == 0


@pytest.mark.parametrize("level", [0.05, 0.01])
@pytest.mark.parametrize("discordant", [1, 5, 6, 17, 60])
def test_equal_models_differ_at_most_as_often_as_the_level_says(
    discordant: int, level: float
) -> None:
    stats = pytest.importorskip("scipy.stats")
    alarms = sum(
        stats.binom.pmf(one, discordant, 0.5)
        for one in range(discordant + 1)
        if exact_p_value(one, discordant - one) < level
    )
    assert alarms <= level


@given(PAIRS)
def test_the_discordant_samples_are_counted(pairs: list[tuple[bool, bool]]) -> None:
    one, other = text([a for a, _ in pairs]), text([b for _, b in pairs])
    found = compare_right(one, other)
    assert found.samples == len(pairs)
    assert found.only_one == sum(a and not b for a, b in pairs)
    assert found.only_other == sum(b and not a for a, b in pairs)
    assert found.p_value == quality_p_value(accuracy(one), accuracy(other, "b"))
    assert compare_right(one, one).p_value == 1


def test_models_that_two_intervals_do_not_tell_apart_may_differ() -> None:
    one = [index % 10 < 7 for index in range(500)]  # 350 right
    other = [right or index % 50 == 9 for index, right in enumerate(one)]  # and 10 more
    assert wilson(sum(one), 500)[1] > wilson(sum(other), 500)[0]
    assert compare_right(text(one), text(other)).p_value == pytest.approx(2 / 2**10)


def test_a_text_is_short() -> None:
    # Nothing can be said shorter than bits that look random.
    bits = [bool(byte & 1 << bit) for byte in _noise(MAX_SAMPLES // 8) for bit in range(8)]
    assert len(text(bits[:500])) <= 128
    assert len(text(bits[:50_000])) <= 8_500
    whole = text(bits)
    assert len(whole) <= MAX_TEXT_LENGTH < 1 << 16
    assert compare_right(whole, whole).samples == MAX_SAMPLES
    assert encode_right([*bits, True], DATASET) is None
    assert encode_right([], DATASET) is None


def _noise(count: int) -> bytes:
    import numpy as np

    return np.random.default_rng(0).bytes(count)


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


BAD = {
    "nothing": "",
    "words": "all of them",
    "no count": f"x abc {packed(b'a')}",
    "a count of nothing": f"0 abc {packed(b'')}",
    "too many": f"{MAX_SAMPLES + 1} abc {packed(bytes(1 + MAX_SAMPLES // 8))}",
    "another number of digits": f"{10**9} abc {packed(b'a')}",
    "not base64": "8 abc ====",
    "cut base64": "8 abc abcde",
    "not compressed": f"8 abc {base64.b64encode(b'plain').decode()}",
    "cut short": f"8 abc {base64.b64encode(zlib.compress(b'a')[:-2]).decode()}",
    "more behind it": f"8 abc {base64.b64encode(zlib.compress(b'a') + b'x').decode()}",
    "too few bits": f"80 abc {packed(b'a')}",
    "a bomb": f"8 abc {packed(bytes(10_000_000))}",
    "bits of no sample": f"3 abc {packed(bytes([255]))}",
    "a long text": f"8 abc {'A' * MAX_TEXT_LENGTH}",
    "other digits": f"٨ abc {packed(b'a')}",
}


@pytest.mark.parametrize("wrong", BAD.values(), ids=BAD)
def test_another_text_is_refused_in_a_line(wrong: str) -> None:
    fine = text([True] * 8)
    for pair in ((wrong, fine), (fine, wrong)):
        with pytest.raises(ValueError, match="answers") as caught:
            compare_right(*pair)
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 140
        assert quality_p_value(*map(accuracy, pair)) is None


@given(st.text(max_size=60), st.text("0123456789 abcdefAB+/=", max_size=60))
def test_no_text_breaks_it(one: str, other: str) -> None:
    assert quality_p_value(accuracy(one), accuracy(other)) in (None, 1.0)


def test_answers_to_other_samples_are_not_compared() -> None:
    one = text([True, False, True])
    for other in (text([True, False]), text([True, False, True], "another data set")):
        with pytest.raises(ValueError, match="answers to 3 samples of data set '0123456789abcdef'"):
            compare_right(one, other)
        assert quality_p_value(accuracy(one), accuracy(other)) is None


def test_where_the_answers_are_not_kept_nothing_is_pretended() -> None:
    known, unknown = accuracy(text([True])), accuracy(None)
    assert quality_p_value(known, known) == 1
    assert quality_p_value(known, unknown) is None
    assert quality_p_value(unknown, unknown) is None
    assert quality_p_value(known, replace(known, metric="tag_f1")) is None
    assert quality_p_value(known, replace(known, details={"right": 5})) is None


def test_the_numbers_of_images_on_the_page_are_those_of_the_formula() -> None:
    page = (Path(__file__).parents[2] / "docs" / "trust.md").read_text()
    rows = re.findall(r"^\| (\d) points? \| (.*) \|$", page, re.MULTILINE)
    assert [row[0] for row in rows] == list("1235")
    for points, cells in rows:
        difference = int(points) / 100
        *paired, separate = [cell.removesuffix(" each").strip() for cell in cells.split("|")]
        wanted = [_images(difference, share) for share in (0.05, 0.1, 0.2)]
        for shown, images in zip(paired, wanted, strict=True):
            assert shown == f"{_two_digits(images):,}"
        assert separate == f"{_two_digits(_separate_images(difference)):,}"


def _images(difference: float, share: float) -> float:
    """The formula on the page."""
    inner = math.sqrt(share - difference**2)
    return ((1.96 * math.sqrt(share) + 0.84 * inner) / difference) ** 2


def _separate_images(difference: float) -> float:
    """The usual one for two proportions, 70 % and that with the difference added."""
    one, other = 0.7, 0.7 + difference
    mean = (one + other) / 2
    spread = math.sqrt(one * (1 - one) + other * (1 - other))
    return ((1.96 * math.sqrt(2 * mean * (1 - mean)) + 0.84 * spread) / difference) ** 2


def _two_digits(number: float) -> int:
    return int(float(f"{number:.1e}"))
