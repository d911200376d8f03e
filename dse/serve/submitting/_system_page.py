"""The page of the system's description."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.responses import RedirectResponse

from dse.core.errors import DseError, RequestError
from dse.serve.posted import Fields
from dse.serve.site import site_of
from dse.serve.submitting import _system_form as system_form
from dse.serve.submitting._choice import Choice
from dse.serve.submitting._steps import page_of, way_of
from dse.serve.submitting._survey import look, system_file
from dse.serve.submitting._sysinfo import MAX_BYTES, Taken, read_sysinfo
from dse.tasks.benchmark import OPEN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from dse.serve.submitting._survey import Survey


def show(request: Request) -> Response:
    """The form, with what stands in the file."""
    known, problem = _look(request, Fields.of_link(request))
    return _page(request, known, known.told.values, problem)


def save(request: Request, form: Fields) -> Response:
    """Writes what the user tells, and shows the page anew."""
    known, problem = _look(request, form)
    if problem or known.problem:  # a file that can't be read is not written over
        return _page(request, known, _sent(form), problem)
    try:
        values = system_form.posted(form)
        system_form.save(known.study, values, form.one(system_form.SEEN))
    except RequestError as error:
        return _page(request, known, _sent(form), str(error))
    except DseError as error:  # such as a full disk: what was typed is not lost
        return _page(request, known, _sent(form), str(error), status=500)
    return RedirectResponse(page_of(known.study, "system", **_division(known)), 303)


def take(request: Request, content: bytes, lacking: str) -> Response:
    """Shows the form with what a file of ``mlperf-sysinfo`` says; nothing is written.

    Args:
        request: names the study.
        content: of the file.
        lacking: why there is none; empty where there is.
    """
    known, problem = _look(request, Fields.of_link(request))
    told, problem = known.told.values, problem or lacking
    if problem or known.problem:
        return _page(request, known, told, problem)
    try:
        taken = read_sysinfo(content, known.system, known.fields, told)
    except RequestError as error:
        return _page(request, known, told, f"mlperf-sysinfo: {error}")
    if taken.contradictions:
        problem = "the file is of another system than the study; nothing is taken from it"
    return _page(request, known, {**told, **taken.values}, problem, taken)


def _look(request: Request, fields: Fields) -> tuple[Survey, str]:
    """How far the study is, and what is wrong with the division that was asked for."""
    choice, problem = Choice.read(fields)
    own = Choice(division=choice.division)
    known, unknown = look(site_of(request), request.path_params["name"], own)
    return known, problem or unknown


def _division(known: Survey) -> dict[str, str]:
    """The field of an address that says the same."""
    return {} if known.division == OPEN else {"division": known.division}


def _sent(form: Fields) -> dict[str, str]:
    """What was typed, to be shown again."""
    return {name: form.one(name) for name in system_form.FIELDS}


def _page(
    request: Request,
    known: Survey,
    values: Mapping[str, str],
    problem: str = "",
    taken: Taken | None = None,
    status: int = 422,
) -> Response:
    site = site_of(request)
    study = known.study
    problem = problem or known.problem
    found = system_form.rows(known, values, taken.values if taken else ())
    return site.pages.page(
        "submit_system",
        status=status if problem else 200,
        title=f"The system of {study}",
        way=way_of(known, "System"),
        survey=known,
        rows=found,
        exported=[each for each in known.fields if each.name not in system_form.FIELDS],
        action=page_of(study, "system"),
        upload=page_of(study, "system/file", **_division(known)),
        file=system_file(study),
        seen=_seen(study),
        most_kib=MAX_BYTES >> 10,
        taken=taken,
        problem=problem,
    )


def _seen(study: str) -> str:
    """The fingerprint of the file; empty where it can't be read, which the page says."""
    try:
        return system_form.fingerprint(study)
    except RequestError:
        return ""
