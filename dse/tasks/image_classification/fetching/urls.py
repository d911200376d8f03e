"""Where the published files of the catalogue's variants lie.

The patterns are those of MLCommons' scripts ``get-ml-model-mobilenet`` and
``get-ml-model-efficientnet-lite`` (github.com/mlcommons/cm4mlops), with which the published
accuracies were measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, urlsplit

from dse.core.errors import RequestError

if TYPE_CHECKING:
    from dse.tasks.image_classification.models.catalogue import Variant

_STORAGE = "https://storage.googleapis.com"
_V1 = "https://download.tensorflow.org/models/mobilenet_v1_2018_08_02"
SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class DownloadSource:
    """A published file.

    Attributes:
        url: of the archive that holds it, a compressed tar file.
        member: the file's name in the archive, without folders.
    """

    url: str
    member: str


def download_source(variant: Variant, precision: str) -> DownloadSource:
    """Where a variant's file in a precision lies.

    Raises:
        KeyError: nothing is published in that precision.
    """
    if precision not in variant.published:
        raise KeyError(precision)
    quantised = precision == "int8"
    width, size = variant.width, variant.resolution
    match variant.family:
        case "mobilenet-v1":
            stem = f"mobilenet_v1_{width}_{size}{'_quant' if quantised else ''}"
            return DownloadSource(f"{_V1}/{stem}.tgz", f"{stem}.tflite")
        case "mobilenet-v2":
            stem, member = f"mobilenet_v2_{width}_{size}", f"mobilenet_v2_{width}_{size}.tflite"
            if quantised:
                stem, member = f"quantized_v2_{size}_{round(width * 100)}", "model.tflite"
            return DownloadSource(f"{_STORAGE}/mobilenet_v2/checkpoints/{stem}.tgz", member)
        case "mobilenet-v3":
            kind = "uint8" if quantised else "float"
            stem = f"v3-{variant.flavour}_{size}_{width}_{kind}"
            return DownloadSource(
                f"{_STORAGE}/mobilenet_v3/checkpoints/{stem}.tgz", f"{stem}.tflite"
            )
        case "efficientnet-lite":
            folder = f"{_STORAGE}/cloud-tpu-checkpoints/efficientnet/lite"
            return DownloadSource(
                f"{folder}/{variant.name}.tar.gz", f"{variant.name}-{precision}.tflite"
            )


def host(url: str) -> str:
    """The host that a URL names."""
    return urlsplit(url).netloc


def mirrored(url: str, mirror: str | None) -> str:
    """Where a mirror keeps a file: below its own address, by the host and path of the original.

    ``https://storage.googleapis.com/a/b.tgz`` is ``https://mirror/x/storage.googleapis.com/a/b.tgz``
    on the mirror ``https://mirror/x``.

    Args:
        url: the original.
        mirror: what `check_mirror` accepted, or None for the original itself.
    """
    if mirror is None:
        return url
    parts = urlsplit(url)
    return f"{mirror.rstrip('/')}/{parts.netloc}{parts.path}"


def check_mirror(url: str) -> str:
    """The address of a mirror, if it is one.

    Raises:
        RequestError: it is no plain http or https address.
    """
    parts = _split(url)
    plain = url.isascii() and url.isprintable() and " " not in url
    if parts is None or not plain or parts.query or parts.fragment or parts.username is not None:
        raise RequestError(
            f"'{url}' is not the address of a mirror",
            field="--mirror",
            remedy="write one such as https://mirror.example/models",
        )
    return url


def _split(url: str) -> SplitResult | None:
    """The parts of a URL that can be connected to."""
    try:
        parts = urlsplit(url)
        (parts.hostname or "").encode("idna")
        usable = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port or an address in brackets that is none, or an odd host
        return None
    return parts if usable else None
