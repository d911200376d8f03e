"""Makes a large data set out of a few real images, by cropping and flipping.

    python -m tests.many_images SOURCE OUTPUT [COUNT]

MLPerf's rules ask for accuracy over 50,000 images. Where ImageNet is not at hand, this gives as
many that are clearly not ImageNet: an accuracy over them says something of these pictures only.
The same source gives the same files.

SOURCE is a data set with ``val_map.txt``; each image gives COUNT / (number of images) variants.
"""

from __future__ import annotations

import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from PIL import Image, ImageOps

from dse.tasks.image_classification.data.dataset import open_dataset

COUNT = 50_000
SIDE = 160
"""Pixels: enough for the smallest models, and 50,000 files stay below half a gigabyte."""
QUALITY = 85
STEPS = 5
"""The number of places in each direction of the grid that crops of one size lie on."""
SIZES = (1.0, 0.9)
"""Sides of the crops, as shares of the largest square."""
VARIANTS = len(SIZES) * STEPS * STEPS * 2


def make(source: Path, output: Path, count: int = COUNT) -> None:
    """Writes images and ``val_map.txt``.

    Raises:
        ValueError: more are wanted than crops and flips give.
    """
    dataset = open_dataset(source)
    each, rest = divmod(count, len(dataset))
    if each + bool(rest) > VARIANTS:
        raise ValueError(f"{len(dataset)} images give {len(dataset) * VARIANTS} variants at most")
    (output / "images").mkdir(parents=True)
    wanted = [each + (number < rest) for number in range(len(dataset))]
    jobs = [
        (file, output / "images", number, how_many)
        for number, (file, how_many) in enumerate(zip(dataset.files, wanted, strict=True))
    ]
    with ProcessPoolExecutor() as pool:
        names = list(pool.map(_variants, jobs, chunksize=4))
    lines = [
        f"{name} {label}\n"
        for made, label in zip(names, dataset.labels, strict=True)
        for name in made
    ]
    (output / "val_map.txt").write_text("".join(lines), encoding="ascii")


def _variants(job: tuple[Path, Path, int, int]) -> list[str]:
    file, folder, number, how_many = job
    names = []
    with Image.open(file) as opened:
        image = opened.convert("RGB")
    for variant in range(how_many):
        name = f"{number:05d}-{variant:02d}.jpg"
        _variant(image, variant).save(folder / name, quality=QUALITY)
        names.append(name)
    return names


def _variant(image: Image.Image, variant: int) -> Image.Image:
    """One of `VARIANTS` crops and flips."""
    place, flipped = divmod(variant, 2)
    size, place = divmod(place, STEPS * STEPS)
    down, across = divmod(place, STEPS)
    side = SIZES[size] * min(image.size)
    left = (image.width - side) * across / (STEPS - 1)
    top = (image.height - side) * down / (STEPS - 1)
    cut = image.resize(
        (SIDE, SIDE), Image.Resampling.BILINEAR, (left, top, left + side, top + side)
    )
    return ImageOps.mirror(cut) if flipped else cut


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
