"""The form of a search space: what a browser sends of one, as the text of the space's file."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dse.config import yaml_reader
from dse.config.yaml_reader import MAX_YAML_BYTES
from dse.core.errors import RequestError
from dse.core.metrics import METRICS
from dse.core.paths import read_regular, writing_errors
from dse.space.reading import read_space_text
from dse.tasks.registry import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.serve.posted import Fields
    from dse.space.space import SearchSpace

MAX_NAMES = 1000
_WHOLE = re.compile(r"[0-9]{1,9}")
_NUMBER = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?")
_BETWEEN = re.compile(r"[\s,;]+")


def made_space(fields: Fields) -> dict[str, Any]:
    """The space of the form, as its file has it.

    Whether its values make sense is for the reader of spaces to say: what is no number where one
    belongs stays a text.
    """
    task = fields.one("task", DEFAULT)
    models = [*fields.all("model"), *_words(fields.one("more_models"))]
    everything = fields.has("all_models") or (not models and fields.has("models_folder"))
    space: dict[str, Any] = {} if task == DEFAULT else {"task": task}
    space["models"] = "all" if everything else models[:MAX_NAMES]
    if precisions := fields.all("precision"):
        space["precisions"] = [*precisions]
    space["backends"] = [*fields.all("backend")]
    threads = fields.one("threads", "auto")
    space["threads"] = threads if threads == "auto" else _numbers(threads)
    space["batch_sizes"] = _numbers(fields.one("batch_sizes", "1"))
    if (instances := _numbers(fields.one("instances", "1"))) != [1]:
        space["instances"] = instances
    if objectives := fields.all("objective"):
        space["objectives"] = [*objectives]
    if bounds := _constraints(fields):
        space["constraints"] = bounds
    return space


def space_text(fields: Fields) -> str:
    """The text of the space's file: the one that was typed, or that of the form."""
    if fields.one("source") == "yaml":
        typed = "\n".join(fields.one("yaml").splitlines())
        return f"{typed}\n"
    return yaml_reader.dump(made_space(fields))


def read_made_space(text: str, path: Path) -> SearchSpace:
    """Reads and checks the text of a space that came from a browser.

    Args:
        text: YAML.
        path: where it would be written, from the working folder.

    Raises:
        RequestError: it is not a space, or names a file outside of the working folder.
    """
    space = read_space_text(text, path)
    root = Path.cwd().resolve()
    for backend in space.backends:
        for name, value in backend.settings:
            named = _resolved(path.parent / str(value))
            if named is None or not named.is_relative_to(root):
                raise space.document.error(
                    f"'{value}' is outside of the working folder",
                    *("backends", backend.name, name),
                    remedy="write such a space into search_spaces/ yourself",
                )
    return space


def with_whole_paths(space: SearchSpace) -> str:
    """The space as YAML that means the same from any folder."""
    found = space.as_dict()
    origin = space.origin or Path()
    for backend in space.backends:
        for name, value in backend.settings:
            found["backends"][backend.name][name] = str((origin / str(value)).absolute())
    return yaml_reader.dump(found)


def write_space(path: Path, text: str) -> None:
    """Writes a space to a file of its own, and never in the place of another one.

    Raises:
        RequestError: there is another one of that name.
        DseError: it can't be written.
    """
    content = text.encode()
    with writing_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            temporary.write_bytes(content)
            os.link(temporary, path)  # which fails where there is one
        except FileExistsError as error:
            if not _holds(path, text):
                problem = f"{path} is another space"
                remedy = "choose another name for this one"
                raise RequestError(problem, field="name", remedy=remedy) from error
        finally:
            temporary.unlink(missing_ok=True)


def _holds(path: Path, text: str) -> bool:
    """Whether a file has this text, and no other one."""
    try:
        return read_regular(path, MAX_YAML_BYTES) == text.encode()
    except OSError:
        return False


def _resolved(path: Path) -> Path | None:
    try:
        return path.resolve()
    except (OSError, RuntimeError, ValueError):  # a circle of links, or a null character
        return None


def _constraints(fields: Fields) -> Mapping[str, Any]:
    found: dict[str, dict[str, Any]] = {}
    for metric in METRICS:
        for end in ("min", "max"):
            if text := fields.one(f"{end}_{metric}"):
                value: float | str = float(text) if _NUMBER.fullmatch(text) else text
                found.setdefault(metric, {})[end] = value
    return found


def _words(text: str) -> list[str]:
    return [word for word in _BETWEEN.split(text) if word]


def _numbers(text: str) -> list[int | str]:
    return [int(word) if _WHOLE.fullmatch(word) else word for word in _words(text)]
