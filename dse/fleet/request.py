"""What a fleet is to explore, and what travels to its nodes for that."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core import registry
from dse.core.errors import RequestError
from dse.fleet._files import manifest_of
from dse.fleet.folder import FleetFolder
from dse.fleet.spec import Options
from dse.space.finding import find_space
from dse.space.reading import read_space

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dse.fleet._files import Manifest
    from dse.space.space import SearchSpace

ASSIGNMENT_S = 600.0
"""How long a node explores before it reports: what a lost node may cost, and what others wait."""


@dataclass(frozen=True, slots=True)
class FleetRequest:
    """What a fleet is to explore.

    Attributes:
        space: the search space: a file or a name.
        study: name or folder of the study, without a CPU; None for the name of the space.
        models: a folder of model files; None for the builtin models.
        dataset: the folder of a data set; None for published qualities.
        options: how to explore.
        n_trials: the number of configurations to stop after on each CPU; None for no limit.
        timeout: seconds after which nothing is begun; None for no limit.
        assignment_s: how long a node explores before it reports, in seconds.
        stay: whether to wait for further nodes when all is done.

    Raises:
        RequestError: a value is out of its range.
    """

    space: str
    study: str | None = None
    models: Path | None = None
    dataset: Path | None = None
    options: Options = field(default_factory=Options)
    n_trials: int | None = None
    timeout: float | None = None
    assignment_s: float = ASSIGNMENT_S
    stay: bool = False

    def __post_init__(self) -> None:
        for name, value in (("--timeout", self.timeout), ("--assignment", self.assignment_s)):
            if value is not None and value <= 0:
                raise RequestError(f"expected more than 0, not {value}", field=name)
        if self.n_trials is not None and self.n_trials < 1:
            raise RequestError(f"expected at least 1, not {self.n_trials}", field="--n-trials")


@dataclass(frozen=True, slots=True)
class Job:
    """A request with its files read.

    Attributes:
        request: what is asked for.
        folder: of the fleet.
        space_file: the name of the search space's file.
        inputs: what travels, by role: where it lies here, and its manifest.
    """

    request: FleetRequest
    folder: FleetFolder
    space_file: str
    inputs: Mapping[str, tuple[Path, Manifest]]

    @property
    def digests(self) -> dict[str, str]:
        """The digests of the manifests by role."""
        return {role: manifest.digest for role, (_, manifest) in self.inputs.items()}


def prepare_job(request: FleetRequest) -> Job:
    """Reads what a request names.

    Raises:
        RequestError: something of it can't be read, or can't travel.
    """
    file = find_space(request.space)
    space = read_space(file)
    names = [file.name, *_settings(space, file.parent)]
    inputs = {"space": (file.parent, manifest_of(file.parent, names))}
    for role, path in (("models", request.models), ("dataset", request.dataset)):
        if path is not None:
            inputs[role] = (path, manifest_of(path))
    folder = FleetFolder.of(file.stem if request.study is None else request.study)
    return Job(request, folder, file.name, inputs)


def _settings(space: SearchSpace, folder: Path) -> Iterator[str]:
    """The files that the space names, from its folder on."""
    for backend in space.backends:
        known = registry.backend(backend.name).settings
        for name, value in backend.settings:
            if name not in known:
                continue
            path = Path(os.path.normpath(folder / str(value)))
            if not path.is_relative_to(os.path.normpath(folder)):
                problem = f"{value} does not lie in the folder of the search space"
                remedy = "put it there: on other machines the path leads nowhere"
                raise space.document.error(problem, "backends", backend.name, name, remedy=remedy)
            yield path.relative_to(os.path.normpath(folder)).as_posix()
