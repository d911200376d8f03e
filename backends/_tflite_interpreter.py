"""The interpreter that LiteRT and its predecessor tflite-runtime have in common."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

from dse.core.backend import Knob, LoadError, LoadRequest, UnsupportedError, arrays_of

from ._scores import find_scores, scores_first
from ._snippet import INDENT, arrays, call

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dse.core.backend import Batch, Outputs, Scores
    from dse.core.signature import Input, Signature

XNNPACK = Knob(
    "xnnpack",
    (True, False),
    True,
    "run through the XNNPACK delegate",
    # The delegate's kernels round differently from the built-in ones.
    numeric=True,
)


def load(request: LoadRequest, module: Any) -> _Interpreter | _AnyInterpreter | _Subgraph:
    """Creates an interpreter by a library's module; its inputs have the configuration's batch."""
    resolver = getattr(module.OpResolverType, _resolver(request))
    try:
        interpreter = module.Interpreter(
            model_path=str(request.model_file),
            num_threads=request.configuration.threads,
            experimental_op_resolver_type=resolver,
        )
    except (ValueError, RuntimeError) as error:
        raise LoadError(str(error)) from error
    if request.signature is not None and request.signature.subgraph:
        if request.scores is not None:
            raise UnsupportedError("no output of another subgraph is known to hold the scores")
        return _subgraph(interpreter, request.signature, request.configuration.batch_size)
    inputs = interpreter.get_input_details()
    try:
        for details, shape in zip(inputs, _shapes(request, inputs), strict=True):
            if list(details["shape"]) != shape:
                interpreter.resize_tensor_input(details["index"], shape, strict=False)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise UnsupportedError(str(error)) from error
    if request.signature is None and request.scores is not None:
        return _Interpreter(interpreter, request.scores)
    return _AnyInterpreter(interpreter, request.scores)


def _resolver(request: LoadRequest) -> str:
    """The name of the kernels that are taken."""
    return "AUTO" if request.knob("xnnpack", True) else "BUILTIN_WITHOUT_DEFAULT_DELEGATES"


def code(request: LoadRequest, inputs: Sequence[Input], package: str) -> list[str]:
    """See `dse.core.backend.Deployable`.

    Args:
        request: what to load.
        inputs: those of a call.
        package: the library; its module ``interpreter`` has all that is needed.
    """
    return [
        "import numpy as np",
        f"from {package} import interpreter as tflite",
        "",
        f"resolver = tflite.OpResolverType.{_resolver(request)}",
        *call(
            "interpreter = tflite.Interpreter",
            [
                f"model_path={str(request.model_file)!r}",
                f"num_threads={request.configuration.threads}",
                "experimental_op_resolver_type=resolver",
            ],
        ),
        "inputs = [one['index'] for one in interpreter.get_input_details()]",
        f"arrays = {arrays(inputs)}",
        "for index, array in zip(inputs, arrays):",
        f"{INDENT}interpreter.resize_tensor_input(index, array.shape)",
        "interpreter.allocate_tensors()",
        "for index, array in zip(inputs, arrays):",
        f"{INDENT}interpreter.set_tensor(index, array)",
        "interpreter.invoke()",
        "details = interpreter.get_output_details()",
        "outputs = [interpreter.get_tensor(one['index']) for one in details]",
    ]


def _subgraph(interpreter: Any, signature: Signature, batch_size: int) -> _Subgraph:
    """Another subgraph than the first, its inputs resized and its tensors allocated."""
    import numpy as np

    number = signature.subgraph
    # What the library's own runner of signatures works with; that one resizes in every call.
    runner = interpreter._interpreter  # noqa: SLF001  # no public method calls a subgraph
    found = [
        tensors
        for name, tensors in runner.GetSignatureDefs().items()
        if runner.GetSubgraphIndexFromSignature(name) == number
    ]
    if not found:
        raise UnsupportedError(f"no signature leads to subgraph {number}")
    tensors = list(found[0]["inputs"].values())
    named = {runner.TensorName(each, number): each for each in tensors}
    names = [one.name for one in signature.inputs]
    if sorted(named) != sorted(names) or len(named) != len(tensors):
        raise UnsupportedError(f"subgraph {number} has inputs that its signature can't tell apart")
    inputs = [named[name] for name in names]
    try:
        for index, one in zip(inputs, signature.of_batch(batch_size), strict=True):
            runner.ResizeInputTensor(index, np.array(one.shape, np.int32), False, number)
        runner.AllocateTensors(number)
    except (ValueError, RuntimeError) as error:
        raise UnsupportedError(str(error)) from error
    return _Subgraph(runner, number, inputs, list(found[0]["outputs"].values()))


def _shapes(request: LoadRequest, inputs: Sequence[Mapping[str, Any]]) -> list[list[int]]:
    """The shape that each input is to have."""
    batch_size = request.configuration.batch_size
    if request.signature is not None:
        return [list(one.shape) for one in request.signature.of_batch(batch_size)]
    if len(inputs) != 1:
        raise UnsupportedError(f"the model has {len(inputs)} inputs, not one")
    return [[batch_size, *inputs[0]["shape"][1:]]]


def _find_scores(interpreter: Any, scores: Scores | None) -> int:
    outputs = interpreter.get_output_details()
    return find_scores([(one["name"], list(one["shape"])) for one in outputs], scores)


class _Interpreter:
    """The interpreter of a model with one input, of whose outputs one counts."""

    def __init__(self, interpreter: Any, scores: Scores) -> None:
        self._interpreter = interpreter
        self._set = interpreter.set_tensor
        self._invoke = interpreter.invoke
        self._get = interpreter.get_tensor
        self._input = interpreter.get_input_details()[0]["index"]
        details = interpreter.get_output_details()
        self._outputs = [(one["name"], one["index"]) for one in details]
        self._scores = _find_scores(interpreter, scores)
        self._output = details[self._scores]["index"]
        self._buffer = self._memory(self._input)

    def _memory(self, index: int) -> NDArray[Any]:
        """A tensor's own memory, which stays where it is until the tensors are allocated anew.

        By its address: the interpreter refuses to work while an array refers to it.
        """
        import numpy as np

        tensor = self._interpreter.tensor(index)()
        size, dtype, shape = tensor.nbytes, tensor.dtype, tensor.shape
        memory = (ctypes.c_uint8 * size).from_address(tensor.ctypes.data)
        return np.frombuffer(memory, dtype).reshape(shape)

    def buffer(self) -> NDArray[Any]:
        return self._buffer

    def bind(self, batch: NDArray[Any]) -> NDArray[Any]:
        return batch

    def predict(self, bound: NDArray[Any]) -> NDArray[np.generic]:
        if bound is not self._buffer:
            self._set(self._input, bound)
        self._invoke()
        scores: NDArray[np.generic] = self._get(self._output)
        return scores

    def outputs(self, bound: NDArray[Any]) -> Outputs:
        self.predict(bound)
        found = tuple((name, self._get(index)) for name, index in self._outputs)
        return scores_first(found, self._scores)

    def close(self) -> None:
        del self._set, self._invoke, self._get, self._buffer, self._interpreter


class _AnyInterpreter:
    """The interpreter of a model with any number of inputs and outputs."""

    def __init__(self, interpreter: Any, scores: Scores | None) -> None:
        self._interpreter = interpreter
        self._set, self._invoke = interpreter.set_tensor, interpreter.invoke
        self._get = interpreter.get_tensor
        self._inputs = [details["index"] for details in interpreter.get_input_details()]
        self._scores = _find_scores(interpreter, scores)
        outputs = [details["index"] for details in interpreter.get_output_details()]
        self._outputs = outputs if scores is None else [outputs[self._scores]]

    def bind(self, batch: Batch) -> list[tuple[int, NDArray[Any]]]:
        return list(zip(self._inputs, arrays_of(batch), strict=True))

    def predict(self, bound: list[tuple[int, NDArray[Any]]]) -> NDArray[np.generic]:
        for index, array in bound:
            self._set(index, array)
        self._invoke()
        found = [self._get(index) for index in self._outputs]
        scores: NDArray[np.generic] = found[0]
        return scores

    def outputs(self, bound: list[tuple[int, NDArray[Any]]]) -> Outputs:
        self.predict(bound)
        details = self._interpreter.get_output_details()
        found = tuple((one["name"], self._get(one["index"])) for one in details)
        return scores_first(found, self._scores)

    def close(self) -> None:
        del self._set, self._invoke, self._get, self._interpreter


class _Subgraph:
    """A subgraph with any number of inputs and outputs, called by its number.

    Args:
        runner: the native part of the interpreter.
        number: of the subgraph.
        inputs: numbers of tensors, in the order of a batch's arrays.
        outputs: numbers of tensors.
    """

    def __init__(
        self, runner: Any, number: int, inputs: Sequence[int], outputs: Sequence[int]
    ) -> None:
        self._set, self._invoke, self._get = runner.SetTensor, runner.Invoke, runner.GetTensor
        self._name = runner.TensorName
        self._number, self._inputs, self._outputs = number, inputs, outputs

    def bind(self, batch: tuple[NDArray[Any], ...]) -> list[tuple[int, NDArray[Any]]]:
        return list(zip(self._inputs, batch, strict=True))

    def predict(self, bound: list[tuple[int, NDArray[Any]]]) -> NDArray[np.generic]:
        for index, array in bound:
            self._set(index, array, self._number)
        self._invoke(self._number)
        found = [self._get(index, self._number) for index in self._outputs]
        scores: NDArray[np.generic] = found[0]
        return scores

    def outputs(self, bound: list[tuple[int, NDArray[Any]]]) -> Outputs:
        self.predict(bound)
        return tuple(
            (self._name(index, self._number), self._get(index, self._number))
            for index in self._outputs
        )

    def close(self) -> None:
        del self._set, self._invoke, self._get, self._name
