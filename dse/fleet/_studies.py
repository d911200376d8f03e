"""The studies of a fleet's CPUs on the coordinator's machine, kept open while there is room."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dse.bundles.merging import ELSEWHERE, merge, merge_into
from dse.bundles.reading import read_bundle
from dse.bundles.writing import known_trials, write_bundle
from dse.core.errors import RequestError
from dse.core.paths import writing_errors
from dse.study.study import Study

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from dse.fleet.folder import FleetFolder

MAX_TRIALS = 20_000
"""So many trials of open studies are kept in memory, at 30 KB each."""


class Studies:
    """Merges what nodes measure, and finds what they do not know.

    A study is read once and kept open. What others add to it is taken in before it is used. Those
    that were used last are kept, as far as there is room.

    Args:
        folder: of the fleet.
        most: how many trials open studies may have together; one study is kept open in any case.
    """

    def __init__(self, folder: FleetFolder, most: int = MAX_TRIALS) -> None:
        self._folder, self._most = folder, most
        self._open: dict[str, Study] = {}  # the one used last comes last

    def study(self, fingerprint: str) -> Study | None:
        """The study of a CPU with all that is stored of it; None if it is not begun.

        Raises:
            DseError: it can't be read.
        """
        study = self._open.pop(fingerprint, None)
        if study is not None:
            study.sync()
            if study.superseded:  # it goes on in another space: there are further trials to read
                study.close()
                study = None
        place = self._folder.study(fingerprint)
        if study is None:
            if not place.complete:
                return None  # merging completes what a killed coordinator has only half begun
            study = Study.resume(place)
        self._open[fingerprint] = study
        self._make_room()
        return study

    def _make_room(self) -> None:
        trials = sum(study.trials_begun for study in self._open.values())
        for fingerprint, study in list(self._open.items())[:-1]:
            if trials <= self._most:
                return
            trials -= study.trials_begun
            study.close()
            del self._open[fingerprint]

    def close(self) -> None:
        """Closes all of them."""
        for study in self._open.values():
            study.close()
        self._open.clear()

    def take_in(self, fingerprint: str, content: bytes) -> int:
        """Merges a node's bundle into the study of its CPU.

        Returns:
            How many trials were new.

        Raises:
            RequestError: it is damaged, or of another study.
        """
        if not content:
            return 0
        try:
            return self._take_in(fingerprint, content)
        except RequestError as error:
            if error.file is None or error.file.parent != self._folder.bundles:
                raise
            # That file is gone, and nobody but this program has seen it.
            place = "" if error.line is None else f"line {error.line} of its results: "
            remedy = "choose another --study" if error.remedy == ELSEWHERE else None
            problem = f"{place}{error.problem}"
            raise RequestError(problem, field=error.field, remedy=remedy) from error

    def _take_in(self, fingerprint: str, content: bytes) -> int:
        with self._file() as file:
            with writing_errors(file):
                file.write_bytes(content)
            bundle, study = read_bundle(file), self.study(fingerprint)
            if study is None:
                return merge(bundle, self._folder.study(fingerprint)).new
            return merge_into(study, bundle).new

    def known(self, fingerprint: str) -> dict[str, int]:
        """What is known here of a CPU's study: by session, the number of the last trial."""
        study = self.study(fingerprint)
        return known_trials(study) if study is not None else {}

    def news(self, fingerprint: str, known: Mapping[str, int]) -> tuple[dict[str, int], bytes]:
        """What a node does not know of its CPU's study.

        Args:
            fingerprint: of the CPU.
            known: what the node has: by session, the number of the last trial.

        Returns:
            What is known here, as `known` gives it, and the bundle for the node; empty where there
            is nothing for it.
        """
        study = self.study(fingerprint)
        here = known_trials(study) if study is not None else {}
        if study is None or all(known.get(session, -1) >= last for session, last in here.items()):
            return here, b""
        with self._file() as file:
            write_bundle(study, file, after=known)
            return here, file.read_bytes()

    @contextmanager
    def _file(self) -> Iterator[Path]:
        """The place of a bundle for the block."""
        file = self._folder.bundles / f"{secrets.token_hex(8)}.bundle"
        try:
            yield file
        finally:
            file.unlink(missing_ok=True)
