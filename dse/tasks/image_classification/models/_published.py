"""Published top-1 accuracies of the catalogue's variants.

The figures of the mobile variants come from one system whose owner measured every variant on the
50,000 ImageNet validation images, so that they can be compared with each other. Those of ResNet50
are MLPerf's own (mlcommons/inference, vision/classification_and_detection), of the same images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core.measurement import PublishedQuality

if TYPE_CHECKING:
    from collections.abc import Mapping


SOURCE = (
    "MLPerf Inference v3.0, edge/open, cTuning, "
    "amd_zen4_workstation-tflite_cpp-cpu-tflite-vmaster-default_config"
)

# Top-1 in percent: (fp32, int8); None where the system has no figure.
_TOP1: Mapping[str, tuple[float, float | None]] = {
    "mobilenet-v1-0.25-128": (44.116, 42.346),
    "mobilenet-v1-0.25-160": (47.81, 45.454),
    "mobilenet-v1-0.25-192": (49.478, 48.11),
    "mobilenet-v1-0.25-224": (51.848, 50.238),
    "mobilenet-v1-0.5-128": (57.918, 56.738),
    "mobilenet-v1-0.5-160": (60.842, 59.422),
    "mobilenet-v1-0.5-192": (63.244, 61.462),
    "mobilenet-v1-0.5-224": (64.346, 62.27),
    "mobilenet-v1-0.75-128": (63.716, 58.39),
    "mobilenet-v1-0.75-160": (66.384, 64.118),
    "mobilenet-v1-0.75-192": (68.242, 67.206),
    "mobilenet-v1-0.75-224": (69.262, 68.124),
    "mobilenet-v1-1.0-128": (66.604, 64.766),
    "mobilenet-v1-1.0-160": (69.106, 68.2),
    "mobilenet-v1-1.0-192": (70.624, 70.016),
    "mobilenet-v1-1.0-224": (71.678, 70.762),
    "mobilenet-v2-0.35-128": (52.172, 49.216),
    "mobilenet-v2-0.35-160": (56.988, 54.6),
    "mobilenet-v2-0.35-192": (59.324, 56.518),
    "mobilenet-v2-0.35-224": (60.974, 58.508),
    "mobilenet-v2-0.5-128": (58.402, 55.552),
    "mobilenet-v2-0.5-160": (61.668, 59.184),
    "mobilenet-v2-0.5-192": (64.282, 61.906),
    "mobilenet-v2-0.5-224": (65.75, 63.654),
    "mobilenet-v2-0.75-128": (64.038, 61.984),
    "mobilenet-v2-0.75-160": (66.75, 64.982),
    "mobilenet-v2-0.75-192": (68.834, 67.396),
    "mobilenet-v2-0.75-224": (70.122, 68.664),
    "mobilenet-v2-1.0-128": (66.036, 63.44),
    "mobilenet-v2-1.0-160": (69.016, 67.71),
    "mobilenet-v2-1.0-192": (70.74, 69.58),
    "mobilenet-v2-1.0-224": (71.77, 70.616),
    "mobilenet-v3-large": (75.76, 72.902),
    "mobilenet-v3-small": (68.336, 64.418),
    "mobilenet-v3-large-minimalistic": (72.678, 70.34),
    "mobilenet-v3-small-minimalistic": (63.332, None),
    "efficientnet-lite0": (75.068, 71.25),
    "efficientnet-lite1": (76.642, 74.046),
    "efficientnet-lite2": (77.542, 74.158),
    "efficientnet-lite3": (79.268, 76.364),
    "efficientnet-lite4": (80.676, 78.544),
}

_REFERENCES: Mapping[str, Mapping[str, PublishedQuality]] = {
    "resnet50-v1.5": {
        "fp32": PublishedQuality(76.456, "MLPerf Inference, reference model, ONNX"),
        # Other weights than the fp32 file's: those of torchvision, which have 76.014 % in fp32.
        "int8": PublishedQuality(
            75.79, "MLPerf Inference, reference model, PyTorch int8 of torchvision's weights"
        ),
    },
}
"""By name and precision."""


def published_accuracies(name: str) -> dict[str, PublishedQuality]:
    """The published accuracies of an architecture, by precision (``fp32``, ``int8``).

    Raises:
        KeyError: the tables have no such name.
    """
    if name in _REFERENCES:
        return dict(_REFERENCES[name])
    pairs = zip(("fp32", "int8"), _TOP1[name], strict=True)
    return {p: PublishedQuality(percent, SOURCE) for p, percent in pairs if percent is not None}
