"""Tells a runtime's version, and what its build lacks, in the Python that its worker runs in.

Started by `dse.environments.availability`. Whatever goes wrong here, even a crash, is the answer.
"""

from __future__ import annotations

import json
import os
import sys

from dse.core.backend import Built
from dse.core.registry import backend


def main() -> int:
    """Prints the answer as JSON, after importing everything that the worker needs."""
    # What a runtime prints when it is imported must not stand in the answer.
    answer = os.dup(1)
    os.dup2(2, 1)
    import dse.measure.runs  # noqa: F401

    asked = backend(sys.argv[1])
    version = asked.version()
    lacks = asked.lacks() if isinstance(asked, Built) else ()
    told = {"version": version, "lacks": [[one.name, one.value, one.reason] for one in lacks]}
    os.write(answer, json.dumps(told).encode())
    return 0
