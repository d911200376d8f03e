"""The user's own file of settings, which hold for every study on this machine.

It looks like this::

    interpreters:
      deepsparse: /opt/deepsparse/bin/python
    cpu_name: the small Zen 4 instance
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

from dse.config.messages import suggest
from dse.config.yaml_reader import Document, read_document
from dse.core.access import find_other_user
from dse.core.paths import config_dir, named_path
from dse.core.registry import BACKENDS

if TYPE_CHECKING:
    from dse.machine.system import System


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected printable text in one line")
    return text


CpuName = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=60), AfterValidator(_printable)
]
"""A name that fits a line."""


class ConfigForm(BaseModel):
    """The file's fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    interpreters: dict[str, str] = {}
    cpu_name: CpuName = ""


def config_file() -> Path | None:
    """The file, which need not exist; ``DSE_CONFIG`` names another one.

    Returns:
        None for a user without a home folder.

    Raises:
        RequestError: what was named can't be found.
    """
    folder = config_dir()
    return named_path("DSE_CONFIG") or (folder / "config.yaml" if folder else None)


@dataclass(frozen=True, slots=True)
class NamedInterpreter:
    """The Python that a user has named for a backend.

    Attributes:
        path: absolute; it need not exist.
        line: where it stands in the file.
    """

    path: Path
    line: int | None


def interpreters() -> dict[str, NamedInterpreter]:
    """The interpreter of each backend for which the user has named one.

    Raises:
        RequestError: the file that was named is not there, or it holds something else than paths
            for backends that have a runtime.
    """
    form, document = _read()
    return {
        name: NamedInterpreter(_path(document, name, text), document.locate("interpreters", name))
        for name, text in form.interpreters.items()
    }


def with_given_name(system: System) -> System:
    """The system with the name that the user has given this kind of CPU, if any.

    Raises:
        RequestError: the file can't be used.
    """
    return replace(system, given_name=_read()[0].cpu_name)


def _read() -> tuple[ConfigForm, Document]:
    file = config_file()
    if file is None or not (os.environ.get("DSE_CONFIG") or _is_there(file)):
        return ConfigForm(), Document()
    return read_document(file, ConfigForm)


def _is_there(file: Path) -> bool:
    """Whether there is such a file; what another user's home folder hides is not this user's."""
    try:
        file.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:  # it can't be looked for
        return find_other_user(file, os.R_OK) is None
    return True


def _path(document: Document, name: str, text: str) -> Path:
    path = Path(os.path.expanduser(text))  # noqa: PTH111 (it leaves what it does not know)
    remedy: str | None
    if name not in BACKENDS:
        known = [each for each, entry in BACKENDS.items() if entry.has_runtime]
        problem, remedy = "unknown backend", suggest(name, known)
    elif not BACKENDS[name].has_runtime:
        problem, remedy = "this backend has no runtime", "remove it"
    elif not path.is_absolute():
        problem = f"expected the absolute path of a Python, not '{text}'"
        remedy = "write it from / or ~ on"
    else:
        return path
    raise document.error(problem, "interpreters", name, remedy=remedy)
