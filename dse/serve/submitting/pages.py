"""The way to a submission: points, runs, the system's description, and the tree."""

from __future__ import annotations

from starlette.routing import Route

from dse.serve.posted import takes_file, takes_form
from dse.serve.submitting import _points_page, _system_page, _tree_page
from dse.serve.submitting._sysinfo import MAX_BYTES


def routes() -> list[Route]:
    """The pages of a submission; what takes a form is a route of its own."""
    submit = "/studies/{name}/submit"
    upload = takes_file(_system_page.take, MAX_BYTES)
    return [
        Route(submit, _points_page.show, methods=["GET"]),
        Route(submit, takes_form(_points_page.start), methods=["POST"]),
        Route(f"{submit}/system", _system_page.show, methods=["GET"]),
        Route(f"{submit}/system", takes_form(_system_page.save), methods=["POST"]),
        Route(f"{submit}/system/file", upload, methods=["POST"]),
        Route(f"{submit}/export", _tree_page.show, methods=["GET"]),
        Route(f"{submit}/export", takes_form(_tree_page.start), methods=["POST"]),
        Route(f"{submit}/trees/{{tree}}.tar.gz", _tree_page.download, methods=["GET"]),
    ]
