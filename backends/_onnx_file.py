"""An ONNX file, read for a backend that writes its graph anew in the functions of a runtime."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

import onnx
from google.protobuf.message import DecodeError
from onnx import numpy_helper

from dse.core.backend import LoadError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from onnx import ModelProto, NodeProto, TensorProto, ValueInfoProto

OLDEST = 7
"""Before this version of the operators, shapes were not broadcast as they are now."""
OWN_DOMAINS = ("", "ai.onnx")
REFUSALS = (RuntimeError, ValueError, TypeError, IndexError, NotImplementedError)
"""What a runtime's function raises for arguments that it does not take."""


def read(file: Path | None) -> ModelProto:
    """A model with its weights.

    Raises:
        LoadError: it can't be read, or is no model.
    """
    try:
        model = onnx.load(str(file))
        onnx.checker.check_model(model)
    except (DecodeError, onnx.checker.ValidationError, ValueError, OSError) as error:
        raise LoadError(str(error) or "not an ONNX file") from error
    if not model.graph.node or not model.graph.output:
        raise LoadError("the file holds no graph")
    return model


def inputs_of(model: ModelProto) -> list[ValueInfoProto]:
    """What has to be given: older files list the weights among the inputs as well."""
    weights = {one.name for one in model.graph.initializer}
    return [one for one in model.graph.input if one.name not in weights]


def opset_of(model: ModelProto) -> int:
    """The version of the operators.

    Raises:
        UnsupportedError: it is older than `OLDEST`.
    """
    versions = {one.domain: one.version for one in model.opset_import}
    opset = next((versions[domain] for domain in OWN_DOMAINS if domain in versions), OLDEST)
    if opset < OLDEST:
        raise UnsupportedError(f"opset {opset} is older than {OLDEST}")
    return opset


def needed(model: ModelProto, outputs: Sequence[str]) -> list[NodeProto]:
    """The operators on which outputs depend, in the order of the file."""
    wanted, found = set(outputs), []
    for node in reversed(model.graph.node):
        if wanted & set(node.output):
            wanted |= set(node.input)
            found.append(node)
    return found[::-1]


def numbers_of(one: TensorProto) -> NDArray[Any]:
    """A constant.

    Raises:
        LoadError: the file contradicts itself.
    """
    try:
        return numpy_helper.to_array(one)
    except (ValueError, TypeError) as error:
        raise LoadError(f"the constant '{one.name}' can't be read: {error}") from error


def attributes_of(node: NodeProto, constant: Callable[[TensorProto], Any]) -> dict[str, Any]:
    """The attributes of an operator: numbers, texts, lists of them, and constants.

    Args:
        node: the operator.
        constant: what a constant becomes.
    """
    found = {}
    for one in node.attribute:
        value = onnx.helper.get_attribute_value(one)
        if isinstance(value, bytes):
            value = value.decode("utf-8", errors="replace")
        elif isinstance(value, onnx.TensorProto):
            value = constant(value)
        found[one.name] = list(value) if isinstance(value, list | tuple) else value
    return found


class Constant(Protocol):
    """What an operator is given, as the reading of its arguments sees it."""

    def numbers(self, what: str) -> list[Any]:
        """The elements of a constant, in one row; raises where it is none."""
        ...


V = TypeVar("V", bound=Constant)


@dataclass(frozen=True, slots=True)
class Operator(Generic[V]):
    """An operator with its inputs.

    Attributes:
        graph: to write into.
        kind: the operator's name, such as ``Conv``.
        inputs: None for one that is left out.
        attributes: numbers, texts, lists of them, and constants.
        outputs: how many of its outputs are asked for.
        opset: the version of the operators.
    """

    graph: Any
    kind: str
    inputs: Sequence[V | None]
    attributes: Mapping[str, Any]
    outputs: int
    opset: int

    def value(self, index: int = 0) -> V:
        """An input that must be there.

        Raises:
            UnsupportedError: it is left out.
        """
        found = self.optional(index)
        if found is None:
            raise UnsupportedError(f"{self.kind} lacks its input {index}")
        return found

    def optional(self, index: int) -> V | None:
        """An input that may be left out."""
        return self.inputs[index] if index < len(self.inputs) else None

    def values(self) -> list[V]:
        """All inputs, none of which may be left out."""
        return [self.value(index) for index in range(len(self.inputs))]

    def attribute(self, name: str, default: Any = None) -> Any:
        """An attribute, or what stands for one that is left out."""
        return self.attributes.get(name, default)

    def numbers(self, index: int, name: str) -> list[Any] | None:
        """Numbers that later versions have as an input and earlier ones as an attribute.

        Returns:
            None where both are left out.

        Raises:
            UnsupportedError: they depend on an input of the model.
        """
        given = self.optional(index)
        if given is not None:
            return given.numbers(f"'{name}' of {self.kind}")
        found = self.attributes.get(name)
        return found if found is None or isinstance(found, list) else [found]

    def refuse(self, what: str) -> UnsupportedError:
        """The complaint about something that an operator asks for."""
        return UnsupportedError(f"operator {self.kind}: {what} is not supported")


class Writer(Generic[V]):
    """Writes the operators of a model one by one, each by what translates its kind.

    Args:
        graph: to write into.
        model: with its weights.
        translators: by an operator's name what writes it; returns its output, or all of several.
        operator: the class of what they are given.
        constant: what a constant of the file becomes.
    """

    def __init__(
        self,
        graph: Any,
        model: ModelProto,
        translators: Mapping[str, Callable[[Any], V | Sequence[V]]],
        operator: type[Operator[V]],
        constant: Callable[[TensorProto], Any],
    ) -> None:
        self._graph, self._model = graph, model
        self._translators, self._operator, self._constant = translators, operator, constant
        self._opset = opset_of(model)

    def write(self, known: dict[str, V], outputs: Sequence[str]) -> list[V]:
        """Writes what some outputs depend on.

        Args:
            known: inputs and weights by name; all that is computed is added.
            outputs: names.

        Returns:
            The outputs.

        Raises:
            UnsupportedError: an operator is not known, or sizes in the model depend on its inputs'
                numbers.
            LoadError: the model contradicts itself.
        """
        for node in needed(self._model, outputs):
            self._write(node, known)
        if missing := [name for name in outputs if name not in known]:
            promised = any(missing[0] in node.output for node in self._model.graph.node)
            problem = f"nothing that is supported computes the output '{missing[0]}'"
            raise UnsupportedError(problem) if promised else LoadError(problem)
        return [known[name] for name in outputs]

    def _write(self, node: NodeProto, known: dict[str, V]) -> None:
        """Writes an operator; its outputs are known afterwards."""
        translate = self._translators.get(node.op_type) if node.domain in OWN_DOMAINS else None
        if translate is None:
            domain = "" if node.domain in OWN_DOMAINS else f" of {node.domain}"
            raise UnsupportedError(f"operator {node.op_type}{domain} is not supported")
        lost = [name for name in node.input if name and name not in known]
        if lost:
            raise UnsupportedError(f"nothing that is supported computes '{lost[0]}'")
        attributes = attributes_of(node, self._constant)
        inputs = [known[name] if name else None for name in node.input]
        call = self._operator(
            self._graph, node.op_type, inputs, attributes, len(node.output), self._opset
        )
        try:
            found = translate(call)
        except REFUSALS as error:
            problem = str(error).partition("\n")[0]
            raise UnsupportedError(f"operator {node.op_type}: {problem}") from error
        values = found if isinstance(found, list | tuple) else [found]
        pairs = zip(node.output, values, strict=False)  # a mask of Dropout is not there
        known.update((name, value) for name, value in pairs if name)
