"""The similarity of two configurations in one respect: the kernels that terms consist of.

A kernel takes the features of all configurations and two arrays of indices, and gives a matrix of
shape (rows, columns), positive semidefinite if rows and columns are equal. Products and sums of
kernels are kernels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from dse.search._features import Features, Floats, Indices

    Kernel = Callable[[Features, Indices, Indices], Floats]
    Coordinates = Callable[[Features], Floats]

KNOB_SIMILARITY = 0.5
"""Factor of the similarity of two runtimes of one backend, for each knob in which they differ."""
LAYOUT_LENGTHS = (1.5, 1.5, 1.5)
"""Length scales of log2 threads, log2 instances and pinning."""
BATCH_LENGTH = 1.5
"""Length scale of the log2 of the batch size."""


def _same(aspect: str) -> Kernel:
    """A kernel that is 1 if an aspect is equal, else 0."""

    def kernel(features: Features, rows: Indices, columns: Indices) -> Floats:
        codes = features.codes[aspect]
        return np.asarray(codes[rows][:, None] == codes[columns], dtype=np.float64)

    return kernel


def _squared_exponential(codes: Indices, points: Floats, rows: Indices, columns: Indices) -> Floats:
    """The squared exponential of points in scaled coordinates, computed once for equal codes."""
    _, one, back = np.unique(codes[rows], return_index=True, return_inverse=True)
    _, other, forth = np.unique(codes[columns], return_index=True, return_inverse=True)
    apart = points[rows[one]][:, None] - points[columns[other]]
    found = np.exp(-0.5 * (apart**2).sum(axis=-1))
    return np.asarray(found[back[:, None], forth])


def _near_model(features: Features, rows: Indices, columns: Indices) -> Floats:
    """The similarity of models; one of an unknown name is similar only to itself."""
    found = np.nan_to_num(
        _squared_exponential(features.codes["model"], features.shapes, rows, columns), nan=0.0
    )
    family = _same("family")(features, rows, columns)
    own = _same("model")(features, rows, columns)
    return np.where(own > 0, 1.0, found * (0.5 + 0.5 * family))


def _near_runtime(features: Features, rows: Indices, columns: Indices) -> Floats:
    knobs = features.knobs
    differing = (knobs[rows][:, None] != knobs[columns]).sum(axis=-1)
    return np.asarray(_same("backend")(features, rows, columns) * KNOB_SIMILARITY**differing)


def _near_layout(features: Features, rows: Indices, columns: Indices) -> Floats:
    return _squared_exponential(
        features.codes["layout"], features.layouts / LAYOUT_LENGTHS, rows, columns
    )


def _near_batch(features: Features, rows: Indices, columns: Indices) -> Floats:
    scaled = features.log_batch[:, None] / BATCH_LENGTH
    return _squared_exponential(features.codes["batch"], scaled, rows, columns)


def _linear(coordinates: Coordinates) -> Kernel:
    """A linear kernel: the target is a weighted sum of the coordinates, with learned weights."""

    def kernel(features: Features, rows: Indices, columns: Indices) -> Floats:
        found = coordinates(features)
        return np.asarray(found[rows] @ found[columns].T)

    return kernel


COORDINATES: Mapping[str, Coordinates] = {
    "size": lambda features: features.log_macs[:, None],
    "times": lambda features: features.times.directions,
    "threads": lambda features: features.layouts,
    "published": lambda features: features.published_slope[:, None],
    "quantised": lambda features: features.quantised[:, None],
    "reduced": lambda features: features.reduced[:, None],
    "gated": lambda features: features.gated[:, None],
    "unknown": lambda features: features.unknown[:, None],
    "all unknown": lambda features: features.unknown.all() * features.unknown[:, None],
    "borrowed": lambda features: features.borrowed,
}
"""Coordinates of linear kernels by name; shape (configurations, coordinates).

- size: the logarithm of the multiply-accumulates;
- times: the directions of the cost prior, in which models and precisions differ between runtimes;
- threads: log2 of the threads and of the instances, and a step if pinned;
- published: the published quality;
- quantised: integers or not: their speed depends on the operators, and so on the family;
- reduced: fp32 or not: fp32 is as fast as the CPU allows in most runtimes;
- gated: with gates such as squeeze-and-excite and hard swish, or without;
- unknown: models of which nothing is known;
- all unknown: the same if that is true of all;
- borrowed: the deviations of other systems.
"""
KERNELS: Mapping[str, Kernel] = {
    "all": lambda _, rows, columns: np.ones((len(rows), len(columns))),
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
"""Kernels by the names in terms."""
