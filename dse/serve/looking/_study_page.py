"""The page of a study: that of ``dse report``, with links, the reader's form and what is new."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from dse.core.wording import format_command
from dse.report.html.page import Served, page_policy, render_page
from dse.report.tables import study_table
from dse.report.view import View

if TYPE_CHECKING:
    from dse.serve.asked import Asked
    from dse.serve.looking.library import OpenStudy
    from dse.serve.pages import Pages

ICON = '<link rel="icon" href="/static/icon.svg">\n'
TABLE, PICTURE = "study.csv", "frontier.png"


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and its content security policy."""

    content: bytes
    policy: str

    @classmethod
    def of(cls, view: View, served: Served) -> Self:
        """Renders the page of a study."""
        text = render_page(view, [*served.files], served)
        policy = f"{page_policy(served)}; frame-ancestors 'none'"
        return cls(text.encode(errors="replace"), policy)


def place_of(name: str) -> str:
    """The address of a study's page."""
    return f"/studies/{quote(name)}"


def study_page(opened: OpenStudy, asked: Asked, pages: Pages) -> Page:
    """The page of a study as it is now.

    Args:
        opened: the study.
        asked: what the reader asks for.
        pages: makes what stands above.

    Raises:
        RequestError: what is asked for is wrong.
    """
    files = _files(opened, asked)

    def made() -> Page:
        view = View(opened.study, asked.derivation())
        return Page.of(view, _served(opened, asked, files, pages))

    return opened.remember(("page", asked, *files), made)


def study_csv(opened: OpenStudy, asked: Asked) -> bytes:
    """The table of a study.

    Raises:
        RequestError: what is asked for is wrong.
        UnavailableError: pandas is not installed.
    """

    def made() -> bytes:
        table = study_table(View(opened.study, asked.derivation()))
        return table.to_csv(index=False).encode(errors="replace")

    return opened.remember(("table", asked), made)


def _files(opened: OpenStudy, asked: Asked) -> dict[str, str]:
    """The addresses of the files of a study that can be had, by their names."""
    place = place_of(opened.study.folder.name)
    files = {}
    if find_spec("pandas"):
        files[TABLE] = f"{place}/{TABLE}{asked.query}"
    if opened.study.folder.picture.is_file():
        files[PICTURE] = f"{place}/{PICTURE}"
    return files


def _served(opened: OpenStudy, asked: Asked, files: dict[str, str], pages: Pages) -> Served:
    name = opened.study.folder.name
    place = place_of(name)
    top = pages.text(
        "study_top",
        name=name,
        place=place,
        files=files,
        mark=opened.mark,
        configurations=len(opened.study.records),
        values=asked.fields,
        command=format_command(["report", name, *asked.options]),
    )
    return Served(
        head=ICON,
        top=top,
        style=_own_file("report_live.css"),
        script=_own_file("report_live.js"),
        files=files,
        card=(f"{place}/points/", replace(asked, objective=()).query),
    )


@cache
def _own_file(name: str) -> str:
    return resources.files("dse.serve").joinpath("static", name).read_text(encoding="utf-8")
