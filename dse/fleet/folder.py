"""The folder of a fleet beside the studies of its CPUs: ``studies/NAME.fleet``."""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dse.core.errors import RequestError
from dse.core.paths import take_lock, writing_errors
from dse.study.folder import MAX_LENGTH, StudyFolder, named_folders, study_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUFFIX = ".fleet"
FINGERPRINT_LENGTH = 12
FINGERPRINT = re.compile(rf"[0-9a-f]{{{FINGERPRINT_LENGTH}}}")


@dataclass(frozen=True, slots=True)
class FleetFolder:
    """Where a fleet keeps what is no measurement.

    Attributes:
        path: the folder.
        name: of the study, without a CPU.
    """

    path: Path
    name: str

    @classmethod
    def of(cls, name_or_path: str) -> FleetFolder:
        """The folder of a study given by its name under ``studies/`` or by its path.

        Raises:
            RequestError: neither a usable name nor a path, or too long a name.
        """
        found = study_folder(name_or_path)
        most = MAX_LENGTH - FINGERPRINT_LENGTH - 1
        if len(found.name) > most:
            problem = f"'{found.name}' is too long: each CPU's study is named NAME@FINGERPRINT"
            raise RequestError(problem, remedy=f"use at most {most} characters")
        return cls(found.path.with_name(f"{found.name}{SUFFIX}"), found.name)

    @property
    def name_or_path(self) -> str:
        """What names the fleet on the command line, from the working folder."""
        return StudyFolder(self.path.with_name(self.name)).name_or_path

    @property
    def assignments(self) -> Path:
        """What nodes have been given."""
        return self.path / "assignments.jsonl"

    @property
    def nodes(self) -> Path:
        """What is known of the nodes."""
        return self.path / "nodes.json"

    @property
    def bundles(self) -> Path:
        """Where bundles lie on their way."""
        return self.path / "bundles"

    def node(self, number: int) -> Path:
        """The folder of a node on this machine."""
        return self.path / f"node-{number}"

    def study(self, fingerprint: str) -> StudyFolder:
        """The folder of a CPU's study.

        Raises:
            RequestError: that is no fingerprint.
        """
        if not FINGERPRINT.fullmatch(fingerprint):
            raise RequestError(f"{fingerprint!r} is no fingerprint of a CPU")
        return StudyFolder(self.path.with_name(f"{self.name}@{fingerprint}"))

    def studies(self) -> list[StudyFolder]:
        """The studies of all CPUs, in the order of their names; none that was only half begun."""
        names = re.compile(rf"{re.escape(self.name)}@{FINGERPRINT.pattern}")
        return [
            f for f in named_folders(self.path.parent) if f.complete and names.fullmatch(f.name)
        ]

    def existing_studies(self) -> list[StudyFolder]:
        """The same.

        Raises:
            RequestError: there is none.
        """
        found = self.studies()
        if not found:
            raise RequestError(
                f"no CPU has a study of '{self.name}'",
                remedy="begin with `dse fleet explore`, or merge bundles with `dse merge`",
            )
        return found

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keeps other coordinators away for the block.

        Raises:
            RequestError: one is at work.
            DseError: the folder can't be written.
        """
        with writing_errors(self.path):
            self.bundles.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            if take_lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB) is False:
                raise RequestError(
                    f"another `dse fleet explore` is at work on '{self.name}'",
                    remedy="wait for its end, or choose another --study",
                )
            yield
        finally:
            os.close(descriptor)
