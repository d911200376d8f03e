"""What the pages can't find."""

from __future__ import annotations

from dse.core.errors import RequestError


class NotFoundError(RequestError):
    """There is nothing of that name; the page says so with the status 404."""
