"""The sizes that models usually take, tried in order where a runtime refuses those made up."""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle, product
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.formats.dimensions import (
    AUDIO,
    CHANNELS,
    FRAMES,
    OTHER,
    PAST,
    SEQUENCE,
    SIDE,
    is_batch_name,
    resolve_inputs,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dse.formats.description import ModelDescription
    from dse.formats.dimensions import Choices, ResolvedSignature

MAX_TRIED = 16
USUAL: Mapping[int, tuple[tuple[int, ...], ...]] = {
    # Height and width of text recognisers, then squares.
    SIDE: ((48, 320), (32, 320), (256,), (112,), (320,), (384,), (512,), (640,), (64,), (32,)),
    SEQUENCE: ((77,), (64,), (32,), (16,), (512,), (1,)),
    AUDIO: ((512,), (15_600,), (1024,), (400,), (32_000,), (48_000,), (480_000,)),
    FRAMES: ((3000,), (1000,), (200,), (96,), (64,), (16,)),
    CHANNELS: ((1,), (4,)),
    PAST: ((1,),),
    OTHER: ((80,), (64,), (128,), (16,), (3,), (2,)),
}
"""Other sizes by the size that `dse.formats.dimensions` makes up for that kind of dimension."""


def other_signatures(
    described: ModelDescription, choices: Choices, refused: ResolvedSignature
) -> Iterator[ResolvedSignature]:
    """Other signatures of a model, at most `MAX_TRIED`; the first differ in one kind of dimension.

    Dimensions that the file or the user fixes keep their sizes, and so does the batch.

    Args:
        described: the model.
        choices: what the user chose.
        refused: the signature with the sizes that were made up.
    """
    kinds: dict[int, list[str]] = {}
    for name, size in refused.sizes.items():
        if name not in choices.sizes and not is_batch_name(name):
            kinds.setdefault(size, []).append(name)
    options = [range(1 + len(USUAL.get(kind, ()))) for kind in kinds]
    tried = [refused.sizes]
    for picks in sorted(product(*options), key=lambda one: (sum(one), [-pick for pick in one])):
        usual: dict[str, int] = {}
        for (kind, names), pick in zip(kinds.items(), picks, strict=True):
            sizes = USUAL[kind][pick - 1] if pick else ()
            # Of one open side of an image it is the width.
            usual |= zip(names, cycle(sizes if len(names) > 1 else sizes[-1:]), strict=False)
        try:
            found = resolve_inputs(
                described.inputs, replace(choices, usual=usual), described.subgraph
            )
        except RequestError:  # an expression of these sizes has no value
            continue
        if found.sizes not in tried:
            tried.append(found.sizes)
            yield found
        if len(tried) > MAX_TRIED:
            return
