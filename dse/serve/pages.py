"""Makes pages of templates: everything in them is escaped, and they may load our files alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dse.core.printable import to_printable
from dse.core.requirements import Requirement

if TYPE_CHECKING:
    import jinja2
    from starlette.responses import HTMLResponse

POLICY = "; ".join(  # noqa: FLY002  # a line for each
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    ]
)
"""The content security policy: nothing but our own files, and no markup made by scripts."""


class Pages:
    """The templates of the pages.

    Args:
        read_only: whether nothing can be started or changed; every template knows it.

    Raises:
        UnavailableError: Jinja is not installed.
    """

    def __init__(self, *, read_only: bool) -> None:
        self._environment = _environment()
        self._environment.globals["read_only"] = read_only

    def page(self, name: str, /, *, status: int = 200, **content: Any) -> HTMLResponse:
        """Makes a page.

        Args:
            name: of the template, without its suffix.
            status: of the response.
            content: what the template shows; `base.html` needs ``title``.
        """
        from starlette.responses import HTMLResponse

        text = self.text(name, **content)
        headers = {"Content-Security-Policy": POLICY}
        return HTMLResponse(text.encode(errors="replace"), status, headers)

    def text(self, name: str, /, **content: Any) -> str:
        """What a template makes, as a page or a part of one.

        Args:
            name: of the template, without its suffix.
            content: what it shows.
        """
        return self._environment.get_template(f"{name}.html").render(**content)


def _environment() -> jinja2.Environment:
    try:
        import jinja2
    except ImportError as error:
        raise Requirement("pages", ("jinja2",), "serve").error(error) from error
    return jinja2.Environment(
        loader=jinja2.PackageLoader("dse.serve"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        # Names may contain characters that reverse text or are not printable.
        finalize=lambda each: to_printable(each) if type(each) is str else each,
    )
