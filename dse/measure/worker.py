"""The worker: one process that takes the measurements of one configuration.

    python -m dse.measure.worker SPEC.json [--folder DIR] [--answer-fd N]

reads a spec, prints one JSON line per measurement as soon as it is taken, and ends with a line
``done`` or ``failure``. It is started by `dse.measure.runner`; by hand it reproduces a single run.
Imports nothing but the standard library, numpy, LoadGen and the runtime.
"""

from __future__ import annotations

import argparse
import faulthandler
import os
import resource
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dse.core.backend import LoadError, Runtime, UnsupportedError
from dse.core.measurement import FailureKind
from dse.core.registry import backend
from dse.core.thread_limit import can_start_threads
from dse.loadgen.logs import LogError
from dse.measure._run_result import RunFailedError, thread_limit_failure, to_failure
from dse.measure.spec import Spec, encode_message

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dse.core.configuration import Configuration
    from dse.core.measurement import Measurement
    from dse.measure.spec import MessageKind

SPARE_THREADS = 3
"""Threads that LoadGen and a runtime start beside those of the configuration."""


def main(argv: list[str] | None = None) -> int:
    """Reads the spec, takes its measurements, answers; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dse.measure.worker", description=__doc__)
    parser.add_argument("spec", type=Path)
    parser.add_argument("--folder", type=Path, help="where the logs go instead")
    parser.add_argument("--answer-fd", type=int, default=1, help="where the answer goes")
    arguments = parser.parse_args(argv)
    faulthandler.enable()
    spec = Spec.from_json(arguments.spec.read_text(encoding="utf-8"))
    if arguments.folder:
        spec = replace(spec, folder=arguments.folder)
    failure = _work(spec, arguments.answer_fd)
    if failure is None:
        _answer(arguments.answer_fd, "done", {})
        return 0
    kind, message = failure
    _answer(arguments.answer_fd, "failure", {"kind": kind.value, "message": message})
    return 1


def _answer(descriptor: int, kind: MessageKind, body: Mapping[str, object]) -> None:
    os.write(descriptor, encode_message(kind, body))


def _work(spec: Spec, descriptor: int) -> tuple[FailureKind, str] | None:
    """Takes and answers every measurement; what ended it early, if anything did.

    An exception that is not listed here is a defect: its traceback goes to stderr, and the parent
    stores the run as crashed.
    """
    try:
        for measurement in _measure(spec):
            _answer(descriptor, "measurement", measurement.as_dict())
    except LogError as error:  # on a full disk LoadGen's log ends anywhere, and nobody says so
        traceback.print_exc()
        return FailureKind.INVALID_RUN, str(error)
    except (RunFailedError, UnsupportedError, LoadError, ImportError, MemoryError) as error:
        traceback.print_exc()
        failure = to_failure(error)
        return failure.kind, str(failure)
    return None


def _limit_memory(limit_bytes: int) -> None:
    """Bounds the private memory, where the system can: beyond it allocations fail."""
    if limit_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))


def _try_threads(configuration: Configuration) -> None:
    """Refuses to begin with fewer threads than are measured; see `dse.core.thread_limit`."""
    count = configuration.threads * configuration.instances
    if not can_start_threads(count + SPARE_THREADS):
        raise thread_limit_failure(
            f"no room for {count} of the model and {SPARE_THREADS} of LoadGen and the runtime"
        )


def _measure(spec: Spec) -> Iterator[Measurement]:
    found = backend(spec.configuration.backend)
    if not isinstance(found, Runtime):
        raise TypeError(f"{spec.configuration.backend} runs no models")
    _try_threads(spec.configuration)  # before memory is short, which threads need as well
    _limit_memory(spec.memory_limit_bytes)
    if spec.official:
        from dse.measure._official import take_official

        yield take_official(found, spec, spec.official)
    else:
        from dse.measure.runs import take

        yield from take(found, spec)


if __name__ == "__main__":
    sys.exit(main())
