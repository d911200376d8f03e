"""The published archives of a server on this machine: small models of the right form."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dse.download.connection import host_of
from dse.tasks.image_classification.fetching.fetch import group_by_archive
from dse.tasks.image_classification.models._onnx_writer import onnx_bytes
from dse.tasks.image_classification.models.graph import GraphBuilder
from tests.download.archives import tgz
from tests.small_models import classifier_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dse.tasks.image_classification.fetching.fetch import Wanted


def path_of(url: str) -> str:
    """Where a mirror keeps a published file."""
    return f"/{host_of(url)}{urlsplit(url).path}"


@cache
def model_of(wanted: Wanted) -> bytes:
    """A model with the input and the output of the published one."""
    variant = wanted.variant
    if wanted.source.model_format == "onnx":
        return onnx_classifier(variant.resolution, variant.classes)
    dtype = "float32" if wanted.precision == "fp32" else "uint8"
    return classifier_bytes(variant.resolution, variant.classes, dtype)


def onnx_classifier(side: int, classes: int) -> bytes:
    """Scores of the mean colour, from (batch, 3, side, side) to (batch, classes)."""
    builder = GraphBuilder("small", side)
    return onnx_bytes(builder.classify(builder.global_pool("pool", builder.input), classes))


def archives(wanted: Sequence[Wanted]) -> dict[str, bytes]:
    """What lies at the addresses of published files, by paths on a mirror, like the real ones."""
    found = {}
    for url, group in group_by_archive(wanted).items():
        packed = tgz(
            ("./checkpoint/model.ckpt.data", b"weights" * 1000),
            *((f"./{one.model}/{one.member}", model_of(one)) for one in group),
        )
        found[path_of(url)] = packed if group[0].source.archived else model_of(group[0])
    return found
