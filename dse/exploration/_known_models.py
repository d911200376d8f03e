"""What the models of a plan lead to expect by their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from dse.models.provider import Provider
    from dse.tasks.prior import ModelPrior
    from dse.tasks.task import Task


def known_models(task: Task, provider: Provider, models: Iterable[str]) -> dict[str, ModelPrior]:
    """The priors of those models whose file tells something, by name.

    A published quality is that of the provider, where it has one.

    Args:
        task: what they are for.
        provider: where their files come from.
        models: names; those that the provider does not offer are left out.
    """
    from dse.search.file_priors import prior_of_file

    found = {}
    for model in dict.fromkeys(models):
        counts = provider.counts(model, task.signature)
        if counts is not None:
            found[model] = prior_of_file(counts, task.priors(), _published(provider, model), model)
    return found


def _published(provider: Provider, model: str) -> Mapping[str, float]:
    figures = ((each, provider.published(model, each)) for each in provider.precisions(model))
    return {precision: figure.value for precision, figure in figures if figure is not None}
