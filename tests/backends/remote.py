"""A backend in another Python, as the conformance suite tries it: a server there, a proxy here.

The server is a process of that Python, started as a worker is. Requests and answers are a line of
JSON each, with the bytes of an array in numpy's own format after it.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from dse.core.backend import (
    Built,
    Lack,
    LoadError,
    LoadRequest,
    Preparing,
    Scores,
    Streams,
    UnsupportedError,
    arrays_of,
)
from dse.core.configuration import Configuration
from dse.core.launcher import launch_command
from dse.core.registry import backend
from dse.core.signature import Signature
from dse.core.worker_environment import worker_environment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from dse.core.backend import Batch, Model, Outputs, Runtime
    from dse.core.configuration import KnobValue

TESTS = Path(__file__).parents[1]
FOLDERS = {"tests": str(TESTS), "tests.backends": str(TESTS / "backends")}
"""What the other Python needs to find this module."""
KINDS = {kind.__name__: kind for kind in (LoadError, UnsupportedError)}

Array = np.ndarray[Any, Any]
Message = dict[str, Any]


class RemoteError(Exception):
    """Something else was raised in the other process."""


def write(stream: BinaryIO, message: Mapping[str, Any], *arrays: Array) -> None:
    files = [io.BytesIO() for _ in arrays]
    for file, array in zip(files, arrays, strict=True):
        np.save(file, array, allow_pickle=False)
    sizes = [len(file.getvalue()) for file in files]
    stream.write(json.dumps({**message, "sizes": sizes}).encode() + b"\n")
    for file in files:
        stream.write(file.getvalue())
    stream.flush()


def read(stream: BinaryIO) -> tuple[Message, list[Array]]:
    line = stream.readline()
    if not line:
        raise EOFError("the other process is gone")
    message: Message = json.loads(line)
    files = [io.BytesIO(stream.read(size)) for size in message["sizes"]]
    return message, [np.load(file, allow_pickle=False) for file in files]


# Here.


class Connection:
    """A server process; its answers come one at a time."""

    def __init__(self, python: str, name: str) -> None:
        requests, self._requests = os.pipe()
        self._answers, answers = os.pipe()
        words = launch_command(
            python, "tests.backends.remote", name, str(requests), str(answers), folders=FOLDERS
        )
        self._process = subprocess.Popen(
            words,
            pass_fds=(requests, answers),
            env=worker_environment(python),
            stdin=subprocess.DEVNULL,
        )
        os.close(requests)
        os.close(answers)
        self._out, self._in = os.fdopen(self._requests, "wb"), os.fdopen(self._answers, "rb")
        self._lock = threading.Lock()

    def ask(self, message: Message, *arrays: Array) -> tuple[Message, list[Array]]:
        with self._lock:
            write(self._out, message, *arrays)
            answer, found = read(self._in)
        if "error" in answer:
            raise KINDS.get(answer["error"], RemoteError)(answer["text"])
        return answer, found

    def close(self) -> None:
        self._out.close()
        assert self._process.wait(30) == 0
        self._in.close()


class RemoteRuntime:
    """A backend as the registry describes it, that does its work in another Python."""

    def __init__(self, name: str, connection: Connection) -> None:
        self._described = backend(name)
        self._connection = connection

    def __getattr__(self, attribute: str) -> Any:
        """What is the same in both processes: the name, the formats, the knobs."""
        return getattr(self._described, attribute)

    def version(self) -> str:
        return str(self._connection.ask({"do": "version"})[0]["version"])

    def numpy(self) -> str:
        return str(self._connection.ask({"do": "version"})[0]["numpy"])

    def lacks(self) -> list[Lack]:
        return [Lack(*one) for one in self._connection.ask({"do": "lacks"})[0]["lacks"]]

    def prepare(self, request: LoadRequest) -> None:
        self._ask("prepare", request)

    def load(self, request: LoadRequest) -> RemoteModel:
        answer = self._ask("load", request)
        streams = [RemoteStream(self._connection, number) for number in answer["models"]]
        return RemoteModel(self._connection, answer["model"], streams)

    def _ask(self, what: str, request: LoadRequest) -> Message:
        asked = {
            "do": what,
            "configuration": request.configuration.as_dict(),
            "model_file": str(request.model_file),
            "signature": request.signature.as_dict() if request.signature else None,
            "scores": asdict(request.scores) if request.scores else None,
        }
        return self._connection.ask(asked)[0]


class SettledRuntime(RemoteRuntime):
    """The same for a runtime whose threads hold for a whole process, and some knobs as well.

    There is a process for each of their values, which begins where it is asked for.
    """

    def __init__(self, name: str, python: str, knobs: Mapping[str, KnobValue]) -> None:
        self._connections: dict[tuple[KnobValue, ...], Connection] = {}
        self._name, self._python, self._knobs = name, python, knobs
        super().__init__(name, self._connect((1, *knobs.values())))

    def _connect(self, key: tuple[KnobValue, ...]) -> Connection:
        if key not in self._connections:
            self._connections[key] = Connection(self._python, self._name)
        return self._connections[key]

    def load(self, request: LoadRequest) -> RemoteModel:
        values = (request.knob(name, default) for name, default in self._knobs.items())
        connection = self._connect((request.configuration.threads, *values))
        return RemoteRuntime(self._name, connection).load(request)

    def close(self) -> None:
        for connection in self._connections.values():
            connection.close()


@dataclass(frozen=True)
class Bound:
    """A batch that the server has bound; it sees what is written into the array afterwards."""

    number: int
    batch: tuple[Array, ...]


class RemoteStream:
    """A model of the server."""

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection, self._number = connection, number

    def bind(self, batch: Batch) -> Bound:
        message = {"do": "bind", "model": self._number, "several": isinstance(batch, tuple)}
        arrays = arrays_of(batch)
        return Bound(self._connection.ask(message, *arrays)[0]["bound"], arrays)

    def predict(self, bound: Bound) -> NDArray[np.generic]:
        message = {"do": "predict", "model": self._number, "bound": bound.number}
        _, (scores, *arrays) = self._connection.ask(message, *bound.batch)
        for array, own in zip(arrays, bound.batch, strict=True):
            if not np.array_equal(array, own):
                own[...] = array  # the runtime has changed its input
        return scores

    def outputs(self, bound: Bound) -> Outputs:
        message = {"do": "outputs", "model": self._number, "bound": bound.number}
        answer, arrays = self._connection.ask(message, *bound.batch)
        there = iter(arrays)
        return tuple((name, next(there) if has else None) for name, has in answer["names"])

    def close(self) -> None:
        self._connection.ask({"do": "close", "model": self._number})


class RemoteModel(RemoteStream):
    """A model of the server, with its streams."""

    def __init__(
        self, connection: Connection, number: int, streams: Sequence[RemoteStream]
    ) -> None:
        super().__init__(connection, number)
        self._streams = streams

    def streams(self) -> Sequence[Model]:
        return self._streams


# There.


class Server:
    """Answers the requests of a `Connection`."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._models: list[Model] = []
        self._bound: list[tuple[Any, tuple[Array, ...]]] = []

    def answer(self, request: Message, arrays: list[Array]) -> tuple[Message, list[Array]]:
        if "model" not in request:
            return self._of_runtime(request), []
        what, model = request["do"], self._models[request["model"]]
        if what == "bind":
            batch = tuple(arrays) if request["several"] else arrays[0]
            self._bound.append((model.bind(batch), tuple(arrays)))
            return {"bound": len(self._bound) - 1}, []
        if what == "predict":
            bound, own = self._bound[request["bound"]]
            for array, given in zip(own, arrays, strict=True):
                array[...] = given
            return {}, [model.predict(bound), *own]
        if what == "outputs":
            bound, own = self._bound[request["bound"]]
            for array, given in zip(own, arrays, strict=True):
                array[...] = given
            found = model.outputs(bound)
            names = [(name, array is not None) for name, array in found]
            return {"names": names}, [array for _, array in found if array is not None]
        model.close()
        return {}, []

    def _of_runtime(self, request: Message) -> Message:
        what = request["do"]
        if what == "version":
            return {"version": self._runtime.version(), "numpy": np.__version__}
        if what == "lacks":
            lacks = self._runtime.lacks() if isinstance(self._runtime, Built) else ()
            return {"lacks": [[one.name, one.value, one.reason] for one in lacks]}
        if what == "prepare":
            if isinstance(self._runtime, Preparing):
                self._runtime.prepare(_wanted(request))
            return {}
        return self._load(_wanted(request))

    def _load(self, wanted: LoadRequest) -> Message:
        loaded = self._runtime.load(wanted)
        streams = list(loaded.streams()) if isinstance(loaded, Streams) else []
        first = len(self._models)
        self._models += [loaded, *streams]
        return {"model": first, "models": [first + 1 + i for i in range(len(streams))]}


def _wanted(request: Message) -> LoadRequest:
    configuration = Configuration.from_dict(request["configuration"])
    given = request["signature"]
    signature = Signature.from_dict(given) if given else None
    file = Path(request["model_file"])
    known = request["scores"]
    scores = Scores(known["width"], tuple(known["usual"])) if known else None
    return LoadRequest(configuration, file, {}, signature, scores)


def main() -> int:
    name, requests, answers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    server = Server(backend(name))  # type: ignore[arg-type]
    with os.fdopen(requests, "rb") as reader, os.fdopen(answers, "wb") as writer:
        while True:
            try:
                request, arrays = read(reader)
            except EOFError:
                return 0
            try:
                answer, found = server.answer(request, arrays)
            except Exception as error:  # noqa: BLE001
                answer, found = {"error": type(error).__name__, "text": str(error)}, []
            write(writer, answer, *found)
