"""The errors that a user may see, each with the exit code of the command."""

from __future__ import annotations

from pathlib import Path


class DseError(Exception):
    """The work itself failed; the message is one line for the user."""

    exit_code = 1


class ModelError(DseError):
    """A model file can't be used for the purpose; others may still be usable."""


class RequestError(DseError):
    """The request is wrong: an option, a file, or a value in a file.

    Args:
        problem: what is wrong, in a few words.
        file: the file with the mistake.
        line: line of the mistake, counted from 1.
        field: dotted name of the field (``backends.onnxruntime.threads``).
        remedy: what the user should do about it.
        details: of a problem that has several parts, a few words for each.

    ``str()`` gives one line: ``file:line: field: problem: details; remedy``.
    """

    exit_code = 2

    def __init__(
        self,
        problem: str,
        *,
        file: Path | str | None = None,
        line: int | None = None,
        field: str | None = None,
        remedy: str | None = None,
        details: tuple[str, ...] = (),
    ) -> None:
        self.problem = problem
        self.file = Path(file) if file is not None else None
        self.line = line
        self.field = field
        self.remedy = remedy
        self.details = details
        super().__init__(self._one_line(("; ".join(details),) if details else ()))

    @property
    def headline(self) -> str:
        """The same line without the details."""
        return self._one_line()

    def _one_line(self, details: tuple[str, ...] = ()) -> str:
        parts = []
        if self.file is not None:
            parts.append(f"{self.file}:{self.line}" if self.line else str(self.file))
        if self.field:
            parts.append(self.field)
        text = ": ".join([*parts, self.problem, *details])
        if self.remedy:
            text = f"{text}; {self.remedy}"
        return " ".join(text.split())


class UnavailableError(RequestError):
    """A backend or an optional library is not usable here; the remedy says how to get it."""
