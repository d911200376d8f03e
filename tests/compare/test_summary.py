"""The JSON object and the CSV table of a comparison."""

from __future__ import annotations

import csv
import json
from typing import Any

from dse.compare.comparison import compare
from dse.compare.conclusion import conclude
from dse.compare.summary import as_csv, as_object
from dse.core.measurement import Source
from dse.core.metrics import LATENCY, THROUGHPUT
from dse.tasks.image_classification._quality import ACCURACY
from tests.compare.made import gathered, results, row

MEASURED = results(
    "mine",
    row(
        *("small",),
        accuracy=60,
        latency=1,
        throughput=800,
        source=Source.MEASURED,
        valid=frozenset({LATENCY.name}),
        samples=500,
        intervals={LATENCY.name: (0.9, 1.1)},
        configuration={"model": "small", "precision": "int8", "backend": "x", "threads": 2},
    ),
    row("bad", accuracy=50, latency=2, throughput=700, source=Source.MEASURED),
)
THEIRS = results(
    "theirs",
    row("large", accuracy=76, latency=4, throughput=200, inferred=frozenset({THROUGHPUT.name})),
    release="v3.0",
    accelerator="1 x Card",
    left_out=("one", "two", "three", "four"),
)


def objects(**options: Any) -> dict[str, Any]:
    comparison = compare(gathered(MEASURED, THEIRS, **options), [50, 70], accelerators=True)
    made = as_object(comparison, comparison.sort())
    return dict(json.loads(json.dumps(made, allow_nan=False)))


def test_everything_has_its_source_and_marks() -> None:
    found = objects()
    mine, theirs = found["systems"]
    assert (mine["sources"], mine["images"]) == (["measured"], [500])
    assert (theirs["sources"], theirs["release"]) == (["published"], "v3.0")
    assert theirs["accelerator"] == "1 x Card"
    (point,) = mine["frontier"]
    assert point["configuration"]["backend"] == "x"
    assert point["valid"] == [LATENCY.name]
    assert point["intervals"] == {LATENCY.name: [0.9, 1.1]}
    assert point["frontier_of"] == [LATENCY.name, THROUGHPUT.name]
    assert point["derived"] == {"throughput_per_core": 200.0}
    assert theirs["best"][ACCURACY.name]["label"] == "large"
    by_name = {(r["criterion"], r["accuracy_percent"]): r for r in found["rankings"]}
    first, second = by_name[LATENCY.name, 50]["standings"]
    assert (first["validity"], first["inferred"], first["sources"]) == (
        *("valid", False),
        ["measured"],
    )
    assert (first["interval"], first["images"], first["accuracy_percent"]) == ([0.9, 1.1], 500, 60)
    assert (second["validity"], second["sources"]) == ("valid", ["published"])
    last = by_name[THROUGHPUT.name, 70]
    assert [each["inferred"] for each in last["standings"]] == [True]
    assert last["absent"] == [{"system": 1, "lacking": "no configuration reaches 70 %"}]
    mine_offline = by_name[THROUGHPUT.name, 50]["standings"][0]
    assert (mine_offline["name"], mine_offline["validity"]) == ("mine", "probe")


def test_what_a_user_asked_for_is_told() -> None:
    found = objects(metrics=["slowness = latency_p90_ms * 2"], conditions=["latency_p90_ms < 1.5"])
    assert found["derived"][-1]["name"] == "slowness"
    assert found["where"] == {
        "conditions": ["latency_p90_ms < 1.5"],
        "points": 3,
        "kept": 1,
        "undecided": {},
    }
    assert found["systems"][0]["frontier"][0]["derived"]["slowness"] == 2.0


def test_the_table_has_a_line_for_each_point_of_a_frontier() -> None:
    lines = as_csv(compare(gathered(MEASURED, THEIRS))).splitlines()
    mine, theirs = csv.DictReader(lines)
    assert (mine["system"], mine["model"], mine["threads"]) == ("mine", "small", "2")
    assert (mine["latency_p90_ms"], mine["latency_p90_ms_low"]) == ("1.0", "0.9")
    assert mine["latency_p90_ms_source"] == "measured"
    assert mine["latency_p90_ms_validity"] == "valid"
    assert mine["throughput_samples_per_s_validity"] == "probe"
    assert mine["images"] == "500"
    assert (theirs["threads"], theirs["latency_p90_ms_low"], theirs["images"]) == ("", "", "")
    assert theirs["throughput_samples_per_s_inferred"] == "True"
    assert theirs["release"] == "v3.0"


def test_the_conclusion_the_order_and_what_is_left_out() -> None:
    comparison = compare(gathered(MEASURED, THEIRS), [50, 70])
    found = as_object(comparison, comparison.sort())
    assert found["conclusion"] == conclude(comparison, comparison.sort())
    assert found["sorted_by"] == {
        "criterion": LATENCY.name,
        "accuracy_percent": 50,
        "systems": [1],
    }
    assert found["left_out_systems"] == [
        {"system": 2, "evidence": "its description lists 1 x Card"}
    ]
    assert [system["hardware"] for system in found["systems"]] == ["cpu", "accelerator"]
    absent = [{"system": 2, "lacking": "has an accelerator"}]
    assert found["rankings"][0]["absent"] == absent
    assert as_object(comparison, None)["sorted_by"] is None
