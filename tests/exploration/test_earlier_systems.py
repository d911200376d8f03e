"""Studies of earlier versions, which did not record all that tells CPUs apart."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from dse.machine.detect import detect
from dse.machine.system import System
from tests.replays import write_space, write_table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commandline import Command

SPEED = ["latency_p90_ms", "throughput_samples_per_s"]
LATER = (
    *("instruction_sets", "cpu_vendor", "cpu_family", "cpu_model", "stepping", "caches"),
    *("memory_limit_bytes", "microarchitecture", "given_name"),
)
TOLD = "study 'space' was made by an earlier version and did not record: CPU vendor, CPU family"


def make_earlier(folder: Path, **changes: Any) -> System:
    """Takes out of a study what earlier versions did not record."""
    read = "SELECT value_json FROM study_user_attributes WHERE key = 'dse:about'"
    write = "UPDATE study_user_attributes SET value_json = ? WHERE key = 'dse:about'"
    with closing(sqlite3.connect(folder / "study.db")) as connection, connection:
        about = json.loads(connection.execute(read).fetchone()[0])
        kept = {name: value for name, value in about["system"].items() if name not in LATER}
        about["system"] = kept | changes
        connection.execute(write, (json.dumps(about),))
    return System.from_dict(about["system"])


def latencies(folder: Path) -> set[str]:
    """The keys of the latencies that a study has measured."""
    with closing(sqlite3.connect(folder / "study.db")) as connection:
        query = (
            "SELECT value_json FROM trial_user_attributes WHERE key = 'measurement:latency_p90_ms'"
        )
        return {json.loads(text)["key"] for (text,) in connection.execute(query)}


def test_it_says_so_and_finds_its_measurements_by_its_own_fingerprint(
    command: Command, here: Path
) -> None:
    """A latency is that of single samples: further batch sizes need no further one."""
    fields = {"models": ["a"], "threads": 1, "objectives": SPEED}
    fields |= {"backends": {"null": {"delay_ms": 0}}}

    def explore(*batch_sizes: int) -> str:
        space = write_space(here, batch_sizes=list(batch_sizes), **fields)
        return command.good("explore", space, "--settle", 0).err

    folder = here / "studies" / "space"
    assert TOLD not in explore(1)
    (first,) = latencies(folder)
    earlier = make_earlier(folder)
    assert earlier.fingerprint != detect().fingerprint
    assert TOLD in explore(1, 2)
    (second,) = latencies(folder) - {first}  # nothing tells that the first was measured here
    assert TOLD in explore(1, 2, 4)
    assert latencies(folder) == {first, second}
    assert command.frontier("space")["system"]["fingerprint"] == earlier.fingerprint


def test_it_is_refused_where_it_recorded_another_cpu(command: Command, here: Path) -> None:
    write_table(here)
    space = write_space(here, models="a", threads=1, batch_sizes=1)
    command.good("explore", space)
    make_earlier(here / "studies" / "space", microcode="0xabc")
    answer = command("explore", space)
    assert answer.code == 2
    assert "belongs to another system: microcode: " in answer.err
    assert "in the study; add --per-cpu" in answer.err


def test_per_cpu_tells_of_an_earlier_study_that_may_be_of_this_cpu(
    command: Command, here: Path
) -> None:
    write_table(here)
    space = write_space(here, models="a", threads=1, batch_sizes=1)
    command.good("explore", space)
    system, studies = detect(), here / "studies"
    earlier = f"space@{system.earlier_fingerprint}"
    (studies / "space").rename(studies / earlier)
    make_earlier(studies / earlier)
    answer = command.good("explore", space, "--per-cpu")
    assert f"an earlier version made the study '{earlier}'" in answer.err
    assert (studies / f"space@{system.fingerprint}").is_dir()
    # The next time there is a study of its own, and the line is not needed.
    assert "an earlier version" not in command.good("explore", space, "--per-cpu").err
    assert TOLD.replace("space", earlier) in command.good("explore", space, "--study", earlier).err
