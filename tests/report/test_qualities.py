"""A point that leads by an accuracy that the images can't tell from another's says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.mcnemar import encode_right
from dse.core.measurement import Measurement, Outcome, Source
from dse.core.metrics import LATENCY
from dse.report.summary import notes
from dse.report.view import View
from dse.study.folder import StudyFolder
from dse.study.revisions import distributions
from dse.tasks.image_classification._quality import ACCURACY
from tests.study.studies import create, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.core.configuration import KnobValue
    from dse.study.study import Study

COUNT = 500
SPACE = small_space(
    backends={"null": {}, "replay": {"table": "table.csv"}},
    batch_sizes=1,
    threads=1,
    objectives=[ACCURACY.name, LATENCY.name],
)


def measured(model: str, right: int, latency_ms: float, *, kept: bool = True) -> Outcome:
    """A model that answers the first images right, at a latency from a table."""
    answers = encode_right([index < right for index in range(COUNT)], "images")
    details: dict[str, KnobValue] = {
        "total": COUNT,
        **({"right": answers} if kept and answers else {}),
    }
    percent = 100 * right / COUNT
    ends = percent - 4, percent + 4
    return Outcome(
        (
            Measurement(
                *(ACCURACY.name, percent, f"accuracy {model}", Source.MEASURED),
                interval=ends,
                details=details,
            ),
            Measurement(LATENCY.name, latency_ms, f"{model} {latency_ms}", Source.REPLAYED),
        )
    )


def study_of(folder: Path, first: Outcome, second: Outcome) -> Study:
    """A study of the models a and b; each runs on two backends, equally fast."""
    study = create(StudyFolder(folder / "mine"), SPACE)
    plan = planned(SPACE)
    for configuration in plan.configurations:
        outcome = first if configuration.model == "a" else second
        trial = study.begin(configuration, distributions(plan))
        for measurement in outcome.measurements:
            study.keep(trial, measurement)
        study.finish(trial, outcome)
    return study


def told(study: Study) -> list[str]:
    return [line for line in notes(View(study)) if "can't tell" in line]


def test_a_lead_by_a_few_images_is_told_with_its_p_value(tmp_path: Path) -> None:
    study = study_of(tmp_path, measured("a", 350, 2.0), measured("b", 346, 1.0))
    view = View(study)
    assert len(view.frontier) == 4
    first = [record for record in view.frontier if record.configuration.model == "a"]
    assert not any(map(view.frontier.certain, first))
    ids = {model: _first(study, model) for model in "ab"}
    assert told(study) == [
        f"500 images can't tell these accuracies apart: #{ids['a']} and #{ids['b']} (p = 0.12)"
    ]


def _first(study: Study, model: str) -> int:
    return min(r.id for r in study.records.values() if r.configuration.model == model)


@pytest.mark.parametrize(
    ("right", "latency_ms", "kept"),
    [
        pytest.param(330, 1.0, True, id="20 images tell"),
        pytest.param(346, 3.0, True, id="the other is behind in both"),
        pytest.param(346, 1.0, False, id="nobody knows the answers"),
    ],
)
def test_where_the_images_tell_or_do_not_matter_nothing_is_said(
    right: int, latency_ms: float, kept: bool, tmp_path: Path
) -> None:
    first = measured("a", 350, 2.0, kept=kept)
    assert told(study_of(tmp_path, first, measured("b", right, latency_ms, kept=kept))) == []
