"""How alike two configurations are, in one respect each: the parts that terms are made of.

A kernel takes the features of all configurations and two arrays of places among them, and gives a
matrix of shape (rows, columns), positive semidefinite where rows and columns are the same. Products
and sums of kernels are kernels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dse.search.features import Features, Floats, Places

    Kernel = Callable[[Features, Places, Places], Floats]
    Coordinates = Callable[[Features], Floats]

KNOB_LIKENESS = 0.5
"""How much alike two runtimes of one backend are, for each knob in which they differ."""
LAYOUT_LENGTHS = (1.5, 1.5, 1.5)
BATCH_LENGTH = 1.5
"""Doublings over which a batch size or a number of threads becomes another."""


def _same(aspect: str) -> Kernel:
    """One where an aspect is the same, else zero."""

    def kernel(features: Features, rows: Places, columns: Places) -> Floats:
        codes = features.codes[aspect]
        return np.asarray(codes[rows][:, None] == codes[columns], dtype=np.float64)

    return kernel


def _close(codes: Places, points: Floats, rows: Places, columns: Places) -> Floats:
    """A squared exponential of points in scaled coordinates; computed once for equal codes."""
    _, one, back = np.unique(codes[rows], return_index=True, return_inverse=True)
    _, other, forth = np.unique(codes[columns], return_index=True, return_inverse=True)
    apart = points[rows[one]][:, None] - points[columns[other]]
    found = np.exp(-0.5 * (apart**2).sum(axis=-1))
    return np.asarray(found[back[:, None], forth])


def _near_model(features: Features, rows: Places, columns: Places) -> Floats:
    """Of models whose names tell nothing, each is near itself only."""
    found = np.nan_to_num(_close(features.codes["model"], features.shapes, rows, columns), nan=0.0)
    family = _same("family")(features, rows, columns)
    own = _same("model")(features, rows, columns)
    return np.where(own > 0, 1.0, found * (0.5 + 0.5 * family))


def _near_runtime(features: Features, rows: Places, columns: Places) -> Floats:
    knobs = features.knobs
    differing = (knobs[rows][:, None] != knobs[columns]).sum(axis=-1)
    return np.asarray(_same("backend")(features, rows, columns) * KNOB_LIKENESS**differing)


def _near_layout(features: Features, rows: Places, columns: Places) -> Floats:
    return _close(features.codes["layout"], features.layouts / LAYOUT_LENGTHS, rows, columns)


def _near_batch(features: Features, rows: Places, columns: Places) -> Floats:
    scaled = features.log_batch[:, None] / BATCH_LENGTH
    return _close(features.codes["batch"], scaled, rows, columns)


def _linear(coordinates: Coordinates) -> Kernel:
    """The product of coordinates: a weighted sum of them with weights to be learned."""

    def kernel(features: Features, rows: Places, columns: Places) -> Floats:
        found = coordinates(features)
        return np.asarray(found[rows] @ found[columns].T)

    return kernel


def _all(_features: Features, rows: Places, columns: Places) -> Floats:
    return np.ones((len(rows), len(columns)))


COORDINATES: Mapping[str, Coordinates] = {
    "size": lambda features: features.log_macs[:, None],
    "times": lambda features: features.times.directions,
    "threads": lambda features: features.layouts,
    "published": lambda features: features.published_slope[:, None],
    "quantised": lambda features: features.quantised[:, None],
    "reduced": lambda features: features.reduced[:, None],
    "gated": lambda features: features.gated[:, None],
    "borrowed": lambda features: features.borrowed,
}
"""Of the kernels that are linear, by name; shape (configurations, coordinates).

- size: the logarithm of the multiply-accumulates;
- times: what the costs of the parts of a model make models and precisions differ by;
- threads: log2 of the threads, of the instances, and a step where pinned;
- published: the published quality;
- quantised: integers or not, since how fast those are hangs on the operators, so on the family;
- reduced: fp32 or not: that is as fast as the CPU allows in most runtimes;
- gated: gates such as squeeze-and-excite and hard swish, or not;
- borrowed: what other systems deviate by.
"""
KERNELS: Mapping[str, Kernel] = {
    "all": _all,
    "model": _same("model"),
    "family": _same("family"),
    "lineage": _same("lineage"),
    "precision": _same("precision"),
    "runtime": _same("runtime"),
    "file": _same("file"),
    "single": _same("single"),
    "whole": _same("whole"),
    "near model": _near_model,
    "near runtime": _near_runtime,
    "near layout": _near_layout,
    "near batch": _near_batch,
    **{name: _linear(of) for name, of in COORDINATES.items()},
}
"""By the names that terms are written with."""
