"""Writes a small tree again and again, each time killed a little later.

    python -m tests.submission.dying FOLDER WHOLE

A moment is the opening, renaming, making or removing of a file or a folder below FOLDER: before
each of them a child is killed by SIGKILL, which writes to FOLDER/<moment>/tree, until one of them
gets through. How each has ended is printed, a line each.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from dse.submission.writing import write
from tests.submission.trees import small_tree

EVENTS = ("open", "os.rename", "os.mkdir", "os.remove", "os.rmdir")


def install(folder: Path, moment: int) -> None:
    """From now on this process is killed at its moment."""
    left = moment

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in EVENTS and str(arguments[0]).startswith(str(folder)):
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    sys.addaudithook(hook)


def main() -> None:
    """See above."""
    folder, whole = map(Path, sys.argv[1:])
    code, moment = -1, 0
    while code:
        child = os.fork()
        if child == 0:
            install(folder, moment)
            write(small_tree(whole), folder / str(moment) / "tree", "Org", force=False)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        sys.stdout.write(f"{code}\n")
        sys.stdout.flush()
        moment += 1


if __name__ == "__main__":
    main()
