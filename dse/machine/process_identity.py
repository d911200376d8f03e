"""Identifies the process that holds a study, and tells whether it still runs.

A process number is not enough: numbers are reused, and several machines may use a study, also such
as have one name. So an identity includes the machine, its boot and the start of the process.
"""

from __future__ import annotations

import os
import platform
import secrets
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from dse.core.checksums import digest
from dse.core.errors import DseError
from dse.core.paths import atomic_write, cache_dir, exclusive

UNKNOWN = "unknown"
_LINUX = platform.system() == "Linux"
_MAX_PID = 2**31 - 1

ProcessIdentity = Mapping[str, str | int]
"""JSON object: ``host``, ``machine`` (which earlier versions left out), ``boot``, ``namespace`` (of
process numbers), ``pid`` and ``started``."""


def process_identity(pid: int | None = None) -> dict[str, str | int]:
    """The identity of a process, as a JSON object.

    ``started`` is in clock ticks since the boot on Linux, elsewhere a text from ``ps``.

    Args:
        pid: its number: of a child that nobody has waited for yet, whose number is therefore its
            own; None for this process.
    """
    pid = os.getpid() if pid is None else pid
    return {
        "host": platform.node() or UNKNOWN,
        "machine": _this_machine(),
        "boot": _boot_id(),
        "namespace": _namespace(),
        "pid": pid,
        "started": _start_of(pid) or UNKNOWN,
    }


def is_alive(identity: ProcessIdentity) -> bool | None:
    """Whether the process still runs; a zombie does not.

    Returns:
        None if that is unknown: the process belongs to another host or container, or the identity
        is incomplete.
    """
    pid, started = identity.get("pid"), identity.get("started")
    host = identity.get("host")
    if host in (None, UNKNOWN) or host != platform.node():
        return None
    boot = identity.get("boot", UNKNOWN)
    if UNKNOWN not in (boot, _boot_id()) and boot != _boot_id():
        # Of one machine, what an earlier boot began has ended; of two, nothing is known.
        return False if identity.get("machine") == _this_machine() else None
    # Containers on one host share its boot and may share its name, but not their numbers.
    if identity.get("namespace", UNKNOWN) != _namespace():
        return None
    if not isinstance(pid, int) or not 0 < pid <= _MAX_PID:
        return None
    now = _start_of(pid)
    if now is None:
        return None if _exists(pid) else False
    if started in (None, UNKNOWN):
        return None
    return now == started


def start_ticks(stat: str) -> int | None:
    """Start of a process in ticks, from its ``/proc/<pid>/stat``; None if it has ended.

    The second field is the program's name in parentheses and may contain spaces and parentheses,
    so fields are counted from its end (proc_pid_stat(5): 3 is the state, 22 the start).
    """
    fields = stat.rpartition(")")[2].split()
    if len(fields) < 20 or fields[0] in ("Z", "X", "x"):
        return None
    return int(fields[19])


def _start_of(pid: int) -> str | int | None:
    if _LINUX:
        try:
            return start_ticks(Path(f"/proc/{pid}/stat").read_text(errors="replace"))
        except OSError:
            return None
    return _run_tool("/bin/ps", "-o", "lstart=", "-p", str(pid))


def _exists(pid: int) -> bool:
    """Whether the process exists and is not a zombie, without `/proc` or `ps`."""
    if _LINUX and Path(f"/proc/{pid}/stat").exists():
        return False  # it was readable and shows that the process has ended
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True  # it belongs to another user and is hidden from this one
    return True


def _this_machine() -> str:
    try:
        return machine_id(cache_dir())
    except DseError:
        return machine_id(None)


@cache
def machine_id(folder: Path | None) -> str:
    """What tells this machine from others, and is the same after the next boot.

    Neither a host name nor ``/etc/machine-id`` does: machines and containers are copied. So the
    addresses of its network hardware belong to it, and a random number that is kept in a folder.

    Args:
        folder: for what can be made again; None where there is no place for it.
    """
    given = Path("/etc/machine-id")
    known = given.read_text().strip() if given.is_file() else ""
    cards = sorted(path.parent for path in Path("/sys/class/net").glob("*/device"))
    hardware = [(card / "address").read_text().strip() for card in cards]
    return digest([platform.node(), known, hardware, _kept_number(folder)])


def _kept_number(folder: Path | None) -> str:
    """A random number, the same each time; another one each time where it can't be kept."""
    number = secrets.token_hex(16)
    if folder is None:
        return number
    try:
        if not (folder / "machine").is_file():
            # Of several processes that find none, one makes it.
            with exclusive(folder / "machine.lock"):
                if not (folder / "machine").is_file():
                    with atomic_write(folder / "machine") as made:
                        made.write(number.encode())
        return (folder / "machine").read_text()
    except (DseError, OSError):
        return number


def _boot_id() -> str:
    if _LINUX:
        try:
            return Path("/proc/sys/kernel/random/boot_id").read_text().strip() or UNKNOWN
        except OSError:
            return UNKNOWN
    return _run_tool("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid") or UNKNOWN


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return UNKNOWN


def _run_tool(*command: str) -> str | None:
    """Output of a system tool, independent of the locale; None if it fails or prints nothing."""
    try:
        answer = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
            env={"LC_ALL": "C", "TZ": "UTC"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() or None
