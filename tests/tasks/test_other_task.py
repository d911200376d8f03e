"""A task of another distribution, from exploring to a report: no module of ours names it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.commandline import here, tmp_path
from tests.toy_task import DOCUMENTS, dse, write_inputs

__all__ = ["here", "tmp_path"]

INPUTS = ("--models", "models", "--dataset", "documents")


def test_it_goes_the_whole_way(installed: Path, here: Path) -> None:
    write_inputs(here, batch_sizes=[4])

    def good(*words: object) -> str:
        code, out, err = dse(installed, *words, folder=here)
        assert code == 0, err
        return out + err

    told = good("explore", "space.yaml", *INPUTS, "--settle", 0) + good("status", "space")
    assert f"data set: {DOCUMENTS} documents, from documents.json" in told
    assert "configurations: 2 measured, 0 failed, 0 remaining" in told
    found = json.loads(good("frontier", "space", "--json"))
    assert [objective["name"] for objective in found["objectives"]] == [
        "tag_f1",
        "latency_p90_ms",
        "throughput_samples_per_s",
    ]
    scores = {p["configuration"]["model"]: p["values"]["tag_f1"] for p in found["points"]}
    assert scores["exact"] == 1
    if "blurred" in scores:
        assert 0.2 < scores["blurred"] < 0.95
    rehearse = ("validate", "space", *INPUTS, "--rehearsal", "--scenario", "SingleStream")
    told = good(*rehearse) + good("report", "space")
    assert " F1 " in told
    page = (here / "studies" / "space" / "report" / "report.html").read_text(encoding="utf-8")
    assert "mean F1 of tags" in page
    assert "top-1" not in page
    code, _, err = dse(here, "frontier", "space", folder=here)
    assert code == 2  # where the task is not installed
    [line] = err.splitlines()
    assert "unknown task 'tagging'" in line


def test_a_score_that_is_no_number_is_a_failure(
    installed: Path, tmp_path: Path, here: Path
) -> None:
    changed = Path(shutil.copytree(installed, tmp_path / "changed"))
    worker = changed / "toy_dse" / "worker.py"
    right, wrong = "sum(found) / len(found)", "float('nan')"
    assert right in worker.read_text()
    worker.write_text(worker.read_text().replace(right, wrong))
    write_inputs(here, models=["exact"], batch_sizes=1, objectives=["tag_f1"])
    words = ["--models", "models", "--dataset", "documents", "--settle", "0"]
    code, _, err = dse(changed, "explore", "space.yaml", *words, folder=here)
    assert code == 1
    assert "the task tagging failed in score: the score of the answers is nan, not a finite" in err


def test_its_models_and_data_set_are_checked_as_ours_are(installed: Path, here: Path) -> None:
    write_inputs(here)
    code, _, err = dse(installed, "explore", "space.yaml", folder=here)
    assert (code, err.strip()) == (2, "dse: the task tagging has no builtin models; give --models")
    manifest = here / "models" / "models.yaml"
    manifest.write_text(manifest.read_text().replace("words: 6", "words: none", 1))
    code, _, err = dse(installed, "explore", "space.yaml", *INPUTS, folder=here)
    assert code == 2
    [line] = err.splitlines()
    assert "models.yaml" in line
    assert "models[0].words" in line
