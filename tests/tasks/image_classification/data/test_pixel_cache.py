"""The cache of decoded images: what it holds, and how it survives damage and rivals."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from dse.core.errors import DseError, RequestError
from dse.tasks.image_classification.data._area import resize_and_crop
from dse.tasks.image_classification.data.dataset import Dataset, open_dataset
from dse.tasks.image_classification.data.pixel_cache import (
    crop_box,
    decode_image,
    image_cache,
    label_file,
)
from dse.tasks.image_classification.preprocessing import Preprocessing
from tests.tasks.conftest import MakeDataset, picture

if TYPE_CHECKING:
    from collections.abc import Callable

SMALL = Preprocessing(16)


@pytest.fixture
def dataset(make_dataset: MakeDataset) -> Dataset:
    return open_dataset(make_dataset())


def rows(path: Path, side: int = 16) -> list[bytes]:
    pixels = np.load(path, mmap_mode="r")
    assert pixels.dtype == np.uint8
    assert pixels.shape[1:] == (side, side, 3)
    return [image.tobytes() for image in pixels]


def test_holds_each_image_cropped_and_resized(dataset: Dataset, cache: Path) -> None:
    calls: list[tuple[int, int]] = []
    path = image_cache(dataset, SMALL, lambda done, total: calls.append((done, total)))
    assert path.is_relative_to(cache)
    assert calls == [(i, 6) for i in range(1, 7)]
    for row, file in zip(rows(path), dataset.files, strict=True):
        with Image.open(file) as image:
            box = (6.875, 1.875, 33.125, 28.125)  # 26.25 in the middle of 40 x 30
            expected = image.resize((16, 16), Image.Resampling.BILINEAR, box=box)
        assert row == expected.tobytes()


def written(path: Path) -> tuple[int, int, int]:
    """What writing a file changes; reading it may change its time of access."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def test_is_made_once_and_shared(dataset: Dataset) -> None:
    path = image_cache(dataset, SMALL)
    before = written(path)
    calls: list[int] = []
    other = replace(SMALL, layout="NCHW", mean=(1.0, 2.0, 3.0), label_offset=1)
    assert image_cache(dataset, other, lambda done, _: calls.append(done)) == path
    assert written(path) == before
    assert not calls
    different = {
        path,
        image_cache(dataset, replace(SMALL, resolution=8)),
        image_cache(dataset, replace(SMALL, crop=1.0)),
        image_cache(dataset, replace(SMALL, interpolation="bicubic")),
        image_cache(dataset, replace(SMALL, interpolation="area")),
    }
    assert len(different) == 5


def test_area_averages_the_whole_image_before_the_crop(dataset: Dataset) -> None:
    path = image_cache(dataset, replace(SMALL, interpolation="area"))
    for row, file in zip(rows(path), dataset.files, strict=True):
        with Image.open(file) as image:
            expected = resize_and_crop(np.asarray(image.convert("RGB")), 16, 0.875)
        assert row == expected.tobytes()


def test_labels_file(dataset: Dataset) -> None:
    path = label_file(dataset)
    assert np.load(path).tolist() == list(dataset.labels)
    assert np.load(path).dtype == np.int64
    before = written(path)
    assert label_file(dataset) == path
    assert written(path) == before
    path.write_bytes(b"damaged")
    assert np.load(label_file(dataset)).tolist() == list(dataset.labels)


def _truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 1)


def _lengthen(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"\0")


def _flip(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(path, (1, 1))


def _header(path: Path) -> None:
    path.write_bytes(b"\0" * path.stat().st_size)


def _no_seal(path: Path) -> None:
    path.with_suffix(".json").unlink()


def _bad_seal(path: Path) -> None:
    path.with_suffix(".json").write_text('{"sha')


def _other_seal(path: Path) -> None:
    path.with_suffix(".json").write_text("[]")


@pytest.mark.parametrize(
    "damage",
    [_truncate, _lengthen, _flip, _header, Path.unlink, _no_seal, _bad_seal, _other_seal],
)
def test_damage_is_seen_and_mended(dataset: Dataset, damage: Callable[[Path], None]) -> None:
    path = image_cache(dataset, SMALL)
    whole = rows(path)
    damage(path)
    calls: list[int] = []
    assert image_cache(dataset, SMALL, lambda done, _: calls.append(done)) == path
    assert rows(path) == whole
    assert len(calls) == 6


def test_a_copied_cache_is_checked_and_kept(dataset: Dataset) -> None:
    path = image_cache(dataset, SMALL)
    os.utime(path, (1, 1))
    seal = path.with_suffix(".json").read_bytes()
    calls: list[int] = []
    image_cache(dataset, SMALL, lambda done, _: calls.append(done))
    assert not calls
    assert path.with_suffix(".json").read_bytes() != seal


BUILD = """\
import sys
from pathlib import Path
from dse.tasks.image_classification.data.pixel_cache import image_cache
from dse.tasks.image_classification.data.dataset import open_dataset
from dse.tasks.image_classification.preprocessing import Preprocessing
done = []
path = image_cache(
    open_dataset(Path(sys.argv[1])), Preprocessing(64), lambda d, _: done.append(d)
)
print(len(done), path)
"""


def test_two_processes_at_once(make_dataset: MakeDataset) -> None:
    folder = make_dataset(60)
    command = [sys.executable, "-c", BUILD, str(folder)]
    rivals = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = [rival.communicate(timeout=120)[0].split() for rival in rivals]
    assert sorted(answer[0] for answer in answers) == ["0", "0", "60"]
    (path,) = {Path(answer[1]) for answer in answers}
    assert len(rows(path, 64)) == 60
    assert not list(path.parent.glob("*.tmp"))


def test_leftovers_of_a_killed_process_are_removed(dataset: Dataset) -> None:
    path = image_cache(dataset, SMALL)
    _no_seal(path)
    leftover = path.with_name(f"{path.name}.1-abcdef.tmp")
    leftover.write_bytes(b"half")
    image_cache(dataset, SMALL)
    assert not leftover.exists()


FULL = """\
import resource, sys
from pathlib import Path
from dse.core.errors import DseError, RequestError
from dse.tasks.image_classification.data.pixel_cache import image_cache
from dse.tasks.image_classification.data.dataset import open_dataset
from dse.tasks.image_classification.preprocessing import Preprocessing
dataset = open_dataset(Path(sys.argv[1]))
if sys.argv[2] == "late":
    import os
    del os.posix_fallocate
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
try:
    image_cache(dataset, Preprocessing(64))
except DseError as error:
    assert not isinstance(error, RequestError)
    print(error)
"""


@pytest.mark.parametrize("when", ["early", "late"])
def test_no_room(make_dataset: MakeDataset, cache: Path, when: str) -> None:
    command = [sys.executable, "-c", FULL, str(make_dataset()), when]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert "can't be written: File too large; make room" in answer.stdout, answer.stderr
    assert len(answer.stdout.splitlines()) == 1
    assert not [path for path in cache.rglob("*") if path.suffix in (".tmp", ".npy")]


def test_cache_folder_that_is_none(dataset: Dataset, cache: Path) -> None:
    cache.write_text("a file")
    with pytest.raises(DseError, match="DSE_CACHE_DIR"):
        image_cache(dataset, SMALL)


def _not_an_image(path: Path) -> None:
    path.write_text("hello")


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _half(path: Path) -> None:
    picture(1, (200, 200)).save(path, "JPEG")
    os.truncate(path, path.stat().st_size // 2)


def _half_png(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _garbled_png(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[60:90] = bytes(30)
    path.write_bytes(raw)


def _postscript(path: Path) -> None:
    picture(1).save(path, "EPS")


def _deep(path: Path) -> None:
    Image.fromarray(np.full((9, 9), 40000, np.uint16)).save(path, "PNG")


def _bomb(path: Path) -> None:
    Image.new("1", (10_000, 10_000)).save(path, "PNG")


def _large_bomb(path: Path) -> None:
    Image.new("1", (20_000, 10_000)).save(path, "PNG")


def _gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (_not_an_image, "none of the formats"),
        (_empty, "none of the formats"),
        (_half, "truncated"),
        (_half_png, "read as an image"),
        (_garbled_png, "read as an image"),
        (_postscript, "none of the formats"),
        (_deep, "more than 8 bits per channel"),
        (_bomb, "more than 89478485 pixels"),
        (_large_bomb, "more than 89478485 pixels"),
        (_gone, "No such file"),
    ],
)
def test_unreadable_image(
    dataset: Dataset, cache: Path, damage: Callable[[Path], None], problem: str
) -> None:
    damage(dataset.files[2])
    damage(dataset.files[4])
    with pytest.raises(RequestError, match=problem) as caught:
        image_cache(dataset, SMALL)
    assert caught.value.file == dataset.files[2]
    assert caught.value.remedy
    assert not [path for path in cache.rglob("*") if path.suffix in (".tmp", ".npy")]


@pytest.mark.parametrize(
    ("mode", "ending"),
    [
        ("L", "png"),
        ("LA", "png"),
        ("1", "png"),
        ("P", "png"),
        ("P", "gif"),
        ("RGBA", "png"),
        ("L", "jpg"),
        ("CMYK", "jpg"),
        ("YCbCr", "jpg"),
        ("CMYK", "tiff"),
        ("RGB", "webp"),
        ("RGB", "bmp"),
        ("RGB", "ppm"),
    ],
)
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str, ending: str) -> None:
    path = tmp_path / f"image.{ending}"
    picture(5).convert(mode).save(path)
    with Image.open(path) as image:
        whole = image.convert("RGB").resize((8, 8), Image.Resampling.BICUBIC, (5, 0, 35, 30))
    assert decode_image(path, 8, 1.0, "bicubic") == whole.tobytes()


def test_palette_with_transparency_and_exif_orientation(tmp_path: Path) -> None:
    path = tmp_path / "image.png"
    picture(5).convert("P").save(path, transparency=bytes(range(256)))
    dataset = Dataset(tmp_path, (path,), (0,), "0" * 64)
    assert len(rows(image_cache(dataset, SMALL))) == 1
    plain, turned = tmp_path / "plain.png", tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(5).save(plain)
    picture(5).save(turned, exif=exif)
    assert decode_image(plain, 8, 1.0, "bilinear") == decode_image(turned, 8, 1.0, "bilinear")


@pytest.mark.parametrize("interpolation", ["bilinear", "area"])
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (2, 3)])
def test_tiny_images(tmp_path: Path, size: tuple[int, int], interpolation: str) -> None:
    picture(1, size).save(tmp_path / "tiny.png")
    assert len(decode_image(tmp_path / "tiny.png", 32, 0.875, interpolation)) == 32 * 32 * 3


@given(
    st.integers(1, 5000), st.integers(1, 5000), st.floats(0.01, 1.0) | st.just(0.9999999999999999)
)
def test_crop_box_is_a_central_square_within_the_image(w: int, h: int, crop: float) -> None:
    left, top, right, bottom = crop_box(w, h, crop)
    assert 0 <= left < right <= w
    assert 0 <= top < bottom <= h
    assert right - left == pytest.approx(crop * min(w, h))
    assert bottom - top == pytest.approx(crop * min(w, h))
    assert left + right == pytest.approx(w)
    assert top + bottom == pytest.approx(h)


@given(st.integers(1, 40), st.integers(1, 40), st.floats(0.05, 1.0))
def test_every_crop_box_is_one_that_pillow_takes(w: int, h: int, crop: float) -> None:
    Image.new("RGB", (w, h)).resize((4, 4), box=crop_box(w, h, crop))
