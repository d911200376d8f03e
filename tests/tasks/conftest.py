"""Small data sets made on the spot, and a cache of their own for each test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

MakeDataset = Callable[..., Path]


@pytest.fixture(autouse=True)
def cache(own_cache: Path) -> Path:
    return own_cache


def picture(seed: int, size: tuple[int, int] = (40, 30)) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), np.uint8)
    return Image.fromarray(pixels)


@pytest.fixture
def make_dataset(tmp_path: Path) -> MakeDataset:
    def make(count: int = 6, name: str = "images-in-a-folder") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        lines = []
        for i in range(count):
            picture(i).save(folder / f"{i}.png")
            lines.append(f"{i}.png {i * 7}\n")
        (folder / "val_map.txt").write_text("".join(lines))
        return folder

    return make
