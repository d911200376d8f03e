"""Names within a submission: without spaces, told apart, and the same at each export."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dse.core.checksums import digest

if TYPE_CHECKING:
    from dse.core.configuration import Configuration, KnobValue

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""Pattern of names: valid as folders on any system, and not hidden."""
MAX_LENGTH = 120
_WORD = re.compile(r"(?!(?:True|False)$)[A-Za-z][A-Za-z0-9.]*")


def slug(text: str) -> str:
    """The text as a name: whatever may not stand in one becomes ``-``."""
    return re.sub(r"[^A-Za-z0-9.]+", "-", text).strip("-.") or "unknown"


def system_id(hardware: str, configuration: Configuration, version: str) -> str:
    """The id of a hardware with a runtime and its knobs.

    Args:
        hardware: its name.
        configuration: whose backend and knobs count; model and precision have names of their own.
        version: of the runtime.
    """
    knobs: list[tuple[str, KnobValue]] = [
        ("threads", configuration.threads),
        ("batch", configuration.batch_size),
        ("instances", configuration.instances),
        *([("pinned", "yes")] if configuration.pinned else []),
        *configuration.knobs,
    ]
    parts = [hardware, f"dse-{configuration.device}", f"{configuration.backend}-{version}"]
    full = "_".join([*parts, *(f"{name}-{value}" for name, value in knobs)])
    name = "_".join(map(slug, full.split("_")))
    if name == full and len(name) <= MAX_LENGTH and all(_says_all(value) for _, value in knobs):
        return name
    return _marked(name, [*parts, knobs])


def model_name(configuration: Configuration) -> str:
    """The name of a model in a precision."""
    full = f"{configuration.model}-{configuration.precision}"
    name = slug(full)
    return name if name == full and len(name) <= MAX_LENGTH else _marked(name, full)


def _says_all(value: KnobValue) -> bool:
    """Whether a value can be read off a name: no separator in it, no text for a number."""
    return _WORD.fullmatch(value) is not None if isinstance(value, str) else "-" not in str(value)


def _marked(name: str, whole: object) -> str:
    """A name that does not say all, with a digest of that."""
    return f"{name[:MAX_LENGTH]}-{digest(whole)[:6]}"
