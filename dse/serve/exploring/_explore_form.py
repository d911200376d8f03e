"""The options of an exploration: what a browser sends of them, as the words of the command."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.serve.exploring._choices import spaces
from dse.serve.exploring._space_form import read_made_space, space_text
from dse.space.finding import FOLDER
from dse.study.folder import NAME, STUDIES, StudyFolder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from dse.serve.posted import Fields
    from dse.serve.request import ServeRequest
    from dse.space.space import SearchSpace

USUAL_SAMPLER = "frontier"
SAMPLERS = ("grid", "random", "nsga2", "tpe", USUAL_SAMPLER)
"""Those of `dse explore`, which this page starts and does not import."""
TIME = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?(s|m|min|h|d)|0")
COUNT = re.compile(r"[1-9][0-9]{0,8}")
PERCENT = re.compile(r"[0-9]{1,2}(\.[0-9]{1,9})?|100")
_OPTIONS = {
    "settle": (TIME, "a time", "write 90s, 10m or 2h, or 0 for none"),
    "timeout": (TIME, "a time", "write 90s, 10m or 2h"),
    "n_trials": (COUNT, "a number of configurations", "write a whole number from 1 on"),
    "stop_gain": (PERCENT, "a percentage", "write a number from 0 to 100"),
}
"""What the options with a value look like, in words, and what helps."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An exploration that was asked for in the browser.

    Attributes:
        study: its name.
        text: of the space that was made for it; empty for a known space.
        file: where that is kept; None for a known space.
        space: what it says; None for a known space.
        known: the name of a known space; empty for one that was made.
        options: words of the command after its space.
    """

    study: str
    text: str
    file: Path | None
    space: SearchSpace | None
    known: str
    options: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the command, after ``dse``."""
        return self.words_with(str(self.file) if self.file else self.known)

    def words_with(self, space: str) -> tuple[str, ...]:
        """The words with the space in another file."""
        return ("explore", space, "--study", self.study, *self.options)


def read_asked(fields: Fields, request: ServeRequest) -> Asked:
    """Reads what was asked for.

    Args:
        fields: of the form.
        request: has the folders that may be chosen.

    Raises:
        RequestError: something is wrong; names the field.
    """
    options = (
        *_folder("--models", fields.one("models_folder"), request.models),
        *_folder("--dataset", fields.one("dataset_folder"), request.datasets),
        *_values(fields),
        *_sampler(fields.one("sampler")),
        *_warm_starts(fields.all("warm_start")),
    )
    if fields.one("source", "known") == "known":
        known = fields.one("space")
        if known not in spaces():
            remedy = "choose one of the list"
            raise RequestError(f"there is no space '{known}'", field="space", remedy=remedy)
        study = _name(fields.one("name", known))
        return Asked(study, "", None, None, known, options)
    study = _name(fields.one("name"))
    file = FOLDER / f"{study}.yaml"
    text = space_text(fields)
    return Asked(study, text, file, read_made_space(text, file), "", options)


def _name(name: str) -> str:
    if not NAME.fullmatch(name):
        problem = f"'{name}' is not a name for a study" if name else "the study needs a name"
        remedy = "use letters, digits and ._@+- only, at most 100"
        raise RequestError(problem, field="name", remedy=remedy)
    return name


def _folder(option: str, chosen: str, folders: Sequence[Path]) -> tuple[str, ...]:
    """An option with one of the folders that the server was started with, by its place."""
    if not chosen:
        return ()
    if not (re.fullmatch("[0-9]{1,4}", chosen) and int(chosen) < len(folders)):
        remedy = f"give it when the server is started: dse serve {option} DIR"
        raise RequestError(f"there is no folder '{chosen}'", field=option, remedy=remedy)
    return option, str(folders[int(chosen)].absolute())


def with_settle(words: Sequence[str], fields: Fields) -> list[str]:
    """The words of an exploration, with the time for undecided points that a form asks for.

    Args:
        words: of the command.
        fields: of the form; one that says nothing leaves the words as they are.

    Raises:
        RequestError: that is no time.
    """
    settle = _values(fields, ("settle",))
    if not settle:
        return [*words]
    place = words.index("--settle") if "--settle" in words else len(words)
    return [*words[:place], *words[place + 2 :], *settle]


def _values(fields: Fields, names: Iterable[str] = tuple(_OPTIONS)) -> list[str]:
    words = []
    for name in names:
        pattern, expected, remedy = _OPTIONS[name]
        if not (text := fields.one(name)):
            continue
        if not pattern.fullmatch(text):
            raise RequestError(f"'{text}' is not {expected}", field=name, remedy=remedy)
        words += [f"--{name.replace('_', '-')}", text]
    return words


def _sampler(name: str) -> tuple[str, ...]:
    if not name:
        return ()
    if name not in SAMPLERS:
        remedy = f"known are {', '.join(SAMPLERS)}"
        raise RequestError(f"unknown sampler '{name}'", field="sampler", remedy=remedy)
    return "--sampler", name


def _warm_starts(names: Sequence[str]) -> list[str]:
    words = []
    for name in names:
        folder = StudyFolder(STUDIES / name) if NAME.fullmatch(name) else None
        if folder is None or not (folder.begun or folder.holds_import):
            problem, remedy = f"there is no study '{name}'", "choose one of the list"
            raise RequestError(problem, field="warm_start", remedy=remedy)
        words += ["--warm-start", name]
    return words
