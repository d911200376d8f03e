"""Where the models and samples of a study lie on this machine, so that nobody has to repeat it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.paths import atomic_write, read_regular

if TYPE_CHECKING:
    from dse.study.folder import StudyFolder

NOUNS = {"models": "model files", "dataset": "samples"}
"""What lies in the folders, by the name of the option that gives them."""
MAX_BYTES = 1 << 16
MAX_PATH_BYTES = 4096


@dataclass(frozen=True, slots=True)
class StudyInputs:
    """The folders that a study is measured with.

    Attributes:
        models: of the user's model files; None for the builtin models.
        dataset: of the samples with the right answers; None for published qualities.
        remembered: the names of those that were not given, but known from before.
    """

    models: Path | None
    dataset: Path | None
    remembered: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """What was not given and is used all the same, a line for each."""
        return [
            f"{NOUNS[name]}: {getattr(self, name)}, as before (--{name})"
            for name in self.remembered
        ]


def complete_inputs(folder: StudyFolder, models: Path | None, dataset: Path | None) -> StudyInputs:
    """The folders that are given; in the place of each other one that which the study knows.

    Raises:
        RequestError: what the study knows can't be read, or is not there any more.
    """
    given = {"models": models, "dataset": dataset}
    if None not in given.values():
        return StudyInputs(models, dataset)
    known = _read(folder)
    found = {name: known[name] for name, path in given.items() if path is None and name in known}
    for name, path in found.items():
        if not path.exists():
            raise RequestError(
                f"the {NOUNS[name]} of study '{folder.name}' are not at {path} any more",
                field=f"--{name}",
                remedy="give the place where they are now",
            )
    return StudyInputs(**(given | found), remembered=tuple(found))


def remember_inputs(folder: StudyFolder, inputs: StudyInputs) -> None:
    """Writes down where the models and samples are, unless it says so already."""
    now = {
        name: str(path.absolute()) for name in NOUNS if (path := getattr(inputs, name)) is not None
    }
    content = f"{json.dumps(now, indent=2)}\n".encode()
    if now and not (folder.inputs.is_file() and folder.inputs.read_bytes() == content):
        with atomic_write(folder.inputs) as file:
            file.write(content)


def _read(folder: StudyFolder) -> dict[str, Path]:
    """The folders that a study knows, by the name of their option."""
    file = folder.inputs
    try:
        known = json.loads(read_regular(file, MAX_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(file) from error
    if not isinstance(known, dict) or not all(map(_is_input, known, known.values())):
        raise _damaged(file)
    return {name: Path(path) for name, path in known.items()}


def _is_input(name: object, path: object) -> bool:
    """Whether an entry gives a folder, wherever that is."""
    return (
        name in NOUNS
        and isinstance(path, str)
        and path.startswith("/")
        and "\0" not in path
        and len(os.fsencode(path)) < MAX_PATH_BYTES
    )


def _damaged(file: Path) -> RequestError:
    return RequestError(
        "does not say where models and samples are",
        file=file,
        remedy="remove it, and give --models and --dataset again",
    )
