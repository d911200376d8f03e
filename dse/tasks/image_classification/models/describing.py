"""What a classifier's file tells of its entry in ``models.yaml``, and what it leaves open."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.config import yaml_reader
from dse.core.errors import RequestError
from dse.core.wording import format_count
from dse.models.describing import Describer, Draft
from dse.tasks.image_classification.fetching.urls import download_source, published_files
from dse.tasks.image_classification.labels import PLAIN, WITH_BACKGROUND
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.models.contradictions import (
    CHANNEL_AXIS,
    CHANNELS,
    FLOATS,
    IMAGE_RANK,
    find_widths,
    quantisation,
)
from dse.tasks.image_classification.models.manifest_entry import ImageEntry
from dse.tasks.image_classification.models.normalisation import format_values
from dse.tasks.image_classification.preprocessing import INPUT_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dse.formats.interface import Interface, TensorInfo
    from dse.tasks.image_classification.models.catalogue import Variant
    from dse.tasks.image_classification.preprocessing import Layout

    Shape = tuple[int | None, ...] | None

HINTS = {
    "layout": "NHWC or NCHW",
    "resolution": "pixels on a side",
    "mean": "(pixel - mean) / scale, of pixels from 0 to 255",
    "scale": "one number, or [red, green, blue], as mean",
    "label_offset": "1 if score 0 is a background class, else 0",
}
"""What to write into a field that the file leaves open."""
NO_FOLDER = Path()
"""An image model has no further files that would be looked for in it."""
ASSUMED = "assumed"
OF_CATALOGUE = "the catalogue's, or rename it"
_TRIAL: Mapping[str, Any] = {"layout": "NHWC", "resolution": 224, "label_offset": 0}
_TRIAL_PIXELS = {"mean": (127.5,) * 3, "scale": (127.5,) * 3}
"""Values that fit every file which leaves the field open."""


def draft_classifier(name: str, file: str, found: Interface) -> Draft:
    """Drafts the fields of an entry that are a classifier's own.

    Args:
        name: of the model; one of the catalogue has to fit the file.
        file: path below the folder.
        found: what the file declares.

    Raises:
        RequestError: the reader of manifests would refuse the file, whatever is filled in.
    """
    if len(found.inputs) != 1:
        inputs = format_count(len(found.inputs), "input")
        raise RequestError(f"it has {inputs}, not one", remedy="give an image classifier")
    given, variant = found.inputs[0], CATALOGUE.get(name)
    layout = _layout(given.shape)
    known = {
        "layout": layout,
        "dtype": given.dtype,
        "resolution": _side(given.shape, layout) or (variant.resolution if variant else None),
    }
    scores = _scores(found.outputs, variant)
    trial = _fill_in({"name": name, "file": file, **known, **scores})
    pixels: Iterable[str] = ()
    if trial.dtype in FLOATS or quantisation(trial, found) is not None:
        trial, pixels = trial.model_copy(update=_TRIAL_PIXELS), _TRIAL_PIXELS
    if (fault := next(trial.faults(found, NO_FOLDER), None)) is not None:
        _, problem, remedy = fault
        raise RequestError(problem, remedy=remedy)
    assumed = {"crop": trial.crop, "interpolation": trial.preprocessing().interpolation}
    fields = {**known, **dict.fromkeys(pixels), **assumed, **scores}
    comments = {**dict.fromkeys(assumed, ASSUMED), **_hints(fields, variant)}
    if variant is not None:
        comments["name"] = OF_CATALOGUE
    if "classes" in scores and len(found.outputs) > 1:
        comments["classes"] = f"{ASSUMED}, as there are {len(found.outputs)} outputs"
    return Draft(fields, comments)


def recognise(stem: str) -> str | None:
    """The catalogue's name for that of a published file, such as ``mobilenet_v1_0.25_128_quant``.

    Args:
        stem: the name of a file without its ending.

    Returns:
        None where no published file is called so, or files of several models are.
    """
    models = {
        model
        for model, precision in published_files()
        if Path(download_source(CATALOGUE[model], precision).member).stem == stem.lower()
    }
    return models.pop() if len(models) == 1 else None


def _layout(shape: Shape) -> Layout | None:
    """The layout, if the channels can be one dimension alone, or are there for sure."""
    if shape is None or len(shape) != IMAGE_RANK:
        return None
    possible = [one for one, axis in CHANNEL_AXIS.items() if shape[axis] in (None, CHANNELS)]
    certain = [one for one in possible if shape[CHANNEL_AXIS[one]] == CHANNELS]
    return next((found[0] for found in (possible, certain) if len(found) == 1), None)


def _side(shape: Shape, layout: Layout | None) -> int | None:
    """The pixels on a side, where the shape tells."""
    if shape is None or len(shape) != IMAGE_RANK:
        return None
    channels = [CHANNEL_AXIS[layout]] if layout else CHANNEL_AXIS.values()
    sides = (shape[axis] for axis in (1, 2, 3) if axis not in channels)
    return next((side for side in sides if side is not None), None)


def _scores(outputs: tuple[TensorInfo, ...], variant: Variant | None) -> dict[str, int | None]:
    """The label offset, and the number of scores of the output that is taken for them."""
    widths = find_widths(outputs)
    if not widths:
        return {"label_offset": variant.preprocessing.label_offset if variant else None}
    imagenet = widths[0] in (PLAIN, WITH_BACKGROUND)
    return {"label_offset": widths[0] - PLAIN if imagenet else None, "classes": widths[0]}


def _fill_in(fields: Mapping[str, Any]) -> ImageEntry:
    """An entry with values in the place of those that are not known.

    Raises:
        RequestError: no entry can have one of the known values.
    """
    filled = {field: _TRIAL[field] if value is None else value for field, value in fields.items()}
    if filled["dtype"] not in INPUT_BYTES:
        filled["dtype"] = "float32"  # the comparison with the file tells which type it has
    return yaml_reader.check({**filled, "precision": "fp32"}, ImageEntry)


def _hints(fields: Mapping[str, Any], variant: Variant | None) -> dict[str, str]:
    """What to fill in, by field."""
    hints = dict(HINTS)
    if variant is not None:
        pixels = variant.preprocessing
        published = {"mean": format_values(pixels.mean), "scale": format_values(pixels.scale)}
        hints |= {f: f"{values} for the published weights" for f, values in published.items()}
    return {f: f"fill in: {hints[f]}" for f, value in fields.items() if value is None}


DESCRIBER = Describer(
    task="image-classification",
    tell=draft_classifier,
    recognise=recognise,
    figure="published_accuracy: {percent: 71.5, source: who measured it}",
    explore="dse explore own-models --models {folder}",
    dataset="IMAGES",
)
