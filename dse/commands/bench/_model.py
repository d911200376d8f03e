"""From what the user calls the model to a file with a signature."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.download import hub
from dse.formats import data_files
from dse.formats.dimensions import resolve_inputs
from dse.formats.gathered import gather_files
from dse.formats.reading import describe
from dse.models.single_file import SingleFileProvider

if TYPE_CHECKING:
    from dse.formats.dimensions import Choices, ResolvedSignature


def given_model(
    text: str, choices: Choices, signature: str | None
) -> tuple[SingleFileProvider, ResolvedSignature]:
    """The model file, and what was chosen for its inputs.

    Args:
        text: a path, or a reference to the hub (see `dse.download.hub`).
        choices: for its open dimensions and its inputs.
        signature: of a TFLite file, the one to measure; None for that of its first subgraph.

    Raises:
        RequestError: there is no such file, or it can't be fed.
        DseError: the hub can't be reached.
        UnavailableError: a library that this takes is not installed.
    """
    if text.startswith(hub.HUB_PREFIX):
        fetched = hub.fetch_model(hub.parse_reference(text))
        path, origin, described = fetched.path, fetched.origin, fetched.described
        if signature is not None:
            described = describe(path, signature)
        data_files.find_data_files(path, described.format)
    else:
        own = Path(text)
        described, origin = describe(own, signature), own.absolute().name
        path = gather_files(own, data_files.find_data_files(own, described.format)).absolute()
    try:
        found = resolve_inputs(described.inputs, choices, described.subgraph)
    except RequestError as error:
        raise RequestError(
            error.problem, file=text, field=error.field, remedy=error.remedy
        ) from error
    return SingleFileProvider(path, origin, described, found.signature), found
