"""Trees of submissions, as tests write them: with LoadGen's own logs of ten minutes."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from dse.core.metrics import Scenario
from dse.loadgen.logs import DETAIL
from tests.submission.evidence import GOLDEN, GOOD, IMAGES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

BOARD = {
    "system_name": "Test Board 1",
    "host_processor_model_name": "Example CPU 9000",
    "host_processors_per_node": "1",
    "host_processor_core_count": "2",
    "host_processor_frequency": "3700 MHz, 2.1 GHz",
    "accelerators_per_node": "0",
    "framework": "litert 2.3.0",
}
MODEL = "mobilenet-v1-0.25-128-int8"
SCORE = f"accuracy={100 * GOOD / IMAGES:.3f}%, good={GOOD}, total={IMAGES}\n\nhash=0\n"
SINGLE, OFFLINE = Scenario.SINGLE_STREAM, Scenario.OFFLINE
BOTH: Mapping[str, Scenario] = {"SingleStream": SINGLE, "Offline": OFFLINE}


def write_tree(
    root: Path,
    scenarios: Mapping[str, Scenario] = BOTH,
    *,
    system: str = "board",
    model: str = MODEL,
    description: Mapping[str, Any] | None = None,
    benchmark: str | None = "resnet",
    score: str = SCORE,
) -> Path:
    """What one organisation submitted, in the open division.

    Args:
        root: of the tree.
        scenarios: names of the folders, and what ran for them.
        system: its name.
        model: its name.
        description: of the system, beyond `BOARD`.
        benchmark: for which the model stands; None where nothing says so.
        score: the text of ``accuracy.txt``.

    Returns:
        The folder of the organisation.
    """
    folder = root / "open" / "Org"
    (folder / "systems").mkdir(parents=True, exist_ok=True)
    told = json.dumps({**BOARD, **(description or {})})
    (folder / "systems" / f"{system}.json").write_text(told)
    if benchmark is not None:
        (folder / "model_mapping.json").write_text(json.dumps({model: benchmark}))
    for name, ran in scenarios.items():
        place = folder / "results" / system / model / name
        logs = place / "performance" / "run_1"
        logs.mkdir(parents=True)
        packed = GOLDEN / ran.value / "performance" / f"{DETAIL}.gz"
        (logs / DETAIL).write_bytes(gzip.decompress(packed.read_bytes()))
        (place / "accuracy").mkdir()
        (place / "accuracy" / "accuracy.txt").write_text(score)
    return folder
