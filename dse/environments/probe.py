"""Tells the version of a backend's runtime, in the Python that its worker runs in.

Started by `dse.environments.availability`. Whatever goes wrong here, even a crash, is the answer.
"""

from __future__ import annotations

import json
import os
import sys

from dse.core.registry import backend


def main() -> int:
    """Prints the version as JSON, after importing everything that the worker needs."""
    # What a runtime prints when it is imported must not stand in the answer.
    answer = os.dup(1)
    os.dup2(2, 1)
    import dse.measure.runs  # noqa: F401

    version = backend(sys.argv[1]).version()
    os.write(answer, json.dumps({"version": version}).encode())
    return 0
