"""Whether an accuracy can be what it is taken for: what is counted beside it, and what that tells.

A wrong label order, normalisation or layout gives a number like any other. What speaks against it
is a note, and never changes a value.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dse.core.intervals import wilson
from dse.core.measurement import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from dse.core.configuration import KnobValue
    from dse.core.measurement import Measurement, Outcome

ONE_LABEL_SHARE = 0.95
"""From this share of the images on, one predicted label counts as one for all."""
FAR_POINTS = 5.0
"""Percentage points below a published accuracy that no other decoder or file explains: published
accuracies of one file differ by less than half a point, and int8 files by one to three."""
MIN_OF_A_LABEL = 10
"""With fewer images of a label, its share says nothing of how often it comes up."""
SHOWN_NAMES = 5


@dataclass(frozen=True, slots=True)
class Note:
    """What speaks against an accuracy.

    Attributes:
        reason: the same for all points that it holds for.
        figures: of this point; empty where the reason says all.
        remedy: what to look at.
    """

    reason: str
    figures: str
    remedy: str

    def __str__(self) -> str:
        figures = f" ({self.figures})" if self.figures else ""
        return f"{self.reason}{figures}: {self.remedy}"


def counted(predictions: Mapping[int, int], labels: Sequence[int]) -> dict[str, KnobValue]:
    """What is kept beside an accuracy, as it can't be told from the accuracy alone.

    Args:
        predictions: the predicted label of each image, by its index.
        labels: of the images, at least one.

    Returns:
        By name: the number of different labels (``labels``) and of different predictions
        (``predicted``); how many images have the commonest of each (``commonest_label_images``,
        ``commonest_predicted_images``) and which prediction that is (``commonest_predicted``); how
        many predictions are right with 1 added (``good_shifted_up``) or taken away
        (``good_shifted_down``); and the number of classes that these labels are of at least
        (``classes_seen``).
    """
    (_, most), *_ = Counter(labels).most_common(1)
    answers = Counter(predictions.values())
    # The smallest of equally common ones: what is kept depends on no order.
    answer = min(answers, key=lambda label: (-answers[label], label))
    pairs = [(predictions[index], label) for index, label in enumerate(labels)]
    return {
        "labels": len(set(labels)),
        "commonest_label_images": most,
        "predicted": len(answers),
        "commonest_predicted": answer,
        "commonest_predicted_images": answers[answer],
        "good_shifted_up": sum(found + 1 == label for found, label in pairs),
        "good_shifted_down": sum(found - 1 == label for found, label in pairs),
        "classes_seen": max(*labels, *answers) + 1,
    }


def notes(outcome: Outcome) -> tuple[Note, ...]:
    """What speaks against the measured accuracy of a configuration; nothing where there is none.

    Accuracies that were measured before any of this was counted have no notes.
    """
    accuracy = outcome.quality
    if accuracy is None or accuracy.source is not Source.MEASURED:
        return ()
    return accuracy_notes(accuracy)


def accuracy_notes(accuracy: Measurement) -> tuple[Note, ...]:
    """What speaks against a measured accuracy, the most telling first."""
    details = accuracy.details
    found = []
    if "predicted" in details:
        # Each explains those that come after it.
        found.append(
            _one_label(details) or _shifted(details) or _chance(details) or _far_below(details)
        )
    if "normalisation" in details:
        reason = "mean and scale are not for pixels of 0 to 255"
        found.append(Note(reason, "", str(details["normalisation"])))
    if "may_saturate" in details:
        reason = "8-bit products may saturate on this CPU, which has no VNNI"
        found.append(Note(reason, "", "try exact_int8: true"))
    if "dataset_notes" in details:
        found.append(Note("data set", "", str(details["dataset_notes"])))
    return tuple(note for note in found if note is not None)


def lines(points: Iterable[tuple[str, Sequence[Note]]]) -> list[str]:
    """Notes of many points, a line for each reason.

    Args:
        points: a name of each point, or an empty one where they are only counted; and its notes.
    """
    total = 0
    grouped: dict[tuple[str, str], list[tuple[str, Note]]] = {}
    for name, own in points:
        total += 1
        for note in own:
            grouped.setdefault((note.reason, note.remedy), []).append((name, note))
    return [_line(found, total) for found in grouped.values()]


def _line(found: Sequence[tuple[str, Note]], total: int) -> str:
    name, first = found[0]
    if len({note.figures for _, note in found}) > 1:
        such = f"such as {name}: " if name else "such as "
        first = replace(first, figures=such + first.figures)
    return f"{_who([name for name, _ in found], total)}: {first}"


def _who(names: Sequence[str], total: int) -> str:
    """Points by name, or by number where they are all of them or have none."""
    count = f"{len(names):,} point{'s' if len(names) > 1 else ''}"
    if len(names) == 1:
        return names[0] or count
    if len(names) == total:
        return f"all {count}"
    if not names[0]:
        return count
    more = f" and {len(names) - SHOWN_NAMES:,} more" if len(names) > SHOWN_NAMES else ""
    return f"{count} ({', '.join(names[:SHOWN_NAMES])}{more})"


def _one_label(details: Mapping[str, KnobValue]) -> Note | None:
    """Whether (nearly) all images get one label, though their own labels differ more than that."""
    total, same = int(details["total"]), int(details["commonest_predicted_images"])
    own = int(details["commonest_label_images"]) / total
    if same < ONE_LABEL_SHARE * total or wilson(same, total)[0] <= own:
        return None
    figures = f"label {details['commonest_predicted']} for {same:,} of {total:,}"
    return Note("one label for all images", figures, "look at mean, scale, layout, dtype")


def _shifted(details: Mapping[str, KnobValue]) -> Note | None:
    """Whether the neighbouring label is right more often, beyond the intervals and chance."""
    total, good = int(details["total"]), int(details["good"])
    shifts = {"+1": int(details["good_shifted_up"]), "-1": int(details["good_shifted_down"])}
    shift = max(shifts, key=lambda name: shifts[name])
    low, _ = wilson(shifts[shift], total)
    _, high = wilson(good, total)
    if low <= high or low <= _chance_share(details)[0]:
        return None
    figures = f"{_percent(shifts[shift] / total)} instead of {_percent(good / total)}"
    return Note(
        f"labels fit after a shift of {shift}", figures, "look at label_offset and the data set"
    )


def _chance(details: Mapping[str, KnobValue]) -> Note | None:
    """Whether guessing does as well, as far as so many images can tell."""
    total, good = int(details["total"]), int(details["good"])
    if good == total:
        return None  # few images or one label may leave room for chance, but nothing to look at
    share, of = _chance_share(details)
    if wilson(good, total)[0] > share:
        return None
    remedy = "look at label_offset, mean, scale, layout"
    return Note("accuracy is that of chance", f"{_percent(share)} {of}", remedy)


def _chance_share(details: Mapping[str, KnobValue]) -> tuple[float, str]:
    """What guessing gets right, as a share, and of what that is a share."""
    total, most = int(details["total"]), int(details["commonest_label_images"])
    known = details.get("classes")
    classes = int(details["classes_seen"] if known is None else known)
    # A model of many more classes than the images have can't guess which ones come up.
    covered = int(details["labels"]) > 1 and classes <= 2 * int(details["labels"])
    if covered and most >= MIN_OF_A_LABEL and most * classes > total:
        return most / total, "have the commonest label"
    return 1 / classes, f"of {classes:,}{' or more' if known is None else ''} classes"


def _far_below(details: Mapping[str, KnobValue]) -> Note | None:
    """Whether the published accuracy of the same variant is out of reach."""
    published = details.get("published_percent")
    if published is None:
        return None
    total, good = int(details["total"]), int(details["good"])
    if 100 * wilson(good, total)[1] >= float(published) - FAR_POINTS:
        return None
    figures = f"{_percent(good / total)}, published {_percent(float(published) / 100)}"
    remedy = "look at mean, scale, crop, the file and the labels"
    return Note("accuracy is far below the published one", figures, remedy)


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"
