"""The limits of an answer, and the metrics that a user means by short names."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.config.messages import suggest
from dse.core.errors import RequestError
from dse.core.metrics import METRICS
from dse.report.metric_words import ACCURACY, SHORT_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_QUALITY = 100.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A bound of one metric.

    Attributes:
        metric: its name.
        value: the bound, in the metric's unit.
        upper: whether it is the largest value that is allowed; else the smallest.
    """

    metric: str
    value: float
    upper: bool

    def excess(self, value: float) -> float:
        """By how much a value misses it, in the metric's unit; 0 where it is kept."""
        if math.isnan(value):
            return math.inf
        return max(0.0, value - self.value if self.upper else self.value - value)

    def share(self, value: float) -> float:
        """The same as a share of the bound."""
        return self.excess(value) / abs(self.value) if self.value else self.excess(value)


@dataclass(frozen=True, slots=True)
class BelowBest:
    """A least quality: so far below the best one that keeps all other limits.

    Attributes:
        distance: in the quality's unit.
    """

    distance: float


def parse_quality(text: str) -> float | BelowBest:
    """A least quality in percent, such as ``70``, or ``best-2``.

    Raises:
        ValueError: the text is not one; says so.
    """
    found = re.fullmatch(r"(best-)?(\d{1,3}(?:\.\d{1,9})?)\s*%?", text.strip())
    if found is None or float(found[2]) > MAX_QUALITY:
        raise ValueError(f"'{text}' is not a quality; write 70 or best-2")
    value = float(found[2])
    if found[1]:
        return BelowBest(value)
    if 0 < value < 1:
        raise ValueError(f"'{text}' is less than one percent; write {100 * value:g}")
    return value


def metric_name(text: str, quality: str | None, further: Iterable[str]) -> str:
    """The metric that a user means.

    Args:
        text: a short name, or a whole one.
        quality: name of the quality of the study's task; None where it has none.
        further: names of the user's own metrics.

    Raises:
        RequestError: no metric has that name.
    """
    if text == ACCURACY and quality is not None:
        return quality
    known = {*METRICS, *further}
    name = SHORT_NAMES.get(text, text)
    if name not in known:
        own = [ACCURACY] if quality is not None else []
        remedy = suggest(text, [*own, *SHORT_NAMES, *known])
        raise RequestError(f"no metric is called '{text}'", remedy=remedy)
    return name
