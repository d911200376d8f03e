"""Machines of a network, made of Linux namespaces: for tests of several real machines on one.

Each has a network card of its own at a common switch, a host name, a ``/tmp`` and therefore a
measuring lock, and an ``/etc/machine-id``. What differs besides is bound over files of ``/proc``.
Nothing outside the namespaces is changed, and they are gone when their last process ends.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOT = Path(__file__).parents[2]
TOOLS = ("ip", "unshare", "nsenter", "mount", "hostname")
HIDDEN = "/tmp"  # noqa: S108
"""Each machine has one of its own."""
NETWORK = "10.83.0"
HELD = "read -r _; exit 0"
"""What keeps a machine's namespaces: it waits until its stdin is closed, with this process or by
it."""


def obstacle() -> str:
    """Why there can be no such machines here; empty where there can."""
    if sys.platform != "linux":
        return "namespaces are Linux's"
    if os.geteuid() != 0:
        return "only root can make namespaces with a network"
    lacking = [tool for tool in TOOLS if shutil.which(tool) is None]
    if lacking:
        return f"{', '.join(lacking)}: not installed"
    words = ["unshare", "--net", "--uts", "--mount", "ip", "link", "add", "x", "type", "bridge"]
    tried = subprocess.run(words, capture_output=True, text=True)
    return f"no namespace with a bridge: {tried.stderr.strip()}" if tried.returncode else ""


def hidden(folder: Path) -> str:
    """Why machines can't see a folder; empty where they can."""
    return f"{folder} lies in the /tmp that is hidden" if folder.is_relative_to(HIDDEN) else ""


class Machine:
    """A machine at the switch.

    Args:
        name: its host name.
        number: of its address.
        folder: of what belongs to it; not in ``/tmp``.
        cpuinfo: the text of its ``/proc/cpuinfo``; that of the real machine if None.

    Attributes:
        name: as given.
        folder: as given.
        address: of its network card.
    """

    def __init__(self, name: str, number: int, folder: Path, cpuinfo: str | None = None) -> None:
        self.name, self.folder = name, folder
        self.address = f"{NETWORK}.{number}"
        folder.mkdir()
        bound = {"/etc/machine-id": f"{secrets.token_hex(16)}\n"}
        if cpuinfo is not None:
            bound["/proc/cpuinfo"] = cpuinfo
        script = [
            "set -e",
            f"mount -t tmpfs tmpfs {HIDDEN}",
            f"hostname {name}",
            "ip link set lo up",
        ]
        for place, text in bound.items():
            source = folder / place.strip("/").replace("/", "-")
            source.write_text(text)
            script.append(f"mount --bind {source} {place}")
        script += ["echo ready", HELD]
        words = ["unshare", "--net", "--uts", "--mount", "sh", "-c", "\n".join(script)]
        pipe = subprocess.PIPE
        self._holder = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True)
        assert self._holder.stdout is not None
        assert self._holder.stdout.readline() == "ready\n"

    @property
    def pid(self) -> int:
        """The process that keeps the namespaces."""
        return self._holder.pid

    def words(self, *command: str) -> list[str]:
        """A command that runs another one on this machine, as the same process."""
        namespaces = ("--net", "--uts", "--mount")
        return ["nsenter", f"--target={self.pid}", *namespaces, f"--wdns={self.folder}", *command]

    def run(self, *command: str) -> str:
        """Runs a command on this machine; what it prints."""
        done = subprocess.run(self.words(*command), capture_output=True, text=True, cwd=self.folder)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def environment(self) -> Mapping[str, str]:
        """The variables of its processes: its own home and cache, and its own ``/tmp``."""
        left_out = ("TMPDIR", "DSE_CACHE_DIR")
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        return {**kept, "HOME": str(self.folder), "DSE_CACHE_DIR": str(self.folder / "cache")}

    def start(self, log: Path, *command: str) -> subprocess.Popen[bytes]:
        """Starts a program of this project on this machine.

        Args:
            log: gets what it prints, after what is there.
            command: the words after the interpreter.
        """
        words = self.words(sys.executable, *command)
        with log.open("ab") as stream:
            return subprocess.Popen(
                words,
                cwd=self.folder,
                env={**self.environment(), "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    def close(self) -> None:
        """Ends all of its processes."""
        for pid in self._processes():
            if pid != self.pid:
                os.kill(pid, signal.SIGKILL)
        assert self._holder.stdin is not None
        self._holder.stdin.close()
        self._holder.wait(60)
        if self._holder.stdout is not None:
            self._holder.stdout.close()

    def _processes(self) -> list[int]:
        """The processes in its network namespace."""
        own = Path(f"/proc/{self.pid}/ns/net").readlink()
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdigit() and (entry / "ns" / "net").readlink() == own:
                    found.append(int(entry.name))
            except OSError:
                continue  # it has ended
        return found


@contextmanager
def network(folder: Path, cpus: Mapping[str, str | None]) -> Iterator[dict[str, Machine]]:
    """Machines at a switch for the block, which lies in the first one of them.

    Args:
        folder: gets a folder of each.
        cpus: the ``/proc/cpuinfo`` of each machine by its name; None for the real one.
    """
    machines: dict[str, Machine] = {}
    try:
        for number, (name, cpuinfo) in enumerate(cpus.items(), start=1):
            machines[name] = Machine(name, number, folder / name, cpuinfo)
        first = next(iter(machines.values()))
        first.run("ip", "link", "add", "switch", "type", "bridge")
        first.run("ip", "addr", "add", f"{first.address}/24", "dev", "switch")
        first.run("ip", "link", "set", "switch", "up")
        for machine in list(machines.values())[1:]:
            port = port_of(machine)
            ends = ("ip", "link", "add", port, "type", "veth", "peer", "name", "eth0")
            first.run(*ends, "netns", str(machine.pid))
            first.run("ip", "link", "set", port, "master", "switch")
            first.run("ip", "link", "set", port, "up")
            machine.run("ip", "addr", "add", f"{machine.address}/24", "dev", "eth0")
            machine.run("ip", "link", "set", "eth0", "up")
        yield machines
    finally:
        for machine in reversed(machines.values()):
            machine.close()


def port_of(machine: Machine) -> str:
    """The name of the switch's end of a machine's cable."""
    return f"to-{machine.name}"[:15]


def other_cpu(text: str) -> str:
    """The text of a ``/proc/cpuinfo`` with another model and microcode."""
    text = re.sub(r"(?m)^(model name\s*:).*$", r"\1 Another CPU of the test", text)
    text = re.sub(r"(?m)^(model\s*:).*$", r"\1 99", text)
    text = re.sub(r"(?m)^(microcode\s*:).*$", r"\1 0xabc", text)
    assert "Another CPU of the test" in text, "this machine's CPUs have no names to be replaced"
    return text
