"""Model files are made before a configuration is claimed, and beside others that measure."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml

from dse.core.errors import ModelError, RequestError
from dse.core.measurement import FailureKind
from dse.exploration.request import ExploreRequest
from dse.exploration.resolver import Resolver
from dse.exploration.session import LogObserver, open_exploration
from dse.exploration.stopping import Interrupts
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from tests.brief import BRIEFLY
from tests.commandline import unwrapped

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.exploration.planner import Step
    from dse.exploration.session import Exploration
    from dse.models.provider import Artefact

MODEL = "mobilenet-v1-0.25-128"
SPACE = {
    "models": MODEL,
    "backends": ["onnxruntime", "null"],
    "threads": 1,
    "batch_sizes": 1,
    "objectives": ["latency_p90_ms"],
}
OTHER = {**SPACE, "backends": ["null"]}


class Watched(BuiltinProvider):
    """Builds models and tells before it does."""

    def __init__(self, building: Callable[[], None]) -> None:
        super().__init__()
        self._building = building

    def artefact(self, model: str, precision: str, formats: tuple[ModelFormat, ...]) -> Artefact:
        """The file, once it was told that it is asked for."""
        self._building()
        return super().artefact(model, precision, formats)


class Events(LogObserver):
    """Notes what begins and ends."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def began(self, step: Step) -> None:
        """Notes the backend."""
        self.seen.append(f"began {step.configuration.backend}")


def opened(building: Callable[[], None]) -> Exploration:
    """An exploration whose models are watched while they are built."""
    request = ExploreRequest(SPACE, study="watched", sampler="grid", settle=0)
    found = open_exploration(request)
    planned = found.planned
    watched = replace(planned.prepared, provider=Watched(building))
    return replace(found, planned=replace(planned, prepared=watched))


def run(exploration: Exploration) -> list[str]:
    """Explores; what was seen."""
    events = Events()
    exploration.run(events, Interrupts(), lambda *_: None)
    return events.seen


def test_another_exploration_measures_while_a_model_is_built(here: Path) -> None:
    (here / "other.yaml").write_text(yaml.safe_dump(OTHER))
    said: list[str] = []
    unfinished: list[int] = []

    def building() -> None:
        study = exploration.study
        unfinished.append(study.trials_begun - len(study.records))
        words = [sys.executable, *BRIEFLY, "explore", "other.yaml", "--settle", "0"]
        # With the lock of the machine held this would wait until it is killed.
        ended = subprocess.run(words, capture_output=True, text=True, timeout=120, check=True)
        said.append(ended.stderr)

    exploration = opened(building)
    seen = run(exploration)
    assert len(said) == 1
    assert "1 measured, 0 failed, 0 remaining" in "\n".join(unwrapped(said[0]))
    assert "another process measures" not in said[0]
    assert unfinished == [0]
    assert sorted(seen) == ["began null", "began onnxruntime"]
    outcomes = [record.outcome for record in exploration.study.records.values()]
    assert [outcome.failure for outcome in outcomes] == [None, None]


def test_the_clock_of_a_step_begins_when_its_files_are_there(here: Path) -> None:
    assert here.is_dir()
    order: list[str] = []

    class Ordered(Events):
        def began(self, step: Step) -> None:
            order.append(f"began {step.configuration.backend}")

    exploration = opened(lambda: order.append("built"))
    exploration.run(Ordered(), Interrupts(), lambda *_: None)
    assert sorted(order) == ["began null", "began onnxruntime", "built"]
    assert order.index("built") < order.index("began onnxruntime")


def test_a_model_that_can_t_be_made_fails_alone(here: Path) -> None:
    assert here.is_dir()

    def building() -> None:
        raise ModelError("m.onnx can't be quantised: it has no weights")

    exploration = opened(building)
    run(exploration)
    failures = {
        record.configuration.backend: record.outcome.failure
        for record in exploration.study.records.values()
    }
    assert failures["null"] is None
    failed = failures["onnxruntime"]
    assert failed is not None
    assert (failed.kind, failed.message) == (
        FailureKind.LOAD,
        "m.onnx can't be quantised: it has no weights",
    )


def test_an_input_that_can_t_be_used_ends_it_and_nothing_is_claimed(here: Path) -> None:
    assert here.is_dir()

    def building() -> None:
        raise RequestError("can't be read", file="m.onnx")

    exploration = opened(building)
    with pytest.raises(RequestError, match="can't be read"):
        run(exploration)
    study = exploration.study
    assert study.trials_begun == len(study.records)
    assert {record.configuration.backend for record in study.records.values()} <= {"null"}


def test_what_was_made_is_looked_up_and_noted_once(here: Path) -> None:
    assert here.is_dir()
    built: list[str] = []
    exploration = opened(lambda: built.append("built"))
    study = exploration.study
    resolver = Resolver(exploration._context(lambda *_: None), study)
    [wanted] = [c for c in exploration.planned.plan.configurations if c.backend == "onnxruntime"]
    assert not resolver.ready(wanted)
    resolver.ensure_artefact(wanted)
    assert resolver.ready(wanted)
    found = resolver.resolve(wanted)
    assert found.depends == resolver.resolve(wanted).depends
    assert found.artefact is not None
    assert built == ["built"]
    assert not study.about.artefacts
    resolver.check(found)
    noted = dict(study.about.artefacts)
    assert list(noted) == [f"{MODEL} fp32 onnx"]
    resolver.check(replace(found, artefact=replace(found.artefact, sha256="0" * 64)))
    assert dict(study.about.artefacts) == noted  # asked once
    other = Resolver(exploration._context(lambda *_: None), study)
    with pytest.raises(RequestError, match="has changed since study 'watched' used it"):
        other.check(replace(found, artefact=replace(found.artefact, sha256="0" * 64)))
