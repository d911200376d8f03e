"""The way to a submission, as a line on each of its pages: what is done, and what is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from dse.core.errors import RequestError
from dse.core.wording import format_count
from dse.serve.submitting._trees import find_trees
from dse.tasks.benchmark import OPEN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dse.serve.submitting._survey import Survey
    from dse.serve.submitting._trees import WrittenTree


@dataclass(frozen=True, slots=True)
class Step:
    """A step on the way.

    Attributes:
        title: in a word.
        link: to its page.
        words: what is done or missing.
        done: whether nothing is missing.
        here: whether it is the page that is shown.
    """

    title: str
    link: str
    words: str
    done: bool
    here: bool


@dataclass(frozen=True, slots=True)
class Way:
    """All steps of a study.

    Attributes:
        steps: in their order.
        conclusion: what is done and missing, in a sentence.
    """

    steps: tuple[Step, ...]
    conclusion: str

    @property
    def done(self) -> bool:
        """Whether nothing is missing at any step."""
        return all(step.done for step in self.steps)


def page_of(study: str, page: str = "", /, **query: str | Sequence[str]) -> str:
    """The address of a page of a submission.

    Args:
        study: its name.
        page: below ``submit``.
        query: fields of the address; empty ones are left out.
    """
    path = f"/studies/{study}/submit" + (f"/{page}" if page else "")
    kept = {name: value for name, value in query.items() if value}
    return f"{path}?{urlencode(kept, doseq=True)}" if kept else path


def way_of(survey: Survey, here: str, trees: Sequence[WrittenTree] | None = None) -> Way:
    """The steps of a study.

    Args:
        survey: how far it is.
        here: the title of the step whose page is shown.
        trees: what was written; None to look for it under the name of the study.
    """
    query: Mapping[str, str] = {} if survey.division == OPEN else {"division": survey.division}
    study, leaders, valid = survey.study, survey.leaders, survey.valid
    points = page_of(study, **query)
    written = _written(study) if trees is None else trees
    steps = [
        ("Points", points, f"{format_count(len(leaders), 'point')} to submit", bool(leaders)),
        ("Runs", f"{points}#runs", survey.points_words, 0 < len(leaders) == len(valid)),
        ("System", page_of(study, "system", **query), survey.system_words, _complete(survey)),
        ("Tree", page_of(study, "export", **query), _tree_words(written), bool(written)),
    ]
    return Way(
        tuple(Step(*each, here=each[0] == here) for each in steps), _conclude(survey, written)
    )


def _written(study: str) -> Sequence[WrittenTree]:
    try:
        return find_trees(study)
    except RequestError:
        return ()  # its own page says why


def _complete(survey: Survey) -> bool:
    return not (survey.missing or survey.problem)


def _tree_words(trees: Sequence[WrittenTree]) -> str:
    if not trees:
        return "not written"
    first, *_ = trees
    return f"{format_count(len(first.files), 'file')} in {first.folder}"


def _conclude(survey: Survey, trees: Sequence[WrittenTree]) -> str:
    leaders, valid, missing = survey.leaders, survey.valid, survey.missing
    if not leaders:
        return "No point leads yet: explore further before anything is submitted."
    of = f"{len(valid)} of {format_count(len(leaders), 'point')}"
    runs = f"{of} {'is' if len(leaders) == 1 else 'are'} valid"
    fields = f"{format_count(len(missing), 'field')} of the system"
    told = f"{fields} {'is' if len(missing) == 1 else 'are'} missing"
    if survey.problem:
        told = "the description of the system can't be read"
    elif not missing:
        told = "the system is described"
    written = "" if trees else "; no tree is written"
    return f"{runs}; {told}{written}."
