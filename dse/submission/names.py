"""Names within a submission: without spaces, told apart, and the same at each export."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from dse.types import digest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dse.types import Configuration

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
"""What a name may be: a folder on any system, and none that is hidden."""
LONGEST = 120


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
    knobs: Mapping[str, object] = {
        "threads": configuration.threads,
        "batch": configuration.batch_size,
        "instances": configuration.instances,
        **({"pinned": "yes"} if configuration.pinned else {}),
        **dict(configuration.knobs),
    }
    parts = [f"{name}-{value}" for name, value in knobs.items()]
    full = "_".join([hardware, "dse-cpu", f"{configuration.backend}-{version}", *parts])
    return _unique("_".join(map(slug, full.split("_"))), full)


def model_name(configuration: Configuration) -> str:
    """The name of a model in a precision."""
    full = f"{configuration.model}-{configuration.precision}"
    return _unique(slug(full), full)


def _unique(name: str, full: str) -> str:
    """The name, with a digest of the text where it does not say all of it."""
    if len(name) <= LONGEST and name.replace("_", " ") == full.replace("_", " "):
        return name
    return f"{name[:LONGEST]}-{digest(full)[:6]}"
