"""Describes the system on macOS, through ``sysctl``."""

from __future__ import annotations

import os
import platform
import subprocess
from typing import TYPE_CHECKING

from dse.machine._cpu_caches import size_text
from dse.machine.instruction_sets import X86
from dse.machine.system import UNKNOWN, System

if TYPE_CHECKING:
    from collections.abc import Mapping

_FEATURES = {
    "FEAT_FP16": "asimdhp",
    "FEAT_FHM": "asimdfhm",
    "FEAT_DotProd": "asimddp",
    "FEAT_I8MM": "i8mm",
    "FEAT_BF16": "bf16",
    "FEAT_SME": "sme",
    "FEAT_SME2": "sme2",
}
"""Linux's name of an instruction set by Apple's name."""
_LEVEL_NAMES = ("physicalcpu", "l1dcachesize", "l1icachesize", "l2cachesize")
"""Names of the values of each kind of core: level 0 is that of the fast cores."""
_NAMES = (
    "machdep.cpu.brand_string",
    "machdep.cpu.microcode_version",
    "hw.logicalcpu",
    "hw.physicalcpu",
    "hw.memsize",
    "kern.hv_vmm_present",
    "hw.cpufamily",
    *(f"machdep.cpu.{name}" for name in ("vendor", "family", "model", "stepping")),
    "machdep.cpu.features",
    "machdep.cpu.leaf7_features",
    "hw.l1dcachesize",
    "hw.l1icachesize",
    "hw.l2cachesize",
    "hw.l3cachesize",
    *(f"hw.perflevel{n}.{name}" for n in (0, 1) for name in _LEVEL_NAMES),
    "hw.optional.AdvSIMD",
    *(f"hw.optional.arm.{name}" for name in _FEATURES),
)


def read_macos() -> System:
    """Describes the system."""
    try:
        # With a name that this CPU lacks the exit code is 1, but the others are printed.
        answer = subprocess.run(
            ["/usr/sbin/sysctl", *_NAMES], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        answer = ""
    return from_sysctl(parse_sysctl(answer), platform.machine(), platform.mac_ver()[0])


def parse_sysctl(text: str) -> dict[str, str]:
    """Value by name, from lines ``name: value``."""
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name.strip(): value.strip() for name, _, value in pairs}


def from_sysctl(values: Mapping[str, str], machine: str, version: str) -> System:
    """The system that these values describe. macOS has neither affinity masks nor governors."""
    virtual = values.get("kern.hv_vmm_present")
    return System(
        cpu=values.get("machdep.cpu.brand_string") or UNKNOWN,
        architecture=machine or UNKNOWN,
        microcode=values.get("machdep.cpu.microcode_version") or UNKNOWN,
        available_cpus=_number(values.get("hw.logicalcpu")) or os.cpu_count() or 1,
        physical_cores=_number(values.get("hw.physicalcpu")),
        cpu_quota=None,
        max_mhz=(),
        memory_bytes=_number(values.get("hw.memsize")),
        governor=UNKNOWN,
        virtualised=virtual == "1" if virtual in ("0", "1") else None,
        operating_system=f"macOS {version}".strip(),
        kernel=platform.release() or UNKNOWN,
        instruction_sets=_instruction_sets(values),
        cpu_vendor=values.get("machdep.cpu.vendor") or UNKNOWN,
        cpu_family=values.get("machdep.cpu.family") or values.get("hw.cpufamily") or UNKNOWN,
        cpu_model=values.get("machdep.cpu.model") or UNKNOWN,
        stepping=values.get("machdep.cpu.stepping") or UNKNOWN,
        caches=_caches(values) or UNKNOWN,
        memory_limit_bytes=0,
    )


def _instruction_sets(values: Mapping[str, str]) -> tuple[str, ...] | None:
    """The known instruction sets by Linux's names; None if there are none."""
    texts = [values.get(f"machdep.cpu.{name}", "") for name in ("features", "leaf7_features")]
    listed = " ".join(texts).lower().replace("avx1.0", "avx").replace(".", "").split()
    plain = {name.replace("_", ""): name for name in X86}  # Apple writes AVX512VNNI and SSE4.1
    found = {plain[word] for word in listed if word in plain}
    flags = {"hw.optional.AdvSIMD": "asimd"}
    flags |= {f"hw.optional.arm.{name}": linux for name, linux in _FEATURES.items()}
    found |= {linux for name, linux in flags.items() if values.get(name) == "1"}
    return tuple(sorted(found)) or None


def _caches(values: Mapping[str, str]) -> str:
    """Sizes of the caches, for each kind of core if there are several."""
    texts = [
        f"{values[f'hw.perflevel{n}.physicalcpu']} cores with {found}"
        for n in (0, 1)
        if f"hw.perflevel{n}.physicalcpu" in values
        and (found := _sizes(values, f"hw.perflevel{n}."))
    ]
    return "; ".join(texts) or _sizes(values, "hw.")


def _sizes(values: Mapping[str, str], prefix: str) -> str:
    """The sizes under a prefix, such as ``L1d 128 KiB, L1i 192 KiB, L2 16 MiB``."""
    found = []
    for cache in ("l1d", "l1i", "l2", "l3"):
        size = _number(values.get(f"{prefix}{cache}cachesize"))
        if size:
            found.append(f"L{cache[1:]} {size_text(f'{size // 1024}K')}")
    return ", ".join(found)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None
