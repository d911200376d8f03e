"""What a ``models.yaml`` says of an image classifier, beside what it says of any model.

For example::

    models:
      - name: mobilenet-v1-0.25-128
        file: mobilenet_v1_0.25_128_quant.tflite
        precision: int8
        layout: NHWC
        dtype: uint8
        weights: TensorFlow model garden, 2018-08-02
      - name: my-classifier
        file: exports/my_classifier.onnx
        precision: fp32
        layout: NCHW
        dtype: float32
        resolution: 256
        mean: [123.675, 116.28, 103.53]
        scale: [58.395, 57.12, 57.375]
        label_offset: 0

A name of the catalogue says that the file is that very architecture. The fields beside those of
`dse.models.manifest`:

layout
    ``NHWC`` or ``NCHW``.
dtype
    Of the input: ``float32``, ``float16``, ``uint8`` or ``int8``.
resolution
    Pixels on a side. A name of the catalogue has its own.
mean, scale
    A pixel from 0 to 255 becomes (pixel - mean) / scale; a number, or one per channel, red first.
    Needed with ``float32`` and ``float16``. Integer inputs take pixels as they are unless both are
    given, or must be; see `dse.tasks.image_classification.models.contradictions`.
crop
    Central part of the image that is used, above 0 and up to 1; 0.875 if not given.
interpolation
    ``bilinear``, ``bicubic`` or ``area``, which resizes the whole image before the crop; see
    `dse.tasks.image_classification.preprocessing.Preprocessing`. A name of the catalogue has its
    own, other names ``bilinear`` if not given.
label_offset
    1 where the first score is for a background class, else 0. A name of the catalogue has its own.
classes
    Number of scores, background included; optional.
published_accuracy
    ``percent`` and ``source`` of a top-1 accuracy that others measured with this file; optional.
    Without it, a name of the catalogue brings the catalogue's figure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field, field_validator

from dse.core.measurement import PublishedQuality
from dse.models.manifest import ManifestEntry, PublishedEntry
from dse.tasks.image_classification.models import contradictions
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.preprocessing import (
    InputDtype,
    Interpolation,
    Layout,
    Preprocessing,
    to_form,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dse.core.signature import Form
    from dse.formats.interface import Interface
    from dse.models.manifest import Fault, Lack
    from dse.tasks.image_classification.models.catalogue import Variant


def _per_channel(value: Any) -> Any:
    """A number as three of them; a list as a tuple, which the strict check asks for."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (value,) * 3
    return tuple(value) if isinstance(value, list) else value


Channels = Annotated[tuple[float, float, float], BeforeValidator(_per_channel)]


class ImageEntry(ManifestEntry):
    """One image classifier, as the manifest describes it."""

    layout: Layout
    dtype: InputDtype
    resolution: int | None = Field(default=None, ge=1, le=4096)
    mean: Channels | None = None
    scale: Channels | None = None
    crop: float = Field(default=0.875, gt=0, le=1)
    interpolation: Interpolation | None = None
    label_offset: int | None = Field(default=None, ge=0, le=1)
    classes: int | None = Field(default=None, ge=2)
    published_accuracy: PublishedEntry | None = None

    @classmethod
    def missing(cls, given: Mapping[str, Any]) -> Iterator[Lack]:
        """Also what an input of floating point needs, and a name that the catalogue lacks."""
        yield from super().missing(given)
        needed: dict[str, str] = {}
        if given.get("dtype") in contradictions.FLOATS:
            needed |= dict.fromkeys(("mean", "scale"), "a float input needs mean and scale")
        if (name := given.get("name")) is not None and str(name) not in CATALOGUE:
            why = "a name outside the catalogue needs resolution and label_offset"
            needed |= dict.fromkeys(("resolution", "label_offset"), why)
        yield from ((field, why) for field, why in needed.items() if given.get(field) is None)

    @field_validator("scale")
    @classmethod
    def _no_zero(cls, value: Channels | None) -> Channels | None:
        if value is not None and 0 in value:
            raise ValueError("a scale of 0 divides by zero")
        return value

    @property
    def variant(self) -> Variant | None:
        """The catalogue's architecture of that name."""
        return CATALOGUE.get(self.name)

    @property
    def published(self) -> PublishedQuality | None:
        """The entry's own figure, or else the catalogue's."""
        if own := self.published_accuracy:
            return PublishedQuality(own.percent, own.source)
        return self.variant.published.get(self.precision) if self.variant else None

    @property
    def pixels(self) -> int:
        """The pixels on an image's side; 0 where neither the entry nor the catalogue says."""
        return self.resolution or (self.variant.resolution if self.variant else 0)

    @property
    def scores(self) -> int | None:
        """The number of scores, where the entry or the catalogue says."""
        return self.classes or (self.variant.classes if self.variant else None)

    def preprocessing(self) -> Preprocessing:
        """How an image becomes the file's input, but for the quantisation, which the file tells."""
        known = self.variant.preprocessing if self.variant else None
        offset = known.label_offset if known and self.label_offset is None else self.label_offset
        return Preprocessing(
            resolution=self.pixels,
            layout=self.layout,
            dtype=self.dtype,
            mean=self.mean or (0.0, 0.0, 0.0),
            scale=self.scale or (1.0, 1.0, 1.0),
            crop=self.crop,
            interpolation=self.interpolation or (known.interpolation if known else "bilinear"),
            label_offset=offset or 0,
        )

    def form(self, found: Interface | None, _folder: Path) -> Form:
        """How an image becomes the file's input, and how many scores come out."""
        quantisation = contradictions.quantisation(self, found)
        return to_form(replace(self.preprocessing(), quantisation=quantisation), self.scores)

    def faults(self, found: Interface | None, _folder: Path) -> Iterator[Fault]:
        """What is wrong with the fields, by the catalogue and by what the file declares."""
        yield from self._faults_by_name()
        yield from contradictions.contradictions(self, found)

    def _faults_by_name(self) -> Iterator[Fault]:
        if (known := self.variant) is None:
            return
        expected = {
            "resolution": known.resolution,
            "label_offset": known.preprocessing.label_offset,
            "classes": known.classes,
        }
        for field, value in expected.items():
            given = getattr(self, field)
            if given not in (None, value):
                problem = f"'{self.name}' has {value}, not {given}"
                yield field, problem, "correct it or rename the model"
