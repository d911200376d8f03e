"""The micro-architecture of an x86 CPU by its numbers: hypervisors hide its name.

Source: family and model numbers as Linux lists them in ``arch/x86/include/asm/intel-family.h`` and
``arch/x86/kernel/cpu/amd.c``, which follow the vendors' manuals.
"""

from __future__ import annotations

from dse.machine.procfs import parse_number

AMD, INTEL, HYGON = "AuthenticAMD", "GenuineIntel", "HygonGenuine"

_AMD: dict[int, tuple[tuple[int, int, str], ...]] = {
    0x17: (
        (0x00, 0x2F, "Zen"),
        (0x30, 0x4F, "Zen 2"),
        (0x50, 0x5F, "Zen"),
        (0x60, 0x7F, "Zen 2"),
        (0x90, 0x91, "Zen 2"),
        (0xA0, 0xAF, "Zen 2"),
    ),
    0x19: (
        (0x00, 0x0F, "Zen 3"),
        (0x10, 0x1F, "Zen 4"),
        (0x20, 0x5F, "Zen 3"),
        (0x60, 0xAF, "Zen 4"),
    ),
    0x1A: (
        (0x00, 0x2F, "Zen 5"),
        (0x40, 0x4F, "Zen 5"),
        (0x50, 0x5F, "Zen 6"),
        (0x60, 0x7F, "Zen 5"),
        (0x80, 0xAF, "Zen 6"),
        (0xC0, 0xCF, "Zen 6"),
    ),
}
"""First and last model number of each range, by family."""
# fmt: off
_INTEL: dict[str, tuple[int, ...]] = {
    "Nehalem": (0x1A, 0x1E, 0x1F, 0x2E),
    "Westmere": (0x25, 0x2C, 0x2F),
    "Sandy Bridge": (0x2A, 0x2D),
    "Ivy Bridge": (0x3A, 0x3E),
    "Haswell": (0x3C, 0x3F, 0x45, 0x46),
    "Broadwell": (0x3D, 0x47, 0x4F, 0x56),
    "Skylake": (0x4E, 0x5E),
    "Kaby Lake": (0x8E, 0x9E),
    "Comet Lake": (0xA5, 0xA6),
    "Ice Lake": (0x7D, 0x7E),
    "Ice Lake-SP": (0x6A, 0x6C),
    "Rocket Lake": (0xA7,),
    "Tiger Lake": (0x8C, 0x8D),
    "Alder Lake": (0x97, 0x9A),
    "Raptor Lake": (0xB7, 0xBA, 0xBF),
    "Meteor Lake": (0xAA, 0xAC),
    "Arrow Lake": (0xB5, 0xC5, 0xC6),
    "Lunar Lake": (0xBD,),
    "Sapphire Rapids": (0x8F,),
    "Emerald Rapids": (0xCF,),
    "Granite Rapids": (0xAD, 0xAE),
    "Sierra Forest": (0xAF,),
    "Knights Landing": (0x57,),
    "Knights Mill": (0x85,),
    "Silvermont": (0x37, 0x4A, 0x4D, 0x5A, 0x5D),
    "Airmont": (0x4C,),
    "Goldmont": (0x5C, 0x5F),
    "Goldmont Plus": (0x7A,),
    "Tremont": (0x86, 0x8A, 0x96, 0x9C),
    "Gracemont": (0xBE,),
}
# fmt: on
"""Model numbers of family 6 by micro-architecture."""
SKYLAKE_SP = 0x55
"""Model number of three generations, which differ in their stepping."""
FIRST_CASCADE_LAKE, FIRST_COOPER_LAKE = 5, 10


def microarchitecture(vendor: str, family: str, model: str, stepping: str) -> str:
    """The name of the micro-architecture; empty if the numbers, decimal ones, are not listed."""
    family_number, model_number = parse_number(family), parse_number(model)
    if family_number is None or model_number is None:
        return ""
    if vendor == HYGON and family_number == 0x18:
        return "Dhyana (Zen)"
    if vendor == AMD:
        stretches = _AMD.get(family_number, ())
        return next((name for low, high, name in stretches if low <= model_number <= high), "")
    if vendor != INTEL or family_number != 6:
        return ""
    if model_number == SKYLAKE_SP:
        return _skylake_sp(parse_number(stepping))
    return next((name for name, models in _INTEL.items() if model_number in models), "")


def _skylake_sp(stepping: int | None) -> str:
    if stepping is None:
        return ""
    if stepping < FIRST_CASCADE_LAKE:
        return "Skylake-SP"
    return "Cascade Lake" if stepping < FIRST_COOPER_LAKE else "Cooper Lake"
