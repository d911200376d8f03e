"""A native program in the place of a Python that ends with its parent: so does the program."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> NoReturn:
    """Becomes the program that is named first, with the other arguments.

    Raises:
        OSError: it can't be run.
    """
    program, *arguments = sys.argv[1:]
    os.execv(program, [program, *arguments])  # noqa: S606  # a shell would be one process more
