"""Finding the file of a search space: by its path, or by its name."""

from __future__ import annotations

import difflib
from importlib.resources import files
from pathlib import Path

from dse.core.errors import RequestError

FOLDER = Path("search_spaces")
PACKAGE = "dse.search_spaces"
_SUFFIXES = (".yaml", ".yml")


def find_space(name_or_path: str) -> Path:
    """The file at a path, or of a name in ``./search_spaces``, else among the package's own spaces.

    Raises:
        RequestError: there is no such space; the remedy has the known names.
    """
    given = Path(name_or_path)
    if _is_file(given):
        return given
    if name_or_path.endswith(_SUFFIXES) or "/" in name_or_path:
        problem = f"no search space at '{name_or_path}'"
        raise RequestError(problem, remedy=_remedy(given.stem))
    for folder in _folders():
        for suffix in _SUFFIXES:
            if _is_file(path := folder / f"{name_or_path}{suffix}"):
                return path
    raise RequestError(f"no search space is called '{name_or_path}'", remedy=_remedy(name_or_path))


def known_spaces() -> dict[str, Path]:
    """The file of each search space that can be had by name, in the order of the names."""
    found: dict[str, Path] = {}
    for folder in _folders():
        for suffix in _SUFFIXES:
            for path in folder.glob(f"*{suffix}"):
                found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def _folders() -> tuple[Path, ...]:
    return (FOLDER, Path(str(files(PACKAGE))))


def _remedy(name: str) -> str:
    known = list(known_spaces())
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean '{near[0]}'? " if near else ""
    return f"{hint}known are {', '.join(known)}"


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a name longer than any file's
        return False
