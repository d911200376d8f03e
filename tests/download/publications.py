"""The published archives of a server on this machine: small models of the right form."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from dse.download.connection import host_of
from dse.tasks.image_classification.fetching.fetch import group_by_archive
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
    dtype = "float32" if wanted.precision == "fp32" else "uint8"
    return classifier_bytes(variant.resolution, variant.classes, dtype)


def archives(wanted: Sequence[Wanted]) -> dict[str, bytes]:
    """The archives of published files by their paths on a mirror, laid out like the real ones."""
    return {
        path_of(url): tgz(
            ("./checkpoint/model.ckpt.data", b"weights" * 1000),
            *((f"./{one.model}/{one.member}", model_of(one)) for one in group),
        )
        for url, group in group_by_archive(wanted).items()
    }
