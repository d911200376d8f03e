"""The environments in the cache: one for each Python that some backends need, others by name.

Each is a folder of its own that is never changed once it is complete. ``complete.json``, written
last and as a whole, names the one in force; any other is what an installation that was killed has
left, or served before.
"""

from __future__ import annotations

import hashlib
import json
import sys
import sysconfig
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.paths import atomic_write, cache_dir
from dse.core.registry import BACKENDS

if TYPE_CHECKING:
    from collections.abc import Mapping

COMPLETE = "complete.json"


@dataclass(frozen=True, slots=True)
class Environment:
    """A complete environment.

    Attributes:
        folder: what ``venv`` made.
        backends: those whose runtimes are in it, each with the digest of what was required.
    """

    folder: Path
    backends: Mapping[str, str]

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def serves(self, name: str) -> bool:
        """Whether it holds what a backend requires today."""
        return self.backends.get(name) == digest_of(name)


def place_of(name: str) -> str | None:
    """The place of a backend's environment; None for one that needs none.

    Returns:
        A version of Python such as ``3.11``, which backends share, or one with the environment's
        own name, such as ``3.13-pytorch``.
    """
    entry = BACKENDS[name]
    if entry.environment is not None:
        return "{}.{}-{}".format(*sys.version_info[:2], entry.environment)
    return entry.python


def python_of(place: str) -> str:
    """The version of Python of an environment."""
    return place.partition("-")[0]


def folder_of(place: str) -> Path:
    """The folder of everything that belongs to a place, see `place_of`.

    A home folder may be shared by machines of several kinds.
    """
    return cache_dir() / "environments" / f"python{place}-{sysconfig.get_platform()}"


def read_environment(place: str) -> Environment | None:
    """The environment in force, or None; also None where its Python is gone."""
    try:
        data = json.loads((folder_of(place) / COMPLETE).read_text(encoding="utf-8"))
        environment = Environment(folder_of(place) / data["folder"], dict(data["backends"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return environment if environment.python.exists() else None


def write_environment(place: str, environment: Environment) -> None:
    """Puts an environment in force.

    Raises:
        DseError: the cache can't be written.
    """
    data = {"folder": environment.folder.name, "backends": dict(environment.backends)}
    with atomic_write(folder_of(place) / COMPLETE) as file:
        file.write(json.dumps(data).encode())


def requirements_file(name: str) -> Path:
    """The file beside a backend that pins everything its runtime needs."""
    module = BACKENDS[name].target.partition(":")[0].rpartition(".")[2]
    return Path(str(resources.files("dse.backends"))) / f"{module}.requirements.txt"


def digest_of(name: str) -> str:
    """A digest of what a backend requires."""
    return hashlib.sha256(requirements_file(name).read_bytes()).hexdigest()
