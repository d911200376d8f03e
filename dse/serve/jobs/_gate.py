"""Becomes a command once its job is on record: `jobs.py` starts it, by its path.

``python _gate.py PROGRAM WORD...`` with a pipe as stdin. Whoever holds the other end writes one
byte to have the command begin. If they are gone before, it never begins.
"""

import os
import signal
import sys


def main() -> None:
    """Waits for the byte, then is the command, with the signals as a terminal would set them."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a server in the background ignores it
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    if os.read(0, 1):
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.close(nothing)
        os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606  # a list of words, no shell


if __name__ == "__main__":
    main()
