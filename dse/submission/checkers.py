"""MLPerf's own checkers, run where the user has a clone of their repository."""

from __future__ import annotations

import filecmp
import os
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.errors import RequestError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

FOLDER = Path("tools/submission")
NEEDED = ("submission_checker/main.py", "submission_checker_old.py", "truncate_accuracy_log.py")
TIMEOUT_S = 1800.0
ERROR = " ERROR] "
"""Stands in the lines in which a checker says what is wrong."""
SHOWN = 12
"""Lines of what a checker complains about that are shown."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a checker says of a submission.

    Attributes:
        checker: its name.
        passed: whether it found nothing wrong.
        complaints: what it says is wrong, each once with how often it does.
    """

    checker: str
    passed: bool
    complaints: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """For the reader."""
        yield f"{self.checker}: {'passed' if self.passed else 'FAILED'}"
        yield from (f"  {line}" for line in self.complaints[:SHOWN])
        if len(self.complaints) > SHOWN:
            yield f"  ... and {len(self.complaints) - SHOWN} more"


def refuse_others(clone: Path) -> None:
    """Refuses a folder that is not a clone of ``mlcommons/inference``.

    Raises:
        RequestError: a checker is not there.
    """
    for name in NEEDED:
        if not (clone / FOLDER / name).is_file():
            raise RequestError(
                f"{clone} holds no {FOLDER / name}",
                field="--checker",
                remedy="give the folder of a clone of https://github.com/mlcommons/inference",
            )


def check(clone: Path, tree: Path, submitter: str, release: str) -> list[Verdict]:
    """Runs both checkers and the truncation script on a submission, which stays as it is.

    Args:
        clone: of ``mlcommons/inference``.
        tree: the root of the submission.
        submitter: the organisation.
        release: the round of MLPerf.
    """
    with tempfile.TemporaryDirectory(prefix="dse-checkers-") as scratch:
        common = ["--input", str(tree.absolute()), "--submitter", submitter]
        rounds = [*common, "--version", release, "--csv", str(Path(scratch) / "summary.csv")]
        cut = Path(scratch) / "truncated"
        return [
            _verdict(clone, "submission_checker", ["-m", "submission_checker.main", *rounds]),
            _verdict(clone, "submission_checker_old", ["submission_checker_old.py", *rounds]),
            _truncation(clone, [*common, "--output", str(cut)], tree, cut),
        ]


def _verdict(clone: Path, checker: str, arguments: Sequence[str]) -> Verdict:
    code, lines = _run(clone, arguments)
    said = Counter(_without_position(line) for line in lines if ERROR in line)
    complaints = tuple(f"{count} x {text}" for text, count in said.most_common())
    return Verdict(checker, code == 0, complaints or (tuple(lines[-3:]) if code else ()))


def _without_position(line: str) -> str:
    """A line without time, position in the checker's source, and file: the same of many results."""
    words = line.split(ERROR, 1)[1].split()
    return " ".join(word for word in words if "/" not in word)


def _truncation(clone: Path, arguments: Sequence[str], tree: Path, cut: Path) -> Verdict:
    """The script finds nothing left to cut: what it gives is the tree itself."""
    code, lines = _run(clone, ["truncate_accuracy_log.py", *arguments])
    if code:
        return Verdict("truncate_accuracy_log", passed=False, complaints=tuple(lines[-3:]))
    changed = tuple(f"it changes {name}" for name in _differences(tree, cut))
    return Verdict("truncate_accuracy_log", not changed, changed)


def _differences(one: Path, other: Path) -> list[str]:
    """Files that only one of two folders has, or that differ."""
    names = {
        file.relative_to(root)
        for root in (one, other)
        for file in root.rglob("*")
        if file.is_file()
    }
    return sorted(
        str(name)
        for name in names
        if not ((one / name).is_file() and (other / name).is_file())
        or not filecmp.cmp(one / name, other / name, shallow=False)
    )


def _run(clone: Path, arguments: Sequence[str]) -> tuple[int, list[str]]:
    """The exit code and all lines of a script, run in its own folder."""
    # A clone is the user's: nothing is left in it.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=clone / FOLDER,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, [f"not done after {TIMEOUT_S:g} s"]
    return done.returncode, done.stdout.splitlines()
