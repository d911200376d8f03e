"""What is measured, and what is remembered instead: counted by the measurements taken."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dse.core.details import QualityDetails
from dse.core.errors import RequestError
from dse.core.mcnemar import compare_right
from dse.exploration.measurer import Measurer
from dse.exploration.request import ExploreRequest
from dse.exploration.session import open_exploration
from dse.report.html.page import render_page
from dse.report.tables import measurements as table_of_measurements
from dse.report.tables import study_table
from dse.report.view import View
from dse.study.folder import existing_folder
from dse.study.study import Study
from tests.replays import attributes, failures, outcomes, write_space, write_table
from tests.small_models import onnx_bytes
from tests.tasks.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.measurement import Measurement
    from tests.commandline import Command

LATENCY, THROUGHPUT = "latency_p90_ms", "throughput_samples_per_s"
TFLITE = b"\x1c\0\0\0TFL3 and nothing that a runtime could load"
SHOWN = (
    *(("frontier",), ("frontier", "--json"), ("frontier", "--csv")),
    *(("status",), ("status", "--json"), ("compare", "--json")),
)
NULL = {"backends": ["null"], "objectives": [LATENCY], "threads": 1, "batch_sizes": 1}


def write_models(folder: Path, content: bytes = TFLITE) -> Path:
    """A folder with the manifest of two models."""
    models = folder / "models"
    models.mkdir(exist_ok=True)
    (models / "m.tflite").write_bytes(content)
    entry = {
        "file": "m.tflite",
        "precision": "fp32",
        "layout": "NHWC",
        "dtype": "float32",
        "resolution": 8,
        "mean": 0,
        "scale": 1,
        "label_offset": 0,
    }
    entries = [{"name": name, **entry} for name in ("a", "b")]
    (models / "models.yaml").write_text(yaml.safe_dump({"models": entries}))
    return models


def write_images(folder: Path, labels: tuple[int, ...] = (0, 1, 2, 0)) -> Path:
    images = folder / "images"
    images.mkdir()
    for number, _ in enumerate(labels):
        picture(number).save(images / f"{number}.png")
    lines = [f"{number}.png {label}\n" for number, label in enumerate(labels)]
    (images / "val_map.txt").write_text("".join(lines))
    return images


def test_single_stream_is_taken_once_for_all_batch_sizes(command: Command, here: Path) -> None:
    space = write_space(
        here, models="a", **{**NULL, "objectives": [LATENCY, THROUGHPUT], "batch_sizes": [1, 8]}
    )
    command.good("explore", space, "--settle", 0)
    assert command.counts("space") == (2, 0, 0, 3)
    stored = attributes(here / "studies/space/study.db", "outcome").values()
    first, second = ({m["metric"]: m for m in outcome["measurements"]} for outcome in stored)
    assert first[LATENCY] == second[LATENCY]
    assert first[THROUGHPUT]["key"] != second[THROUGHPUT]["key"]


def test_accuracy_is_taken_once_for_all_thread_counts(command: Command, here: Path) -> None:
    space = write_space(
        here, **{**NULL, "models": ["a", "b"], "objectives": "accuracy_percent", "threads": [1, 2]}
    )
    arguments = ["explore", space, "--models", write_models(here), "--dataset", write_images(here)]
    command.good(*arguments)
    assert command.counts("space") == (4, 0, 0, 2)
    for point in command.frontier("space")["points"]:
        assert point["accuracy_source"] == "measured"
        assert point["values"]["accuracy_percent"] == 50.0  # it always answers class 0
        low, high = point["intervals"]["accuracy_percent"]
        assert low < 50.0 < high
    command.good(*arguments, "--n-trials", 1)
    assert command.counts("space") == (4, 0, 0, 2)
    _check_answers(command, here)


def _check_answers(command: Command, here: Path) -> None:
    """Which images were answered right is stored with each accuracy once, and shown nowhere."""
    database = here / "studies/space/study.db"
    outcomes_text = json.dumps(attributes(database, "outcome"))
    stored = list(attributes(database, "measurement:accuracy_percent").values())
    texts = [measurement["details"]["right"] for measurement in stored]
    assert [compare_right(texts[0], text).p_value for text in texts] == [1, 1]
    view = View(Study.load(existing_folder("space")))
    (one, *_) = (record.outcome.quality for record in view.records)
    assert one is not None
    assert QualityDetails.of(one.details).right in texts
    shown = [command.good(name, "space", *words).out for name, *words in SHOWN]
    tables = [table.to_csv() for table in (study_table(view), table_of_measurements(view.study))]
    assert "50.0" in shown[0]
    for text in (outcomes_text, *shown, *tables, render_page(view, [])):
        assert texts[0].rpartition(" ")[2] not in text


@pytest.mark.parametrize(
    ("backends", "tried"),
    [
        pytest.param({"null": {"fault": "refuse"}}, 1, id="permanent"),
        pytest.param({"null": {"fault": "raise"}}, 2, id="transient"),
    ],
)
def test_transient_failures_are_tried_twice_and_permanent_ones_once(
    command: Command, here: Path, backends: dict[str, Any], tried: int
) -> None:
    space = write_space(here, models="a", **{**NULL, "backends": backends})
    assert command("explore", space).code == 1
    (failure,) = failures(here / "studies/space/study.db")
    assert failure["attempts"] == tried
    runs = here / "studies/space/runs"
    assert len(list(runs.iterdir())) == tried
    again = command("explore", space)
    assert again.code == 1
    assert "0 done now" in again.err
    assert len(list(runs.iterdir())) == tried
    retried = command("explore", space, "--retry-failed")
    assert retried.code == 1
    assert len(list(runs.iterdir())) == (1 if tried == 1 else 4)


def test_a_permanent_failure_is_remembered_where_it_must_come_again(
    command: Command, here: Path
) -> None:
    """Loading fails before any batch is formed: it fails the same at all batch sizes."""
    space = write_space(
        here,
        models="a",
        **{
            **NULL,
            "backends": {"null": {"fault": "refuse"}},
            "objectives": [LATENCY, THROUGHPUT],
            "batch_sizes": [1, 2, 4],
        },
    )
    assert command("explore", space).code == 1
    stored = failures(here / "studies/space/study.db")
    assert sorted(failure["attempts"] for failure in stored) == [0, 0, 1]
    assert {failure["message"] for failure in stored} == {"refused, as asked for"}
    assert len(list((here / "studies/space/runs").iterdir())) == 1


def test_a_changed_model_file_is_refused(command: Command, here: Path) -> None:
    fields = {**NULL, "backends": ["litert"]}
    explore = ["explore", write_space(here, models=["a"], **fields), "--models"]
    assert command(*explore, write_models(here)).code == 1  # it is no model
    before = outcomes(here / "studies/space/study.db")
    write_models(here, TFLITE + b", changed")
    more = write_space(here, models=["a"], **{**fields, "threads": [1, 2]})
    refused = command("explore", more, "--models", here / "models")
    assert refused.code == 2
    assert refused.last.startswith("dse: the file of a fp32 tflite has changed since study 'space'")
    assert before.items() <= outcomes(here / "studies/space/study.db").items()
    assert command.counts("space") == (0, 1, 1, 0)
    write_models(here)
    assert command("explore", more, "--models", here / "models").code == 1
    assert command.counts("space") == (0, 2, 0, 0)


def test_what_was_measured_of_a_file_that_is_replaced_meanwhile_is_not_kept(here: Path) -> None:
    entry = {"name": "a", "file": "m.onnx", "precision": "fp32", "layout": "NCHW", "mean": 0}
    more = {"dtype": "float32", "resolution": 8, "scale": 1, "label_offset": 0}
    (here / "models.yaml").write_text(yaml.safe_dump({"models": [{**entry, **more}]}))
    (here / "m.onnx").write_bytes(onnx_bytes())
    space = {
        **NULL,
        "models": "a",
        "backends": ["onnxruntime"],
        "objectives": [LATENCY, THROUGHPUT],
    }
    exploration = open_exploration(ExploreRequest(space, study="own", models=here, settle=0))
    kept: list[str] = []

    def keep(measurement: Measurement) -> None:
        kept.append(measurement.metric)
        (here / "m.onnx").write_bytes(onnx_bytes(heads=2))

    measurer = Measurer(exploration._context(lambda *_: None), exploration.study)
    [configuration] = exploration.planned.plan.configurations
    measurer.prepare(configuration)
    with pytest.raises(RequestError, match="has changed while study 'own' measured it"):
        measurer.measure(configuration, "run", keep)
    assert len(kept) == 1
    with pytest.raises(RequestError, match="has changed while study 'own' measured it"):
        measurer.measure(configuration, "again", keep)
    assert len(kept) == 1


def test_a_changed_table_is_refused(command: Command, here: Path) -> None:
    write_table(here)
    space = write_space(here)
    command.good("explore", space, "--n-trials", 2)
    before = outcomes(here / "studies/space/study.db")
    write_table(here, models=("b", "a"))
    refused = command("explore", space)
    assert refused.code == 2
    assert refused.last.startswith("dse: the file of replay's table has changed since")
    assert outcomes(here / "studies/space/study.db") == before
    write_table(here)
    command.good("explore", space, "--n-trials", 1)
    assert command.counts("space") == (3, 0, 5, 9)


def test_a_table_that_holds_no_number_is_refused_before_anything_is_stored(
    command: Command, here: Path
) -> None:
    table = write_table(here, models=["a"], threads=[1], batch_sizes=[1])
    table.write_text(table.read_text().replace(",4.0,", ",nan,"))
    answer = command("explore", write_space(here, models="a", threads=1, batch_sizes=1))
    assert answer.code == 2
    assert answer.last == (
        f"dse: {table}:2: latency_p90_ms: 'nan' is not a number above 0; "
        "correct the line, or take it out"
    )
    assert not (here / "studies").exists()


def test_recorded_failures_and_gaps(command: Command, here: Path) -> None:
    write_table(here, threads=[1], failing={"b": "no kernel for this"})
    command.good("explore", write_space(here))
    assert command.counts("space") == (2, 6, 0, 6)
    stored = failures(here / "studies/space/study.db")
    assert {failure["kind"] for failure in stored} == {"unsupported"}
    assert sum(failure["message"] == "no kernel for this" for failure in stored) == 2
    assert sum("no row of table.csv records" in failure["message"] for failure in stored) == 4


def test_an_accuracy_that_nobody_published(command: Command, here: Path) -> None:
    space = write_space(here, models="a", **{**NULL, "objectives": ["accuracy_percent", LATENCY]})
    assert command("explore", space).code == 1
    (failure,) = failures(here / "studies/space/study.db")
    assert failure["kind"] == "unsupported"
    assert "how good the answers of a fp32 are" in failure["message"]
    assert list((here / "studies/space/runs").iterdir()) == []


def test_a_run_can_be_repeated_by_hand(command: Command, here: Path) -> None:
    space = write_space(here, models="a", **NULL)
    command.good("explore", space, "--settle", 0)
    (spec,) = (here / "studies/space/runs").glob("*/spec.json")
    (measured,) = attributes(here / "studies/space/study.db", "outcome").values()
    again = [sys.executable, "-m", "dse.measure.worker", str(spec)]
    again += ["--folder", str(here / "again")]
    answer = subprocess.run(again, check=True, capture_output=True, text=True)
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    wanted = [(each["metric"], each["key"]) for each in measured["measurements"]]
    assert {(line["body"]["metric"], line["body"]["key"]) for line in lines[:-1]} >= {*wanted}
    assert lines[-1]["kind"] == "done"
