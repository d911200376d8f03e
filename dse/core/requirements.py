"""Optional libraries that making something requires."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from dse.core.errors import UnavailableError


@dataclass(frozen=True, slots=True)
class Requirement:
    """The libraries that making something requires.

    Attributes:
        what: what is made, in words, in the plural.
        modules: modules of the libraries, whose packages have the same names.
        extra: extra of this package that installs them all.
    """

    what: str
    modules: tuple[str, ...]
    extra: str

    @property
    def met(self) -> bool:
        """Whether all libraries are installed."""
        return all(find_spec(module) is not None for module in self.modules)

    @property
    def obstacle(self) -> str | None:
        """What is missing and how to get it, in a few words; None if nothing is missing."""
        if self.met:
            return None
        error = self.error()
        return f"{error.problem}: {error.remedy}"

    def error(self, cause: ImportError | None = None) -> UnavailableError:
        """The error for a library that is missing or can't be loaded.

        Args:
            cause: what importing it raised; None if it is missing.
        """
        *first, last = (name.replace("_", "-") for name in self.modules)
        names = f"{', '.join(first)} and {last}" if first else last
        problem = f"{self.what} need {names}"
        remedy = f"pip install 'mlperf-dse[{self.extra}]'"
        missing = isinstance(cause, ModuleNotFoundError) and cause.name in self.modules
        if cause is not None and not missing:
            return UnavailableError(
                f"{problem}, and importing it fails: {cause}",
                remedy=f"mend the installation: {remedy} --force-reinstall",
            )
        return UnavailableError(problem, remedy=remedy)
