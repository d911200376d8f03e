"""The formats of images in data sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import features

if TYPE_CHECKING:
    from collections.abc import Callable

_SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm", ".pbm", ".pnm"),
    "JPEG2000": (".jp2", ".j2k", ".jpx", ".jpf", ".j2c", ".jpc"),
    "AVIF": (".avif",),
}
"""Suffixes by format. Not all formats of Pillow: EPS, for one, starts a PostScript interpreter."""
_FEATURE_OF = {"JPEG2000": "jpg_2000", "AVIF": "avif"}
"""Features that Pillow may have been built without; versions before 11.3 have no AVIF."""


def has_feature(feature: str) -> bool:
    """Whether this Pillow has a feature; False for one that it does not know."""
    known = feature in features.modules or feature in features.codecs
    return known and bool(features.check(feature))


def supported_formats(able: Callable[[str], bool] = has_feature) -> dict[str, tuple[str, ...]]:
    """Lower-case suffixes by format, for the formats that this Pillow can read."""
    return {
        name: endings
        for name, endings in _SUFFIXES.items()
        if name not in _FEATURE_OF or able(_FEATURE_OF[name])
    }


IMAGE_FORMATS = tuple(supported_formats())
SUFFIXES = frozenset(ending for endings in supported_formats().values() for ending in endings)
"""Suffixes of images in class folders; ``val_map.txt`` may list any name."""
