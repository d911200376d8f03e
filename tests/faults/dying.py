"""Runs ``dse`` again and again, each time killed a little later: python -m tests.faults.dying.

    dying BEFORE MOMENTS ARGUMENT...

A moment is the use of the storage, of a journal or of a worker: before each of them the process
can be killed. With ``run`` for BEFORE those don't count that come before the first worker or
journal; with ``start`` all do. For each number of the MOMENTS (``0:20:3``, as in a slice) a child
does the work, which is killed before that moment by SIGKILL; how it ended is printed, one JSON line
each.

Python tells of the moments itself (PEP 578): nothing in the program is another than else.
"""

from __future__ import annotations

import json
import os
import signal
import sys


def install(before: str, moment: int) -> None:
    """From now on this process is killed at its moment."""
    left, begun = moment, before == "start"

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left, begun
        if event == "open" and not str(arguments[0]).endswith("measurements.jsonl"):
            return
        if event not in ("open", "sqlite3.connect", "subprocess.Popen"):
            return
        begun = begun or event != "sqlite3.connect"
        if begun:
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left -= 1

    sys.addaudithook(hook)


def main() -> None:
    """See above."""
    before, moments, *arguments = sys.argv[1:]
    from dse.cli import run
    from tests.brief import shorten
    from tests.forkserver import prepare

    shorten()
    prepare()
    for moment in range(*map(int, moments.split(":"))):
        child = os.fork()
        if child == 0:
            install(before, moment)
            os._exit(run(arguments))
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        sys.stdout.write(json.dumps({"moment": moment, "code": code}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
