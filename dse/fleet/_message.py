"""What is sent or stored as a JSON object: frozen dataclasses, checked when they are read."""

from __future__ import annotations

from typing import Any, Self

from pydantic import TypeAdapter, ValidationError

from dse.core.errors import RequestError


class Message:
    """The base of such a dataclass; its annotations must be there at run time."""

    __slots__ = ()

    def to_json(self, indent: int | None = None) -> str:
        """A JSON object; the inverse of `from_json`."""
        return _adapter(type(self)).dump_json(self, indent=indent).decode()

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Reads what `to_json` wrote.

        Raises:
            RequestError: it is something else, as another version writes it; names the field.
        """
        try:
            found: Self = _adapter(cls).validate_json(text, strict=True)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            raise RequestError(
                f"is not the expected {cls.__name__}: {first['msg']}",
                field=".".join(map(str, first["loc"])) or None,
                remedy="use one version of dse on all machines",
            ) from error
        return found


_adapters: dict[type, TypeAdapter[Any]] = {}


def _adapter(kind: type) -> TypeAdapter[Any]:
    """What checks a class, made once: that takes milliseconds."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]
