"""Shows the log of the libraries on stderr, above a live display where one is drawn."""

from __future__ import annotations

import logging
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

LOG = logging.getLogger("dse")
LEVELS = {-1: logging.ERROR, 0: logging.WARNING, 1: logging.INFO, 2: logging.DEBUG}
"""The level of the log by the number of times that ``--verbose`` is given; -1 with ``--quiet``."""


class ConsoleHandler(logging.Handler):
    """Prints each message of the log as a line.

    Args:
        quiet: whether nothing but the log is printed on its console.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        super().__init__()
        self.quiet = quiet

    @cached_property
    def console(self) -> Console:
        """The console that it prints on, made when the first message comes."""
        from dse.commands.console import console  # rich takes its time: most commands log nothing

        return console(stderr=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Prints a message."""
        from dse.commands.console import print_lines

        lines = [record.getMessage()]
        if record.exc_info and record.exc_info[0] is not None:
            lines += logging.Formatter().formatException(record.exc_info).splitlines()
        print_lines(lines, self.console)


def show_log(verbosity: int) -> ConsoleHandler:
    """Shows the log from now on.

    Args:
        verbosity: 0 for warnings, 1 for what is done, 2 for details as well; -1 for errors only,
            and nothing on `messages`.

    Returns:
        What shows it, until `hide_log` takes it away.
    """
    handler = ConsoleHandler(quiet=verbosity < 0)
    LOG.addHandler(handler)
    LOG.setLevel(LEVELS[min(verbosity, max(LEVELS))])
    return handler


def hide_log(handler: ConsoleHandler) -> None:
    """Shows the log no more."""
    LOG.removeHandler(handler)
    LOG.setLevel(logging.NOTSET)


def messages() -> Console:
    """The console of the log: a live display on it makes room for messages."""
    handlers = (each for each in LOG.handlers if isinstance(each, ConsoleHandler))
    handler = next(handlers, ConsoleHandler())
    if not handler.quiet:
        return handler.console
    from dse.commands.console import console

    silent = console(stderr=True)
    silent.quiet = True
    return silent
