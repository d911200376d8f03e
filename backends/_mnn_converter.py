"""MNN's converter, in a process of its own.

The program ``mnnconvert`` of the same package is not used: as it starts, it has pip install a
library into whatever Python is first on the PATH, and reports to a server of its makers.
"""

from __future__ import annotations

import sys


def main() -> int:
    """Converts the ONNX file that is named first into the MNN file that is named second."""
    import _tools

    model, target = sys.argv[1:]
    words = ["MNNConvert", "-f", "ONNX", "--modelFile", model, "--MNNModel", target]
    _tools.mnnconvert([*words, "--bizCode", "dse"])
    return 0
