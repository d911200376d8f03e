"""The CPU fingerprint, from recorded texts of many machines and from the one at hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.system import System, detect
from dse.system_linux import (
    clock_classes,
    is_virtual,
    parse_cpu_list,
    parse_cpuinfo,
    parse_memory,
    parse_os_release,
    parse_quota,
    physical_cores,
)
from dse.system_macos import from_sysctl, parse_sysctl
from tests.machines import Machine

if TYPE_CHECKING:
    from pathlib import Path

AMD = """\
processor\t: {n}
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC 9354   32-Core Processor
microcode\t: 0xa10113e
physical id\t: 0
core id\t\t: {core}
flags\t\t: fpu vme sse2 avx2{flags}
address sizes\t: 52 bits physical, 57 bits virtual
power management: ts ttp

"""
INTEL = """\
processor\t: {n}
vendor_id\t: GenuineIntel
model name\t: 12th Gen Intel(R) Core(TM) i5-12600K
microcode\t: 0x35
physical id\t: 0
core id\t\t: {core}
flags\t\t: fpu vme sse2 avx2 hybrid_cpu

"""
ARM = """\
processor\t: {n}
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: {variant}
CPU part\t: {part}
CPU revision\t: {revision}

"""
PI_BOARD = """\
Hardware\t: BCM2835
Revision\t: c03111
Serial\t\t: 10000000abcdef01
Model\t\t: Raspberry Pi 4 Model B Rev 1.4
"""
SYSCTL = """\
machdep.cpu.brand_string: Apple M2 Pro
hw.logicalcpu: 10
hw.physicalcpu: 10
hw.memsize: 17179869184
kern.hv_vmm_present: 0
"""


def arm(part: str, count: int, start: int = 0, variant: str = "0x0", revision: str = "3") -> str:
    cores = range(start, start + count)
    return "".join(ARM.format(n=n, part=part, variant=variant, revision=revision) for n in cores)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_amd_server_with_two_threads_per_core(machine: Machine) -> None:
    cores = "".join(AMD.format(n=n, core=n % 2, flags="") for n in range(4))
    machine.put("proc/cpuinfo", cores).put("proc/meminfo", "MemTotal:       131821012 kB\n")
    for n in range(4):
        machine.cpu(n, "topology/thread_siblings_list", f"{n % 2},{n % 2 + 2}\n")
        machine.cpu(n, "cpufreq/scaling_governor", "performance\n")
        machine.cpu(n, "cpufreq/cpuinfo_max_freq", "3799072\n")
    system = machine.put("etc/os-release", 'PRETTY_NAME="Some Linux 1"\n').read(range(4), "x86_64")
    assert system == System(
        cpu="AMD EPYC 9354 32-Core Processor",
        architecture="x86_64",
        microcode="0xa10113e",
        available_cpus=4,
        physical_cores=2,
        cpu_quota=None,
        max_mhz=((3799, 4),),
        memory_bytes=131821012 * 1024,
        governor="performance",
        virtualised=False,
        operating_system="Some Linux 1",
        kernel=system.kernel,
        instruction_sets=("avx2", "sse2"),
    )
    assert system.memory_gib == 126
    assert machine.read({0, 2}, "x86_64").physical_cores == 1
    assert machine.read({0, 1}, "x86_64").physical_cores == 2


def test_cores_without_topology_in_sys_and_a_hypervisor(machine: Machine) -> None:
    cores = "".join(AMD.format(n=n, core=n // 2, flags=" hypervisor lahf_lm") for n in range(8))
    system = machine.put("proc/cpuinfo", cores).read(range(8), "x86_64")
    assert system.physical_cores == 4
    assert system.virtualised is True
    assert system.governor == "unknown"


def test_intel_hybrid_tells_the_kinds_in_the_mask(machine: Machine) -> None:
    machine.put("proc/cpuinfo", "".join(INTEL.format(n=n, core=n) for n in range(16)))
    machine.put("sys/devices/cpu_core/cpus", "0-11\n").put("sys/devices/cpu_atom/cpus", "12-15\n")
    for n in range(16):
        machine.cpu(n, "cpufreq/cpuinfo_max_freq", "4900000" if n < 12 else "3600000")
        machine.cpu(n, "cpufreq/scaling_governor", "powersave" if n else "performance")
    whole = machine.read(range(16), "x86_64")
    assert whole.cpu == "12th Gen Intel(R) Core(TM) i5-12600K (12 performance + 4 efficiency)"
    assert whole.max_mhz == ((4900, 12), (3600, 4))
    assert whole.governor == "performance+powersave"
    slow = machine.read(range(12, 16), "x86_64")
    fast = machine.read(range(8, 12), "x86_64")
    assert slow.max_mhz == ((3600, 4),)
    assert slow.fingerprint != fast.fingerprint


def test_raspberry_pi(machine: Machine) -> None:
    machine.put("proc/cpuinfo", arm("0xd08", 4) + PI_BOARD)
    machine.put("proc/meminfo", "MemTotal:        7998784 kB\nMemFree: 1 kB\n")
    machine.put("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    system = machine.read(range(4), "aarch64")
    assert system.cpu == "Cortex-A72 (Raspberry Pi 4 Model B Rev 1.4)"
    assert system.microcode == "r0p3"
    assert system.memory_gib == 8
    assert system.virtualised is False
    (machine.root / "proc/device-tree/model").unlink()
    assert machine.read(range(4), "aarch64").cpu == system.cpu


def test_32_bit_arm_model_name_gives_way_to_the_part(machine: Machine) -> None:
    text = arm("0xd03", 4).replace(
        "BogoMIPS", "model name\t: ARMv7 Processor rev 4 (v7l)\nBogoMIPS"
    )
    assert machine.put("proc/cpuinfo", text).read(range(4), "armv7l").cpu == "Cortex-A53"


def test_graviton(machine: Machine) -> None:
    machine.put("proc/cpuinfo", arm("0xd40", 4, variant="0x1", revision="1"))
    machine.put("sys/class/dmi/id/sys_vendor", "Amazon EC2\n")
    machine.put("sys/class/dmi/id/product_name", "c7g.xlarge\n")
    system = machine.read(range(4), "aarch64")
    assert (system.cpu, system.microcode) == ("Neoverse-V1", "r1p1")
    assert system.virtualised is True
    machine.put("sys/class/dmi/id/product_name", "c7g.metal\n")
    assert machine.read(range(4), "aarch64").virtualised is False


def test_big_little_names_the_cores_in_the_mask(machine: Machine) -> None:
    little, big = arm("0xd05", 4, variant="0x2", revision="0"), arm("0xd0b", 4, 4, "0x4", "0")
    machine.put("proc/cpuinfo", little + big).put("proc/device-tree/model", "Radxa ROCK 5B\0")
    assert (
        machine.read(range(8), "aarch64").cpu == "4 x Cortex-A55 + 4 x Cortex-A76 (Radxa ROCK 5B)"
    )
    assert machine.read(range(8), "aarch64").microcode == "r2p0+r4p0"
    assert machine.read(range(4, 8), "aarch64").cpu == "Cortex-A76 (Radxa ROCK 5B)"
    assert machine.read(range(4, 8), "aarch64").microcode == "r4p0"


def test_unlisted_arm_core_keeps_its_numbers(machine: Machine) -> None:
    system = machine.put("proc/cpuinfo", arm("0xfff", 1)).read(range(1), "aarch64")
    assert system.cpu == "Arm core, implementer 0x41, part 0xfff"


@pytest.mark.parametrize(
    ("cpuinfo", "name"),
    [
        ("processor : 0\nhart : 1\nisa : rv64imafdc\nuarch : sifive,u74-mc\n", "sifive,u74-mc"),
        ("processor : 0\ncpu : POWER9, altivec supported\n", "POWER9, altivec supported"),
        ("processor : 0\n", "unknown"),
        ("", "unknown"),
        ("no colon\n\n\n: \n", "unknown"),
    ],
)
def test_other_machines(machine: Machine, cpuinfo: str, name: str) -> None:
    system = machine.put("proc/cpuinfo", cpuinfo).read(range(1), "riscv64")
    assert system.cpu == name
    assert system.microcode == "unknown"
    assert system.virtualised is None


def test_nothing_is_invented_where_nothing_is_known(machine: Machine) -> None:
    system = machine.read(range(2), "x86_64")
    assert system.available_cpus == 2
    assert (system.cpu, system.microcode, system.governor) == ("unknown",) * 3
    assert (system.physical_cores, system.memory_bytes, system.virtualised) == (None,) * 3
    assert ("physical cores", "unknown") in system.describe()


def test_quota_is_the_least_on_the_way_up(machine: Machine) -> None:
    machine.put("proc/self/cgroup", "0::/a/b\n").put("sys/fs/cgroup/a/b/cpu.max", "max 100000\n")
    assert machine.read(range(8), "x86_64").cpu_quota is None
    machine.put("sys/fs/cgroup/a/cpu.max", "150000 100000\n")
    limited = machine.read(range(8), "x86_64")
    assert (limited.cpu_quota, limited.available_cpus) == (1.5, 2)
    machine.put("sys/fs/cgroup/a/b/cpu.max", "50000 100000\n")
    assert machine.read(range(8), "x86_64").available_cpus == 1
    machine.put("sys/fs/cgroup/a/b/cpu.max", "5000000 100000\n")
    machine.put("sys/fs/cgroup/a/cpu.max", "5000000 100000\n")
    assert machine.read(range(8), "x86_64").available_cpus == 8


@pytest.mark.parametrize("text", ["", "max 100000", "100", "x y", "1 0", "0 1"])
def test_no_quota(text: str) -> None:
    assert parse_quota(text) is None


def test_small_parsers() -> None:
    assert parse_cpu_list("0-2,8\n") == {0, 1, 2, 8}
    assert parse_cpu_list("") == frozenset()
    assert parse_memory("MemTotal:\nMemFree: 3 kB") is None
    assert parse_os_release("NAME=x\nPRETTY_NAME='A b'\n") == "A b"
    assert parse_os_release("") == "Linux"
    assert clock_classes(["1500000", ""]) == ()
    assert physical_cores([], []) is None
    assert physical_cores(["", ""], parse_cpuinfo("core id: 0\n\ncore id: 0")) == 1


@pytest.mark.parametrize(
    ("vendor", "product", "board", "expected"),
    [
        ("QEMU", "KVM Virtual Machine", "", True),
        ("Microsoft Corporation", "Virtual Machine", "", True),
        ("Microsoft Corporation", "Surface Pro", "", False),
        ("Google", "Google Compute Engine", "", True),
        ("", "", "linux,dummy-virt", True),
        ("GIGABYTE", "R272-P30-JG", "", False),
        ("", "", "radxa,rock-5b rockchip,rk3588", False),
        ("", "", "", None),
    ],
)
def test_virtual_machines_off_x86(
    vendor: str, product: str, board: str, expected: bool | None
) -> None:
    assert is_virtual([{"CPU part": "0xd0c"}], (vendor, product), board) is expected


def test_macos() -> None:
    system = from_sysctl(parse_sysctl(SYSCTL), "arm64", "14.5")
    assert system.cpu == "Apple M2 Pro"
    assert (system.available_cpus, system.physical_cores, system.memory_gib) == (10, 10, 16)
    assert system.virtualised is False
    assert system.operating_system == "macOS 14.5"
    intel = "machdep.cpu.brand_string: Intel(R) Core(TM) i7\nmachdep.cpu.microcode_version: 244\n"
    assert from_sysctl(parse_sysctl(intel), "x86_64", "13").microcode == "244"
    assert from_sysctl({}, "arm64", "").virtualised is None


@pytest.fixture
def pi(machine: Machine) -> System:
    machine.put("proc/cpuinfo", arm("0xd08", 4) + PI_BOARD)
    return machine.put("proc/meminfo", "MemTotal: 7998784 kB").read(range(4), "aarch64")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("cpu", "Cortex-A76"),
        ("architecture", "armv7l"),
        ("microcode", "r1p0"),
        ("available_cpus", 3),
        ("physical_cores", 3),
        ("memory_bytes", 4 << 30),
        ("governor", "ondemand"),
        ("virtualised", True),
    ],
)
def test_fingerprint_holds_what_speed_depends_on(pi: System, field: str, value: object) -> None:
    other = replace(pi, **{field: value})  # type: ignore[arg-type]
    assert other.fingerprint != pi.fingerprint
    assert len(other.differences(pi)) == 1


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kernel", "9.9"),
        ("operating_system", "Other"),
        ("max_mhz", ((1, 4),)),
        ("cpu_quota", 7.0),
        ("memory_bytes", 7998784 * 1024 + (1 << 20)),
    ],
)
def test_fingerprint_holds_nothing_else(pi: System, field: str, value: object) -> None:
    other = replace(pi, **{field: value})  # type: ignore[arg-type]
    assert other.fingerprint == pi.fingerprint
    assert other.differences(pi) == []


def test_differences_in_words(pi: System) -> None:
    other = replace(pi, cpu="Cortex-A76", virtualised=True)
    assert other.differences(pi) == [
        "CPU: Cortex-A76 here, Cortex-A72 (Raspberry Pi 4 Model B Rev 1.4) in the study",
        "virtualised: yes here, unknown in the study",
    ]


def test_json_round_trip(pi: System) -> None:
    for system in (pi, replace(pi, max_mhz=((4900, 12), (3600, 4)), cpu_quota=1.5)):
        again = System.from_dict(json.loads(json.dumps(system.as_dict())))
        assert again == system
        assert again.fingerprint == system.fingerprint
    assert len(pi.fingerprint) == 12
    int(pi.fingerprint, 16)


def test_this_machine() -> None:
    system = detect()
    assert system == detect()
    assert system.available_cpus >= 1
    assert dict(system.describe())["fingerprint"] == system.fingerprint
