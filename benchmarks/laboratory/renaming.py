"""Tables whose models' names tell nothing, and what the models' files tell instead.

Published tables come without files. Those of the builtin models have the same architectures, and
what is counted in them stands for them.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from dse.search.file_priors import prior_of_file
from dse.tasks import registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.laboratory.tables import Table, Values
    from dse.tasks.prior import ModelPrior

TOLD = {
    "": "names",
    "nothing": "nothing",
    "files": "files",
    "new": "files of new architectures",
    "family": "files of new families",
}
"""What tables say of `Entry.told`."""


def renamed(table: Table) -> tuple[Table, dict[str, str]]:
    """A table whose models are called m001, m002 and so on in random order.

    Returns:
        The table, and the old names by the new ones.
    """
    names = list(dict.fromkeys(each.model for each in table.outcomes))
    random.Random(1).shuffle(names)  # noqa: S311
    new = {name: f"m{number:03}" for number, name in enumerate(names, start=1)}
    outcomes = {replace(c, model=new[c.model]): found for c, found in table.outcomes.items()}
    return replace(table, outcomes=outcomes), {number: name for name, number in new.items()}


@dataclass(frozen=True, slots=True)
class Shown:
    """What a search is shown.

    Attributes:
        table: under the names that it is shown.
        sources: what is known from other systems, under the same names.
        models: what is known of the models beside their names.
    """

    table: Table
    sources: Sequence[Values]
    models: Mapping[str, ModelPrior]


def show(told: str, table: Table, sources: Sequence[Values]) -> Shown:
    """A table as a search is shown it.

    Args:
        told: ``nothing``, ``files``, ``new`` for files of which what is known of a model's own
            architecture is left out, or ``family`` where all of its family is. Empty for names.
        table: under its own names.
        sources: what is known from other systems.
    """
    if not told:
        return Shown(table, sources, {})
    other, names = renamed(table)
    number = {name: number for number, name in names.items()}
    known = [
        {replace(c, model=number[c.model]): values for c, values in each.items()}
        for each in sources
    ]
    if told == "nothing":
        return Shown(other, known, {})
    models = {n: _prior(table.task, name, told) for n, name in names.items()}
    return Shown(other, known, models)


def _prior(task_name: str, name: str, told: str) -> ModelPrior:
    """What the file of a builtin model tells, whose name another one may contain."""
    task = registry.task(task_name)
    provider, priors = task.provider(None), task.priors()
    offered = provider.models()
    builtin = name if name in offered else next(one for one in offered if one in name)
    counts = provider.counts(builtin, task.signature)
    assert counts is not None
    found = prior_of_file(counts, priors)
    if told == "files":
        return found
    others = tuple(
        one
        for one in priors.architectures
        if one.cost != found.cost and (told == "new" or one.family != found.family)
    )
    return prior_of_file(counts, replace(priors, architectures=others))
