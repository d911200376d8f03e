"""Finds the inputs of a model that decide how much it computes, by tracing values backwards.

The trace starts where an operator takes a shape, an axis, a count or a condition, and goes back
through operators that reshape or compute with a few numbers, into and out of nested graphs. Both
formats are brought into the same form first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from dse.formats.description import Role

MAX_FLOW_STEPS = 200_000
"""Largest number of operators of a model; nested graphs count as often as they are called."""
MAX_GRAPH_DEPTH = 32
"""Deepest nesting of graphs."""
_PRECEDENCE: tuple[Role, ...] = ("size", "axes", "index", "pick", "branch", "divisor")
"""Which role counts for an input that has several: the first of these."""


class FlowError(ValueError):
    """The model has too many nested graphs."""


@dataclass(frozen=True, slots=True)
class Inner:
    """A graph nested in an operator.

    Attributes:
        block: the graph.
        first_read: position of the operator's input that is the graph's first input.
        first_write: position of the graph's output that is the operator's first output; None if
            the operator writes none of them.
        decides: whether the graph's first output decides if it runs once more.
    """

    block: Subgraph
    first_read: int = 0
    first_write: int | None = 0
    decides: bool = False


@dataclass(frozen=True, slots=True)
class FlowStep:
    """An operator: its kind, the names of its inputs and outputs, and the graphs nested in it."""

    kind: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    inner: tuple[Inner, ...] = ()


@dataclass(frozen=True, slots=True)
class Subgraph:
    """A graph.

    Attributes:
        steps: the operators, in an order in which they can be computed.
        inputs: names of the inputs, without those of constants.
        outputs: names of the outputs.
        nested: whether it may read values of the graph around it.
    """

    steps: tuple[FlowStep, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nested: bool = False


@dataclass(frozen=True, slots=True)
class OperatorRules:
    """What the operators of a format do, by kind of operator.

    Attributes:
        slots: role by position of the input.
        through: positions of the inputs whose numbers the output is made of; empty for all inputs.
        counted: position of an input that is subtracted: an index minus an index is an amount.
        divisors: position of an input that must not be 0.
        compared: kinds of operators that turn numbers into a condition.
        carried: position of a loop's input that is its first output before the first iteration.
    """

    slots: Mapping[str, Mapping[int, Role]]
    through: Mapping[str, tuple[int, ...]]
    counted: Mapping[str, int]
    divisors: Mapping[str, int]
    compared: frozenset[str]
    carried: Mapping[str, int]


def find_roles(block: Subgraph, rules: OperatorRules) -> dict[str, Role]:
    """Finds what the inputs of a model decide, by name; inputs that decide nothing are left out.

    Raises:
        FlowError: there are too many nested graphs.
    """
    scopes = _Scopes()
    walk = _Walk(rules)
    scopes.add(block, None)
    for scope in scopes.found:
        for step in scope.block.steps:
            for place, role in rules.slots.get(step.kind, {}).items():
                if place < len(step.reads) and (role != "pick" or scope.varies(step.reads[0])):
                    walk.follow(scope, step.reads[place], role)
        if scope.decides and scope.block.outputs:
            walk.follow(scope, scope.block.outputs[0], "size")
    return {
        name: next(role for role in _PRECEDENCE if role in found)
        for name, found in walk.found.items()
    }


class _Scope:
    """One use of a graph: what makes each of its values, and where its inputs come from.

    Args:
        block: the graph.
        around: the scope of the operator that contains it; None for the whole model.
    """

    def __init__(self, block: Subgraph, around: _Scope | None) -> None:
        self.block = block
        self.around = around
        self.decides = False
        self.sources: dict[str, str] = {}
        """The outer value that each input stands for."""
        self.inner: dict[int, list[tuple[_Scope, Inner]]] = {}
        self.makers = {
            name: (step, place) for step in block.steps for place, name in enumerate(step.writes)
        }
        self._varying = set(block.inputs)
        for step in block.steps:
            if step.inner or any(map(self.varies, step.reads)):
                self._varying.update(step.writes)

    def varies(self, name: str) -> bool:
        """Whether a value depends on an input."""
        if name in self._varying:
            return True
        if self.around is None or not self.block.nested or name in self.makers:
            return False
        return self.around.varies(name)


@dataclass(slots=True)
class _Scopes:
    """All graphs of a model, each counted as often as it is used."""

    found: list[_Scope] = field(default_factory=list)
    _steps: int = 0

    def add(self, block: Subgraph, around: _Scope | None, depth: int = 0) -> _Scope:
        """Adds a graph and all graphs nested in it."""
        self._steps += 1 + len(block.steps)
        if depth > MAX_GRAPH_DEPTH or self._steps > MAX_FLOW_STEPS:
            raise FlowError("the graphs are nested too deep")
        scope = _Scope(block, around)
        self.found.append(scope)
        for step in block.steps:
            for how in step.inner:
                inner = self.add(how.block, scope, depth + 1)
                inner.decides = how.decides
                reads = step.reads[how.first_read :]
                inner.sources = dict(zip(how.block.inputs, reads, strict=False))
                scope.inner.setdefault(id(step), []).append((inner, how))
        return scope


@dataclass(slots=True)
class _Walk:
    """Traces values back to the inputs of the model."""

    rules: OperatorRules
    found: dict[str, set[Role]] = field(default_factory=dict)
    _seen: set[tuple[int, str, Role]] = field(default_factory=set)

    def follow(self, scope: _Scope, name: str, role: Role) -> None:
        waiting = [(scope, name, role)]
        while waiting:
            scope, name, role = waiting.pop()
            key = (id(scope), name, role)
            if name and key not in self._seen:
                self._seen.add(key)
                waiting += self._trace_back(scope, name, role)

    def _trace_back(
        self, scope: _Scope, name: str, role: Role
    ) -> Iterator[tuple[_Scope, str, Role]]:
        """The values that a value is made of."""
        around = scope.around
        if name in scope.makers:
            step, place = scope.makers[name]
            yield from self._trace_inputs(scope, step, role)
            yield from self._trace_inner(scope, step, place, role)
        elif name in scope.block.inputs:
            if around is None:
                self.found.setdefault(name, set()).add(role)
            elif name in scope.sources:
                yield around, scope.sources[name], role
        elif scope.block.nested and around is not None:
            yield around, name, role

    def _trace_inputs(
        self, scope: _Scope, step: FlowStep, role: Role
    ) -> Iterator[tuple[_Scope, str, Role]]:
        """The inputs of an operator that its output is made of."""
        rules = self.rules
        if (places := rules.through.get(step.kind)) is None:
            return
        if role == "divisor" and step.kind in rules.compared:
            return
        for place, name in enumerate(step.reads):
            if not places or place in places:
                yield scope, name, self._role_through(step.kind, place, role)

    def _trace_inner(
        self, scope: _Scope, step: FlowStep, place: int, role: Role
    ) -> Iterator[tuple[_Scope, str, Role]]:
        """What the nested graphs write at that position, and what a loop starts with."""
        for inner, how in scope.inner.get(id(step), []):
            outputs = how.block.outputs
            if how.first_write is not None and place + how.first_write < len(outputs):
                yield inner, outputs[place + how.first_write], role
        carried = self.rules.carried.get(step.kind)
        if carried is not None and place + carried < len(step.reads):
            yield scope, step.reads[place + carried], role

    def _role_through(self, kind: str, place: int, role: Role) -> Role:
        """The role of an operator's input, given the role of its output."""
        rules = self.rules
        if role == "divisor":
            return role
        if rules.divisors.get(kind) == place or kind in rules.compared:
            return "size"
        return "size" if rules.counted.get(kind) == place and role == "index" else role
