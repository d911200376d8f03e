"""The page of the export: what it lacks, its tree, and what MLPerf's checkers say."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import RedirectResponse, StreamingResponse

from dse.core.errors import RequestError
from dse.core.wording import format_count, join_some
from dse.serve._choice import Choice, one_of
from dse.serve._dry_runs import busy, command_of, dry_run
from dse.serve._posted import Fields
from dse.serve._steps import page_of, way_of
from dse.serve._survey import look, system_file
from dse.serve._trees import SUBMISSIONS, checked_name, chunks, find_tree, find_trees, pack
from dse.serve.errors import NotFoundError
from dse.submission.names import PLAIN
from dse.submission.release import LATEST, RELEASES
from dse.tasks.benchmark import DIVISIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from dse.serve._trees import WrittenTree
    from dse.serve.job import Job
    from dse.serve.site import Site

CATEGORIES = ("edge", "datacenter")
STATUSES = ("available", "preview", "rdi")
FLAGS = {"infer": "--infer-scenarios", "preview": "--preview"}
"""The options of boxes, by their fields."""
MAX_SUBMITTER = 100
MAX_NAMED = 6
"""Results that are named of those that break a rule alike."""
MAX_FILES = 2000
"""Of a tree that are listed."""
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
    def of(cls, fields: Fields, study: str) -> Export:
        """Reads fields.

        Raises:
            RequestError: one is wrong; names it.
        """
        submitter = fields.one("submitter")
        if submitter and (len(submitter) > MAX_SUBMITTER or not PLAIN.fullmatch(submitter)):
            raise RequestError(
                f"'{submitter[:40]}' can't be the name of a folder",
                field="submitter",
                remedy="use letters, digits, '.', '_' and '-'",
            )
        status = fields.one("status")
        return cls(
            choice=Choice.of(fields),
            name=checked_name(fields.one("name", study)),
            submitter=submitter,
            category=one_of(fields.one("category", CATEGORIES[0]), "category", CATEGORIES),
            release=one_of(fields.one("release", LATEST), "release", RELEASES),
            status=one_of(status, "status", STATUSES) if status else "",
            flags=tuple(name for name in FLAGS if fields.has(name)),
        )

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
                rule = breach["rule"], breach["message"], breach["remedy"]
                of.setdefault(rule, []).append(f"#{each['point']} {each['scenario']}")
    for (rule, message, remedy), names in of.items():
        which = f"all {len(names)} results"
        if not 1 < len(names) == len(results):
            which = join_some(names, MAX_NAMED)
        yield Lack(rule, message, remedy, which)


@dataclass(frozen=True, slots=True)
class Exported:
    """The last export of a study.

    Attributes:
        job: the command.
        command: as a user would type it.
        output: what it printed.
        verdicts: what each checker says: its name, its verdict, and all it complains about.
    """

    job: Job
    command: str
    output: str
    verdicts: tuple[tuple[str, str, tuple[str, ...]], ...]


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


def show(request: Request) -> Response:
    """The page; the address says what is to be exported."""
    fields, study = Fields.of_link(request), request.path_params["name"]
    try:
        export = Export.of(fields, study)
    except RequestError as error:
        return _page(request, Export(Choice(), study), str(error), fields=fields)
    return _page(request, export, fields=fields, asked=fields.has("now"))


def start(request: Request, form: Fields) -> Response:
    """Starts an export."""
    site: Site = request.app.state.site
    study = request.path_params["name"]
    export = Export(Choice(), study)
    look(site, study, export.choice.division)  # there is one of that name
    try:
        export = Export.of(form, study)
        if not export.submitter:
            raise _nobody()
        words = export.words(study)
        words += ["--force"] if form.has("force") else []
        checker = site.request.checker
        words += ["--checker", str(checker)] if checker and form.has("check") else []
        job = site.jobs.start(words, study)
    except RequestError as error:
        return _page(request, export, str(error), fields=form)
    return RedirectResponse(f"/jobs/{job.id}", 303)


def _nobody() -> RequestError:
    return RequestError("nobody submits", field="submitter", remedy="name the organisation")


def download(request: Request) -> Response:
    """A tree as an archive."""
    name = request.path_params["tree"]
    tree = find_tree(name)
    if tree is None:
        raise NotFoundError(f"there is no submission '{name[:100]}'")
    archive = pack(tree)
    size = archive.seek(0, 2)
    archive.seek(0)
    headers = {
        "Content-Length": str(size),
        "Content-Disposition": f'attachment; filename="{name}.tar.gz"',
        "X-Content-Type-Options": "nosniff",
    }
    return StreamingResponse(chunks(archive), 200, headers, "application/gzip")


def _page(
    request: Request,
    export: Export,
    problem: str = "",
    *,
    fields: Fields,
    asked: bool = False,
) -> Response:
    """Shows what is to be exported; with a problem nothing is asked of commands."""
    site: Site = request.app.state.site
    study = request.path_params["name"]
    known, unknown = look(site, study, export.choice.division, export.choice.points)
    problem = problem or unknown
    trees, too_large = _trees(export.name)
    running = busy(site)
    words = export.words(study)
    ask = bool(export.submitter) and not problem and bool(known.leaders or export.choice.points)
    dry = dry_run(site, words, ask=ask and (asked or running is None))
    return site.pages.page(
        "submit_tree",
        status=422 if problem else 200,
        title=f"The tree of {study}",
        way=way_of(known, "Tree", trees),
        survey=known,
        export=export,
        sent={name: fields.one(name) for name in ("name", "submitter")},
        submitters=sorted({who for tree in trees for who in tree.submitters}),
        chosen=frozenset(export.choice.points),
        divisions=DIVISIONS,
        categories=CATEGORIES,
        releases=[*RELEASES],
        statuses=STATUSES,
        checker=site.request.checker,
        action=page_of(study, "export"),
        again=page_of(study, "export", **export.query, now="1"),
        points=page_of(study, division=export.choice.division),
        system=page_of(study, "system", division=export.choice.division),
        command=command_of(words) if export.submitter else "",
        dry=dry,
        ready=None if dry.found is None else Readiness.of(dry.found),
        running=running,
        running_command=command_of(running.words) if running else "",
        last=_last(site, study),
        trees=trees,
        too_large=too_large,
        most_files=MAX_FILES,
        archive=f"{page_of(study)}/trees/",
        problem=problem,
    )


def _trees(name: str) -> tuple[list[WrittenTree], str]:
    """What was written, or why that can't be shown."""
    try:
        return find_trees(name), ""
    except RequestError as error:
        return [], str(error)


def _last(site: Site, study: str) -> Exported | None:
    """The last export of a study that was started from the page."""
    of_study = (job for job in site.jobs.all() if job.study == study)
    job = next((job for job in of_study if job.words[:1] == ("export",)), None)
    if job is None:
        return None
    output = site.jobs.output(job)
    return Exported(job, command_of(job.words), output, tuple(read_verdicts(output)))
