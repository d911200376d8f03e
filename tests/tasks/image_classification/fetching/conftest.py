"""The same server on this machine as for all downloads."""

from tests.download.conftest import _direct, site

__all__ = ["_direct", "site"]
