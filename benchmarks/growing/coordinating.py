"""The real coordinator over a real link, for `benchmarks.fleet_growth`.

    python -m benchmarks.growing.coordinating ORDER

in the working folder of its studies. Nothing of it is replaced.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from pathlib import Path

from dse.exploration.stopping import Interrupts
from dse.fleet.address import parse_address
from dse.fleet.certificates import Certificates
from dse.fleet.coordinator import Coordinator
from dse.fleet.link import DaskLink
from dse.fleet.request import FleetRequest, prepare_job
from dse.fleet.spec import Options


def main() -> int:
    """Explores until every CPU is through; tells how many trials it has merged."""
    order = json.loads(sys.argv[1])
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    options = Options(settle=0, stop_gain=0)
    job = prepare_job(FleetRequest(order["space"], options=options))
    address = parse_address(order["address"], certificates=True)
    certificates = Certificates(Path(order["certificates"]))
    with job.folder.alone(), DaskLink(address, certificates) as link:
        told: list[str] = []
        arguments = {"scheduler": str(address), "expected": order["nodes"]}
        coordinator = Coordinator(job, link, told.append, **arguments)
        end = coordinator.run(Interrupts())
        ended = time.monotonic()
        Path("told.txt").write_text("\n".join(told), encoding="utf-8")
    statuses = [cpu.status() for cpu in coordinator.cpus]
    found = {
        "end": end.name,
        "ended": ended,
        "cpus": len(statuses),
        "explored": sum(status.explored for status in statuses),
    }
    Path(order["told"]).write_text(json.dumps(found), encoding="utf-8")
    time.sleep(1e6)  # what it has used is looked up from outside; then it is killed
    return 0


if __name__ == "__main__":
    os._exit(main())
