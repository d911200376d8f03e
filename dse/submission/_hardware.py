"""What Linux tells of the machine around its CPU: sockets, memory, storage, network."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from dse.machine.procfs import parse_number, read_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SECTOR_BYTES = 512
"""The unit of ``/sys/block/*/size``, whatever the disk's own is."""
MEMORY_DEVICE, END_OF_TABLE = 17, 127
"""SMBIOS structures: of a memory module, and the one after which nothing counts."""
MEMORY_TYPES = {
    0x07: "RAM",
    0x18: "DDR3",
    0x1A: "DDR4",
    0x1E: "LPDDR4",
    0x22: "DDR5",
    0x23: "LPDDR5",
}
"""Source: DMTF DSP0134, SMBIOS Reference Specification 3.7, section 7.18.2."""
LINKS = {"1": "Ethernet", "32": "InfiniBand"}
"""Source: ARPHRD_ETHER and ARPHRD_INFINIBAND of Linux, `if_arp.h`."""
NAMELESS = ("", "to be filled by o.e.m.", "system product name", "default string", "unknown")
"""Placeholders in boards whose vendor has set no name."""


def hardware(root: Path = Path("/")) -> dict[str, str]:
    """The fields of a system description that this machine tells, without those that it hides."""
    found = {
        "system_name": _product(root),
        **_processors(root / "sys/devices/system/cpu"),
        "host_memory_configuration": _modules(root / "sys/firmware/dmi/tables/DMI"),
        **_storage(root / "sys/block"),
        **_network(root / "sys/class/net"),
    }
    return {name: value for name, value in found.items() if value}


def _product(root: Path) -> str:
    dmi = root / "sys/class/dmi/id"
    parts = [read_text(dmi / name) for name in ("sys_vendor", "product_name")]
    named = [part for part in parts if part.lower() not in NAMELESS]
    return " ".join(named) or read_text(root / "proc/device-tree/model")


def _processors(cpus: Path) -> dict[str, str]:
    topologies = list(cpus.glob("cpu[0-9]*/topology"))
    # Of which CPUs share a core, for core ids are counted anew in each cluster of some chips.
    cores = {read_text(folder / "thread_siblings_list") for folder in topologies} - {""}
    packages = {read_text(folder / "physical_package_id") for folder in topologies} - {""}
    if not (cores and packages):
        return {}
    return {
        "host_processors_per_node": str(len(packages)),
        "host_processor_core_count": str(len(cores) // len(packages)),
        "host_processor_caches": _caches(cpus / "cpu0/cache"),
    }


def _caches(folder: Path) -> str:
    found = []
    for index in sorted(folder.glob("index[0-9]*")):
        level, kind, size = (read_text(index / name) for name in ("level", "type", "size"))
        if level and size:
            found.append(f"L{level}{kind[:1].lower() if kind != 'Unified' else ''} {size}")
    return ", ".join(found)


def _modules(table: Path) -> str:
    """The memory modules, from the SMBIOS table; only root may read it."""
    try:
        data = table.read_bytes()
    except OSError:
        return ""
    found = Counter(filter(None, map(_module, _structures(data))))
    return ", ".join(f"{count} x {name}" for name, count in sorted(found.items()))


def _structures(data: bytes) -> Iterator[bytes]:
    """The formatted part of each structure: its texts, which end with two zeros, are skipped.

    Source: DSP0134, section 6.1.2.
    """
    start = 0
    while start + 4 <= len(data):
        length = data[start + 1]
        end = data.find(b"\0\0", start + length)
        if length < 4 or end < 0 or data[start] == END_OF_TABLE:
            return
        yield data[start : start + length]
        start = end + 2


def _module(structure: bytes) -> str:
    """Size, type and speed of a memory module; empty for an empty slot or another structure.

    Source: DSP0134, section 7.18.
    """
    if structure[0] != MEMORY_DEVICE or len(structure) < 0x15:
        return ""
    size = int.from_bytes(structure[0x0C:0x0E], "little")
    mib = (size & 0x7FFF) / 1024 if size & 0x8000 else float(size)  # small ones in KiB
    if size == 0x7FFF and len(structure) >= 0x20:
        mib = float(int.from_bytes(structure[0x1C:0x20], "little") & 0x7FFFFFFF)
    if size in (0, 0xFFFF):
        return ""
    kind = MEMORY_TYPES.get(structure[0x12], "memory")
    speed = int.from_bytes(structure[0x15:0x17], "little") if len(structure) >= 0x17 else 0
    return f"{mib / 1024:g} GiB {kind}" + (f" {speed} MT/s" if 0 < speed < 0xFFFF else "")


def _storage(folder: Path) -> dict[str, str]:
    disks: Counter[tuple[str, str]] = Counter()
    for disk in _devices(folder):
        gigabytes = round((parse_number(read_text(disk / "size")) or 0) * SECTOR_BYTES / 1e9)
        # A drive for media that come and go, or a chip that only starts the machine.
        if gigabytes and read_text(disk / "removable") != "1":
            disks[_disk_kind(disk), f"{gigabytes} GB"] += 1
    kinds = sorted({kind for kind, _ in disks})
    return {
        "host_storage_type": ", ".join(kinds) if all(kinds) else "",
        "host_storage_capacity": ", ".join(
            f"{count} x {size}" for (_, size), count in sorted(disks.items())
        ),
    }


def _disk_kind(disk: Path) -> str:
    """What a disk is; empty where nothing tells it."""
    if disk.name.startswith("nvme"):
        return "NVMe SSD"
    if disk.name.startswith(("vd", "xvd")):
        return "virtual disk"
    if disk.name.startswith("mmcblk"):
        return {"SD": "SD card", "MMC": "eMMC"}.get(read_text(disk / "device/type"), "")
    return {"0": "SSD", "1": "HDD"}.get(read_text(disk / "queue/rotational"), "")


def _network(folder: Path) -> dict[str, str]:
    cards: Counter[str] = Counter()
    for card in _devices(folder):
        wireless = (card / "wireless").exists()
        kind = "Wi-Fi" if wireless else LINKS.get(read_text(card / "type"), "")
        if kind:  # its speed is that of a cable, and there may be none
            cards[kind] += 1
    return {
        "host_networking": ", ".join(sorted(cards)),
        "host_network_card_count": str(cards.total()) if cards else "",
    }


def _devices(folder: Path) -> Iterable[Path]:
    """The entries behind which there is a device; loop disks, bridges and the like have none."""
    return sorted(each for each in folder.glob("*") if (each / "device").exists())
