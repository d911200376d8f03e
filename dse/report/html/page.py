"""Assembles the page: one file with its style, script and data that loads and sends nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from dse import __version__
from dse.core.printable import to_printable
from dse.core.requirements import Requirement
from dse.report.breakdown import WAYS, break_down
from dse.report.health import health
from dse.report.html import _sections
from dse.report.html._columns import make_columns
from dse.report.html._pick import describe_pick
from dse.report.picture import axes_metrics
from dse.report.progress import progress
from dse.report.quantities import quantities
from dse.report.standing import MEANINGS, UNDECIDED, Standing, standings
from dse.report.summary import notes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import jinja2

    from dse.core.configuration import KnobValue
    from dse.report.quantities import ReportedMetric
    from dse.report.view import View

SCRIPTS = (
    *("dom.js", "data.js", "operations.js", "expression.js", "filter.js", "names.js"),
    *("scales.js", "colours.js", "stairs.js", "paint.js", "labels.js", "chart.js", "table.js"),
    *("progress.js", "choice.js", "limits.js", "answer.js", "details.js", "address.js"),
    *("theme.js", "page.js"),
)
"""Script files, each after those that it uses."""
STYLES = ("base.css", "style.css")
SECTIONS = (
    ("answer", "Best"),
    ("points", "Points"),
    ("notes", "Notes"),
    ("rows", "Table"),
    ("by-precision", "Precision"),
    ("by-runtime", "Runtimes"),
    ("effects", "Knobs"),
    ("progress", "Progress"),
    ("failures", "Failures"),
    ("measured", "How the values were obtained"),
    ("system", "System"),
)
_ENDS_SCRIPT = {ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}
"""Escapes of characters that could end a script element or a line in it."""


@dataclass(frozen=True, slots=True)
class Served:
    """What a page has beyond that of a file, where a server gives it to the browser.

    Attributes:
        head: markup for the head of the document.
        top: markup before the page's own, such as links to other pages.
        style: rules after the page's own.
        script: a script that runs after the page's own, and knows all that is declared there.
        files: addresses of the files, by their names.
        card: what stands before and after the id of a point in the address of its own page.
    """

    head: str
    top: str
    style: str
    script: str
    files: Mapping[str, str]
    card: tuple[str, str]


def render_page(view: View, files: Sequence[str], served: Served | None = None) -> str:
    """Renders the page of a study as HTML.

    Args:
        view: view of the study.
        files: names of the files in the folder of the page.
        served: what a server adds; None for a page that needs none.

    Raises:
        UnavailableError: Jinja is not installed.
    """
    environment = _environment()
    from markupsafe import Markup

    shown = quantities(view)
    css, script = _css(served), _script(served)
    return environment.from_string(_read_resource("template.html")).render(
        **_content(view, shown),
        sections=SECTIONS,
        files=[(name, served.files[name] if served else name) for name in files],
        head=Markup(served.head if served else ""),  # noqa: S704  # escaped by the server
        top=Markup(served.top if served else ""),  # noqa: S704
        version=__version__,
        policy=page_policy(served),
        css=Markup(css),  # noqa: S704  # our own files
        script=Markup(script),  # noqa: S704
        data=Markup(to_script(_data(view, shown, served))),  # noqa: S704  # see to_script
    )


def page_policy(served: Served | None = None) -> str:
    """The content security policy: only our style and script run, and nothing else is loaded.

    Args:
        served: what a server adds, which alone may be asked for more; None where there is none.
    """
    own = ["connect-src 'self'", "img-src 'self'", "form-action 'self'"]
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {_hash(_css(served))}",
            f"script-src {_hash(_script(served))}",
            *(own if served else ["form-action 'none'"]),
            "base-uri 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


def to_script(value: Any) -> str:
    """A JSON value as the text of a data element: nothing in it ends the element."""
    text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    return text.translate(_ENDS_SCRIPT)


def _environment() -> jinja2.Environment:
    try:
        import jinja2
    except ImportError as error:
        raise Requirement("pages", ("jinja2",), "report").error(error) from error
    return jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        # Names may contain characters that reverse text or are not printable.
        finalize=lambda each: to_printable(each) if type(each) is str else each,
    )


@cache
def _read_resource(name: str) -> str:
    return resources.files("dse.report.html").joinpath(name).read_text(encoding="utf-8")


def _css(served: Served | None) -> str:
    return "".join(map(_read_resource, STYLES)) + (served.style if served else "")


def _script(served: Served | None) -> str:
    further = [served.script] if served else []
    return "\n".join(['"use strict";', *map(_read_resource, SCRIPTS), *further])


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _content(view: View, shown: Sequence[ReportedMetric]) -> dict[str, Any]:
    study = view.study
    names = {*view.metrics, *(definition.name for definition in view.derivation.definitions)}
    compared = [metric for metric in shown if metric.name in names]
    return {
        "study": study.folder.name,
        "system": study.system,
        "figures": _sections.study_figures(view),
        "notes": notes(view),
        "breakdowns": [break_down(view, way, every=True) for way in WAYS],
        "effects": _sections.effect_tables(view, compared),
        "steps": bool(study.records),
        "failures": _sections.failure_kinds(study),
        "excluded": study.about.excluded,
        "bases": _sections.basis_rows(view, shown),
        "health": health(study),
        "system_lines": _sections.system_lines(study),
    }


def _data(view: View, shown: Sequence[ReportedMetric], served: Served | None) -> dict[str, Any]:
    """The data that the script draws."""
    records = sorted(view.study.records.values(), key=lambda record: record.id)
    objectives = [metric.name for metric in view.objectives]
    names = [metric.name for metric in shown]
    return {
        "columns": make_columns(records, standings(view), shown, view.notes),
        "objectives": objectives,
        "axes": axes_metrics(objectives) or (names * 2)[:2],
        "standings": list(Standing),
        "meanings": MEANINGS,
        "undecided": UNDECIDED,
        "names": view.names,
        "facts": _facts(view),
        "pick": describe_pick(view, shown),
        "steps": _steps(view),
        "card": list(served.card) if served else None,
    }


def _facts(view: View) -> dict[str, KnobValue]:
    """What expressions know of the machine, as far as JSON has it."""
    return {
        name: to_printable(fact) if isinstance(fact, str) else fact
        for name, fact in view.facts.items()
        if isinstance(fact, str) or math.isfinite(fact)
    }


def _steps(view: View) -> dict[str, list[float]]:
    steps = progress(view.study)
    whole = (steps[-1].hypervolume if steps else 0.0) or 1.0
    return {
        "id": [step.id for step in steps],
        "explored": [step.explored for step in steps],
        "measuring_s": [round(step.measuring_s, 1) for step in steps],
        "wall_s": [round(step.wall_s, 1) for step in steps],
        "share": [round(step.hypervolume / whole, 5) for step in steps],
    }
