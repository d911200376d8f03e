"""The errors a user can meet, each with the exit code it ends the command line with."""

from __future__ import annotations

from pathlib import Path


class DseError(Exception):
    """The work itself failed; the message is one line for the reader."""

    exit_code = 1


class ModelError(DseError):
    """A model file that can't be used for what is wanted of it; others may still be."""


class RequestError(DseError):
    """What was asked for is wrong: an option, a file, a value in a file.

    Args:
        problem: what is wrong, in a few words.
        file: the file that holds the mistake.
        line: its line, counted from one.
        field: the field in it, dotted (``backends.onnxruntime.threads``).
        remedy: what the reader should do about it.

    ``str()`` gives one line: ``file:line: field: problem; remedy``.
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
    ) -> None:
        self.problem = problem
        self.file = Path(file) if file is not None else None
        self.line = line
        self.field = field
        self.remedy = remedy
        super().__init__(self._one_line())

    def _one_line(self) -> str:
        parts = []
        if self.file is not None:
            parts.append(f"{self.file}:{self.line}" if self.line else str(self.file))
        if self.field:
            parts.append(self.field)
        parts.append(self.problem)
        text = ": ".join(parts)
        if self.remedy:
            text = f"{text}; {self.remedy}"
        return " ".join(text.split())


class UnavailableError(RequestError):
    """A backend or an optional library is not usable here; the remedy says how to get it."""
