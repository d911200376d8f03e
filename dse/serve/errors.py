"""What the pages report besides the errors of the commands."""

from __future__ import annotations

from dse.core.errors import RequestError


class NotFoundError(RequestError):
    """There is nothing of the name that a page was asked for; its status is 404."""
