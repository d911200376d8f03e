"""``/proc/cpuinfo`` as many kernels write it: each kind of CPU has a name of its own."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.machine._cpuinfo import cpu_blocks, cpu_name, model, parse_cpuinfo, stepping, vendor
from dse.machine.system import UNKNOWN
from tests.machines import Machine

if TYPE_CHECKING:
    from pathlib import Path

    from dse.machine.system import System

OLD_ARM = """\
Processor\t: ARMv7 Processor rev 4 (v7l)
processor\t: 0
BogoMIPS\t: 1694.10

processor\t: 1
BogoMIPS\t: 1694.10

Features\t: swp half neon vfpv3 vfpv4
CPU implementer\t: 0x41
CPU architecture: 7
CPU variant\t: {variant}
CPU part\t: {part}
CPU revision\t: 4

Hardware\t: {board}
Revision\t: 0000
Serial\t\t: 000000000000beef
"""
LOONGARCH = """\
system type\t\t: generic-loongson-machine

processor\t\t: 0
package\t\t\t: 0
core\t\t\t: 0
CPU Family\t\t: Loongson-64bit
Model Name\t\t: {name}
CPU Revision\t\t: 0x10
CPU MHz\t\t\t: 2000.00
ISA\t\t\t: loongarch32 loongarch64
Features\t\t: cpucfg lam ual fpu lsx {more}
"""
RISCV = """\
processor\t: 0
hart\t\t: 1
isa\t\t: {isa}
mmu\t\t: sv39
mvendorid\t: {vendor}
marchid\t\t: 0x0
mimpid\t\t: {version}
"""
S390 = """\
vendor_id       : IBM/S390
# processors    : 2
bogomips per cpu: 14367.00
features\t: esan3 zarch stfle {features}
processor 0: version = {version},  identification = 29AA14,  machine = {machine}
processor 1: version = {version},  identification = 39AA14,  machine = {machine}

cpu number      : 0
cpu MHz dynamic : 5000

cpu number      : 1
cpu MHz dynamic : 5000
"""
POWER = """\
processor\t: 0
cpu\t\t: POWER9, altivec supported
clock\t\t: {clock}.000000MHz
revision\t: {revision} (pvr 004e 1202)

timebase\t: 512000000
platform\t: pSeries
model\t\t: {model}
"""
SPARC = """\
cpu\t\t: {cpu}
fpu\t\t: integrated FPU
type\t\t: sun4u
ncpus probed\t: 2
Cpu0ClkTck\t: 000000000ec82e00
State:
CPU0:\t\tonline
CPU1:\t\tonline
"""
MIPS = """\
system type\t\t: MediaTek MT7621 ver:1 eco:3
machine\t\t\t: Some Router
processor\t\t: 0
cpu model\t\t: MIPS 1004Kc V2.15
"""
UNLISTED = """\
processor\t: 0
engine\t\t: {engine}
BogoMIPS\t: {speed}
core id\t\t: 7
"""
MACHINES = {
    "an Exynos of old": OLD_ARM.format(variant="0x0", part="0xc0f", board="SAMSUNG EXYNOS5"),
    "its other core": OLD_ARM.format(variant="0x0", part="0xc07", board="SAMSUNG EXYNOS5"),
    "its other revision": OLD_ARM.format(variant="0x2", part="0xc0f", board="SAMSUNG EXYNOS5"),
    "its other board": OLD_ARM.format(variant="0x0", part="0xc0f", board="Highbank"),
    "a Loongson": LOONGARCH.format(name="Loongson-3A5000", more="lasx"),
    "one without wide vectors": LOONGARCH.format(name="Loongson-3A5000", more="lvz"),
    "another Loongson": LOONGARCH.format(name="Loongson-3A6000", more="lasx"),
    "a RISC-V": RISCV.format(isa="rv64imafdc", vendor="0x5b7", version="0x0"),
    "one with vectors": RISCV.format(isa="rv64imafdcv", vendor="0x5b7", version="0x0"),
    "one of another maker": RISCV.format(isa="rv64imafdc", vendor="0x489", version="0x0"),
    "one of another version": RISCV.format(isa="rv64imafdc", vendor="0x5b7", version="0x7"),
    "a mainframe": S390.format(features="vx", version="00", machine="2964"),
    "a guest of it": S390.format(features="vx", version="FF", machine="2964"),
    "an older mainframe": S390.format(features="", version="00", machine="2817"),
    "a POWER": POWER.format(clock=3000, revision="2.2", model="IBM,9009-22A"),
    "its other machine": POWER.format(clock=3000, revision="2.2", model="IBM,9009-41A"),
    "its other revision of POWER": POWER.format(clock=3000, revision="2.3", model="IBM,9009-22A"),
    "a SPARC": SPARC.format(cpu="TI UltraSparc II  (BlackBird)"),
    "another SPARC": SPARC.format(cpu="UltraSparc T5 (Niagara5)"),
    "a MIPS": MIPS,
    "an unlisted one": UNLISTED.format(engine="A1", speed="10.0"),
    "another unlisted one": UNLISTED.format(engine="A2", speed="10.0"),
}


def read(folder: Path, text: str, machine: str = "some") -> System:
    return Machine(folder).put("proc/cpuinfo", text).read({0, 1}, machine)


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> dict[str, System]:
    return {name: read(tmp_path_factory.mktemp("machine"), text) for name, text in MACHINES.items()}


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        ("an Exynos of old", "Cortex-A15 (SAMSUNG EXYNOS5)"),
        ("a Loongson", "Loongson-3A5000"),
        ("a RISC-V", "RISC-V core, vendor 0x5b7, architecture 0x0, implementation 0x0"),
        ("a mainframe", "IBM/S390 machine 2964"),
        ("a POWER", "POWER9, altivec supported"),
        ("a SPARC", "TI UltraSparc II (BlackBird)"),
        ("a MIPS", "MIPS 1004Kc V2.15"),
    ],
)
def test_each_has_a_name(systems: dict[str, System], machine: str, name: str) -> None:
    assert systems[machine].cpu == name


def test_no_two_kinds_are_equal(systems: dict[str, System]) -> None:
    for (one, first), (other, second) in combinations(systems.items(), 2):
        assert first.fingerprint != second.fingerprint, f"{one} and {other}"
        assert first.differences(second), f"{one} and {other}"
    assert UNKNOWN not in {system.cpu for system in systems.values()}


def test_clocks_serial_numbers_and_places_are_no_part_of_a_kind(tmp_path: Path) -> None:
    for text, other in [
        (UNLISTED.format(engine="A1", speed="10.0"), UNLISTED.format(engine="A1", speed="20.0")),
        (
            POWER.format(clock=3000, revision="2.2", model="IBM,9009-22A"),
            POWER.format(clock=3050, revision="2.2", model="IBM,9009-22A"),
        ),
        (
            S390.format(features="vx", version="00", machine="2964"),
            S390.format(features="vx", version="00", machine="2964").replace("9AA14", "9BB15"),
        ),
        (MACHINES["an Exynos of old"], MACHINES["an Exynos of old"].replace("beef", "cafe")),
    ]:
        assert text != other
        one, two = read(tmp_path / "one", text), read(tmp_path / "two", other)
        assert one.differences(two) == []


def test_machines_of_which_nothing_is_told_are_each_their_own(tmp_path: Path) -> None:
    for n, known in enumerate(("aaaa", "bbbb")):
        Machine(tmp_path / str(n)).put("proc/cpuinfo", "processor : 0\n")
        Machine(tmp_path / str(n)).put("etc/machine-id", f"{known}\n")
    one, other = (Machine(tmp_path / str(n)).read({0}, "some") for n in range(2))
    assert (one.cpu, other.cpu) == (UNKNOWN, UNKNOWN)
    assert one == Machine(tmp_path / "0").read({0}, "some")
    assert [text.partition(":")[0] for text in one.differences(other)] == ["CPU model"]


def test_the_name_unknown_is_none(tmp_path: Path) -> None:
    text = "processor : 0\nvendor_id : Maker\nmodel name : unknown\nmodel : {}\n"
    one, two = (read(tmp_path / str(n), text.format(n)) for n in (1, 2))
    assert one.cpu.startswith("unlisted CPU ")
    assert one.fingerprint != two.fingerprint


def test_what_stands_once_holds_for_each_cpu() -> None:
    blocks = cpu_blocks(parse_cpuinfo(MACHINES["an Exynos of old"]))
    assert sorted(blocks) == [0, 1]
    assert {block["CPU part"] for block in blocks.values()} == {"0xc0f"}
    mainframe = cpu_blocks(parse_cpuinfo(MACHINES["a mainframe"]))
    assert {n: block["machine"] for n, block in mainframe.items()} == {0: "2964", 1: "2964"}
    assert stepping(mainframe.values()) == "00"


TEXTS = st.text(st.sampled_from("abcpru0129 :=,\n\tx"), max_size=60)


@given(TEXTS)
def test_any_text_is_read(text: str) -> None:
    blocks = list(cpu_blocks(parse_cpuinfo(text)).values())
    for told in (cpu_name(blocks, None, {}), vendor(blocks), model(blocks), stepping(blocks)):
        assert told
