"""Identifies the CPU by ``/proc/cpuinfo``, whose fields differ between architectures."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping

from dse.core.checksums import digest
from dse.machine._arm_cores import core_name, core_revision
from dse.machine.procfs import parse_number

CpuBlock = Mapping[str, str]
"""Value by field, for one CPU or for all CPUs."""

UNKNOWN = "unknown"
_NUMBER_FIELDS = ("processor", "cpu number")
"""Fields that contain the number of a CPU."""
_S390_CPU = re.compile(r"processor (\d+)")
"""Start of a line such as ``processor 0: version = FF, machine = 2964`` (s390)."""
_NAME_FIELDS = (
    *("model name", "Model Name", "cpu model", "uarch", "cpu", "cpu type", "CPU", "Processor"),
)
_VENDOR_FIELDS = ("vendor_id", "vendor", "CPU implementer", "mvendorid")
_FAMILY_FIELDS = ("cpu family", "CPU Family", "family", "CPU architecture", "platform", "uarch")
_MODEL_FIELDS = ("model", "CPU part", "marchid", "machine", "Model Name", "type", "system type")
_STEPPING_FIELDS = ("stepping", "mimpid", "revision", "version", "CPU Revision", "cpu revision")
_VARYING_FIELDS = re.compile(
    "mhz|clock|clktck|bogomips|temperature|time|memory|serial|identification|processor|number|"
    r"\bhart\b|apic|core|siblings|physical id|package|global_id|online|active|probed|tlb",
    re.IGNORECASE,
)
"""Pattern of fields that differ between CPUs of one kind, or from one reading to the next."""


def parse_cpuinfo(text: str) -> list[dict[str, str]]:
    """The paragraphs of ``/proc/cpuinfo``: value by field. On Arm the last may be the board's."""
    blocks: list[dict[str, str]] = []
    for paragraph in text.split("\n\n"):
        pairs = (line.partition(":") for line in paragraph.splitlines() if ":" in line)
        block = {name.strip(): value.strip() for name, _, value in pairs}
        if block:
            blocks.append(block)
    return blocks


def shared_fields(paragraphs: Iterable[CpuBlock]) -> dict[str, str]:
    """The fields that apply to all CPUs: those of paragraphs without the number of a CPU.

    These are the board's paragraph on Arm (in old files the last one, which identifies the cores),
    the first paragraph on IBM mainframes and LoongArch, and everything on SPARC.
    """
    shared: dict[str, str] = {}
    for paragraph in paragraphs:
        if _cpu_number(paragraph) is None:
            shared |= paragraph
    return shared


def cpu_blocks(paragraphs: Iterable[CpuBlock]) -> dict[int, CpuBlock]:
    """The fields of each CPU by number, with the shared ones.

    Empty if the file has no numbers.
    """
    paragraphs = list(paragraphs)
    shared = shared_fields(paragraphs)
    own: dict[int, dict[str, str]] = {}
    for name, value in shared.items():
        if found := _S390_CPU.fullmatch(name):
            pairs = (pair.partition("=") for pair in value.split(","))
            own[int(found[1])] = {field.strip(): text.strip() for field, _, text in pairs}
    for paragraph in paragraphs:
        if (cpu := _cpu_number(paragraph)) is not None:
            own.setdefault(cpu, {}).update(paragraph)
    common = {name: value for name, value in shared.items() if not _S390_CPU.fullmatch(name)}
    return {cpu: {**common, **fields} for cpu, fields in own.items()}


def _cpu_number(paragraph: CpuBlock) -> int | None:
    return next(
        (parse_number(paragraph[name]) for name in _NUMBER_FIELDS if name in paragraph), None
    )


def cpu_name(blocks: Iterable[CpuBlock], board: str | None, kinds: Mapping[str, int]) -> str:
    """The model of the CPUs, with the board and the number of each kind if they differ.

    Arm boards with the same cores differ in clock and memory. Where the kinds of a CPU share one
    model name, their numbers are given by kind.
    """
    names = Counter(name for block in blocks if (name := _block_name(block)))
    if not names:
        return board or UNKNOWN
    name = " + ".join(f"{count} x {name}" for name, count in sorted(names.items()))
    if len(names) == 1:
        name = next(iter(names))
    if len(kinds) > 1:
        name += " (" + " + ".join(f"{count} {kind}" for kind, count in kinds.items()) + ")"
    return f"{name} ({board})" if board else name


def _block_name(block: CpuBlock) -> str | None:
    # The core's number comes first: the model name of 32-bit Arm is the same for many cores.
    if name := core_name(block):
        return name
    for field in _NAME_FIELDS:
        value = " ".join(block.get(field, "").split())
        if value and value.lower() != UNKNOWN:
            return value
    if "machine" in block:
        return " ".join([block.get("vendor_id", ""), "machine", block["machine"]]).strip()
    if "mvendorid" in block:
        numbers = (block.get(field, UNKNOWN) for field in ("mvendorid", "marchid", "mimpid"))
        return "RISC-V core, vendor {}, architecture {}, implementation {}".format(*numbers)
    return _unlisted_name(block)


def _unlisted_name(block: CpuBlock) -> str | None:
    """A name that is unique to this kind of CPU, made of all fields that don't vary."""
    lasting = {
        name: text for name, text in block.items() if text and not _VARYING_FIELDS.search(name)
    }
    return f"unlisted CPU {digest(lasting)[:12]}" if lasting else None


def vendor(blocks: Iterable[CpuBlock]) -> str:
    """The vendor of the CPUs: a name or a number."""
    return join_known(_first_value(block, _VENDOR_FIELDS) for block in blocks)


def family(blocks: Iterable[CpuBlock]) -> str:
    """The family of the CPUs; on Arm the version of the architecture."""
    return join_known(_first_value(block, _FAMILY_FIELDS) for block in blocks)


def model(blocks: Iterable[CpuBlock]) -> str:
    """The model within the family: a number, or the machine's type if that names the CPU."""
    return join_known(_first_value(block, _MODEL_FIELDS) for block in blocks)


def stepping(blocks: Iterable[CpuBlock]) -> str:
    """The revision of the model; on Arm the variant and revision."""
    return join_known(
        core_revision(block) or _first_value(block, _STEPPING_FIELDS) for block in blocks
    )


def microcode(blocks: Iterable[CpuBlock]) -> str:
    """The microcode revision; on Arm the variant and revision."""
    return join_known(block.get("microcode") or core_revision(block) or "" for block in blocks)


def _first_value(block: CpuBlock, fields: Iterable[str]) -> str:
    return next((block[field] for field in fields if block.get(field)), "")


def join_known(values: Iterable[str]) -> str:
    """Joins the different known values; ``unknown`` if there are none."""
    return "+".join(sorted({value for value in values if value})) or UNKNOWN
