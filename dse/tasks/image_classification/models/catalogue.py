"""The architectures known by name, with their published accuracies."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, cast

from dse.tasks.image_classification.models._architectures import (
    efficientnet_lite,
    mobilenet_v1,
    mobilenet_v2,
    mobilenet_v3,
    resnet50_v1_5,
)
from dse.tasks.image_classification.models._published import SOURCE, published_accuracies
from dse.tasks.image_classification.preprocessing import Preprocessing
from dse.tasks.published_models import unknown_model

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dse.core.measurement import PublishedQuality
    from dse.tasks.image_classification.models._architectures import Flavour
    from dse.tasks.image_classification.models.graph import Graph

Family = Literal["mobilenet-v1", "mobilenet-v2", "mobilenet-v3", "efficientnet-lite", "resnet"]


@dataclass(frozen=True, slots=True)
class Variant:
    """One architecture at one width and resolution.

    Attributes:
        name: name in search spaces.
        family: family of architectures.
        width: multiplier of the channel counts.
        resolution: side of the input in pixels.
        preprocessing: preprocessing of the published fp32 weights (NHWC).
        published: top-1 accuracy of the published weights by precision.
        flavour: ``large``, ``small``, ``large-minimalistic`` or ``small-minimalistic`` in
            MobileNet V3; empty elsewhere.
        depth: multiplier of the number of layers; 1 except in EfficientNet-Lite.
    """

    name: str
    family: Family
    width: float
    resolution: int
    preprocessing: Preprocessing
    published: Mapping[str, PublishedQuality] = field(default_factory=dict, hash=False)
    flavour: str = ""
    depth: float = 1.0

    @property
    def classes(self) -> int:
        """Number of scores: ImageNet's 1000, after that of a background class if there is one."""
        return 1000 + self.preprocessing.label_offset

    def graph(self) -> Graph:
        """The network, without weights."""
        name, width, resolution, classes = self.name, self.width, self.resolution, self.classes
        match self.family:
            case "mobilenet-v1":
                return mobilenet_v1(name, width, resolution, classes)
            case "mobilenet-v2":
                return mobilenet_v2(name, width, resolution, classes)
            case "mobilenet-v3":
                flavour = cast("Flavour", self.flavour)
                return mobilenet_v3(name, flavour, width, resolution, classes)
            case "efficientnet-lite":
                return efficientnet_lite(name, width, self.depth, resolution, classes)
            case "resnet":
                return resnet50_v1_5(name, width, resolution, classes)


RESOLUTIONS = (128, 160, 192, 224)
V1_WIDTHS = (0.25, 0.5, 0.75, 1.0)
V2_WIDTHS = (0.35, 0.5, 0.75, 1.0)
V3_FLAVOURS = ("large", "small", "large-minimalistic", "small-minimalistic")
# (width, depth, resolution) of lite0 to lite4, from tensorflow/tpu.
LITE_COEFFICIENTS = (
    (1.0, 1.0, 224),
    (1.0, 1.1, 240),
    (1.1, 1.2, 260),
    (1.2, 1.4, 280),
    (1.4, 1.8, 300),
)


def _mobilenet(name: str, family: Family, width: float, size: int, flavour: str = "") -> Variant:
    # TF-slim trains on pixels in [-1, 1] and puts a background class before ImageNet's.
    pixels = Preprocessing(size, mean=(127.5,) * 3, scale=(127.5,) * 3, label_offset=1)
    return Variant(name, family, width, size, pixels, published_accuracies(name), flavour)


def _lite(number: int, width: float, depth: float, size: int) -> Variant:
    name = f"efficientnet-lite{number}"
    pixels = Preprocessing(size, mean=(127.0,) * 3, scale=(128.0,) * 3)
    return Variant(
        name, "efficientnet-lite", width, size, pixels, published_accuracies(name), depth=depth
    )


def _resnet50() -> Variant:
    name, size = "resnet50-v1.5", 224
    # As in MLPerf's reference. The means are those of ImageNet's training images, red first.
    pixels = Preprocessing(
        size, mean=(123.68, 116.78, 103.94), interpolation="area", label_offset=1
    )
    return Variant(name, "resnet", 1.0, size, pixels, published_accuracies(name))


def _variants() -> Iterator[Variant]:
    families: tuple[tuple[Family, tuple[float, ...]], ...] = (
        ("mobilenet-v1", V1_WIDTHS),
        ("mobilenet-v2", V2_WIDTHS),
    )
    for family, widths in families:
        for width in widths:
            for size in RESOLUTIONS:
                yield _mobilenet(f"{family}-{width}-{size}", family, width, size)
    for flavour in V3_FLAVOURS:
        yield _mobilenet(f"mobilenet-v3-{flavour}", "mobilenet-v3", 1.0, 224, flavour)
    for number, (width, depth, size) in enumerate(LITE_COEFFICIENTS):
        yield _lite(number, width, depth, size)
    yield _resnet50()


CATALOGUE: Mapping[str, Variant] = MappingProxyType({v.name: v for v in _variants()})
"""The 42 architectures by name: 41 mobile ones, and ResNet50."""


def variant(name: str) -> Variant:
    """The architecture of that name.

    Raises:
        RequestError: the catalogue has no such name; the remedy suggests similar ones.
    """
    if name in CATALOGUE:
        return CATALOGUE[name]
    raise unknown_model(name, CATALOGUE)


def published_pairs() -> tuple[tuple[str, str], ...]:
    """The 83 (model, precision) pairs with a published accuracy, in the catalogue's order."""
    return tuple((name, precision) for name, v in CATALOGUE.items() for precision in v.published)


def sweep_pairs() -> tuple[tuple[str, str], ...]:
    """The 81 pairs of the published sweep, all of mobile architectures."""
    return tuple(
        (name, precision)
        for name, precision in published_pairs()
        if CATALOGUE[name].published[precision].source == SOURCE
    )
