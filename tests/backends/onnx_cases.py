"""The models of ONNX's own backend tests, and how each ends in the warm-up of a backend.

`main` prints a JSON object for each model: its name without suffix stands on a line of the input.
"""

from __future__ import annotations

import faulthandler
import importlib
import json
import sys
import warnings
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from dse.core.backend import Runtime
from dse.core.errors import RequestError
from dse.core.metrics import LATENCY
from dse.core.registry import backend
from dse.formats.dimensions import Choices, resolve_inputs
from dse.formats.reading import describe
from dse.measure._loaded_model import LoadedModel
from dse.measure._run_result import RunFailedError
from dse.measure.spec import TaskSpec
from dse.tasks.registry import task
from tests.measure.specs import spec

if TYPE_CHECKING:
    from onnx import ModelProto

MAX_S = 60.0
"""A model that takes longer ends the process."""
CALLS = 4


@dataclass(frozen=True, slots=True)
class End:
    """How a model ended.

    Attributes:
        model: its name.
        kind: ``ran``; ``request`` where the file was refused before; else the kind of failure.
        message: the reason, empty if it ran.
    """

    model: str
    kind: str
    message: str = ""


def make_model(module: str, name: str) -> ModelProto:
    """A model that a module of ONNX's tests makes; quicker than all of them."""
    from onnx.backend.test.case import node

    importlib.import_module(f"{node.__name__}.{module}")
    found: ModelProto = next(case.model for case in node._NodeTestCases if case.name == name)
    return found


def write_all(folder: Path) -> list[str]:
    """Writes every model that is generated or comes with ONNX; returns their names.

    Left out are large ones, whose weights are one and the same number.
    """
    import onnx
    from onnx.backend.test.case import model, node

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it computes what it expects with overflows
        cases = (*node.collect_testcases(), *model.collect_testcases())
    made = {case.name: case.model for case in cases}
    for name, one in made.items():
        if one is not None:
            (folder / f"{name}.onnx").write_bytes(one.SerializeToString())
    stored = Path(onnx.__file__).parent / "backend/test/data"
    for path in stored.rglob("model.onnx"):
        (folder / f"{path.parent.name}.onnx").write_bytes(path.read_bytes())
    return sorted(path.stem for path in folder.glob("*.onnx"))


def run_model(name: str, path: Path) -> End:
    """Loads a model, warms it up and calls it with several samples."""
    runtime = backend(name)
    assert isinstance(runtime, Runtime)
    try:
        described = describe(path)
        signature = resolve_inputs(described.inputs, Choices({})).signature
    except RequestError as error:
        return End(path.stem, "request", error.problem)
    with TemporaryDirectory() as folder:
        wanted = spec(Path(folder), LATENCY.name, backend=name, model_file=path)
        fed = TaskSpec(task("generated").worker, signature.as_dict())
        loaded = LoadedModel(runtime, replace(wanted, task=fed))
        try:
            with loaded._failures():
                loaded.warm_up(loaded.single)
                model = loaded.callers(loaded.single)[0].model
                for index in range(CALLS):
                    model.predict(model.bind(loaded.inputs.call([index])))
        except RunFailedError as error:
            return End(path.stem, error.kind.value, str(error))
        loaded.close()
    return End(path.stem, "ran")


def main() -> int:
    """Runs the models that are asked for; each has its time."""
    name, folder = sys.argv[1:]
    for line in sys.stdin:
        faulthandler.dump_traceback_later(MAX_S, exit=True)
        end = run_model(name, Path(folder, f"{line.strip()}.onnx"))
        sys.stdout.write(json.dumps(asdict(end)) + "\n")
        sys.stdout.flush()
    return 0
