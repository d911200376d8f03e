"""What a search space says of one backend, checked against what the backend offers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dse.config.messages import suggest
from dse.core import quantisation, registry
from dse.core.backend import read_numbers, write_numbers
from dse.space._form import KnobForm, as_written, iter_values
from dse.space.space import BackendChoice, Condition, KnobChoice, is_pattern, matching
from dse.tasks import registry as tasks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.config.messages import Key
    from dse.config.yaml_reader import Document
    from dse.core.backend import Knob
    from dse.core.configuration import KnobValue
    from dse.space._form import Scalar, Value
    from dse.space.space import SearchSpace

_KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
MAX_NUMBERS = 16
"""The most whole numbers in a value of a knob."""
_WHEN = ("model", "precision", "threads", "batch_size", "instances", "pinned", "device")


def backend_choice(
    name: str,
    given: Mapping[str, Scalar | tuple[Value, ...] | KnobForm],
    space: SearchSpace,
    document: Document,
) -> BackendChoice:
    """A backend of the registry with its knobs and settings, as a file gives them under its name.

    Knobs of the space's task and of int8 files stand there, too. Conditions refer to the rest of
    the space; errors name the document.

    Raises:
        RequestError: a knob or setting is unknown, or a value is not one that it can take.
    """
    backend = registry.backend(name)
    made = quantisation.KNOBS if backend.formats else ()
    known = (*backend.knobs, *tasks.task(space.task).knobs, *made)
    knobs = {knob.name: knob for knob in known}
    choices, settings = [], []
    for field, value in sorted(given.items()):
        keys = ("backends", name, field)
        if field in knobs:
            choices.append(_knob(knobs[field], value, space, document, keys))
        elif field not in backend.settings:
            unasked = quantisation.NAMES if "int8" not in space.precisions else ()
            own = [one for one in knobs if one not in unasked]
            remedy = suggest(field, [*own, *backend.settings])
            raise document.error(f"{name} has no such knob", *keys, remedy=remedy)
        elif isinstance(value, tuple | KnobForm):
            raise document.error("a setting has one value", *keys, remedy="give one")
        else:
            settings.append((field, value))
    return BackendChoice(name, tuple(choices), tuple(settings))


def _knob(
    knob: Knob,
    given: Scalar | tuple[Value, ...] | KnobForm,
    space: SearchSpace,
    document: Document,
    keys: tuple[Key, ...],
) -> KnobChoice:
    if isinstance(given, KnobForm):
        values = _values(knob, given.values, document, (*keys, "values"))
        when = _condition(given, space, document, (*keys, "when"))
    else:
        values, when = _values(knob, given, document, keys), ()
    if knob.name in quantisation.NAMES:
        when = _of_int8(when, space, document, keys)
    return KnobChoice(knob.name, values, when)


def _of_int8(
    when: Condition, space: SearchSpace, document: Document, keys: tuple[Key, ...]
) -> Condition:
    """The condition of a knob that says how int8 files are made: no others have it."""
    field, values = quantisation.CONDITION
    if not set(values) <= set(space.precisions):
        remedy = "add int8 to precisions or take it out here"
        raise document.error("only int8 files are made by a method", *keys, remedy=remedy)
    if dict(when).get(field, values) != values:
        remedy = "write precision: int8, or leave the precision out"
        raise document.error("only int8 has this knob", *keys, "when", field, remedy=remedy)
    return tuple(sorted({**dict(when), field: values}.items()))


def _values(
    knob: Knob, given: Scalar | tuple[Value, ...], document: Document, keys: tuple[Key, ...]
) -> tuple[KnobValue, ...]:
    values: list[KnobValue] = []
    for at, value in iter_values(given, document, *keys):
        exact = _exact(knob, value)
        if exact is None:
            problem = f"expected {_expected(knob)}, not {as_written(value)}"
            raise document.error(problem, *at)
        if knob.values and exact not in knob.values:
            known = ", ".join(as_written(v) for v in knob.values)
            raise document.error(
                f"{as_written(value)} is not one of its values", *at, remedy=f"known are {known}"
            )
        if exact in values:
            raise document.error(
                f"{as_written(value)} is given twice", *at, remedy="keep one of them"
            )
        values.append(exact)
    return tuple(values)


def _exact(knob: Knob, value: Value) -> KnobValue | None:
    """A value in the one way that a configuration has it; None for one of another kind."""
    if knob.numbers:
        return _numbers(value, *knob.numbers)
    kind = type(knob.default)
    if isinstance(value, frozenset):
        return None
    exact = float(value) if kind is float and type(value) is int else value
    return exact if type(exact) is kind else None


def _numbers(value: Value, lowest: int, highest: int) -> str | None:
    """A set of whole numbers, given as one of them, as a list, or as it is stored."""
    try:
        given = value if isinstance(value, frozenset) else read_numbers(value)
    except ValueError:
        return None
    numbers = [one for one in given if type(one) is int and lowest <= one <= highest]
    fits = len(numbers) == len(given) and 0 < len(numbers) <= MAX_NUMBERS
    return write_numbers(numbers) if fits else None


def _expected(knob: Knob) -> str:
    """What a knob takes, in words."""
    if not knob.numbers:
        return _KINDS[type(knob.default)]
    lowest, highest = knob.numbers
    return f"up to {MAX_NUMBERS} whole numbers from {lowest} to {highest}"


def _condition(
    form: KnobForm, space: SearchSpace, document: Document, keys: tuple[Key, ...]
) -> Condition:
    if not form.when:
        raise document.error("names no field", *keys, remedy=f"known are {', '.join(_WHEN)}")
    fields: list[tuple[str, tuple[KnobValue, ...]]] = []
    for field, given in sorted(form.when.items()):
        if field not in _WHEN:
            remedy = suggest(field, _WHEN)
            raise document.error("a condition can't depend on this", *keys, field, remedy=remedy)
        values = []
        for at, value in iter_values(given, document, *keys, field):
            if not _possible(field, value, space):
                problem = f"{as_written(value)} is not in the space, so the condition never holds"
                raise document.error(problem, *at, remedy="add it to the space or take it out here")
            values.append(value)
        fields.append((field, tuple(values)))
    return tuple(fields)


def _possible(field: str, value: Scalar, space: SearchSpace) -> bool:
    """Whether a configuration of the space may have that value, as far as can be known yet."""
    if field == "model":
        if not isinstance(value, str):
            return False
        # What a pattern stands for is known once the models on offer are.
        return any(is_pattern(name) for name in space.models) or bool(matching(value, space.models))
    if field == "threads" and space.threads is None:
        return type(value) is int and value >= 1
    fields: dict[str, tuple[KnobValue, ...]] = {
        "precision": space.precisions,
        "threads": space.threads or (),
        "batch_size": space.batch_sizes,
        "instances": space.instances,
        "pinned": space.pinned,
        "device": space.devices,
    }
    # Not by `in` alone: True equals 1.
    return any(type(value) is type(known) and value == known for known in fields[field])
