"""The names of expressions: those there are, those that are taken, those that are missing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.core.metrics import ENERGY, LATENCY, METRICS
from dse.derived.derivation import Derivation
from dse.derived.point import Machine
from tests.objectives import DEFAULT_OBJECTIVES

if TYPE_CHECKING:
    from pathlib import Path

KNOBS = {"streams"}


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    path = tmp_path / "facts.yaml"
    path.write_text("price: 2\nsystems:\n  A*: {ghz: 3.5}\n", encoding="utf-8")
    return path


def test_everything_that_is_known_has_a_name(facts: Path) -> None:
    names = [
        *(name for metric in METRICS for name in (metric, f"{metric}_low", f"{metric}_high")),
        *("threads", "batch_size", "instances", "cpus", "cores", "ghz", "price", "streams"),
    ]
    derivation = Derivation.parse(
        [f"m{place} = {name}" for place, name in enumerate(names)],
        ["m0 > 1 and m1_low > m1_high", "cpu == 'A' and pinned and model != precision"],
        ["m0:maximize", LATENCY.name],
        facts,
    )
    derivation.check(KNOBS)
    assert derivation.asked
    assert derivation.selects


@pytest.mark.parametrize(
    ("metrics", "conditions", "objectives", "words"),
    [
        (
            ["a = pricee"],
            [],
            [],
            "--metric: 'pricee': nothing is called 'pricee'; did you mean 'pr",
        ),
        (["a = zzz"], [], [], "--metric: 'zzz': nothing is called 'zzz'; known are metrics, their"),
        (["a = b", "b = 1"], [], [], "--metric: 'b': nothing is called 'b'"),
        (["a = a"], [], [], "--metric: 'a': nothing is called 'a'"),
        (["price = 1"], [], [], "--metric: 'price' is the name of something else; choose another"),
        (["streams = 1"], [], [], "--metric: 'streams' is the name of something else"),
        (
            [],
            ["latency_p90 < 1"],
            [],
            "--where: 'latency_p90 < 1': nothing is called 'latency_p90'",
        ),
        ([], [], ["treads:minimize"], "--objective: no metric is called 'treads'"),
        ([], [], ["threads:minimize"], "--objective: no metric is called 'threads'; define one of"),
        (
            [],
            [],
            ["latency_p90_m:minimize"],
            "--objective: no metric is called 'latency_p90_m'; did",
        ),
    ],
)
def test_a_name_that_is_wrong_is_told(
    facts: Path, metrics: list[str], conditions: list[str], objectives: list[str], words: str
) -> None:
    derivation = Derivation.parse(metrics, conditions, objectives, facts)
    with pytest.raises(RequestError) as caught:
        derivation.check(KNOBS)
    assert str(caught.value).startswith(words)


def test_a_fact_must_not_be_called_like_a_knob(facts: Path) -> None:
    derivation = Derivation.parse(facts=facts)
    with pytest.raises(
        RequestError, match=r"facts.yaml:1: price: 'price' is the name of something"
    ):
        derivation.check({"price"})


def test_nothing_is_given_twice() -> None:
    with pytest.raises(RequestError, match="--metric: 'a' is given twice"):
        Derivation.parse(["a = 1", "a = 2"])
    with pytest.raises(RequestError, match=r"--objective: 'a' is given twice; give it once"):
        Derivation.parse(["a = 1"], objectives=["a:maximize", "a:minimize"])


def test_a_file_that_is_asked_for_is_read(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no such file"):
        Derivation.parse(facts=tmp_path / "no.yaml")
    assert not Derivation.parse().asked


def test_the_users_number_wins_over_what_is_known(facts: Path) -> None:
    derivation = Derivation.parse(["a = ghz * price"], facts=facts)
    for cpu, ghz in (("AMD", 3.5), ("Intel", 2.0)):
        assessor = derivation.assessor(Machine.of(cpu=cpu, ghz=2.0))
        assert assessor.facts["ghz"] == ghz
        assert assessor.facts["price"] == 2.0


def test_objectives_know_their_unit_and_whether_they_vary() -> None:
    derivation = Derivation.parse(
        [
            "size [KiB] = model_size_mib * 1024",
            "speed [1/s] = 1000 / latency_p90_ms",
            "both = size + speed",
            f"bill = {ENERGY.name} * 2",
            "busy = threads * instances",
        ],
        objectives=[f"{name}:minimize" for name in ("size", "speed", "both", "bill", "busy")]
        + ["accuracy_percent:minimize"],
    )
    found = {metric.name: metric for metric in derivation.metrics(DEFAULT_OBJECTIVES)}
    assert [found[name].timed for name in ("size", "speed", "both", "bill", "busy")] == [
        *(False, True, True, True, False)
    ]
    assert [name for name, metric in found.items() if metric.estimated] == ["bill"]
    assert found["speed"].unit == "1/s"
    assert found["accuracy_percent"].direction == "minimize"
    own = Derivation().metrics(DEFAULT_OBJECTIVES)
    assert own == tuple(METRICS[name] for name in DEFAULT_OBJECTIVES)
