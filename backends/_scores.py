"""Which of several outputs holds a row of scores for each sample."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.backend import UnsupportedError
from dse.core.signature import shape_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.core.backend import Outputs, Scores

    Shape = Sequence[int | None] | None
    """None for a dimension that the runtime does not tell, or for a whole shape."""

SCORES_RANK = 2


def find_scores(outputs: Sequence[tuple[str, Shape]], scores: Scores | None) -> int:
    """The index of the output that counts, of names and shapes, the batch first; 0 where all do.

    Where the width of the scores is not known, an output of a usual width goes before any other
    with a row for each sample.

    Raises:
        UnsupportedError: there are several outputs, and none can be the one.
    """
    if scores is None or len(outputs) == 1:
        return 0
    rows = [n for n, (_, shape) in enumerate(outputs) if shape is None or len(shape) == SCORES_RANK]
    widths = {index: (outputs[index][1] or (None,))[-1] for index in rows}
    wanted = scores.usual if scores.width is None else (scores.width,)
    exact = [index for index in rows if widths[index] in wanted]
    possible = [index for index in rows if scores.width is None or widths[index] is None]
    if found := exact or possible:
        return found[0]
    listed = ", ".join(f"{name} {shape_text(shape)}" for name, shape in outputs)
    width = scores.width
    sought = "one row of scores per sample" if width is None else f"{width} scores per sample"
    raise UnsupportedError(f"no output has {sought}: {listed}")


def scores_first(outputs: Outputs, index: int) -> Outputs:
    """The outputs of a call in the order that `dse.core.backend.Model.outputs` promises."""
    return (outputs[index], *outputs[:index], *outputs[index + 1 :])
