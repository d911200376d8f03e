"""MLPerf's own checkers, run where the user has a clone of their repository."""

from __future__ import annotations

import filecmp
import os
import re
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
OF_PREVIEWS = re.compile(
    "Test duration less than 600s"
    r"|accur\w*cy run does not cover all dataset"
    r"|accuracy_sample_count, found \d+, needs to be >= \d+"
    "|Required minimum samples per query not met"
    "|Required minimum Query Count not met"
    "|Early stopping condition was not met"
    "|Not enough samples were processed for early stopping"
    "|Compliance test performance check in failed"
    "|accuracy not valid"
)
"""What the checkers say of runs that are as short, or over as few samples, as a preview's may be.

See `dse.submission.rules.SHORT`.
"""
CONSEQUENCES = re.compile(
    r"Some (performance|accuracy) checks Checks failed for|(\w+ \w+ )?has issues|NoResults"
    "|Some compliance check Checks failed for|does not have all required scenarios"
    "|SUMMARY: submission has errors"
)
"""What they say of a result, or of all, after such complaints."""
TRACEBACK = "Traceback ("


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a checker says of a submission.

    Attributes:
        checker: its name.
        passed: whether it found nothing wrong.
        complaints: what it says is wrong, each once with how often it does.
        expected: the same of what a preview may lack.
    """

    checker: str
    passed: bool
    complaints: tuple[str, ...]
    expected: tuple[str, ...] = ()

    @property
    def acceptable(self) -> bool:
        """Whether it says nothing but what is to be expected."""
        return self.passed or bool(self.expected and not self.complaints)

    def lines(self) -> Iterator[str]:
        """For the reader."""
        failed = "complains as expected of a preview" if self.acceptable else "FAILED"
        yield f"{self.checker}: {'passed' if self.passed else failed}"
        yield from (f"  {line}" for line in self.complaints[:SHOWN])
        if len(self.complaints) > SHOWN:
            yield f"  ... and {len(self.complaints) - SHOWN} more"
        yield from (f"  expected here: {line}" for line in self.expected)


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


def check(
    clone: Path, tree: Path, submitter: str, release: str, *, preview: bool = False
) -> list[Verdict]:
    """Runs both checkers and the truncation script on a submission, which stays as it is.

    Args:
        clone: of ``mlcommons/inference``.
        tree: the root of the submission.
        submitter: the organisation.
        release: the round of MLPerf.
        preview: whether its runs may be short.
    """
    with tempfile.TemporaryDirectory(prefix="dse-checkers-") as scratch:
        common = ["--input", str(tree.absolute()), "--submitter", submitter]
        rounds = [*common, "--version", release, "--csv", str(Path(scratch) / "summary.csv")]
        cut = Path(scratch) / "truncated"
        new, old = ["-m", "submission_checker.main"], ["submission_checker_old.py"]
        return [
            _verdict(clone, "submission_checker", [*new, *rounds], preview=preview),
            _verdict(clone, "submission_checker_old", [*old, *rounds], preview=preview),
            _truncation(clone, [*common, "--output", str(cut)], tree, cut),
        ]


def _verdict(clone: Path, checker: str, arguments: Sequence[str], *, preview: bool) -> Verdict:
    code, lines = _run(clone, arguments)
    said = Counter(_without_position(line) for line in lines if ERROR in line)
    wrong, expected = _tell_apart(said) if preview else (said, Counter[str]())
    crashed = code != 0 and (not said or any(line.startswith(TRACEBACK) for line in lines))
    complaints = (*_counted(wrong), *(lines[-3:] if crashed else ()))
    return Verdict(checker, code == 0, complaints, _counted(expected))


def _tell_apart(said: Counter[str]) -> tuple[Counter[str], Counter[str]]:
    """What is wrong with a preview, and what is to be expected of one, in few words.

    What only follows from the latter is left out.
    """
    wrong, expected = Counter[str](), Counter[str]()
    for text, count in said.items():
        if found := OF_PREVIEWS.search(text):
            expected[found[0]] += count
        else:
            wrong[text] = count
    if expected:
        wrong = Counter({t: count for t, count in wrong.items() if not CONSEQUENCES.match(t)})
    return wrong, expected


def _counted(said: Counter[str]) -> tuple[str, ...]:
    return tuple(f"{count} x {text}" for text, count in said.most_common())


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
