"""The folder in the user's cache for what a runtime makes of models: compiled code, programs."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path


def runtime_folder(kind: str, name: str) -> Path:
    """A folder that this user alone can use; one of this process where the cache can't be written.

    The usual place of temporary files is one where all users write, under names that are known.

    Args:
        kind: what lies in it, such as ``inductor``.
        name: of the versions and machines that it serves.
    """
    return cache_folder(kind, name) or Path(tempfile.mkdtemp(prefix=f"dse-{kind}-"))


def cache_folder(kind: str, name: str) -> Path | None:
    """See `runtime_folder`; None where the cache can't be written."""
    own = os.environ.get("DSE_CACHE_DIR")
    caches = "Library/Caches" if sys.platform == "darwin" else ".cache"
    try:
        usual = os.environ.get("XDG_CACHE_HOME") or Path.home() / caches
        folder = Path(own or Path(usual, "mlperf-dse")) / kind / name
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (OSError, RuntimeError):  # no home folder, or one that can't be written
        return None
    return folder
