"""What a task offers where models of it are published: a list of them, and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path


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


class Published(Protocol):
    """Published models of a task, whose files can be downloaded.

    Attributes:
        next_command: what explores a folder of them; the folder goes in the place of ``{folder}``.
    """

    next_command: ClassVar[str]

    def offers(self, patterns: Sequence[str]) -> bool:
        """Whether each shell pattern chooses one of its models."""
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


class Catalogue(Published, Protocol):
    """Published models of a task of which size and quality are known."""

    def rows(self) -> list[dict[str, Any]]:
        """Size and published quality of each model, JSON-able."""
        ...

    def details(self, name: str) -> dict[str, Any]:
        """All that is known of a model, JSON-able.

        Raises:
            RequestError: there is none of that name.
        """
        ...
