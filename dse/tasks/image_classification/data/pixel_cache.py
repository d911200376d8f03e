"""The cache of decoded, cropped and resized images, as files to be memory-mapped."""

from __future__ import annotations

import errno
import hashlib
import io
import json
import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import PIL
from PIL import Image

from dse.core.errors import DseError, RequestError
from dse.core.paths import atomic_write, cache_dir, exclusive, remove_leftovers
from dse.machine.thread_pool import Progress, parallel
from dse.tasks.image_classification.data._area import resize_and_crop
from dse.tasks.image_classification.data._image_formats import IMAGE_FORMATS
from dse.tasks.image_classification.inputs import check_preprocessing

if TYPE_CHECKING:
    from pathlib import Path

    from dse.tasks.image_classification.data.dataset import Dataset
    from dse.tasks.image_classification.preprocessing import Preprocessing

DECODER = f"pillow-{PIL.__version__}"
"""The library that decodes and resizes: another version may give other pixels."""

_DEEP_MODES = ("I", "F")
"""Modes with more than 8 bits per channel, which a conversion to RGB would clip, not scale."""

_FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def crop_box(width: int, height: int, crop: float) -> tuple[float, float, float, float]:
    """The central square of an image, with sides of ``crop`` times the shorter side.

    Args:
        width: width in pixels.
        height: height in pixels.
        crop: fraction in (0, 1].

    Returns:
        Left, top, right and bottom in pixels; not rounded.
    """
    side = crop * min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return left, top, min(left + side, width), min(top + side, height)


def decode_image(path: Path, resolution: int, crop: float, interpolation: str) -> bytes:
    """Decodes an image and brings its central square to a model's resolution.

    An image of any mode becomes RGB: grey is repeated, CMYK and palettes are converted,
    transparency is dropped. The EXIF orientation is not applied, as in MLPerf's reference.

    Returns:
        ``resolution * resolution * 3`` bytes, row by row, RGB.

    Raises:
        RequestError: the file is not an image, is damaged, or is too large to be a photograph.
    """
    try:
        with Image.open(path, formats=IMAGE_FORMATS) as image:
            pixels = _to_rgb(image)
        if interpolation == "area":
            return resize_and_crop(np.asarray(pixels), resolution, crop).tobytes()
        box = crop_box(*pixels.size, crop)
        size, kind = (resolution, resolution), _FILTERS[interpolation]
        return pixels.resize(size, kind, box=box).tobytes()
    # Pillow's decoders raise nearly any exception for damaged files.
    except Exception as error:
        raise RequestError(
            f"can't be read as an image: {_reason(error)}",
            file=path,
            remedy="replace the image, or take it out of the data set",
        ) from error


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith(_DEEP_MODES):
        raise ValueError(f"more than 8 bits per channel (mode {image.mode})")
    return image.convert("RGB")


def _reason(error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"more than {Image.MAX_IMAGE_PIXELS} pixels"
    if isinstance(error, PIL.UnidentifiedImageError):
        return f"none of the formats {', '.join(IMAGE_FORMATS)}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def image_cache(
    dataset: Dataset, preprocessing: Preprocessing, progress: Progress | None = None
) -> Path:
    """The cache file of a data set at a model's resolution; it is created if necessary.

    Only resolution, crop and interpolation matter: models that differ in the rest share a file.
    Of two processes at once the second waits for the first.

    Args:
        dataset: the images.
        preprocessing: preprocessing of the model.
        progress: called with (done, total) while the images are decoded.

    Returns:
        A ``.npy`` file: uint8, (n, resolution, resolution, 3), RGB, C order.

    Raises:
        RequestError: an image can't be read (the first in the data set's order), or the
            preprocessing makes no sense.
        DseError: the cache can't be written.
    """
    check_preprocessing(preprocessing)
    target = _Target.of(dataset, preprocessing)
    if target.is_whole():
        return target.path
    with exclusive(target.path.with_suffix(".lock")) as held:
        if held:
            remove_leftovers(target.path)
        if not target.is_whole():
            target.build(dataset, preprocessing, progress)
    return target.path


def label_file(dataset: Dataset) -> Path:
    """The file with the labels, in the folder of the cache files: ``.npy``, int64, (n,).

    Raises:
        DseError: the cache can't be written.
    """
    path = _folder(dataset) / "labels.npy"
    text = io.BytesIO()
    np.save(text, np.array(dataset.labels, dtype=np.int64))
    try:
        if path.read_bytes() == text.getvalue():
            return path
    except OSError:
        pass  # not written yet
    with atomic_write(path) as file:
        file.write(text.getvalue())
    return path


def _folder(dataset: Dataset) -> Path:
    return cache_dir() / "datasets" / dataset.fingerprint[:32]


@dataclass(frozen=True)
class _Target:
    """A cache file and its seal: a file written last that shows that the cache is complete."""

    path: Path
    shape: tuple[int, int, int, int]

    @classmethod
    def of(cls, dataset: Dataset, preprocessing: Preprocessing) -> _Target:
        side = preprocessing.resolution
        name = f"{side}-{preprocessing.crop!r}-{preprocessing.interpolation}"
        path = _folder(dataset) / f"{name}-{DECODER}.npy"
        return cls(path, (len(dataset), side, side, 3))

    @property
    def seal(self) -> Path:
        return self.path.with_suffix(".json")

    @property
    def image_size(self) -> int:
        return self.shape[1] * self.shape[2] * self.shape[3]

    @property
    def header(self) -> bytes:
        text = io.BytesIO()
        fields = {"descr": "|u1", "fortran_order": False, "shape": self.shape}
        np.lib.format.write_array_header_1_0(text, fields)
        return text.getvalue()

    def is_whole(self) -> bool:
        """Whether the file has the content that was written.

        The content is compared with the seal only if the modification time differs from the sealed
        one: reading 50,000 images takes seconds.
        """
        try:
            sealed = json.loads(self.seal.read_bytes())
            status = self.path.stat()
            with self.path.open("rb") as file:
                header = file.read(len(self.header))
        except (OSError, ValueError):
            return False
        if header != self.header or not isinstance(sealed, dict):
            return False
        if status.st_size != len(header) + self.shape[0] * self.image_size:
            return False
        if sealed.get("mtime_ns") == status.st_mtime_ns:
            return True
        if sealed.get("sha256") != self._content_hash():
            return False
        self._write_seal(str(sealed["sha256"]), status.st_mtime_ns)
        return True

    def build(
        self, dataset: Dataset, preprocessing: Preprocessing, progress: Progress | None
    ) -> None:
        """Decodes all images into the file and seals it."""
        crop, interpolation = preprocessing.crop, preprocessing.interpolation
        with atomic_write(self.path) as file:
            _reserve(file, len(self.header) + self.shape[0] * self.image_size)
            _write_at(file, self.header, 0)

            def one(index: int) -> bytes:
                image = decode_image(dataset.files[index], self.shape[1], crop, interpolation)
                # Not through a memory map: on a full disk it would raise SIGBUS, not an error.
                _write_at(file, image, len(self.header) + index * self.image_size)
                return hashlib.sha256(image).digest()

            with warnings.catch_warnings():
                # Set here and not in each thread: filters belong to the process.
                warnings.simplefilter("ignore")
                warnings.simplefilter("error", Image.DecompressionBombWarning)
                hashes = parallel(one, range(len(dataset)), progress)
        self._write_seal(_whole_hash(hashes), self.path.stat().st_mtime_ns)

    def _content_hash(self) -> str:
        images = np.load(self.path, mmap_mode="r", allow_pickle=False)
        indices = range(self.shape[0])
        return _whole_hash(parallel(lambda i: hashlib.sha256(images[i]).digest(), indices))

    def _write_seal(self, sha256: str, mtime_ns: int) -> None:
        with atomic_write(self.seal) as file:
            file.write(json.dumps({"sha256": sha256, "mtime_ns": mtime_ns}).encode())


def _whole_hash(hashes: list[bytes]) -> str:
    return hashlib.sha256(b"".join(hashes)).hexdigest()


def _reserve(file: BinaryIO, size: int) -> None:
    """Reserves the space, so that a full disk is noticed before the decoding."""
    if not hasattr(os, "posix_fallocate"):
        return
    try:
        os.posix_fallocate(file.fileno(), 0, size)
    except OSError as error:
        # Some file systems can't reserve space; then writing fails.
        if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
            raise


def _write_at(file: BinaryIO, content: bytes, offset: int) -> None:
    while content:
        written = os.pwrite(file.fileno(), content, offset)
        if not written:
            raise DseError("the cache of images can't be written: the disk takes no more bytes")
        content, offset = content[written:], offset + written
