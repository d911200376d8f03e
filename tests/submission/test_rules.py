"""Every rule: what is complete breaks none, and one change breaks the one that it should."""

from __future__ import annotations

import itertools
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from dse.core.measurement import Outcome
from dse.core.metrics import METRICS_OF, Scenario
from dse.exploration._keys import speed_key
from dse.study.folder import existing_folder
from dse.study.study import Study
from dse.submission.evidence import gather
from dse.submission.release import LATEST, RELEASES
from dse.submission.rules import REMEDIES, SHORT, breaches, foreseeable, of_scenario
from dse.tasks.benchmark import Benchmark
from dse.tasks.registry import DEFAULT
from tests.submission.conftest import NAMES
from tests.submission.evidence import CONFIGURATION, IMAGES
from tests.submission.mutations import CLOSED_MUTATIONS, MUTATIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dse.study.record import Record
    from dse.submission.rules import Breach
    from tests.commandline import Command
    from tests.submission.copies import Copy

DOCS = Path(__file__).parents[2] / "docs" / "submission.md"
EXPORT = ("--submitter", "Org", "--output", "tree", "--system", "system.yaml")


def broken(scenarios: Iterable[Scenario], study: str, *, infer: bool = False) -> list[Breach]:
    benchmark = Benchmark.of()
    opened = Study.load(existing_folder(study))
    (record,) = opened.frontier()
    results = gather(opened, record, list(scenarios), ("valid",), infer=infer, benchmark=benchmark)
    models = opened.about.models
    found = (breaches(each, RELEASES[LATEST], models, benchmark) for each in results)
    return [breach for each in found for breach in each]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_complete_breaks_no_rule(copied: Callable[[str], Copy], name: str) -> None:
    copied(name)
    assert broken(NAMES[name], name) == []


def test_what_no_run_mends_is_known_before_any(copied: Callable[[str], Copy]) -> None:
    copied("single")
    (record,) = Study.load(existing_folder("single")).frontier()

    def rules(models: str, known: Record, task: str = DEFAULT) -> list[str]:
        found = foreseeable(known, models, Benchmark.of(task))
        assert all(breach.remedy for breach in found)
        return [breach.rule for breach in found]

    def over(images: int) -> Record:
        known = record.outcome.quality
        assert known is not None
        accuracy = replace(known, details={"total": images})
        return replace(record, outcome=Outcome((accuracy,)))

    assert rules("file", record) == rules("file", over(IMAGES)) == []
    assert rules("file", over(500)) == ["accuracy-samples"]
    assert rules("file", over(10_570), "question-answering") == []  # of 10,833 samples
    assert rules("builtin", over(IMAGES)) == ["trained"]
    # Of an item of several samples each of these counts.
    known = record.outcome.quality
    assert known is not None
    for samples, broken_rules in ((IMAGES, []), (600, ["accuracy-samples"])):
        accuracy = replace(known, details={"total": 500, "samples": samples})
        assert rules("file", replace(record, outcome=Outcome((accuracy,)))) == broken_rules
    nothing = replace(record, outcome=Outcome())
    assert rules("builtin", nothing) == ["trained", "accuracy-measured"]
    assert rules("file", nothing) == ["accuracy-measured"]


def _one_of_each_rule() -> Iterator[object]:
    """All mutations; those of a rule that another one breaks in the same kind of study are long."""
    seen = set()
    for name, mutation in MUTATIONS.items():
        rule = (mutation.study, mutation.rule)
        yield pytest.param(name, marks=[pytest.mark.long] if rule in seen else [])
        seen.add(rule)


@pytest.mark.parametrize("name", [*_one_of_each_rule()])
def test_a_mutation_is_refused_by_its_rule(
    command: Command, here: Path, copied: Callable[[str], Copy], name: str
) -> None:
    mutation = MUTATIONS[name]
    mutation.change(copied(mutation.study))
    before = {*here.iterdir()}
    category = ["--category", "datacenter"] if mutation.study == "server" else []
    answer = command("export", mutation.study, *EXPORT, *category)
    assert (answer.code, answer.out) == (2, "")
    (line,) = answer.err.splitlines()
    (scenario,) = NAMES[mutation.study]
    assert line.startswith(f"dse: #0 {scenario.value}: {mutation.rule}: ")
    assert mutation.words in line
    assert {*here.iterdir()} == before


def test_batches_and_instances_have_no_part_in_single_stream(copied: Callable[[str], Copy]) -> None:
    for name, count in (("single", 0), ("offline", 2)):
        study = copied(name)
        for mode in ("performance", "accuracy"):
            study.spec(mode, lambda spec: spec["configuration"].update(batch_size=8, instances=2))
        rules = [breach.rule for breach in broken(NAMES[name], name)]
        assert rules == ["configuration"] * count


@pytest.mark.parametrize("scenario", Scenario)
def test_what_is_run_once_for_several_points_stands_for_all(scenario: Scenario) -> None:
    """Configurations with one key of a measurement have a run in common."""
    metric = METRICS_OF[scenario]
    for one, other in itertools.combinations([1, 4, 8, 16, 32], 2):
        both = [replace(CONFIGURATION, batch_size=size) for size in (one, other)]
        keys = {speed_key(metric, each, {}, "cpu", recorded=False) for each in both}
        assert (len(keys) == 1) is (len({of_scenario(each, scenario) for each in both}) == 1)


def test_multi_stream_is_inferred_from_enough_queries_only(copied: Callable[[str], Copy]) -> None:
    study = copied("single")
    study.log("performance", early_stopping_latency_ms=0)
    assert broken([Scenario.SINGLE_STREAM], "single") == []
    rules = {breach.rule for breach in broken([Scenario.SINGLE_STREAM], "single", infer=True)}
    assert rules == {"queries"}


def test_every_rule_is_in_the_docs_and_has_a_mutation() -> None:
    source = Path(breaches.__code__.co_filename).read_text()
    rules = set(re.findall(r'(?:Breach\(|_at_least\(log, |\(\(?)"([a-z-]+)",', source))
    listed = set(re.findall(r"^\| (`.+?`) \|", DOCS.read_text(), re.MULTILINE))
    documented = {name for cell in listed for name in re.findall(r"`([a-z-]+)`", cell)}
    mutated = {mutation.rule for mutation in (*MUTATIONS.values(), *CLOSED_MUTATIONS.values())}
    others = {"fidelity", "accuracy-measured", "reference-model", "all-scenarios"}
    assert mutated | others == documented
    assert rules <= documented
    assert documented >= SHORT | set(REMEDIES)
    assert len(MUTATIONS) >= 30
