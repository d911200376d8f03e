"""What operators of ONNX mean, for any backend that writes a file's graph anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ._onnx_file import Operator

V = TypeVar("V")


def identity(call: Operator[Any]) -> Any:
    """The same again."""
    return call.value()


def dropout(call: Operator[Any]) -> Any:
    """Of no effect but in training."""
    training = call.optional(2)
    if training is not None and any(training.numbers("'training_mode' of Dropout")):
        raise call.refuse("training_mode")
    return call.value()


def reshaped(call: Operator[Any]) -> list[int]:
    """The sizes of a Reshape: 0 stands for the size that was there, -1 for what remains."""
    value = call.value()
    wanted: list[int] = call.numbers(1, "shape") or []
    if call.attribute("allowzero", 0):
        return wanted
    pairs = enumerate(wanted)
    return [value.shape[n] if one == 0 and n < value.rank else one for n, one in pairs]


def takes_whole_pixels(call: Operator[Any], places: str, sizes: Sequence[int]) -> bool:
    """Whether each pixel becomes a block of its own in a Resize to the nearest one."""
    pairs = list(zip(sizes, call.value().shape, strict=True))
    if any(new % old for new, old in pairs):
        return False
    rounding = call.attribute(
        "nearest_mode", "floor" if call.kind == "Upsample" else "round_prefer_floor"
    )
    if places == "half_pixel":
        return rounding in ("round_prefer_floor", "round_prefer_ceil")
    doubled = all(new <= 2 * old for new, old in pairs)
    return places == "asymmetric" and (
        rounding == "floor" or (rounding == "round_prefer_floor" and doubled)
    )


def values_in(given: Any, kind: type[V]) -> Iterator[V]:
    """The values of a kind among arguments, in lists and mappings as well."""
    if isinstance(given, kind):
        yield given
    elif isinstance(given, tuple | list):
        for each in given:
            yield from values_in(each, kind)
    elif isinstance(given, dict):
        yield from values_in(list(given.values()), kind)


def filled(given: Any, kind: type[V], fill: Callable[[V], Any]) -> Any:
    """The same arguments with something else for each value of a kind."""
    if isinstance(given, kind):
        return fill(given)
    if isinstance(given, tuple | list):
        return type(given)(filled(each, kind, fill) for each in given)
    if isinstance(given, dict):
        return {name: filled(each, kind, fill) for name, each in given.items()}
    return given
