"""A study of fp32 and int8 by several methods, written down by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.configuration import Configuration
from dse.core.mcnemar import encode_right
from dse.core.measurement import Failure, FailureKind, Measurement, Outcome, Source
from dse.core.metrics import LATENCY
from dse.report.view import View
from dse.study.folder import StudyFolder
from dse.study.observations import Observation
from dse.tasks.image_classification._quality import ACCURACY
from tests.study.studies import create, small_space

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from dse.core.configuration import KnobValue

IMAGES = 500
SPACE = small_space(backends={"null": {}}, batch_sizes=1, objectives=[ACCURACY.name, LATENCY.name])


class Methods:
    """The study, and what is added to it.

    Args:
        folder: where it is made.
    """

    def __init__(self, folder: Path) -> None:
        self.study = create(StudyFolder(folder / "mine"), SPACE)
        self._count = 0

    @property
    def view(self) -> View:
        """The study as it is shown."""
        return View(self.study)

    def add(
        self,
        precision: str,
        right: int | None,
        latency_ms: float,
        source: Source = Source.REPLAYED,
        runs: Sequence[float] = (),
        *,
        accuracy: Source = Source.MEASURED,
        images: str = "images",
        **fields: KnobValue,
    ) -> int:
        """A point that answers the first images right; returns its id.

        Args:
            precision: of the model.
            right: how many of `IMAGES`; None where no answer was looked at.
            latency_ms: its latency.
            source: of the latency; one that was recorded elsewhere is exact.
            runs: further latencies of the same.
            accuracy: the source of the accuracy; of a published one no answers are known.
            images: the name of the data set.
            fields: of the configuration, knobs among them.
        """
        usual: dict[str, KnobValue] = {"model": "m", "backend": "x", "threads": 1, "batch_size": 1}
        own = Configuration.from_dict({**usual, "precision": precision, **fields})
        timed = Measurement(LATENCY.name, latency_ms, f"{own.key} latency", source)
        for place, value in enumerate((latency_ms, *runs) if runs else ()):
            again = Measurement(LATENCY.name, value, timed.key, source)
            self.study.results.measured.add(Observation(again, (1, 100 * self._count + place)))
        return self._note(own, (*_accuracy(own, right, accuracy, images), timed))

    def fail(self, backend: str) -> int:
        """A configuration that failed."""
        own = Configuration("m", "fp32", backend, 1, 1)
        return self._note(own, (), Failure(FailureKind.CRASH, "bang"))

    def _note(
        self, own: Configuration, found: tuple[Measurement, ...], failure: Failure | None = None
    ) -> int:
        self._count += 1
        self.study.results.note(self._count, own, Outcome(found, failure))
        return self._count


def _accuracy(
    own: Configuration, right: int | None, source: Source, images: str
) -> tuple[Measurement, ...]:
    if right is None:
        return ()
    percent = 100 * right / IMAGES
    if source is Source.PUBLISHED:
        return (Measurement(ACCURACY.name, percent, f"{own.key} accuracy", source),)
    answers = encode_right([index < right for index in range(IMAGES)], images)
    details: dict[str, KnobValue] = {"total": IMAGES, "right": answers or ""}
    return (
        Measurement(
            *(ACCURACY.name, percent, f"{own.key} accuracy", source),
            interval=(percent - 4, percent + 4),
            details=details,
        ),
    )
