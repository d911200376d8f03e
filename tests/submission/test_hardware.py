"""What recorded machines tell of their hardware; what they hide is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.submission._hardware import hardware
from tests.machines import Machine

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "sys/firmware/dmi/tables/DMI"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def structure(kind: int, body: bytes, *texts: str) -> bytes:
    """An SMBIOS structure: four bytes of head, the body, and its texts."""
    strings = b"".join(text.encode() + b"\0" for text in texts) or b"\0"
    return bytes([kind, 4 + len(body)]) + b"\x01\0" + body + strings + b"\0"


def module(size: int, kind: int = 0x22, speed: int = 4800, extended: int = 0) -> bytes:
    """A memory device; by DSP0134 the size is at 0x0C, the type at 0x12, the speed at 0x15."""
    body = bytearray(0x24 - 4)
    body[0x0C - 4 : 0x0E - 4] = size.to_bytes(2, "little")
    body[0x12 - 4] = kind
    body[0x15 - 4 : 0x17 - 4] = speed.to_bytes(2, "little")
    body[0x1C - 4 : 0x20 - 4] = extended.to_bytes(4, "little")
    return structure(17, bytes(body), "DIMM 0", "BANK 0", "Some Maker")


END = structure(127, b"")
BIOS = structure(0, bytes(20), "Some BIOS", "1.0")


def modules(machine: Machine, table: bytes) -> str | None:
    file = machine.root / TABLE
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(table)
    return hardware(machine.root).get("host_memory_configuration")


def board(machine: Machine) -> Machine:
    """Two sockets with two cores of two threads each, a disk and a card of each kind."""
    for cpu in range(8):
        machine.cpu(cpu, "topology/physical_package_id", f"{cpu % 2}\n")
        machine.cpu(cpu, "topology/thread_siblings_list", f"{cpu % 4},{cpu % 4 + 4}\n")
    for index, (level, kind, size) in enumerate(
        [(1, "Data", "32K"), (1, "Instruction", "64K"), (2, "Unified", "1024K")]
    ):
        for name, value in (("level", level), ("type", kind), ("size", size)):
            machine.cpu(0, f"cache/index{index}/{name}", f"{value}\n")
    for disk, sectors, rotational in (
        ("nvme0n1", 2_000_000_000, 0),
        ("nvme1n1", 2_000_000_000, 0),
        ("sda", 8_000_000_000, 1),
        ("sdb", 1_000_000_000, 0),
    ):
        machine.put(f"sys/block/{disk}/size", f"{sectors}\n")
        machine.put(f"sys/block/{disk}/queue/rotational", f"{rotational}\n")
        machine.put(f"sys/block/{disk}/device/model", "Some Disk\n")
    for card in ("eth0", "eth1", "eth2"):
        machine.put(f"sys/class/net/{card}/device/vendor", "0x8086\n")
        machine.put(f"sys/class/net/{card}/type", "1\n")
    machine.put("sys/class/dmi/id/sys_vendor", "Some Maker\n")
    return machine.put("sys/class/dmi/id/product_name", "Model 7\n")


def test_a_board_with_everything(machine: Machine) -> None:
    found = hardware(board(machine).root)
    assert found == {
        "system_name": "Some Maker Model 7",
        "host_processors_per_node": "2",
        "host_processor_core_count": "2",
        "host_processor_caches": "L1d 32K, L1i 64K, L2 1024K",
        "host_storage_type": "HDD, NVMe SSD, SSD",
        "host_storage_capacity": "1 x 4096 GB, 2 x 1024 GB, 1 x 512 GB",
        "host_networking": "Ethernet",
        "host_network_card_count": "3",
    }


def test_a_machine_that_hides_everything_tells_nothing(machine: Machine) -> None:
    assert hardware(machine.root) == {}
    machine.put("sys/class/dmi/id/sys_vendor", "To Be Filled By O.E.M.\n")
    machine.put("sys/class/dmi/id/product_name", "Default string\n")
    machine.cpu(0, "topology/thread_siblings_list", "0\n")  # of no package
    machine.put("sys/block/sda/device/model", "Some Disk\n")  # of no size
    machine.put("sys/block/sdb/size", "²\n").put("sys/block/sdb/device/model", "A\n")
    machine.put("sys/class/net/eth0/type", "1\n")  # with no device behind
    assert hardware(machine.root) == {}


def test_a_board_of_arm_names_itself_elsewhere(machine: Machine) -> None:
    machine.put("proc/device-tree/model", "Some Board Rev 1.4\0")
    assert hardware(machine.root) == {"system_name": "Some Board Rev 1.4"}


def test_what_is_no_disk_of_the_machine_is_not_counted(machine: Machine) -> None:
    machine.put("sys/block/loop0/size", "4000000\n")  # no device
    machine.put("sys/block/sr0/size", "2097151\n").put("sys/block/sr0/device/model", "Drive\n")
    machine.put("sys/block/sr0/removable", "1\n")
    machine.put("sys/block/mmcblk0boot0/size", "8192\n")
    machine.put("sys/block/mmcblk0boot0/device/type", "MMC\n")
    assert hardware(machine.root) == {}
    machine.put("sys/block/mmcblk0/size", "62500000\n")
    machine.put("sys/block/mmcblk0/device/type", "SD\n")
    found = hardware(machine.root)
    assert found == {"host_storage_type": "SD card", "host_storage_capacity": "1 x 32 GB"}


def test_a_disk_of_no_known_kind_is_given_none(machine: Machine) -> None:
    for disk, kind in (("sda", "0\n"), ("sdb", "")):
        machine.put(f"sys/block/{disk}/size", "2000000000\n")
        machine.put(f"sys/block/{disk}/device/model", "Some Disk\n")
        machine.put(f"sys/block/{disk}/queue/rotational", kind)
    assert hardware(machine.root) == {"host_storage_capacity": "1 x 1024 GB, 1 x 1024 GB"}


def test_cards(machine: Machine) -> None:
    for card, kind in (("wlan0", "1"), ("ib0", "32"), ("can0", "280"), ("vda", "")):
        machine.put(f"sys/class/net/{card}/device/vendor", "0x1\n")
        machine.put(f"sys/class/net/{card}/type", kind)
    machine.put("sys/class/net/wlan0/wireless/status", "")
    found = hardware(machine.root)
    assert found == {"host_networking": "InfiniBand, Wi-Fi", "host_network_card_count": "2"}


@pytest.mark.parametrize(
    ("size", "options", "expected"),
    [
        (16384, {}, "1 x 16 GiB DDR5 4800 MT/s"),
        (0x8000 | 512, {"kind": 0x07, "speed": 0}, "1 x 0.000488281 GiB RAM"),  # 512 KiB
        (0x7FFF, {"extended": 131072}, "1 x 128 GiB DDR5 4800 MT/s"),
        (8192, {"kind": 0x77, "speed": 0xFFFF}, "1 x 8 GiB memory"),
        (0, {}, None),  # an empty slot
        (0xFFFF, {}, None),  # not known
    ],
)
def test_a_module(
    machine: Machine, size: int, options: dict[str, int], expected: str | None
) -> None:
    assert modules(machine, BIOS + module(size, **options) + END) == expected


def test_modules_are_counted_by_kind(machine: Machine) -> None:
    table = BIOS + 2 * module(16384) + module(0) + module(8192, 0x1A, 3200) + END
    assert modules(machine, table) == "2 x 16 GiB DDR5 4800 MT/s, 1 x 8 GiB DDR4 3200 MT/s"
    assert modules(machine, table + module(16384)) == modules(machine, table)  # behind the end


@pytest.mark.parametrize(
    "table",
    [
        b"",
        b"\x11",
        bytes([17, 0, 0, 0]) * 9,  # of no length: would go on for ever
        bytes([17, 3, 0, 0, 0, 0]),
        module(16384)[:-1],
        bytes([17, 8, 1, 0, 0, 0, 0, 0, 0, 0]),  # too short to have a size
        BIOS[:-2],
    ],
)
def test_a_damaged_table_tells_nothing(machine: Machine, table: bytes) -> None:
    assert modules(machine, table) is None


@given(st.binary(max_size=200), st.integers(0, 80))
def test_no_table_is_too_damaged(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, cut: int
) -> None:
    machine = Machine(tmp_path_factory.mktemp("machine"))
    assert isinstance(modules(machine, module(16384)[:cut] + noise), str | None)
