"""What making a model file takes beside the core of this package."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from dse.core.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Requirement:
    """The libraries that making something takes.

    Attributes:
        what: is made, in words, in the plural.
        modules: of the libraries, whose packages have the same names.
        extra: of this package, has them all.
    """

    what: str
    modules: tuple[str, ...]
    extra: str

    @property
    def met(self) -> bool:
        """Whether all are installed."""
        return all(find_spec(module) is not None for module in self.modules)

    @property
    def obstacle(self) -> str | None:
        """What is missing and how to get it, in a few words; None where nothing is."""
        if self.met:
            return None
        error = self.error()
        return f"{error.problem}: {error.remedy}"

    def error(self) -> UnavailableError:
        """The error of one who needs it and has not got it."""
        *first, last = (name.replace("_", "-") for name in self.modules)
        names = f"{', '.join(first)} and {last}" if first else last
        return UnavailableError(
            f"{self.what} need {names}", remedy=f"pip install 'mlperf-dse[{self.extra}]'"
        )
