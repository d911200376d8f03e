"""Names of Arm cores: the kernel gives only numbers.

Source: the MIDR_EL1 values in the technical reference manuals of the cores, as far as Linux
lists them in ``arch/arm64/include/asm/cputype.h``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_ARM = 0x41
_NAMES: dict[tuple[int, int], str] = {
    (_ARM, 0xC07): "Cortex-A7",
    (_ARM, 0xC08): "Cortex-A8",
    (_ARM, 0xC09): "Cortex-A9",
    (_ARM, 0xC0E): "Cortex-A17",
    (_ARM, 0xC0F): "Cortex-A15",
    (_ARM, 0xD03): "Cortex-A53",
    (_ARM, 0xD04): "Cortex-A35",
    (_ARM, 0xD05): "Cortex-A55",
    (_ARM, 0xD07): "Cortex-A57",
    (_ARM, 0xD08): "Cortex-A72",
    (_ARM, 0xD09): "Cortex-A73",
    (_ARM, 0xD0A): "Cortex-A75",
    (_ARM, 0xD0B): "Cortex-A76",
    (_ARM, 0xD0C): "Neoverse-N1",
    (_ARM, 0xD0D): "Cortex-A77",
    (_ARM, 0xD0E): "Cortex-A76AE",
    (_ARM, 0xD40): "Neoverse-V1",
    (_ARM, 0xD41): "Cortex-A78",
    (_ARM, 0xD42): "Cortex-A78AE",
    (_ARM, 0xD44): "Cortex-X1",
    (_ARM, 0xD46): "Cortex-A510",
    (_ARM, 0xD47): "Cortex-A710",
    (_ARM, 0xD48): "Cortex-X2",
    (_ARM, 0xD49): "Neoverse-N2",
    (_ARM, 0xD4B): "Cortex-A78C",
    (_ARM, 0xD4C): "Cortex-X1C",
    (_ARM, 0xD4D): "Cortex-A715",
    (_ARM, 0xD4E): "Cortex-X3",
    (_ARM, 0xD4F): "Neoverse-V2",
    (_ARM, 0xD80): "Cortex-A520",
    (_ARM, 0xD81): "Cortex-A720",
    (_ARM, 0xD82): "Cortex-X4",
    (0x61, 0x022): "Apple M1 Icestorm",
    (0x61, 0x023): "Apple M1 Firestorm",
    (0xC0, 0xAC3): "Ampere-1",
}


def core_name(block: Mapping[str, str]) -> str | None:
    """The name of the core in a ``/proc/cpuinfo`` block, or its numbers if it is not listed.

    None if the block does not describe an Arm core.
    """
    implementer, part = _number(block, "CPU implementer"), _number(block, "CPU part")
    if implementer is None or part is None:
        return None
    name = _NAMES.get((implementer, part))
    return name or f"Arm core, implementer {implementer:#04x}, part {part:#05x}"


def core_revision(block: Mapping[str, str]) -> str | None:
    """Variant and revision in Arm's notation, such as ``r0p3``."""
    variant, revision = _number(block, "CPU variant"), _number(block, "CPU revision")
    if variant is None or revision is None:
        return None
    return f"r{variant}p{revision}"


def _number(block: Mapping[str, str], field: str) -> int | None:
    try:
        return int(block[field], 0)
    except (KeyError, ValueError):
        return None
