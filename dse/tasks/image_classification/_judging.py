"""What is known of an accuracy before it is measured, and kept beside it to judge it by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.core import registry
from dse.machine.instruction_sets import products_saturate
from dse.models.manifest import FILE_NAME
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.models.normalisation import correction
from dse.tasks.image_classification.preprocessing import from_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dse.core.configuration import Configuration, KnobValue
    from dse.core.measurement import PublishedQuality
    from dse.models.provider import Artefact, Provider
    from dse.tasks.image_classification.data.dataset import Dataset

EXACT = "exact_int8"
"""The knob of the backends whose products of 8-bit integers may saturate."""


def judged_by(
    configuration: Configuration,
    artefact: Artefact,
    published: PublishedQuality | None,
    dataset: Dataset | None,
    sets: Sequence[str] | None,
) -> dict[str, KnobValue]:
    """Details of an accuracy that the worker knows nothing of.

    Without a figure by the provider's word the catalogue's is taken, also for a file that was made
    here: what that one loses is much less than what would be noted.
    """
    variant = CATALOGUE.get(configuration.model)
    if published is None and variant is not None:
        published = variant.published.get(configuration.precision)
    preprocessing, classes = from_form(artefact.form)
    found: dict[str, KnobValue] = {}
    if artefact.calibrated_on:
        found["calibrated_on"] = artefact.calibrated_on
    if classes is not None:
        found["classes"] = classes - preprocessing.label_offset
    if published is not None:
        found["published_percent"] = published.value
    if normalisation := correction(preprocessing):
        found["normalisation"] = normalisation
    if _may_saturate(configuration, artefact, sets):
        found["may_saturate"] = True
    if dataset is not None and dataset.notes:
        found["dataset_notes"] = "; ".join(dataset.notes)
    return found


def _may_saturate(
    configuration: Configuration, artefact: Artefact, sets: Sequence[str] | None
) -> bool:
    """Whether sums of 8-bit products may be cut off on this CPU: never in files made here."""
    knobs = dict(configuration.knobs)
    return (
        configuration.precision == "int8"
        and not artefact.made_from
        and products_saturate(sets)
        and any(one.name == EXACT for one in registry.backend(configuration.backend).knobs)
        and not knobs.get(EXACT, False)
    )


def normalisations(configurations: Iterable[Configuration], provider: Provider) -> list[str]:
    """The model files whose mean and scale are written for other pixels, a line for each."""
    files = dict.fromkeys(
        (each.model, each.precision, registry.backend(each.backend).formats)
        for each in configurations
    )
    told: dict[tuple[str, str], list[str]] = {}
    for model, precision, formats in files:
        if not formats:
            continue
        found = correction(from_form(provider.form(model, precision, formats))[0])
        if found and precision not in told.setdefault((model, found), []):
            told[model, found].append(precision)
    return [
        f"{FILE_NAME}: {model} {', '.join(precisions)}: "
        f"mean and scale are not for pixels of 0 to 255: {found}"
        for (model, found), precisions in told.items()
    ]
