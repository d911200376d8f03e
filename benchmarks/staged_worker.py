"""A worker that tells what its time goes to; started by `benchmarks.probe_cost`.

Takes the place of the file `dse.core.launcher` on the command line of a worker, and runs that file
with stamps at the beginnings and the ends of functions. All of them lie outside the measured loop.
Standard library only, as the worker may run in another Python.
"""

from __future__ import annotations

import time

BEGAN_S = time.monotonic()  # what is imported below is of the worker's time, too

import functools  # noqa: E402
import importlib  # noqa: E402
import importlib.util  # noqa: E402
import json  # noqa: E402
import sys  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STAGES_FILE = "stages.json"
WORKER = "dse.measure.worker"


class Stages:
    """The seconds of each stage, without those of the stages within it.

    Attributes:
        seconds: by stage, in the order in which they first began.
    """

    def __init__(self, first: str, began_s: float) -> None:
        self.seconds: dict[str, float] = {first: 0.0}
        self._open = [first]
        self._stamp_s = began_s

    def begin(self, name: str) -> None:
        """Begins a stage within the one that is open."""
        self._count()
        self._open.append(name)
        self.seconds.setdefault(name, 0.0)

    def end(self) -> None:
        """Ends the stage that began last."""
        self._count()
        self._open.pop()

    @contextmanager
    def within(self, name: str) -> Iterator[None]:
        """A stage as long as the block."""
        self.begin(name)
        try:
            yield
        finally:
            self.end()

    def tell(self, folder: Path) -> None:
        """Writes what is known until now."""
        self._count()
        told = {"began_s": BEGAN_S, "ended_s": self._stamp_s, "seconds": self.seconds}
        (folder / STAGES_FILE).write_text(json.dumps(told), encoding="utf-8")

    def stamp(self, owner: Any, function: str, name: str) -> None:
        """Makes a stage of every call of a function."""
        called = getattr(owner, function)

        @functools.wraps(called)
        def stamped(*arguments: Any, **named: Any) -> Any:
            with self.within(name):
                return called(*arguments, **named)

        setattr(owner, function, stamped)

    def _count(self) -> None:
        now_s = time.monotonic()
        self.seconds[self._open[-1]] += now_s - self._stamp_s
        self._stamp_s = now_s


def main() -> None:
    """Runs the worker of the command line to its end; its stages land beside its spec."""
    stages = Stages("other work of the worker", BEGAN_S)
    folders = json.loads(sys.argv[1])["folders"]
    path = Path(folders["dse"], "core", "launcher.py")
    found = importlib.util.spec_from_file_location("launcher", path)
    if found is None or found.loader is None:
        raise ImportError(f"no launcher at {path}")
    launcher = importlib.util.module_from_spec(found)
    found.loader.exec_module(launcher)
    stages.stamp(launcher, "_import_numpy", "import of numpy")
    importlib.import_module = _importing(stages, importlib.import_module)
    launcher._leave(launcher.main())


def _importing(stages: Stages, importing: Callable[..., Any]) -> Callable[..., Any]:
    """An import that enters the stamps as soon as the worker is there."""

    def imported(name: str, *more: Any) -> Any:
        if name != WORKER:
            return importing(name, *more)
        with stages.within("import of dse and LoadGen"):
            worker = importing(name)
            importing("dse.measure.runs")
        _stamp(stages, worker)
        return worker

    return imported


def _stamp(stages: Stages, worker: Any) -> None:
    loaded, runs = sys.modules["dse.measure._loaded_model"], sys.modules["dse.measure.runs"]
    model: Any = vars(loaded)["LoadedModel"]
    samples: Any = vars(sys.modules["dse.loadgen.samples"])["Samples"]
    stages.stamp(worker, "_try_threads", "try of threads")
    stages.stamp(model, "__init__", "task and samples")
    stages.stamp(model, "_load", "load of the model")
    stages.stamp(model, "_look", "look at the first answers")
    stages.stamp(model, "warm_up", "warm-up")
    stages.stamp(model, "close", "close of the model")
    stages.stamp(loaded, "run", "LoadGen, beside its queries")
    stages.stamp(samples, "load", "binding of the samples")
    stages.stamp(runs, "read_detail", "reading of the logs")
    _stamp_import(stages, model)
    _stamp_queries(stages, samples)
    _stamp_end(stages, worker)


def _stamp_import(stages: Stages, model: Any) -> None:
    """Has the runtime imported before its first load, which would import it else."""
    load = model._load

    def loaded(self: Any, *arguments: Any) -> None:
        with stages.within("import of the runtime"):
            self.prepare()
        load(self, *arguments)

    model._load = loaded


def _stamp_queries(stages: Stages, samples: Any) -> None:
    """The queries lie between the loading and the unloading of the samples."""
    load, unload = samples.load, samples.unload

    def loaded(self: Any, indices: list[int]) -> None:
        load(self, indices)
        stages.begin("queries")

    def unloaded(self: Any, indices: list[int]) -> None:
        stages.end()
        unload(self, indices)

    samples.load, samples.unload = loaded, unloaded


def _stamp_end(stages: Stages, worker: Any) -> None:
    """Tells the stages before the parent learns that the worker is done."""
    answer = worker._answer
    folder = Path(sys.argv[1]).parent  # that of the spec

    def answered(descriptor: int, kind: str, body: Any) -> None:
        if kind != "measurement":
            stages.tell(folder)
        answer(descriptor, kind, body)

    worker._answer = answered


if __name__ == "__main__":
    main()
