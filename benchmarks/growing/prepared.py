"""What simulated nodes answer: trials of a study that was made once, without measuring anything."""

from __future__ import annotations

import gzip
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import yaml

from benchmarks.recorded import fill, shuffled
from dse.bundles.writing import write_bundle
from dse.core.configuration import Configuration
from dse.core.measurement import Source
from dse.fleet._division import group_configurations
from dse.fleet.spec import Group, Planned
from dse.machine.detect import detect
from dse.machine.system import System
from dse.space.reading import read_space
from dse.study.folder import StudyFolder
from dse.study.study import Study
from tests.study.studies import about, planned

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SPACE = {
    "models": [f"m{number:02}" for number in range(10)],
    "backends": {"replay": {"table": "table.csv", "runtime": ["a", "b", "c", "d"]}},
    "threads": [1, 2],
    "batch_sizes": [1, 2, 4, 8, 16],
}
CONFIGURATIONS = 400
"""Of the space, in 40 groups."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What nodes answer.

    Attributes:
        header: the first line of a bundle.
        trials: the line of each configuration's trial, by its key.
        groups: of the configurations.
    """

    header: dict[str, Any]
    trials: dict[str, dict[str, Any]]
    groups: tuple[Group, ...]

    def write(self, file: Path) -> None:
        """Writes it; the inverse of `read`."""
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, file: Path) -> Self:
        """Reads what `write` wrote."""
        data = json.loads(file.read_text(encoding="utf-8"))
        groups = tuple(Group(each["name"], tuple(each["keys"])) for each in data["groups"])
        return cls(data["header"], data["trials"], groups)

    def system(self, kind: int) -> System:
        """This machine with another CPU."""
        return replace(System.from_dict(self.header["about"]["system"]), cpu=f"kind {kind}")

    def planned(self, kind: int) -> Planned:
        """What a node of a kind of CPU plans."""
        system = self.system(kind)
        runtimes = self.header["about"]["runtimes"]
        return Planned(system.fingerprint, system.title, self.groups, runtimes=runtimes)

    def bundle(self, kind: int, keys: Iterable[str], owner: dict[str, str]) -> bytes:
        """The bundle of a session that has explored some configurations just now."""
        header = {**self.header, "about": {**self.header["about"]}}
        header["about"]["system"] = self.system(kind).as_dict()
        now = datetime.now(UTC).isoformat()
        lines = [header]
        for number, key in enumerate(keys):
            told = {"number": number, "begun": now, "ended": now, "owner": owner}
            lines.append({**self.trials[key], **told})
        data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        digest = hashlib.sha256(data).hexdigest()
        end = json.dumps({"kind": "end", "lines": len(lines), "sha256": digest}).encode()
        return gzip.compress(data + end + b"\n", mtime=0)


def write_space(folder: Path) -> Path:
    """Writes the space and the table that it names, which nobody reads."""
    (folder / "table.csv").write_text("", encoding="utf-8")
    file = folder / "grown.yaml"
    file.write_text(yaml.safe_dump(SPACE, sort_keys=False), encoding="utf-8")
    return file


def prepare(folder: Path) -> Prepared:
    """Makes a study of the whole space in a folder, and takes it apart."""
    space = read_space(write_space(folder))
    plan, place = planned(space), StudyFolder(folder / "grown")
    assert len(plan.configurations) == CONFIGURATIONS
    Study.create(place, space, plan, about(space), None)
    fill(place, plan, shuffled(plan), Source.MEASURED)
    write_bundle(Study.load(place), folder / "whole.bundle")
    packed = gzip.decompress((folder / "whole.bundle").read_bytes())
    header, *lines, _ = map(json.loads, packed.splitlines())
    header["about"]["system"] = detect().as_dict()
    trials = {Configuration.from_dict(line["configuration"]).key: line for line in lines}
    return Prepared(header, trials, group_configurations(plan.configurations, qualities=False))


def sessions_in(bundle: bytes) -> dict[str, int]:
    """By session, the last number of the trials in a bundle."""
    found: dict[str, int] = {}
    for line in gzip.decompress(bundle).splitlines() if bundle else ():
        trial = json.loads(line)
        if trial["kind"] == "trial":
            session = trial["owner"]["session"]
            found[session] = max(trial["number"], found.get(session, -1))
    return found
