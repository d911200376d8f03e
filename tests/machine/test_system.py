"""The CPU fingerprint, from recorded texts of many machines and from the one at hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from dse.machine._cpuinfo import parse_cpuinfo
from dse.machine._linux import (
    clock_classes,
    is_virtual,
    parse_cpu_list,
    parse_os_release,
    physical_cores,
)
from dse.machine._macos import from_sysctl, parse_sysctl
from dse.machine.detect import detect
from dse.machine.system import System
from tests.machines import Machine, masked

if TYPE_CHECKING:
    from pathlib import Path

AMD = """\
processor\t: {n}
vendor_id\t: AuthenticAMD
cpu family\t: 25
model\t\t: 17
model name\t: AMD EPYC 9354   32-Core Processor
stepping\t: 1
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
        machine.cache(n, 0, 2, "Unified", "1024K", f"{n % 2},{n % 2 + 2}\n")
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
        cpu_vendor="AuthenticAMD",
        cpu_family="25",
        cpu_model="17",
        stepping="1",
        caches="L2 1 MiB x 2",
        memory_limit_bytes=0,
        microarchitecture="Zen 4",
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


@pytest.mark.parametrize(
    ("quota", "known", "available"),
    [
        ("max", None, 4),
        ("50000", 0.5, 1),
        ("100000", 1.0, 1),
        ("150000", 1.5, 1),
        ("399000", 3.99, 3),
        ("400000", None, 4),  # no limit: it is never used up
        ("900000", None, 4),
    ],
)
def test_whole_cpus_of_the_quota_are_available(
    machine: Machine, quota: str, known: float | None, available: int
) -> None:
    machine.put("proc/self/cgroup", "0::/a\n").put("sys/fs/cgroup/a/cpu.max", f"{quota} 100000\n")
    system = machine.read(range(4), "x86_64")
    assert (system.cpu_quota, system.available_cpus) == (known, available)


def test_no_two_quotas_and_memory_limits_share_a_fingerprint(machine: Machine) -> None:
    found = {}
    machine.put("proc/self/cgroup", "0::/a\n").put("proc/meminfo", "MemTotal: 8000000 kB\n")
    for quota in ("max", "50000", "100000", "150000"):
        for limit in ("max", str(300 << 20)):
            machine.put("sys/fs/cgroup/a/cpu.max", f"{quota} 100000\n")
            machine.put("sys/fs/cgroup/a/memory.max", f"{limit}\n")
            found[machine.read(range(2), "x86_64").fingerprint] = quota, limit
    assert len(found) == 8
    system = machine.read(range(2), "x86_64")
    assert system.available_words == "1 available (control group: 1.5 CPUs, 300 MiB)"
    assert dict(system.describe())["memory limit in MiB"] == "300"


def test_small_parsers() -> None:
    assert parse_cpu_list("0-2,8\n") == {0, 1, 2, 8}
    assert parse_cpu_list("") == frozenset()
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


def test_macos_tells_kinds_of_cores_instruction_sets_and_caches() -> None:
    levels = "".join(
        f"hw.perflevel{n}.physicalcpu: {cores}\nhw.perflevel{n}.l1dcachesize: {l1}\n"
        f"hw.perflevel{n}.l2cachesize: {l2}\n"
        for n, cores, l1, l2 in ((0, 6, 131072, 16777216), (1, 4, 65536, 4194304))
    )
    flags = "hw.optional.AdvSIMD: 1\nhw.optional.arm.FEAT_DotProd: 1\n"
    flags += "hw.optional.arm.FEAT_BF16: 0\nhw.cpufamily: 3660830781\n"
    system = from_sysctl(parse_sysctl(SYSCTL + levels + flags), "arm64", "14.5")
    assert system.caches == (
        "6 cores with L1d 128 KiB, L2 16 MiB; 4 cores with L1d 64 KiB, L2 4 MiB"
    )
    assert system.instruction_sets == ("asimd", "asimddp")
    assert system.cpu_family == "3660830781"
    intel = "machdep.cpu.features: FPU SSE4.1 AVX1.0\nmachdep.cpu.leaf7_features: AVX2 AVX512VNNI\n"
    intel += "machdep.cpu.vendor: GenuineIntel\nmachdep.cpu.model: 126\nhw.l3cachesize: 8388608\n"
    system = from_sysctl(parse_sysctl(intel), "x86_64", "13")
    assert system.instruction_sets == ("avx", "avx2", "avx512_vnni", "sse4_1")
    assert (system.cpu_vendor, system.cpu_model) == ("GenuineIntel", "126")
    assert system.caches == "L3 8 MiB"
    bare = from_sysctl({}, "arm64", "")
    assert (bare.instruction_sets, bare.caches) == (None, "unknown")


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
        ("cpu_quota", 1.5),
        ("cpu_quota", 1.0),
        ("memory_limit_bytes", 300 << 20),
        ("cpu_vendor", "0x42"),
        ("cpu_family", "7"),
        ("cpu_model", "0xd09"),
        ("stepping", "r0p4"),
        ("caches", "L2 1 MiB x 1"),
        ("instruction_sets", ("asimd", "asimddp")),
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
        ("microarchitecture", "Other"),
        ("given_name", "mine"),
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


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"model": 1, "flags": "", "l2": "512K"}, ["CPU model: 1 here, 17 in the study"]),
        ({"family": 26}, ["CPU family: 26 here, 25 in the study"]),
        (
            {"flags": "avx512f avx_vnni"},
            ["only here avx_vnni, only in the study avx512_bf16 avx512_vnni"],
        ),
        ({"l2": "512K"}, ["caches: L2 512 KiB x 2 here, L2 1 MiB x 2 in the study"]),
        ({"vendor": "HygonGenuine"}, ["CPU vendor: HygonGenuine here, AuthenticAMD in the"]),
    ],
)
def test_a_hypervisors_mask_hides_no_difference(
    tmp_path: Path, changes: dict[str, Any], words: list[str]
) -> None:
    study, here = masked(tmp_path / "study"), masked(tmp_path / "here", **changes)
    assert here.cpu == study.cpu == "AMD EPYC"
    assert here.fingerprint != study.fingerprint
    for word in words:
        assert word in "; ".join(here.differences(study))


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({}, "AMD EPYC (Zen 4)"),
        ({"model": 1}, "AMD EPYC (Zen 3)"),
        ({"family": 15, "model": 107, "name": "QEMU Virtual CPU version 2.5+"}, None),
        (
            {"vendor": "GenuineIntel", "family": 6, "model": 143}
            | {"name": "Intel(R) Xeon(R) Processor"},
            "Intel(R) Xeon(R) Processor (Sapphire Rapids)",
        ),
    ],
)
def test_the_micro_architecture_stands_beside_the_name(
    tmp_path: Path, changes: dict[str, Any], title: str | None
) -> None:
    system = masked(tmp_path, **changes)
    assert system.title == (title or system.cpu)


def test_the_users_own_name_is_told_and_is_no_part_of_the_identity(tmp_path: Path) -> None:
    named = replace(masked(tmp_path), given_name="the small one")
    assert named.title == "AMD EPYC (Zen 4, 'the small one')"
    assert ("your name for it", "the small one") in named.describe()
    assert named.fingerprint == masked(tmp_path).fingerprint


def test_many_instruction_sets_are_counted() -> None:
    one, two = (replace(detect(), instruction_sets=sets) for sets in (tuple("abcdefghij"), ()))
    (words,) = two.differences(one)
    assert words == "instruction sets: only in the study a b c d e f g h and 2 more"


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
