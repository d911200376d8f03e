"""Writes a study into a bundle."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

from dse import __version__
from dse.bundles._forms import FORMAT, MAX_TEXT, VERSION
from dse.bundles._lines import trial_line
from dse.core.paths import read_regular, write_named
from dse.study.merged import SESSION, identity_of, is_copy, last_numbers
from dse.study.record import MEASUREMENT, ORIGIN, OUTCOME, OWNER, configuration_of
from dse.study.revisions import SIGNATURE_ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    import optuna

    from dse.core.configuration import KnobValue
    from dse.study.study import Study

SUMMARY = "mlperf_log_summary.txt"
SESSION_DIGITS = 8
"""So many digits of a session tell its runs from those of other machines."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a bundle has got.

    Attributes:
        trials: how many.
        size: of the file, in bytes.
    """

    trials: int
    size: int


def write_bundle(study: Study, file: Path, *, after: Mapping[str, int] | None = None) -> Written:
    """Writes the ended trials of a study into a file, whole or not at all.

    The same study gives the same bytes.

    Args:
        study: opened; trials that have not ended are left out.
        file: where to.
        after: by session, the last number that the receiver has; those trials are left out. See
            `known_trials`.

    Raises:
        RequestError: what is there is no regular file.
        DseError: the file can't be written.
    """
    every = _trials(study)
    study.complete(every)
    trials = [trial for trial in every if not _is_known(trial, after or {})]
    runs = _Runs(study.folder.runs, every)
    with write_named(file) as stream:
        with gzip.GzipFile(fileobj=stream, mode="wb", filename="", mtime=0) as packed:
            lines = _Lines(packed)
            lines.add(_header(study, every))
            counted = set(study.records)
            own = {identity_of(trial) for trial in _with_same_objectives(study)}
            for trial in trials:
                configuration = configuration_of(trial)
                counts = configuration is None or configuration.key in counted
                line = trial_line(trial, runs.rename, counts=counts)
                lines.add(line if identity_of(trial) in own else _without_values(line))
            for summary in runs.summaries(trials):
                lines.add(summary)
            lines.end()
        size = stream.tell()
    return Written(len(trials), size)


def known_trials(study: Study) -> dict[str, int]:
    """By session, the last number of the trials that a study has: what `write_bundle` leaves out.

    Args:
        study: opened.
    """
    return last_numbers(_trials(study))


def _trials(study: Study) -> list[optuna.trial.FrozenTrial]:
    """The ended trials of all revisions, each once, in the order of revisions and numbers."""
    found: dict[str, optuna.trial.FrozenTrial] = {}
    for revision in study.revisions:
        for trial in revision.trials:
            if trial.state.is_finished() and not is_copy(trial):
                found.setdefault(identity_of(trial), trial)
    return list(found.values())


def _with_same_objectives(study: Study) -> Iterator[optuna.trial.FrozenTrial]:
    """The trials whose values are of the current objectives, in their order."""
    for revision in study.revisions:
        if revision.about.space["objectives"] == study.about.space["objectives"]:
            yield from revision.trials


def _without_values(line: dict[str, Any]) -> dict[str, Any]:
    """The line of a trial whose values are of other objectives; its outcome has them, too."""
    return {**line, "values": None, "constraints": {}}


def _is_known(trial: optuna.trial.FrozenTrial, after: Mapping[str, int]) -> bool:
    session = trial.user_attrs.get(OWNER, {}).get(SESSION)
    return session in after and trial.user_attrs.get(ORIGIN, trial.number) <= after[session]


def _header(study: Study, trials: Iterable[optuna.trial.FrozenTrial]) -> dict[str, Any]:
    revision = study.revisions[-1]
    about = study.about.as_dict()
    return {
        "kind": "header",
        "format": FORMAT,
        "version": VERSION,
        "program": f"dse {__version__}",
        "study": study.folder.name,
        "signature": revision.study.user_attrs[SIGNATURE_ATTRIBUTE],
        "about": about,
        "choices": _choices(trials),
    }


def _choices(trials: Iterable[optuna.trial.FrozenTrial]) -> dict[str, list[KnobValue]]:
    """The choices of all parameters, as far as trials have them."""
    found: dict[str, list[KnobValue]] = {}
    seen = set[tuple[str, str]]()
    for trial in trials:
        for name, distribution in trial.distributions.items():
            choices = getattr(distribution, "choices", ())
            if (name, repr(choices)) in seen:
                continue
            seen.add((name, repr(choices)))
            known = found.setdefault(name, [])
            known += [choice for choice in choices if not _among(choice, known)]
    return found


def _among(choice: KnobValue, known: Iterable[KnobValue]) -> bool:
    """Whether a choice is there: True is not 1."""
    return any(choice == each and type(choice) is type(each) for each in known)


class _Lines:
    """Writes lines and counts and hashes what it has written."""

    def __init__(self, stream: gzip.GzipFile | BinaryIO) -> None:
        self._stream = stream
        self._count = 0
        self._digest = hashlib.sha256()

    def add(self, line: Mapping[str, Any]) -> None:
        data = json.dumps(line, separators=(",", ":"), allow_nan=False).encode() + b"\n"
        self._stream.write(data)
        self._digest.update(data)
        self._count += 1

    def end(self) -> None:
        digest = self._digest.hexdigest()
        self.add({"kind": "end", "lines": self._count, "sha256": digest})


class _Runs:
    """Names runs so that those of other machines have other names, and finds their summaries.

    Args:
        folder: of all runs.
        trials: of the study, which have made them.
    """

    def __init__(self, folder: Path, trials: Iterable[optuna.trial.FrozenTrial]) -> None:
        self._folder = folder
        self._names: dict[str, str] = {"": ""}  # by the name in the study
        for trial in trials:
            prefix = str(trial.user_attrs.get(OWNER, {}).get(SESSION) or "0")[:SESSION_DIGITS]
            for run, _ in _runs_of(trial):
                new = run if ORIGIN in trial.user_attrs else f"{prefix}-{run}"
                self._names.setdefault(run, new)

    def rename(self, run: str) -> str:
        """How a run is called in the bundle."""
        return self._names.get(run, run)

    def summaries(self, trials: Iterable[optuna.trial.FrozenTrial]) -> Iterator[dict[str, Any]]:
        """The lines of LoadGen's summaries, as far as they are there and not overlong.

        Brief runs are left out: they are many, and count in ratios only.
        """
        named = (run for trial in trials for run, brief in _runs_of(trial) if not brief)
        for run in dict.fromkeys(named):
            for file in sorted((self._folder / run).glob(f"**/{SUMMARY}")):
                path = file.parent.relative_to(self._folder / run).as_posix()
                try:
                    text = read_regular(file, MAX_TEXT).decode(errors="replace")
                except OSError:
                    continue  # a log that is gone takes nothing from what was measured
                yield {"kind": "summary", "run": self._names[run], "path": path, "text": text}


def _runs_of(trial: optuna.trial.FrozenTrial) -> Iterator[tuple[str, bool]]:
    """The names of the runs of a trial, and whether each was a brief one."""
    for name, value in trial.user_attrs.items():
        if name.startswith(MEASUREMENT) and value["run"]:
            yield value["run"], value.get("fidelity") == "brief"
    failure = (trial.user_attrs.get(OUTCOME) or {}).get("failure")
    if failure and failure.get("run"):
        yield failure["run"], False
