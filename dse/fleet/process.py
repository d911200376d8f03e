"""The process of a scheduler or a node of this machine, for `dse.fleet.clusters`.

``python -m dse.fleet.process ORDER``, where the order is a JSON object.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from dse.core.errors import DseError
from dse.core.printable import to_printable
from dse.fleet import node, scheduler
from dse.fleet.address import parse_address
from dse.fleet.certificates import Certificates
from dse.fleet.place import Place


def main() -> int:
    """Serves until it is told to end; returns the exit code."""
    order = json.loads(sys.argv[1])
    certificates = Certificates(Path(order["certificates"]))
    address = parse_address(order["address"], certificates=True)
    try:
        if order["role"] == "scheduler":
            scheduler.serve(address, certificates, _say, Path(order["ready"]))
        else:
            node.run(address, certificates, Place(Path(order["folder"])), _say, once=True)
    except DseError as error:
        _say(f"dse: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{to_printable(line)}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    os._exit(main())
