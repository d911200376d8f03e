"""Three machines of two CPUs in a network of their own: whatever is killed or cut, none is lost.

The machines are namespaces of this one (`tests.fleet.namespaces`); only ``/proc/cpuinfo`` of one of
them is made up, so that all of the program does what it would do on real machines.

    python -m tests.fleet.test_machines [SECONDS]

runs the same with a partition of two minutes, or of the given length, and prints what happens.
"""

from __future__ import annotations

import json
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.fleet.address import DEFAULT_PORT
from dse.study.folder import StudyFolder
from dse.study.merged import identity_of
from dse.study.record import OUTCOME, Purpose, configuration_of, purpose_of
from dse.study.study import Study
from tests.fleet.namespaces import Machine, hidden, network, obstacle, other_cpu, port_of
from tests.replays import write_space

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(
        find_spec("distributed") is None, reason="the library distributed is not installed"
    ),
]
HEAD, NODES, OTHER = "head", ("one", "two", "three"), "three"
"""The machine of scheduler and coordinator, the nodes, and the one whose CPU is another one."""
ASSIGNMENT_S = 15
PARTITION_S = 40.0
"""Longer than the 30 s after which a silent connection is given up."""
PATIENCE_S = 600.0
MOST_CONFIGURATIONS = 60


@dataclass
class Trial:
    """A fleet on machines of namespaces.

    Attributes:
        machines: by name.
        folder: of all that it leaves behind.
        say: is told what is done to it.
        processes: what runs now, by name.
        cut: the configurations that were in hand when their node was killed, by CPU.
    """

    machines: dict[str, Machine]
    folder: Path
    say: Callable[[str], None]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    cut: dict[str, set[str]] = field(default_factory=dict)

    @property
    def head(self) -> Machine:
        """The machine of scheduler and coordinator."""
        return self.machines[HEAD]

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return f"tls://{self.head.address}:{DEFAULT_PORT}"

    def dse(self, machine: str, name: str, *words: str) -> None:
        """Starts a command on a machine under a name."""
        log = self.folder / f"{name}.log"
        self.processes[name] = self.machines[machine].start(log, "-m", "dse", *words)

    def scheduler(self) -> None:
        """Starts the scheduler."""
        words = ("fleet", "scheduler", "--host", self.head.address)
        self.dse(HEAD, "scheduler", *words, *self._certificates)

    def node(self, name: str) -> None:
        """Starts the node of a machine."""
        folder = str(self.node_folder(name))
        self.dse(name, name, "fleet", "node", self.address, *self._certificates, "--folder", folder)

    def node_folder(self, name: str) -> Path:
        """The folder of a machine's node."""
        return self.machines[name].folder / "node"

    def coordinator(self, space: Path) -> None:
        """Starts the coordinator, always with the same words."""
        words = ("fleet", "explore", str(space), "--scheduler", self.address, *self._certificates)
        more = ("--settle", "0", "--stop-gain", "0", "--assignment", f"{ASSIGNMENT_S}s")
        self.dse(HEAD, "coordinator", *words, *more)

    @property
    def _certificates(self) -> tuple[str, str]:
        return ("--certificates", str(self.folder / "certificates"))

    def kill(self, name: str) -> None:
        """Ends a process by SIGKILL."""
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait(60)
        self.say(f"killed: {name}")

    def wait(self, what: str, come: Callable[[], object]) -> None:
        """Waits for something; fails where it does not come, or the coordinator ends first."""
        began = time.monotonic()
        while not come():
            waited = time.monotonic() - began
            assert waited < PATIENCE_S, f"{what}: not after {waited:.0f} s\n{self.logs()}"
            time.sleep(0.1)
        self.say(f"{what}: after {time.monotonic() - began:.1f} s")

    def logs(self) -> str:
        """What all processes have said."""
        return "\n".join(f"{f.name}:\n{f.read_text()}" for f in sorted(self.folder.glob("*.log")))

    def said(self, name: str, words: str) -> int:
        """How often a process has said something."""
        file = self.folder / f"{name}.log"
        return file.read_text().count(words) if file.exists() else 0

    def study_of(self, name: str) -> StudyFolder | None:
        """The study in the folder of a node, once there is one."""
        found = list((self.node_folder(name) / "studies").glob("space@*/study.db"))
        return StudyFolder(found[0].parent) if found else None

    def in_hand(self, name: str) -> set[str]:
        """The keys of what a node measures now, by its own study."""
        folder = self.study_of(name)
        if folder is None:
            return set()
        try:
            trials = Study.load(folder).revisions[-1].trials
        except RequestError:  # it is being created
            return set()
        open_ = (t for t in trials if not t.state.is_finished())
        return {c.key for t in open_ if (c := configuration_of(t)) is not None}

    def at_work(self, name: str, measured: int = 1) -> bool:
        """Whether a node is in the middle of an assignment: it has measured something, and goes on.

        Args:
            name: of the node.
            measured: so many trials of its own have ended at least.
        """
        folder = self.study_of(name)
        if folder is None or not self.in_hand(name):
            return False
        return len(ended(folder)) >= measured

    def is_back(self, name: str) -> bool:
        """Whether a node has come to the second scheduler; that of one was started twice before."""
        return self.said(name, "joined the fleet") >= (3 if name == "one" else 2)

    def cut_cable(self, name: str, *, whole: bool) -> None:
        """Cuts the cable of a machine, or mends it."""
        state = "up" if whole else "down"
        self.head.run("ip", "link", "set", port_of(self.machines[name]), state)
        self.say(f"the cable of {name} is {state}")


def ended(folder: StudyFolder) -> dict[str, str]:
    """The ended trials of a study: configuration's key, or nothing, by identity."""
    found = {}
    for trial in Study.load(folder).revisions[-1].trials:
        if trial.state.is_finished():
            configuration = configuration_of(trial)
            found[identity_of(trial)] = configuration.key if configuration else ""
    return found


def explored(folder: StudyFolder) -> Counter[str]:
    """How often each configuration of a study was explored to an outcome."""
    keys = Counter[str]()
    for trial in Study.load(folder).revisions[-1].trials:
        configuration = configuration_of(trial)
        if (
            trial.user_attrs.get(OUTCOME) is not None
            and purpose_of(trial) is Purpose.EXPLORE
            and configuration is not None
        ):
            keys[configuration.key] += 1
    return keys


@contextmanager
def fleet(folder: Path, say: Callable[[str], None]) -> Iterator[Trial]:
    """Machines with nothing at work on them."""
    real = Path("/proc/cpuinfo").read_text()
    cpus = {HEAD: None, **{name: other_cpu(real) if name == OTHER else None for name in NODES}}
    with network(folder, cpus) as machines, ExitStack() as ending:
        trial = Trial(machines, folder, say)

        def end() -> None:
            for process in trial.processes.values():
                process.kill()
                process.wait(60)

        ending.callback(end)
        words = ("fleet", "certificates", str(folder / "certificates"))
        trial.dse(HEAD, "certificates", *words)
        assert trial.processes["certificates"].wait(60) == 0, trial.logs()
        yield trial


def disturb(trial: Trial, space: Path, partition_s: float) -> None:
    """Explores by the fleet while all that can be killed is killed, and a cable is cut."""
    trial.scheduler()
    trial.wait("the scheduler listens", lambda: trial.said("scheduler", "scheduler: "))
    for name in NODES:
        trial.node(name)
    trial.coordinator(space)
    trial.wait("all nodes have joined", lambda: trial.said("coordinator", " joins: ") == len(NODES))

    trial.wait("one is in the middle of its assignment", lambda: trial.at_work("one"))
    trial.kill("one")
    time.sleep(1)  # what it has started ends, too
    trial.cut["one"] = trial.in_hand("one")
    assert len(trial.cut["one"]) == 1
    trial.node("one")
    trial.wait("one is back", lambda: trial.said("coordinator", " joins: ") > len(NODES))

    trial.wait("two is in the middle of its assignment", lambda: trial.at_work("two"))
    trial.kill("scheduler")
    time.sleep(3)
    trial.scheduler()
    trial.wait("all nodes have come to the new scheduler", lambda: all(map(trial.is_back, NODES)))

    trial.wait("two is in the middle of its assignment", lambda: trial.at_work("two"))
    trial.kill("coordinator")
    time.sleep(3)
    joined = trial.said("coordinator", " joins: ")
    trial.coordinator(space)
    all_ = joined + len(NODES)
    trial.wait("all nodes have joined", lambda: trial.said("coordinator", " joins: ") >= all_)

    trial.wait("three is in the middle of its assignment", lambda: trial.at_work("three"))
    before = len(ended(must(trial.study_of("three"))))
    trial.cut_cable("three", whole=False)
    time.sleep(partition_s)
    more = len(ended(must(trial.study_of("three")))) - before
    trial.say(f"three was cut off for {partition_s:.0f} s, and has measured {more} more")
    trial.cut_cable("three", whole=True)

    process = trial.processes["coordinator"]
    trial.wait("the coordinator is through", lambda: process.poll() is not None)
    assert process.returncode == 0, trial.logs()


def must(folder: StudyFolder | None) -> StudyFolder:
    """A study that is there."""
    assert folder is not None
    return folder


def check(trial: Trial, configurations: int) -> None:
    """Every configuration has one outcome for each CPU, and what nodes have measured is merged."""
    studies = {f.name: f for f in map(StudyFolder, (trial.head.folder / "studies").glob("space@*"))}
    assert len(studies) == 2, list(studies)
    merged: Counter[str] = Counter()
    for name in NODES:
        own = must(trial.study_of(name))
        lacking = ended(own).keys() - ended(studies[own.name]).keys()
        assert not lacking, f"{name} has trials that nobody else has: {lacking}"
        merged[own.name] += 1
    assert sorted(merged.values()) == [1, 2]  # two machines share a CPU
    for name, folder in studies.items():
        study = Study.load(folder)
        failed = [record for record in study.records.values() if record.outcome.failure]
        assert not failed, failed
        assert len(study.records) == configurations
        found = explored(folder)
        assert len(found) == configurations
        cut = trial.cut["one"] if merged[name] == 2 else set()
        again = {key for key, count in found.items() if count > 1}
        assert again <= cut, f"explored again: {again}, though only {cut} was in hand"
        trial.say(
            f"{name}: {len(found)} configurations, {found.total()} outcomes of "
            f"{len(ended(folder))} trials from {merged[name]} machines"
        )
    status = json.loads((trial.head.folder / "studies" / "space.fleet" / "nodes.json").read_text())
    assert {each["fingerprint"] for each in status["nodes"]} == {n[6:] for n in studies}


def try_it(folder: Path, say: Callable[[str], None], models: int, partition_s: float) -> None:
    """The whole trial in a folder.

    Args:
        folder: of all that it leaves behind.
        say: is told what is done.
        models: each has six configurations.
        partition_s: for how long a node is cut off, in seconds.
    """
    space = write_space(
        folder,
        models=[f"m{number}" for number in range(models)],
        backends={"null": {"delay_ms": [0.1, 0.2, 0.3]}},
        threads=1,
        batch_sizes=[1, 2],
        objectives=["throughput_samples_per_s"],
    )
    with fleet(folder, say) as trial:
        disturb(trial, space, partition_s)
        check(trial, 6 * models)


def test_nothing_is_lost_or_measured_twice(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    why = obstacle() or hidden(tmp_path)
    if why:
        pytest.skip(why)
    try_it(tmp_path, print, models=5, partition_s=PARTITION_S)
    assert "the coordinator is through" in capsys.readouterr().out


def main() -> int:
    """Runs the trial; see the module."""
    partition_s = float(sys.argv[1]) if sys.argv[1:] else 120.0
    if why := obstacle():
        sys.stderr.write(f"{why}\n")
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # all that it has started ends first
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"{time.monotonic() - began:6.1f} s  {line}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory(prefix="dse-machines-", dir="/dev/shm") as folder:
        try_it(Path(folder), say, MOST_CONFIGURATIONS // 6, partition_s)
    return 0


if __name__ == "__main__":
    sys.exit(main())
