"""What a study is about, and whether it may go on."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

from dse.core import worker_environment
from dse.core.errors import RequestError
from dse.machine.system import System
from dse.study.comparison import TIE_PERCENT
from dse.tasks.registry import DEFAULT, task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PUBLISHED = "published"
"""In the place of a data set's fingerprint: accuracies are the published ones."""
NO_ACCURACY = ""
"""In the same place: no accuracy was ever asked for."""


@dataclass(frozen=True, slots=True)
class StudyMetadata:
    """What a study is about; stored with it and compared at each resumption.

    Attributes:
        system: the description of the CPU, as `dse.machine.system.System.as_dict` gives it.
        space: the canonical search space.
        planned: how many configurations of it can run here.
        excluded: what of it can't run here and why, one line each.
        accuracy: where accuracies come from: a data set's fingerprint, `PUBLISHED`, or
            `NO_ACCURACY`.
        models: where the model files come from.
        runtimes: version by backend.
        artefacts: SHA-256 of a file by what it was measured as.
        borrowed: whose results led the search, each as
            `dse.exploration._warm_start.WarmStart.as_dict` has it; none of their values is one of
            the study's.
        environment: the variables that its workers start with for its sake, as
            `dse.core.worker_environment.add_libraries` gives them; None for a study of an earlier
            version, which does not say.
        task: what the models are for, a name in `dse.tasks.registry`; the only one there was in
            earlier versions where the study does not say.
        tie_percent: values that differ by less than this percentage are a tie.
        tie_asked: whether that was asked for now; a study that goes on keeps its own otherwise.
            It is not stored.
    """

    system: Mapping[str, Any]
    space: Mapping[str, Any]
    planned: int
    excluded: tuple[str, ...]
    accuracy: str
    models: str
    runtimes: Mapping[str, str] = field(default_factory=dict)
    artefacts: Mapping[str, str] = field(default_factory=dict)
    borrowed: tuple[Mapping[str, Any], ...] = ()
    environment: Mapping[str, str] | None = None
    task: str = DEFAULT
    tie_percent: float = TIE_PERCENT
    tie_asked: bool = field(default=False, compare=False)

    def as_dict(self) -> dict[str, Any]:
        """A JSON object; the inverse of `from_dict`."""
        data = {f.name: getattr(self, f.name) for f in fields(self) if f.compare}
        if self.task == DEFAULT:
            del data["task"]
        if self.tie_percent == TIE_PERCENT:
            del data["tie_percent"]
        return data | {"excluded": list(self.excluded), "borrowed": list(self.borrowed)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> StudyMetadata:
        """Reads what `as_dict` wrote.

        Raises:
            RequestError: the study's task is not known here.
            KeyError: something is missing.
        """
        System.from_dict(data["system"])
        task(data.get("task", DEFAULT))  # its quality becomes a metric
        borrowed = tuple(data.get("borrowed", ()))  # studies of earlier versions have none
        return cls(**{**data, "excluded": tuple(data["excluded"]), "borrowed": borrowed})

    @property
    def metrics(self) -> tuple[str, ...]:
        """The metrics that a configuration needs: the objectives, then the constrained ones."""
        return tuple(dict.fromkeys([*self.space["objectives"], *self.space["constraints"]]))

    def continued(self, now: StudyMetadata, name: str) -> StudyMetadata:
        """The description under which the study goes on.

        Args:
            now: what is to be explored now; this is what was explored before.
            name: the study's, for the message.

        Raises:
            RequestError: the study belongs to another task, CPU, runtime version, data set or
                environment.
        """
        for problem, remedy in self._differences(now):
            raise RequestError(
                f"study '{name}' {problem}", remedy=f"{remedy} choose another --study".strip()
            )
        runtimes = {**self.runtimes, **now.runtimes}
        return replace(
            now,
            # Kept where none is asked for now, for the day when one is asked for again.
            accuracy=now.accuracy or self.accuracy,
            runtimes=runtimes,
            artefacts=self.artefacts,
            environment=self.environment,
            tie_percent=now.tie_percent if now.tie_asked else self.tie_percent,
            borrowed=_join_borrowed(self.borrowed, now.borrowed),
        )

    def joined(self, other: StudyMetadata) -> StudyMetadata:
        """The description of a study with trials of both.

        Raises:
            RequestError: the two belong to different systems, spaces, runtime versions, data sets,
                environments or model files, so that their values can't be compared.
        """
        problems = [problem for problem, _ in self._differences(other)]
        if self.space != other.space:
            problems.append("is of another space")
        for name, checksum in other.artefacts.items():
            if self.artefacts.get(name, checksum) != checksum:
                problems.append(f"was measured with another file of {name}")
        if problems:
            raise RequestError(problems[0])  # it is one of a study that has to be named
        return replace(
            self,
            planned=max(self.planned, other.planned),
            accuracy=self.accuracy or other.accuracy,
            runtimes={**self.runtimes, **other.runtimes},
            artefacts={**self.artefacts, **other.artefacts},
            borrowed=_join_borrowed(self.borrowed, other.borrowed),
        )

    def _differences(self, now: StudyMetadata) -> Iterator[tuple[str, str]]:
        """What keeps a study from going on as another one, and what to do but to begin one."""
        if self.task != now.task:
            yield f"is of the task {self.task}, not {now.task}", ""
        known, here = System.from_dict(self.system), System.from_dict(now.system)
        if differences := here.differences(known):
            own = "add --per-cpu to give each system a study of its own, or"
            yield f"belongs to another system: {'; '.join(differences)}", own
        if NO_ACCURACY not in (self.accuracy, now.accuracy) and self.accuracy != now.accuracy:
            before, after = _source(self.accuracy), _source(now.accuracy)
            yield (
                f"has its qualities from {before}, not from {after}",
                "give the same --dataset again, or",
            )
        for backend, version in now.runtimes.items():
            before = self.runtimes.get(backend, version)
            if before != version:
                yield (
                    f"was measured with {backend} {before}; {version} is installed",
                    f"install {before}, or",
                )
        variables = now.environment or {}
        if different := worker_environment.describe_differences(self.environment, variables):
            back = worker_environment.describe_way_back(self.environment, variables)
            yield f"was measured in another environment: {'; '.join(different)}", f"{back}, or"


def _join_borrowed(
    before: tuple[Mapping[str, Any], ...], now: tuple[Mapping[str, Any], ...]
) -> tuple[Mapping[str, Any], ...]:
    """Whose results have led the search so far, each system once, as it was used last."""
    told = {(each.get("name"), each.get("origin")): each for each in (*before, *now)}
    return tuple(told.values())


def _source(accuracy: str) -> str:
    return "published figures" if accuracy == PUBLISHED else f"data set {accuracy[:12]}"
