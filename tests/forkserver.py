"""A process that has imported the program once, and forks for each command that a test starts.

    python -m tests.forkserver DESCRIPTOR

reads orders from a socket: one JSON object each, with the descriptors of the command's stdin,
stdout and stderr, and of a pipe that is told its process number and later its exit code. Each
command is a process of its own, whose parent does nothing but wait for it. Signals do to it what
they do to ``python -m dse``.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import signal
import socket
import sys
import tempfile
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ORDER_BYTES = 1 << 16
DESCRIPTORS = 4
USED = (
    *("dse.commands.explore", "dse.report.pictures", "dse.search.searcher", "dse.formats.reading"),
    *("dse.models.folder", "dse.models.quantised", "dse.backends.null", "dse.backends.replay"),
    *("dse.tasks.image_classification.data.dataset", "dse.machine.instruction_sets"),
    *("dse.tasks.image_classification.data.pixel_cache", "matplotlib.backends.backend_agg"),
    *("dse.tasks.image_classification.models.builtin", "PIL.PngImagePlugin", "rich.status"),
    "matplotlib.font_manager",
)
"""Modules that commands import when they need them."""


def main() -> None:
    """Forks until the other end of the socket is closed."""
    prepare()
    orders = socket.socket(fileno=int(sys.argv[1]))
    orders.send(b"ready")
    while True:
        data, descriptors, _, _ = socket.recv_fds(orders, ORDER_BYTES, DESCRIPTORS)
        if not data:
            return
        _reap()
        nanny = os.fork()
        if nanny == 0:
            orders.close()
            _watch(json.loads(data), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def prepare() -> None:
    """Does once what each child would do else: imports, and the tables of Optuna."""
    import click
    import optuna

    from dse.cli import COMMANDS, dse

    for name in COMMANDS:
        dse.get_command(click.Context(dse), name)
    for name in USED:
        importlib.import_module(name)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    optuna.storages.RDBStorage("sqlite://")
    gc.freeze()  # else each child copies all of it when it looks for garbage


def _reap() -> None:
    """Waits for what has ended, and for nothing else."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return


def _watch(order: Mapping[str, Any], descriptors: Sequence[int]) -> None:
    *streams, told = descriptors
    child = os.fork()
    if child == 0:
        os.close(told)
        _become(order, streams)
    for descriptor in streams:
        os.close(descriptor)
    os.write(told, b"%d\n" % child)
    _, status = os.waitpid(child, 0)
    os.write(told, b"%d\n" % os.waitstatus_to_exitcode(status))
    os._exit(0)


def _become(order: Mapping[str, Any], streams: Sequence[int]) -> NoReturn:
    """Turns this process into the command."""
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115
    sys.stderr.reconfigure(line_buffering=True)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(order["environment"])
    sys.path[:0] = filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))
    tempfile.tempdir = None
    os.chdir(order["folder"])
    from dse.cli import run
    from dse.measure.spec import RUN_LENGTHS, Fidelity

    RUN_LENGTHS.update({each["name"]: Fidelity(**each) for each in order["run_lengths"]})
    code = 1
    try:
        code = run(order["arguments"])
    except BaseException:  # noqa: BLE001  # as Python itself does before it ends
        traceback.print_exc()
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    os._exit(code)  # tidying up would take longer than the command


if __name__ == "__main__":
    main()
