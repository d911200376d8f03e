"""The instruction sets by which runtimes choose kernels: speed and int8 results depend on them.

They have the names of Linux's ``/proc/cpuinfo``; the length of SVE's vectors in bits is added, such
as ``sve:256``. A hypervisor may mask a CPU's name, but the instruction sets that it shows can be
trusted, since programs would crash otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# fmt: off
X86 = frozenset((
    "sse2", "ssse3", "sse4_1", "sse4_2", "avx", "f16c", "fma", "avx2", "avx_vnni",
    "avx_vnni_int8", "avx_vnni_int16", "avx_ifma", "avx_ne_convert", "avx512f", "avx512cd",
    "avx512bw", "avx512dq", "avx512vl", "avx512vbmi", "avx512_vbmi2", "avx512ifma",
    "avx512_vnni", "avx512_bitalg", "avx512_vpopcntdq", "avx512_bf16", "avx512_fp16",
    "avx512_vp2intersect", "amx_tile", "amx_int8", "amx_bf16", "amx_fp16", "amx_complex",
    "avx10", "avx10_1", "avx10_2",
))
# fmt: on
# fmt: off
ARM = frozenset((
    "neon", "vfpv3", "vfpv4", "asimd", "fphp", "asimdhp", "asimddp", "asimdfhm", "i8mm", "bf16",
    "sve", "svei8mm", "svebf16", "svef32mm", "svef64mm", "sve2", "sve2p1", "sme", "sme2",
    "smei8i32", "smeb16f32", "smef16f16", "smeb16b16",
))
# fmt: on
OTHER_ARCHITECTURES = frozenset(("lsx", "lasx", "vx", "vxe", "vxe2", "nnpa"))
"""Instruction sets of LoongArch and of IBM mainframes."""
_FIELDS = ("flags", "Features", "features")
"""Fields of ``/proc/cpuinfo`` that list them: x86, Arm and LoongArch, s390."""
_KNOWN = X86 | ARM | OTHER_ARCHITECTURES
_RISCV = ("rv", "zv", "zfh", "zfbf", "zb", "xthead")
"""Prefixes of the parts of RISC-V's ``isa`` that count: the base with its letters, vectors, short
floats, bits and T-Head's extensions. Newer kernels list more of the others for the same CPU."""

BF16 = ("avx512_bf16", "amx_bf16", "avx_ne_convert", "bf16", "svebf16")
"""Instruction sets that compute with bfloat16."""
VNNI = ("avx512_vnni", "avx_vnni", "amx_int8")
"""x86 instruction sets that add products of 8-bit integers without saturating at 16 bits."""


def products_saturate(sets: Iterable[str] | None) -> bool:
    """Whether a CPU adds products of 8-bit integers only with saturation; False if unknown.

    Args:
        sets: the instruction sets of the CPU.
    """
    own = frozenset(sets or ())
    return not own.isdisjoint(X86) and own.isdisjoint(VNNI)


def instruction_sets(
    blocks: Iterable[Mapping[str, str]], sve_bytes: int | None = None
) -> tuple[str, ...] | None:
    """The instruction sets that all CPUs have, sorted; None if unknown.

    Args:
        blocks: fields of ``/proc/cpuinfo`` for each CPU that counts.
        sve_bytes: length of the vectors that Linux gives a process, on Arm CPUs with SVE.
    """
    listed = [names for block in blocks if (names := _sets_of(block)) is not None]
    if not listed:
        return None
    found = frozenset.intersection(*listed)
    if sve_bytes and "sve" in found:
        found |= {f"sve:{8 * sve_bytes}"}
    return tuple(sorted(found))


def _sets_of(block: Mapping[str, str]) -> frozenset[str] | None:
    fields = [block[field] for field in _FIELDS if field in block]
    if fields:
        return frozenset(" ".join(fields).lower().split()) & _KNOWN
    if isa := block.get("hart isa") or block.get("isa"):
        return frozenset(part for part in isa.lower().split("_") if part.startswith(_RISCV))
    return None
