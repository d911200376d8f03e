"""Configurations as arrays of features."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import log2
from typing import TYPE_CHECKING, Literal

import numpy as np

from dse.core.configuration import CPU, DEVICE
from dse.search._cost_prior import cost_prior
from dse.search.file_priors import with_foretold

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from dse.core.configuration import Configuration
    from dse.search._cost_prior import CostPrior
    from dse.tasks.prior import ModelPrior, Priors

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

Extent = Literal["file", "single", "whole"]
"""What a target depends on: the model file and its runtime; everything except batch size and
instances; or everything."""
SCALES = (1.0, 1.0, 0.8, 0.05, 0.3)
"""Length scales of log MACs, log parameters, log input, the share of depthwise convolutions and the
share of zeros in the similarity of models."""


@dataclass(frozen=True, slots=True)
class Features:
    """Features of configurations, known before anything is measured; a row for each configuration.

    Attributes:
        codes: numbers by aspect, equal if the aspect is equal; shape (configurations,).
        shapes: log MACs, log parameters, log input, depthwise share and share of zeros of the
            model, each over its scale in `SCALES`; shape (configurations, 5). NaN if the model is
            unknown.
        log_macs: log MACs relative to a typical model; 0 if the model is unknown.
        layouts: log2 threads, log2 instances, and 1 if pinned; shape (configurations, 3).
        log_batch: log2 of the batch size.
        quantised: 1 if the precision is int8, else 0.
        reduced: 0 if the precision is fp32, else 1.
        gated: 1 if the model has squeeze-and-excite and hard swish, else 0.
        unknown: 1 if nothing is known of the model, else 0.
        published: published quality, or else the one that is foretold; NaN if there is none.
        borrowed: deviations of other systems, see `dse.search._transfer`; shape (configurations,
            systems).
        times: cost prior of the models and precisions.
        knobs: codes of the values of each knob; shape (configurations, knobs).
        priors: priors of the models.
    """

    codes: dict[str, Indices]
    shapes: Floats
    log_macs: Floats
    layouts: Floats
    log_batch: Floats
    quantised: Floats
    reduced: Floats
    gated: Floats
    unknown: Floats
    published: Floats
    borrowed: Floats
    times: CostPrior
    knobs: Indices
    priors: Priors

    def __len__(self) -> int:
        return len(self.log_batch)

    @property
    def published_slope(self) -> Floats:
        """Published quality relative to a typical one; 0 if there is none."""
        return np.nan_to_num(self.published - self.priors.typical_quality, nan=0.0)


def compute_features(configurations: Sequence[Configuration], priors: Priors) -> Features:
    """The features of configurations, at least one, in their order."""
    known = {model: _fact(model, priors) for model in {c.model for c in configurations}}
    shapes = np.array([_shape(known[c.model]) for c in configurations])
    log_macs = np.nan_to_num(shapes[:, 0] * SCALES[0] - priors.typical_log_macs, nan=0.0)
    facts = [known[c.model] for c in configurations]
    families = tuple(_family(fact, c.model) for fact, c in zip(facts, configurations, strict=True))
    aspects = {name: _encode(map(of, configurations)) for name, of in ASPECTS.items()}
    return Features(
        codes={
            **aspects,
            "family": _encode(families),
            "lineage": _encode(name.partition("-")[0] for name in families),
        },
        shapes=shapes,
        log_macs=log_macs,
        layouts=np.array(
            [(log2(c.threads), log2(c.instances), float(c.pinned)) for c in configurations]
        ),
        log_batch=np.array([log2(c.batch_size) for c in configurations]),
        quantised=np.array([float(c.precision == "int8") for c in configurations]),
        reduced=np.array([float(c.precision != "fp32") for c in configurations]),
        gated=np.array([float(fact is not None and fact.gated) for fact in facts]),
        unknown=np.array([float(fact is None) for fact in facts]),
        published=np.array(
            [_published(known[c.model], c.precision, priors) for c in configurations]
        ),
        borrowed=np.zeros((len(configurations), 0)),
        times=cost_prior([(c.model, c.precision) for c in configurations], priors),
        knobs=_knobs(configurations),
        priors=priors,
    )


ASPECTS: Mapping[str, Callable[[Configuration], Hashable]] = {
    "model": lambda c: c.model,
    "precision": lambda c: c.precision,
    "backend": lambda c: c.backend,
    "runtime": lambda c: (c.backend, c.device, c.knobs),
    "layout": lambda c: (c.threads, c.instances, c.pinned),
    "batch": lambda c: c.batch_size,
    "file": lambda c: (c.model, c.precision, c.backend, c.device, c.knobs),
    "single": lambda c: replace(c, batch_size=1, instances=1),
    "whole": lambda c: c,
}
"""Aspects in which configurations may be equal, by name."""


def _fact(model: str, priors: Priors) -> ModelPrior | None:
    """What is known of a model; a quality that nobody published is foretold."""
    fact = priors.of(model)
    if fact is None or fact.published or fact.foretold is not None:
        return fact
    return with_foretold(fact, priors)


def _family(fact: ModelPrior | None, model: str) -> str:
    return fact.family if fact else model.partition("-")[0]


def _encode(values: Iterable[Hashable]) -> Indices:
    numbers: dict[Hashable, int] = {}
    return np.array([numbers.setdefault(value, len(numbers)) for value in values], dtype=np.intp)


def _shape(fact: ModelPrior | None) -> tuple[float, ...]:
    if fact is None:
        return (np.nan,) * len(SCALES)
    found = (fact.log_macs, fact.log_parameters, fact.log_input, fact.depthwise, fact.zeros)
    return tuple(value / scale for value, scale in zip(found, SCALES, strict=True))


def _published(fact: ModelPrior | None, precision: str, priors: Priors) -> float:
    """The published quality, or the foretold one; half precision hardly changes that of fp32."""
    if fact is None:
        return np.nan
    name = "fp32" if precision in ("fp16", "bf16") else precision
    if name in fact.published or fact.foretold is None:
        return fact.published.get(name, np.nan)
    return fact.foretold - priors.quality_lost.get(name, 0.0)


def _knobs(configurations: Sequence[Configuration]) -> Indices:
    """Codes of the knobs; the device counts as one where it is not the CPU everywhere."""
    held = [dict(c.knobs) | ({} if c.device == CPU else {DEVICE: c.device}) for c in configurations]
    names = list(dict.fromkeys(name for each in held for name in each))
    columns = [_encode((type(v), v) for v in (d.get(name) for d in held)) for name in names]
    shape = (len(configurations), len(names))
    return np.stack(columns, axis=1) if columns else np.zeros(shape, dtype=np.intp)
