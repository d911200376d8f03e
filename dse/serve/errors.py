"""The errors of the page that are not those of a command."""

from __future__ import annotations

from dse.core.errors import RequestError


class NotFoundError(RequestError):
    """There is nothing of that name."""
