"""Addresses of the published files of the catalogue's variants.

The patterns are those of MLCommons' scripts ``get-ml-model-mobilenet`` and
``get-ml-model-efficientnet-lite`` (github.com/mlcommons/cm4mlops), with which the published
accuracies were measured. ResNet50 is the file of opset 11 that MLPerf's reference names
(github.com/mlcommons/inference, vision/classification_and_detection).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from dse.formats.file_kind import FORMAT_BY_SUFFIX
from dse.tasks.image_classification.models.catalogue import published_pairs

if TYPE_CHECKING:
    from dse.core.configuration import ModelFormat
    from dse.tasks.image_classification.models.catalogue import Variant

_STORAGE = "https://storage.googleapis.com"
_V1 = "https://download.tensorflow.org/models/mobilenet_v1_2018_08_02"
_OTHER_FORMATS = {("resnet50-v1.5", "int8")}
"""Published in a format that no runtime here reads: PyTorch's own."""


@dataclass(frozen=True, slots=True)
class DownloadSource:
    """A published file.

    Attributes:
        url: address of the file, or of the archive that contains it, a compressed tar file.
        member: name of the file, without folders.
    """

    url: str
    member: str

    @property
    def archived(self) -> bool:
        """Whether the file lies in an archive."""
        return PurePosixPath(self.url).name != self.member

    @property
    def model_format(self) -> ModelFormat:
        """The format of the file."""
        return FORMAT_BY_SUFFIX[PurePosixPath(self.member).suffix]


def published_files() -> tuple[tuple[str, str], ...]:
    """The 82 (model, precision) pairs of which a file can be downloaded, in the catalogue's order.

    All are TFLite, but for the ONNX file of ResNet50.
    """
    return tuple(pair for pair in published_pairs() if pair not in _OTHER_FORMATS)


def download_source(variant: Variant, precision: str) -> DownloadSource:
    """The address of a variant's file in a precision.

    Raises:
        KeyError: no file is published in that precision.
    """
    if precision not in variant.published or (variant.name, precision) in _OTHER_FORMATS:
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
        case "resnet":
            member = "resnet50_v1.onnx"
            return DownloadSource(f"https://zenodo.org/record/4735647/files/{member}", member)
