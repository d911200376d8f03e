"""Whether the accuracy of an image classifier can be what it is taken for.

A wrong label order, normalisation or layout gives a number like any other. So labels and
predictions are counted beside an accuracy, and what they tell against it is a note.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.details import QualityDetails
from dse.core.intervals import wilson
from dse.core.plausibility import Note

if TYPE_CHECKING:
    from dse.core.measurement import Measurement

ONE_LABEL_SHARE = 0.95
"""From this share of the images on, one predicted label counts as one for all."""
FAR_POINTS = 5.0
"""Percentage points below a published accuracy that no other decoder or file explains: published
accuracies of one file differ by less than half a point, and int8 files by one to three."""
MIN_OF_A_LABEL = 10
"""With fewer images of a label, its share says nothing of how often it comes up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyDetails(QualityDetails):
    """What is stored with a top-1 accuracy.

    Attributes:
        good: the number of images whose predicted label is right.
        labels: the number of different labels.
        commonest_label_images: how many images have the commonest label.
        predicted: the number of different predictions.
        commonest_predicted: the commonest prediction.
        commonest_predicted_images: for how many images that is the prediction.
        good_shifted_up: how many predictions are right with 1 added.
        good_shifted_down: how many predictions are right with 1 taken away.
        classes_seen: the least number of classes that labels and predictions are of.
        classes: the number of the model's classes.
        published_percent: the published accuracy of the same variant.
        normalisation: what to write in place of mean and scale.
        may_saturate: whether sums of 8-bit products may be cut off.
        dataset_notes: what was left out of the data set or taken for granted.
    """

    good: int | None = None
    labels: int | None = None
    commonest_label_images: int | None = None
    predicted: int | None = None
    commonest_predicted: int | None = None
    commonest_predicted_images: int | None = None
    good_shifted_up: int | None = None
    good_shifted_down: int | None = None
    classes_seen: int | None = None
    classes: int | None = None
    published_percent: float | None = None
    normalisation: str | None = None
    may_saturate: bool | None = None
    dataset_notes: str | None = None


@dataclass(frozen=True, slots=True)
class _Counts:
    """What was counted in an accuracy run; see `AccuracyDetails`."""

    good: int
    total: int
    label_images: int
    labels: int
    prediction: int
    prediction_images: int
    up: int
    down: int
    classes: int
    classes_known: bool
    published_percent: float | None

    @classmethod
    def of(cls, details: AccuracyDetails) -> _Counts | None:
        """What details hold; None for those of earlier versions, which counted nothing."""
        if details.predicted is None:
            return None
        known = details.classes is not None
        return cls(
            good=details.good or 0,
            total=details.total or 0,
            label_images=details.commonest_label_images or 0,
            labels=details.labels or 0,
            prediction=details.commonest_predicted or 0,
            prediction_images=details.commonest_predicted_images or 0,
            up=details.good_shifted_up or 0,
            down=details.good_shifted_down or 0,
            classes=(details.classes if known else details.classes_seen) or 0,
            classes_known=known,
            published_percent=details.published_percent,
        )


def accuracy_notes(accuracy: Measurement) -> tuple[Note, ...]:
    """What speaks against a measured accuracy, the most telling first."""
    details = AccuracyDetails.of(accuracy.details)
    counts = _Counts.of(details)
    found = []
    if counts is not None:
        # Each explains those that come after it.
        found.append(
            _one_label(counts) or _shifted(counts) or _chance(counts) or _far_below(counts)
        )
    if details.normalisation is not None:
        reason = "mean and scale are not for pixels of 0 to 255"
        found.append(Note(reason, "", details.normalisation))
    if details.may_saturate is not None:
        reason = "8-bit products may saturate on this CPU, which has no VNNI"
        found.append(Note(reason, "", "try exact_int8: true"))
    if details.dataset_notes is not None:
        found.append(Note("data set", "", details.dataset_notes))
    return tuple(note for note in found if note is not None)


def _one_label(found: _Counts) -> Note | None:
    """Whether (nearly) all images get one label, though their own labels differ more than that."""
    total, same = found.total, found.prediction_images
    if same < ONE_LABEL_SHARE * total or wilson(same, total)[0] <= found.label_images / total:
        return None
    figures = f"label {found.prediction} for {same:,} of {total:,}"
    return Note("one label for all images", figures, "look at mean, scale, layout, dtype")


def _shifted(found: _Counts) -> Note | None:
    """Whether the neighbouring label is right more often, beyond the intervals and chance."""
    total, good = found.total, found.good
    shifts = {"+1": found.up, "-1": found.down}
    shift = max(shifts, key=lambda name: shifts[name])
    low, _ = wilson(shifts[shift], total)
    _, high = wilson(good, total)
    if low <= high or low <= _chance_share(found)[0]:
        return None
    figures = f"{_percent(shifts[shift] / total)} instead of {_percent(good / total)}"
    return Note(
        f"labels fit after a shift of {shift}", figures, "look at label_offset and the data set"
    )


def _chance(found: _Counts) -> Note | None:
    """Whether guessing does as well, as far as this number of images can tell."""
    if found.good == found.total:
        return None  # few images or one label may leave room for chance, but nothing to look at
    share, of = _chance_share(found)
    if wilson(found.good, found.total)[0] > share:
        return None
    remedy = "look at label_offset, mean, scale, layout"
    return Note("accuracy is that of chance", f"{_percent(share)} {of}", remedy)


def _chance_share(found: _Counts) -> tuple[float, str]:
    """What guessing gets right, as a share, and of what that is a share."""
    total, most, classes = found.total, found.label_images, found.classes
    # A model of many more classes than the images have can't guess which ones come up.
    covered = found.labels > 1 and classes <= 2 * found.labels
    if covered and most >= MIN_OF_A_LABEL and most * classes > total:
        return most / total, "have the commonest label"
    return 1 / classes, f"of {classes:,}{'' if found.classes_known else ' or more'} classes"


def _far_below(found: _Counts) -> Note | None:
    """Whether the published accuracy of the same variant is out of reach."""
    published = found.published_percent
    if published is None or 100 * wilson(found.good, found.total)[1] >= published - FAR_POINTS:
        return None
    figures = f"{_percent(found.good / found.total)}, published {_percent(published / 100)}"
    remedy = "look at mean, scale, crop, the file and the labels"
    return Note("accuracy is far below the published one", figures, remedy)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
