"""McNemar's test: whether two models that answered the same samples differ in quality.

Samples that both answer right, or both wrong, tell nothing of the difference. Only the discordant
ones do, which one model alone answers right: if the models are equally good, each of the two is as
likely to be that one. Intervals of two accuracies ignore that the samples are the same, and so miss
most differences.

Which samples were answered right is kept with a quality as a short text: the number of samples, the
beginning of the data set's fingerprint, and a bit for each sample, compressed, in base64.

Standard library only: a worker imports this in an interpreter that may hold nothing else.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from dse.core.details import QualityDetails

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.measurement import Measurement

MAX_SAMPLES = 300_000
"""Largest number of samples whose answers are kept: MySQL keeps no text above 64 KiB, and 300,000
bits take 50 KB of it."""
MAX_TEXT_LENGTH = 4 * (MAX_SAMPLES // 8) // 3 + 1000
"""Bound of a text's length: incompressible bits in base64, with room for zlib's and our headers."""
FINGERPRINT_LENGTH = 16
MAX_KEPT = 256
"""Largest number of texts whose bits stay in memory."""
_TEXT = re.compile(r"([1-9][0-9]{0,5}) (.{0,16}) ([A-Za-z0-9+/]+={0,2})")


@dataclass(frozen=True, slots=True)
class Discordance:
    """The samples on which two models disagree.

    Attributes:
        samples: the number of samples that both answered.
        only_one: how many of them the first model alone answers right.
        only_other: how many of them the second model alone answers right.
    """

    samples: int
    only_one: int
    only_other: int

    @property
    def p_value(self) -> float:
        """See `exact_p_value`."""
        return exact_p_value(self.only_one, self.only_other)


def exact_p_value(only_one: int, only_other: int) -> float:
    """The two-sided p value of McNemar's exact test.

    It is the probability that the discordant samples split at least as unevenly, if each of them is
    as likely to fall to either model. The test is conservative: at a level of 5 %, at most 5 % of
    equally good models seem to differ.

    Args:
        only_one: the number of samples that the first model alone answers right.
        only_other: the number of samples that the second model alone answers right.

    Source: Q. McNemar, Psychometrika 12 (1947), 153-157; with the binomial distribution in place of
    its approximation, as in A. Agresti, Categorical Data Analysis (2002), section 10.1.
    """
    fewer, total = min(only_one, only_other), only_one + only_other
    if only_one == only_other:
        return 1.0
    # The tail of Binomial(total, 1/2) up to `fewer`, as its last term times a sum of ratios.
    last = math.lgamma(total + 1) - math.lgamma(fewer + 1) - math.lgamma(total - fewer + 1)
    ratio = tail = 1.0
    for count in range(fewer, 0, -1):
        ratio *= count / (total - count + 1)
        tail += ratio
        if ratio < 1e-17 * tail:
            break
    return min(1.0, 2 * tail * math.exp(last - total * math.log(2)))


def encode_right(right: Sequence[bool], dataset: str) -> str | None:
    """The text that tells which samples were answered right; the inverse is in `compare_right`.

    Args:
        right: whether each sample was answered right, by its index.
        dataset: fingerprint of the data set; empty where it has none.

    Returns:
        At most `MAX_TEXT_LENGTH` characters: 100 for 500 samples, 8,400 for 50,000. None for no
        sample and for more than `MAX_SAMPLES`.
    """
    count = len(right)
    if not 0 < count <= MAX_SAMPLES:
        return None
    bits = int("".join("1" if each else "0" for each in right), 2)
    packed = zlib.compress(bits.to_bytes(_bytes_of(count), "big"), 9)
    words = str(count), dataset[:FINGERPRINT_LENGTH], base64.b64encode(packed).decode("ascii")
    return " ".join(words)


def compare_right(one: str, other: str) -> Discordance:
    """On how many samples two models disagree.

    Args:
        one: which samples the first model answered right, as `encode_right` gives it.
        other: the same of the second model.

    Raises:
        ValueError: a text is something else, or the samples are not the same.
    """
    first, second = _decode(one), _decode(other)
    if first.samples != second.samples:
        raise ValueError(f"answers to {first.samples}, and to {second.samples}")
    return Discordance(
        first.count,
        (first.bits & ~second.bits).bit_count(),
        (second.bits & ~first.bits).bit_count(),
    )


def quality_p_value(one: Measurement, other: Measurement) -> float | None:
    """The p value of the difference between two qualities of the same samples.

    A large one says that these samples can't tell which model is better.

    Returns:
        None where the answers of either are not known, or are answers to other samples. So it is
        with published and recorded values, and with measurements of earlier versions.
    """
    texts = [QualityDetails.of(each.details).right for each in (one, other)]
    if one.metric != other.metric or not all(isinstance(text, str) for text in texts):
        return None
    try:
        return compare_right(*map(str, texts)).p_value
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Answers:
    """Which samples were answered right: a bit for each, the last sample's is the lowest one."""

    count: int
    dataset: str
    bits: int

    @property
    def samples(self) -> str:
        """The samples in words."""
        return f"{self.count} samples of data set {self.dataset!r}"


@lru_cache(MAX_KEPT)
def _decode(text: str) -> _Answers:
    """Reads a text of `encode_right` from a source that nobody vouches for.

    Raises:
        ValueError: it is something else.
    """
    found = _TEXT.fullmatch(text) if len(text) <= MAX_TEXT_LENGTH else None
    count = int(found[1]) if found else 0
    if found is None or count > MAX_SAMPLES:
        raise ValueError("not a text of answers: expected count, data set and bits")
    data = _unpacked(found[3], _bytes_of(count))
    bits = int.from_bytes(data, "big")
    if bits.bit_length() > count:
        raise ValueError(f"answers to more than {count} samples")
    return _Answers(count, found[2], bits)


def _unpacked(text: str, size: int) -> bytes:
    """Decodes and decompresses exactly ``size`` bytes; more are not made."""
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(base64.b64decode(text, validate=True), size + 1)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"the answers can't be decoded: {error}") from error
    if len(data) != size or not unpacker.eof or unpacker.unused_data:
        raise ValueError(f"the answers are not {size} bytes")
    return data


def _bytes_of(count: int) -> int:
    """The number of bytes that hold a bit for each sample."""
    return (count + 7) // 8
