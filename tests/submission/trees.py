"""A small tree made by hand, and what lies in a folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from dse.submission.tree import Tree, as_json

ROOT = PurePosixPath("open/Org")
PLACE = ROOT / "results/board/model/Offline"
LOG = PLACE / "accuracy/mlperf_log_accuracy.json"


def small_tree(whole: Path, model: str = "model", place: PurePosixPath = PLACE) -> Tree:
    """A tree of one result, whose whole accuracy log is the file ``whole``."""
    log = place / "accuracy/mlperf_log_accuracy.json"
    files = {
        ROOT / "model_mapping.json": as_json({model: "resnet"}),
        ROOT / "systems/board.json": as_json({"status": "available"}),
        place / "user.conf": b"*.Offline.target_qps = 1\n",
        place / "performance/run_1/mlperf_log_summary.txt": b"summary\n",
        log: b"cut",
    }
    return Tree(files, {log: whole}, [place])


def contents(folder: Path) -> dict[str, bytes]:
    """Every file by its path, and every empty folder."""
    return {
        str(path.relative_to(folder)) + ("/" if path.is_dir() else ""): (
            b"" if path.is_dir() else path.read_bytes()
        )
        for path in folder.rglob("*")
        if not path.is_dir() or not any(path.iterdir())
    }
