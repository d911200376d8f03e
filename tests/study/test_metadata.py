"""When a study may go on, and when it would mix what does not belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dse.core.errors import RequestError
from dse.study.folder import StudyFolder
from dse.study.metadata import NO_ACCURACY, PUBLISHED, StudyMetadata
from tests.machines import masked
from tests.study.studies import about, create, small_space

if TYPE_CHECKING:
    from pathlib import Path

SPACE = small_space()
IMAGES, OTHER_IMAGES = "1" * 64, "2" * 64
HERE = about(SPACE).system


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        ({}, {"system": {**HERE, "cpu": "Another"}}, ["another system", "CPU: Another", "per-cpu"]),
        ({}, {"system": {**HERE, "available_cpus": 96}}, ["available CPUs: 96 here", "--study"]),
        ({}, {"system": {**HERE, "microcode": "0x1"}}, ["microcode: 0x1 here"]),
        ({}, {"accuracy": IMAGES}, ["from published figures, not from data set 1111", "--dataset"]),
        ({"accuracy": IMAGES}, {}, ["from data set 1111", "not from published figures"]),
        ({"accuracy": IMAGES}, {"accuracy": OTHER_IMAGES}, ["set 1111", "not from data set 2222"]),
        ({}, {"runtimes": {"null": "2"}}, ["with null 1; 2 is installed", "install 1"]),
        (
            {"environment": {"ONEDNN_MAX_CPU_ISA": "SSE41"}},
            {"environment": {}},
            ["another environment: ONEDNN_MAX_CPU_ISA was 'SSE41' and is not set", "--env"],
        ),
        ({"environment": {}}, {"environment": {"A": "1"}}, ["A was not set and is '1'"]),
        (
            {"environment": {"LD_LIBRARY_PATH": "/a"}},
            {"environment": {"LD_LIBRARY_PATH": "/b"}},
            ["LD_LIBRARY_PATH was '/a' and is '/b'"],
        ),
        ({"environment": None}, {"environment": {"A": "1"}}, ["A was not set and is '1'"]),
    ],
)
def test_what_does_not_belong_together_is_refused(
    before: dict[str, Any], now: dict[str, Any], words: list[str]
) -> None:
    with pytest.raises(RequestError) as caught:
        about(SPACE, **before).continued(about(SPACE, **now), "mine")
    assert "study 'mine'" in str(caught.value)
    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"flags": "avx512f"}, "instruction sets: only in the study avx512_bf16 avx512_vnni"),
        ({"l2": "512K"}, "caches: L2 512 KiB x 2 here, L2 1 MiB x 2 in the study"),
        ({"family": 26}, "CPU family: 26 here, 25 in the study"),
        ({"quota": "150000"}, "available CPUs: 1 here, 2 in the study; CPU quota: 1.5 CPUs here"),
        ({"memory": str(300 << 20)}, "memory limit in MiB: 300 here, none in the study"),
    ],
)
def test_a_study_resumed_where_only_the_name_is_the_same_is_refused(
    tmp_path: Path, changes: dict[str, Any], words: str
) -> None:
    folder = StudyFolder(tmp_path / "mine")
    begun, here = masked(tmp_path / "begun"), masked(tmp_path / "here", **changes)
    create(folder, SPACE, system=begun.as_dict())
    create(folder, SPACE, system=begun.as_dict())
    with pytest.raises(RequestError) as caught:
        create(folder, SPACE, system=here.as_dict())
    assert f"study 'mine' belongs to another system: {words}" in str(caught.value)
    assert here.cpu == begun.cpu == "AMD EPYC"


@pytest.mark.parametrize("changes", [{"kernel": "9.9"}, {"operating_system": "Other"}])
def test_what_speed_does_not_depend_on_may_change(changes: dict[str, str]) -> None:
    before, now = about(SPACE), about(SPACE, system={**HERE, **changes})
    assert before.continued(now, "mine").system == now.system


def test_a_study_of_an_earlier_version_does_not_say_what_its_environment_was() -> None:
    stored = about(SPACE).as_dict()
    del stored["environment"]
    before = StudyMetadata.from_dict(stored)
    assert before.environment is None
    now = about(SPACE, environment={"LD_LIBRARY_PATH": "/opt/lib"})
    assert before.continued(now, "mine").environment is None


def test_the_same_environment_goes_on() -> None:
    environment = {"LD_LIBRARY_PATH": "/opt/lib", "MALLOC_ARENA_MAX": "1"}
    study = StudyMetadata.from_dict(about(SPACE, environment=environment).as_dict())
    assert study.continued(about(SPACE, environment=dict(environment)), "mine") == study


def test_what_is_known_is_kept_and_what_is_new_is_added() -> None:
    before = about(SPACE, artefacts={"a": "1"}, runtimes={"null": "1", "litert": "2"})
    wider = small_space(models=["a", "b", "c"])
    went_on = before.continued(about(wider, runtimes={"null": "1", "replay": "1"}), "mine")
    assert went_on.space == wider.as_dict()
    assert went_on.planned == 30
    assert went_on.artefacts == {"a": "1"}
    assert went_on.runtimes == {"null": "1", "litert": "2", "replay": "1"}


def test_a_study_without_accuracies_may_get_them_from_anywhere_once() -> None:
    """And where none are asked for in between, the source is not forgotten."""
    speed = small_space(objectives=["latency_p90_ms", "throughput_samples_per_s"])
    without = about(speed, accuracy=NO_ACCURACY)
    for source in (IMAGES, PUBLISHED):
        begun = without.continued(about(SPACE, accuracy=source), "mine")
        assert begun.accuracy == source
        paused = begun.continued(without, "mine")
        assert paused.accuracy == source
        with pytest.raises(RequestError, match="has its qualities from"):
            paused.continued(about(SPACE, accuracy=OTHER_IMAGES), "mine")


@pytest.mark.parametrize(
    ("now", "tie_percent"), [({}, 5.0), ({"tie_percent": 2.0, "tie_asked": True}, 2.0)]
)
def test_a_study_keeps_its_tie_until_another_is_asked_for(
    now: dict[str, Any], tie_percent: float
) -> None:
    before = StudyMetadata.from_dict(about(SPACE, tie_percent=5.0, tie_asked=True).as_dict())
    went_on = before.continued(about(SPACE, **now), "mine")
    assert StudyMetadata.from_dict(went_on.as_dict()).tie_percent == tie_percent


def test_the_metrics_are_the_objectives_and_then_the_constrained_ones() -> None:
    space = small_space(
        objectives=["throughput_samples_per_s", "accuracy_percent"],
        constraints={"latency_p90_ms": {"max": 5}, "accuracy_percent": {"min": 1}},
    )
    assert about(space).metrics == (
        "throughput_samples_per_s",
        "accuracy_percent",
        "latency_p90_ms",
    )
