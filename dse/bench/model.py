"""From what the user calls the model to a file with a signature."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dse.errors import RequestError
from dse.models import hub, parts
from dse.models.described import describe
from dse.models.dimensions import resolved
from dse.models.given import Given

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.models.dimensions import Choices


def given_model(text: str, choices: Choices) -> tuple[Given, Mapping[str, int]]:
    """The model file, and the sizes of its open dimensions.

    Args:
        text: a path, or a reference to the hub (see `dse.models.hub`).
        choices: for its open dimensions.

    Raises:
        RequestError: there is no such file, or it can't be fed.
        DseError: the hub can't be reached.
        UnavailableError: a library that this takes is not installed.
    """
    if text.startswith(hub.PREFIX):
        fetched = hub.fetch(hub.parse(text))
        path, origin, described = fetched.path, fetched.origin, fetched.described
        parts.beside(path, described.format)
    else:
        path = Path(text).absolute()
        described, origin = describe(Path(text)), path.name
        parts.beside(Path(text), described.format)
    try:
        found = resolved(described.inputs, choices)
    except RequestError as error:
        raise RequestError(
            error.problem, file=text, field=error.field, remedy=error.remedy
        ) from error
    return Given(path, origin, described, found.signature), found.sizes
