"""What a task offers where models of it are published: a list of them, and their files."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from dse.core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from dse.models.describing import Describer

MAX_SIMILAR = 3
"""Names that a complaint suggests."""


class FetchedModel(Protocol):
    """What became of one published file."""

    @property
    def wanted(self) -> object:
        """The model and its precision, as a text."""
        ...

    @property
    def new_bytes(self) -> int:
        """The bytes that were downloaded for it; 0 where it was there already."""
        ...

    @property
    def error(self) -> str | None:
        """Why it was not fetched; None where it is there now."""
        ...


class Catalogue(Protocol):
    """Models of a task that are known by name, and the files of those that are published.

    Attributes:
        next_command: what explores a folder of them; the folder goes in the place of ``{folder}``.
    """

    next_command: ClassVar[str]

    @property
    def describer(self) -> Describer:
        """How other models of the task are described."""
        ...

    @property
    def known(self) -> Sequence[str]:
        """All models, by name."""
        ...

    @property
    def published(self) -> Sequence[str]:
        """The models of which files can be downloaded."""
        ...

    def rows(self) -> list[dict[str, Any]]:
        """Name, size and published quality of each model, JSON-able."""
        ...

    def details(self, name: str) -> dict[str, Any]:
        """All that is known of a model, JSON-able.

        Args:
            name: one of `known`.
        """
        ...

    def fetch(
        self,
        patterns: Sequence[str],
        precisions: Sequence[str],
        output: Path,
        mirror: str | None,
        progress: Callable[[str, int, int | None], None],
    ) -> Iterator[FetchedModel]:
        """Downloads the files of the models that shell patterns choose into a folder.

        Raises:
            RequestError: a pattern fits no model, or the mirror's URL is wrong.
        """
        ...


def unknown_model(name: str, known: Iterable[str]) -> RequestError:
    """The complaint about a name that no model has, with similar ones."""
    close = difflib.get_close_matches(name, list(known), n=MAX_SIMILAR)
    remedy = f"did you mean {' or '.join(close)}?" if close else "'dse models list' shows all"
    return RequestError(f"unknown model '{name}'", remedy=remedy)
