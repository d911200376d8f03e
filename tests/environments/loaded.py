"""A worker that tells which packages it has loaded, in the environment of an old runtime."""

from __future__ import annotations

import sys
from pathlib import Path

from dse.measure import worker


def main() -> int:
    code = worker.main(sys.argv[2:])
    names = {name.partition(".")[0] for name in sys.modules}
    Path(sys.argv[1]).write_text("\n".join(sorted(names - sys.stdlib_module_names)))
    return code
