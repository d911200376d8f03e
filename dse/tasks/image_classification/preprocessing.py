"""How an image becomes a model's input, and a model's output a label.

Standard library only.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Self

from dse.core.signature import Input, Signature

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dse.core.signature import Form

Layout = Literal["NHWC", "NCHW"]

InputDtype = Literal["uint8", "int8", "float16", "float32"]

Interpolation = Literal["bilinear", "bicubic", "area"]

INPUT_BYTES: Mapping[str, int] = {"uint8": 1, "int8": 1, "float16": 2, "float32": 4}
"""The types of image classifiers' inputs, with the size of one number."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How an image becomes a model's input, and a model's output a label.

    The image is cropped to its central ``crop`` (a fraction of the shorter side), resized to
    ``resolution`` x ``resolution`` pixels, and each channel becomes ``(pixel - mean) / scale``.
    With ``area`` the order is that of MLPerf's reference: the whole image is resized, its shorter
    side to ``resolution / crop`` pixels, and the central ``resolution`` x ``resolution`` pixels of
    that are taken.
    An integer input takes the pixel itself (``int8``: less 128), or, where ``quantisation`` gives
    the input's scale and zero point, the integer that stands for the normalised value.
    Label = arg max of the scores - ``label_offset`` (1 where class 0 is a background class).
    """

    resolution: int
    layout: Layout = "NHWC"
    dtype: InputDtype = "float32"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    crop: float = 0.875
    interpolation: Interpolation = "bilinear"
    label_offset: int = 0
    quantisation: tuple[float, int] | None = None

    def as_dict(self) -> dict[str, Any]:
        """A JSON object, and part of the keys of measurements.

        The quantisation came later: it counts where there is one, so that older studies keep
        their keys.
        """
        fields = asdict(self)
        return fields if self.quantisation else {k: fields[k] for k in fields if k != _LATE}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads what `as_dict` wrote."""
        several = {name: tuple(data[name]) for name in ("mean", "scale", _LATE) if data.get(name)}
        return cls(**{**data, **several})


_LATE = "quantisation"


def to_form(preprocessing: Preprocessing, classes: int | None = None) -> dict[str, Any]:
    """What the worker is told of a classifier's input and output; the inverse of `from_form`.

    Args:
        preprocessing: how an image becomes the input.
        classes: number of scores; None where it is not known.
    """
    fields = preprocessing.as_dict() | ({} if classes is None else {"classes": classes})
    # As JSON gives it back.
    return {name: list(v) if isinstance(v, tuple) else v for name, v in fields.items()}


def from_form(form: Form) -> tuple[Preprocessing, int | None]:
    """The preprocessing and the number of scores that `to_form` wrote."""
    fields = dict(form)
    classes = fields.pop("classes", None)
    return Preprocessing.from_dict(fields), classes


def preprocessing_lines(how: Preprocessing) -> list[str]:
    """How an image becomes the input, and the output a label, in lines for who deploys a model."""
    side = f"{how.resolution} x {how.resolution}"
    lines = [f"Input: RGB images of {side} pixels, {how.layout}, {how.dtype}."]
    if how.interpolation == "area":
        shorter = round(how.resolution / how.crop)
        lines.append(f"Of each: shorter side to {shorter} (area), then the central {side}.")
    else:
        lines.append(f"Of each: its central {100 * how.crop:g} %, resized ({how.interpolation}).")
    return [*lines, *_number_lines(how), *_label_lines(how)]


def _number_lines(how: Preprocessing) -> Iterator[str]:
    """What number stands for a pixel."""
    if how.dtype in ("uint8", "int8") and how.quantisation is None:
        yield f"Each number: the pixel, from 0 to 255{', less 128' if how.dtype == 'int8' else ''}."
        return
    number = "(pixel - mean) / scale"
    if how.dtype in ("uint8", "int8") and how.quantisation is not None:
        scale, zero = how.quantisation
        number = f"round({number} / {scale:g}) {'-' if zero < 0 else '+'} {abs(zero)}"
    yield f"Each number: {number}, with pixels from 0 to 255,"
    yield f"mean {_channels(how.mean)} and scale {_channels(how.scale)}."


def _channels(values: tuple[float, float, float]) -> str:
    """One number where all channels have it, as numpy takes it."""
    alike = len({*values}) == 1
    return f"{values[0]:g}" if alike else f"[{', '.join(f'{value:g}' for value in values)}]"


def _label_lines(how: Preprocessing) -> Iterator[str]:
    if how.label_offset:
        yield f"Label: arg max of the scores, less {how.label_offset}."


def input_type(form: Form) -> str:
    """The element type of a classifier's input, by numpy's name."""
    return str(form["dtype"])


def signature(form: Form) -> Signature:
    """What a classifier is fed with; the form does not tell the name of its input."""
    preprocessing, _ = from_form(form)
    side = preprocessing.resolution
    shape = (1, 3, side, side) if preprocessing.layout == "NCHW" else (1, side, side, 3)
    return Signature((Input("", preprocessing.dtype, shape),), batched=True)


def sample_bytes(form: Form) -> int:
    """The memory of a loaded image, and of the pixels that it is made from."""
    preprocessing, _ = from_form(form)
    return 3 * preprocessing.resolution**2 * (INPUT_BYTES[preprocessing.dtype] + 1)
