"""The provider that needs nothing: any architecture of the catalogue, with untrained weights.

Speed depends on the architecture and not on what was learnt, so it is true; accuracy is not, and
only a published one may stand beside it.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING

from dse.errors import RequestError, UnavailableError
from dse.models import cache
from dse.models.catalogue import CATALOGUE, variant
from dse.models.provider import Artefact
from dse.paths import cache_dir
from dse.types import digest

if TYPE_CHECKING:
    from pathlib import Path

    from dse.models.graph import Graph
    from dse.models.published import PublishedAccuracy
    from dse.types import ModelFormat

BUILDER_VERSION = 1
"""Raised with every change that gives a graph other bytes: files of older builders stay unused."""

WEIGHTS = "untrained (builtin)"
_INSTALL = "pip install 'mlperf-dse[builtin]'"


def build(graph: Graph) -> tuple[Path, str]:
    """Builds a graph as ONNX in the cache, or finds it there undamaged.

    Returns:
        The file's path and SHA-256.

    Raises:
        UnavailableError: onnx is not installed.
        DseError: the cache can't be written to.
    """
    if found := _cached(graph):
        return found
    try:
        from dse.models.onnx_writer import onnx_bytes

        data = onnx_bytes(graph)
    except ImportError as error:
        raise UnavailableError("builtin models need onnx", remedy=_INSTALL) from error
    return cache.store(_folder(), _stem(graph), ".onnx", data)


def _folder() -> Path:
    return cache_dir() / "models" / "builtin"


def _stem(graph: Graph) -> str:
    return f"{graph.name}.{digest([BUILDER_VERSION, graph.digest])}"


def _cached(graph: Graph) -> tuple[Path, str] | None:
    return cache.find(_folder(), _stem(graph), ".onnx")


class Builtin:
    """Builds the catalogue's architectures in fp32, as ONNX."""

    name = "builtin"
    trained = False

    def models(self) -> tuple[str, ...]:
        """All names of the catalogue."""
        return tuple(CATALOGUE)

    def precisions(self, model: str) -> tuple[str, ...]:
        """The precisions it builds a model in.

        Raises:
            RequestError: the catalogue has no such model.
        """
        variant(model)
        return ("fp32",)

    def obstacle(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
        """Why no file in one of these formats can be had; None if one can."""
        if problem := _refusal(model, precision, formats):
            return problem
        if find_spec("onnx") is None and _cached(CATALOGUE[model].graph()) is None:
            return f"builtin models need onnx: {_INSTALL}"
        return None

    def published(self, model: str, precision: str) -> PublishedAccuracy | None:
        """The published accuracy of the weights that these here stand for."""
        return CATALOGUE[model].published.get(precision) if model in CATALOGUE else None

    def artefact(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> Artefact:
        """The file of a model, built on first use.

        Raises:
            UnavailableError: onnx is not installed.
            RequestError: no file in one of these formats can be had.
        """
        known = variant(model)
        if problem := _refusal(model, precision, formats):
            remedy = "give a folder of model files instead"
            raise RequestError(f"{model} {precision}: {problem}", remedy=remedy)
        path, checksum = build(known.graph())
        return Artefact(
            path=path,
            format="onnx",
            sha256=checksum,
            preprocessing=replace(known.preprocessing, layout="NCHW"),
            classes=known.classes,
            weights=WEIGHTS,
            published=known.published.get(precision),
        )


def _refusal(model: str, precision: str, formats: tuple[ModelFormat, ...]) -> str | None:
    """What it does not offer, wherever it runs."""
    if model not in CATALOGUE:
        return f"builtin has no model '{model}'"
    if precision != "fp32":
        return f"builtin builds no {precision} yet"
    if "onnx" not in formats:
        return f"builtin builds no {' or '.join(formats) or 'other format'} yet"
    return None
