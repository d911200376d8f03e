"""Addresses of the published files of the catalogue's variants.

The patterns are those of MLCommons' scripts ``get-ml-model-mobilenet`` and
``get-ml-model-efficientnet-lite`` (github.com/mlcommons/cm4mlops), with which the published
accuracies were measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dse.tasks.image_classification.models.catalogue import Variant

_STORAGE = "https://storage.googleapis.com"
_V1 = "https://download.tensorflow.org/models/mobilenet_v1_2018_08_02"


@dataclass(frozen=True, slots=True)
class DownloadSource:
    """A published file.

    Attributes:
        url: address of the archive that contains it, a compressed tar file.
        member: name of the file in the archive, without folders.
    """

    url: str
    member: str


def download_source(variant: Variant, precision: str) -> DownloadSource:
    """The address of a variant's file in a precision.

    Raises:
        KeyError: no file is published in that precision.
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
