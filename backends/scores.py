"""Which of several outputs of an image classifier has the scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.backend import UnsupportedError
from dse.core.signature import shape_text
from dse.tasks.image_classification.labels import PLAIN, WITH_BACKGROUND

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.backend import Outputs

    Shape = Sequence[int | None] | None
    """None for a dimension that the runtime does not tell, or for a whole shape."""

SCORES_RANK = 2


def place_of_scores(outputs: Sequence[tuple[str, Shape]], classes: int | None) -> int:
    """The place of the output with the scores.

    Args:
        outputs: name and shape of each, the batch first.
        classes: number of scores; None where it is not known: then an output of a usual width goes
            before any other with a row for each sample.

    Raises:
        UnsupportedError: there are several outputs and none can be the scores.
    """
    if len(outputs) == 1:
        return 0
    flat = [n for n, (_, shape) in enumerate(outputs) if shape is None or len(shape) == SCORES_RANK]
    widths = {place: (outputs[place][1] or (None,))[-1] for place in flat}
    wanted = (PLAIN, WITH_BACKGROUND) if classes is None else (classes,)
    exact = [place for place in flat if widths[place] in wanted]
    possible = [place for place in flat if classes is None or widths[place] is None]
    if found := exact or possible:
        return found[0]
    listed = ", ".join(f"{name} {shape_text(shape)}" for name, shape in outputs)
    sought = "one row of scores per sample" if classes is None else f"{classes} scores per sample"
    raise UnsupportedError(f"no output has {sought}: {listed}")


def scores_first(outputs: Outputs, place: int) -> Outputs:
    """The outputs of a call in the order that `dse.core.backend.Model.outputs` promises."""
    return (outputs[place], *outputs[:place], *outputs[place + 1 :])
