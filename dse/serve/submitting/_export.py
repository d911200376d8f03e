"""What is to be exported, and what ``dse export`` says of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from dse.core.errors import RequestError
from dse.core.wording import format_count, join_some
from dse.serve.submitting._choice import Choice, one_of
from dse.serve.submitting._survey import system_file
from dse.serve.submitting._trees import SUBMISSIONS, checked_name
from dse.submission.names import PLAIN
from dse.submission.release import LATEST, RELEASES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from dse.serve.posted import Fields

T = TypeVar("T")

CATEGORIES = ("edge", "datacenter")
STATUSES = ("available", "preview", "rdi")
FLAGS = {"infer": "--infer-scenarios", "preview": "--preview"}
"""The options of boxes, by their fields."""
MAX_SUBMITTER = 100
MAX_NAMED = 6
"""Results that are named of those that break a rule alike."""
_VERDICT = re.compile(r"(submission_checker(?:_old)?|truncate_accuracy_log): (.+)")


@dataclass(frozen=True, slots=True)
class Export:
    """What is to be exported.

    Attributes:
        choice: the points and the division.
        name: of the submission: of its folder in `SUBMISSIONS`.
        submitter: the organisation; empty as long as nobody has said who that is.
        category: of the system.
        release: the round of MLPerf.
        status: of the system, in place of that in the file; empty for that.
        flags: the boxes that are checked, by their fields.
    """

    choice: Choice
    name: str
    submitter: str = ""
    category: str = CATEGORIES[0]
    release: str = LATEST
    status: str = ""
    flags: tuple[str, ...] = ()

    @classmethod
    def read(cls, fields: Fields, study: str) -> tuple[Export, str]:
        """Reads fields, of which some may be wrong: the others are kept.

        Args:
            fields: of a form or a link.
            study: its name.

        Returns:
            What they say, and the first thing that is wrong in a line.
        """
        problems: list[str] = []

        def tried(read: Callable[[], T], default: T) -> T:
            try:
                return read()
            except RequestError as error:
                problems.append(str(error))
                return default

        def chosen(name: str, known: Iterable[str], default: str = "") -> str:
            value = fields.one(name, default)
            return tried(lambda: one_of(value, name, known), default) if value else ""

        read = cls(
            choice=tried(lambda: Choice.of(fields), Choice()),
            name=tried(lambda: checked_name(fields.one("name", study)), study),
            submitter=tried(lambda: _submitter(fields.one("submitter")), ""),
            category=chosen("category", CATEGORIES, CATEGORIES[0]),
            release=chosen("release", RELEASES, LATEST),
            status=chosen("status", STATUSES),
            flags=tuple(name for name in FLAGS if fields.has(name)),
        )
        return read, next(iter(problems), "")

    def words(self, study: str) -> list[str]:
        """The words of the command after ``dse``.

        Args:
            study: its name.
        """
        file = system_file(study)
        return [
            *("export", study, "--submitter", self.submitter),
            *("--output", str(SUBMISSIONS / self.name)),
            *(["--system", str(file)] if file.is_file() else []),
            *self.choice.words,
            *([] if self.category == CATEGORIES[0] else ["--category", self.category]),
            *([] if self.release == LATEST else ["--release", self.release]),
            *(["--status", self.status] if self.status else []),
            *(FLAGS[name] for name in self.flags),
        ]

    @property
    def query(self) -> dict[str, str | list[str]]:
        """The fields of an address that says the same."""
        return {
            "name": self.name,
            "submitter": self.submitter,
            "category": self.category,
            "release": self.release,
            "status": self.status,
            "division": self.choice.division,
            "point": [*map(str, self.choice.points)],
            **dict.fromkeys(self.flags, "1"),
        }


def _submitter(name: str) -> str:
    """The name of an organisation, which is that of a folder, too.

    Raises:
        RequestError: it can't be one.
    """
    if name and (len(name) > MAX_SUBMITTER or not PLAIN.fullmatch(name)):
        problem = f"'{name[:40]}' can't be the name of a folder"
        remedy = "use letters, digits, '.', '_' and '-'"
        raise RequestError(problem, field="submitter", remedy=remedy)
    return name


@dataclass(frozen=True, slots=True)
class Lack:
    """A rule that results break.

    Attributes:
        rule: its name.
        message: what is wrong.
        remedy: what helps where no further run does; else empty.
        results: which ones, in a phrase.
    """

    rule: str
    message: str
    remedy: str
    results: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """What ``dse export --dry-run`` says.

    Attributes:
        conclusion: what would be exported, and what is lacking.
        lacks: what is missing or wrong, each thing once.
        expected: the same of what a preview may lack.
        missing: fields of the system that nothing tells.
        notes: what speaks against the results, which no rule asks for.
        commands: that come next.
    """

    conclusion: str
    lacks: tuple[Lack, ...]
    expected: tuple[Lack, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]
    commands: tuple[str, ...]

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Readiness:
        """Reads its JSON object."""
        results, missing = found["results"], found["missing"]
        ready = [each for each in results if each["exportable"]]
        hindered = len(results) - len(ready)
        lacking = [format_count(hindered, "result")] if hindered else []
        lacking += [f"{format_count(len(missing), 'field')} of the system"] if missing else []
        exported = format_count(len(ready), "result") if ready else "nothing"
        return cls(
            f"to export: {exported}; lacking: {', '.join(lacking) or 'nothing'}",
            tuple(_lacks(results, expected=False)),
            tuple(_lacks(results, expected=True)),
            tuple(missing),
            tuple(found["notes"]),
            tuple(found["next"]),
        )


def _lacks(results: Sequence[Mapping[str, Any]], *, expected: bool) -> Iterator[Lack]:
    """The rules that results break, each once."""
    of: dict[tuple[str, str, str], list[str]] = {}
    for each in results:
        for breach in each["breaches"]:
            if breach["expected"] == expected:
                broken = breach["rule"], breach["message"], breach["remedy"]
                of.setdefault(broken, []).append(f"#{each['point']} {each['scenario']}")
    for (rule, message, remedy), names in of.items():
        which = f"all {len(names)} results"
        if not 1 < len(names) == len(results):
            which = join_some(names, MAX_NAMED)
        yield Lack(rule, message, remedy, which)


def read_verdicts(output: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """What MLPerf's checkers say, as an export prints it.

    Args:
        output: what it printed.

    Returns:
        The name of each checker, its verdict, and all it complains about.
    """
    found: list[tuple[str, str, list[str]]] = []
    for line in output.splitlines():
        if verdict := _VERDICT.fullmatch(line):
            found.append((verdict[1], verdict[2], []))
        elif found and line.startswith("  "):
            found[-1][2].append(line.strip())
        elif found:
            break
    return [(checker, verdict, tuple(lines)) for checker, verdict, lines in found]
