"""Which of several outputs holds a row of scores for each sample."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from dse.core.backend import UnsupportedError
from dse.core.signature import shape_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Outputs, Scores
    from dse.formats.interface import Interface

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


@dataclass(frozen=True, slots=True)
class Chosen:
    """The outputs of a model by name.

    Attributes:
        computed: what a call gives, what a prediction returns first.
        others: the rest.
    """

    computed: tuple[str, ...]
    others: tuple[str, ...]

    def named(self, arrays: Iterable[NDArray[np.generic]]) -> Outputs:
        """Those of a call, see `dse.core.backend.Model.outputs`."""
        found = zip(self.computed, arrays, strict=True)
        return (*found, *((name, None) for name in self.others))


def choose_outputs(declared: Interface, scores: Scores | None) -> Chosen:
    """All outputs, or the scores alone where they are asked for; raises as `find_scores`."""
    outputs = [(one.name, one.shape) for one in declared.outputs]
    index = find_scores(outputs, scores)
    order = [name for name, _ in scores_first(tuple((n, None) for n, _ in outputs), index)]
    count = len(order) if scores is None else 1
    return Chosen(tuple(order[:count]), tuple(order[count:]))


def check_amounts(runtime: str, declared: Interface, shapes: Sequence[Sequence[int]]) -> None:
    """Refuses a model that converts into one with other outputs.

    Converters leave reshapes out that the next operator needs, or have another meaning of a mode.
    Dimensions of 1 more or less are none of it.

    Args:
        runtime: its name, in words.
        declared: what the file has.
        shapes: of the outputs that the runtime gives, in the order of the file, the batch first.

    Raises:
        UnsupportedError: an output has more or fewer values for a sample than the file declares.
    """
    for one, shape in zip(declared.outputs, shapes, strict=True):
        sizes = (one.shape or (None,))[1:]
        known = [size for size in sizes if size is not None]
        if one.shape and len(known) == len(sizes) and prod(known) != prod(shape[1:]):
            told = f"the output '{one.name}' is {shape_text(shape)}"
            raise UnsupportedError(f"{told} in {runtime}, and {one.words} in the file")


def scores_first(outputs: Outputs, index: int) -> Outputs:
    """The outputs of a call in the order that `dse.core.backend.Model.outputs` promises."""
    return (outputs[index], *outputs[:index], *outputs[index + 1 :])
