"""Assembles the page: one file with its style, script and data that loads and sends nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from importlib import resources
from typing import TYPE_CHECKING, Any

from dse import __version__
from dse.core.printable import to_printable
from dse.core.requirements import Requirement
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
    from collections.abc import Sequence

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
SECTIONS = (
    ("answer", "Best"),
    ("points", "Points"),
    ("notes", "Notes"),
    ("rows", "Table"),
    ("effects", "Knobs"),
    ("progress", "Progress"),
    ("failures", "Failures"),
    ("measured", "How the values were obtained"),
    ("system", "System"),
)
_ENDS_SCRIPT = {ord(each): f"\\u{ord(each):04x}" for each in "<>&\u2028\u2029"}
"""Escapes of characters that could end a script element or a line in it."""


def render_page(view: View, files: Sequence[str]) -> str:
    """Renders the page of a study as HTML.

    Args:
        view: view of the study.
        files: names of the files in the folder of the page.

    Raises:
        UnavailableError: Jinja is not installed.
    """
    environment = _environment()
    from markupsafe import Markup

    shown = quantities(view)
    css, script = (
        _read_resource("style.css"),
        "\n".join(['"use strict";', *map(_read_resource, SCRIPTS)]),
    )
    return environment.from_string(_read_resource("template.html")).render(
        **_content(view, shown),
        sections=SECTIONS,
        files=files,
        version=__version__,
        policy=_policy(css, script),
        css=Markup(css),  # noqa: S704  # our own files
        script=Markup(script),  # noqa: S704
        data=Markup(to_script(_data(view, shown))),  # noqa: S704  # see as_script
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


def _read_resource(name: str) -> str:
    return resources.files("dse.report.html").joinpath(name).read_text(encoding="utf-8")


def _policy(css: str, script: str) -> str:
    """The content security policy: nothing is loaded or sent, and only our style and script run."""
    return "; ".join(
        [
            "default-src 'none'",
            f"style-src {_hash(css)}",
            f"script-src {_hash(script)}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        ]
    )


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
        "effects": _sections.effect_tables(view, compared),
        "steps": bool(study.records),
        "failures": _sections.failure_kinds(study),
        "excluded": study.about.excluded,
        "bases": _sections.basis_rows(view, shown),
        "health": health(study),
        "system_lines": _sections.system_lines(study),
    }


def _data(view: View, shown: Sequence[ReportedMetric]) -> dict[str, Any]:
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
