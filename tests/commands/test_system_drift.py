"""What is said of drift: the conclusion first, in lines that fit."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dse.commands.system_drift import about, correlation_text, drift_lines
from dse.exploration.noise_parts import Estimate
from tests.exploration.test_noise_series import series


@pytest.mark.parametrize("sd", [0.0, 0.01, 0.17, 3.0])
@pytest.mark.parametrize("disturbance", ["", "other load of 99 %"])
def test_lines_fit_and_conclude_first(sd: float, disturbance: str) -> None:
    found = series(sd=sd, disturbance=disturbance, slow=0.0 if sd == 0 else 0.03)
    lines = list(drift_lines(found, found.parts()))
    assert max(map(len, lines)) <= 80
    assert lines[0].startswith("noise over time: telling 5 % apart takes ")
    assert "2 % takes " in lines[1]
    text = "\n".join(lines)
    assert f"{100 * found.parts().sd:.1f} % of a SingleStream p90 latency" in text
    assert f"{len(found.processes)} processes" in text
    assert ("disturbed, used" in text) == bool(disturbance)
    assert ("far from their neighbours" in text) == bool(found.parts().left_out)
    assert ("correlation of the two" in text) == bool(sd)


@pytest.mark.parametrize("seconds", [1e9, float("inf")])
def test_nobody_waits_longer_than_that(seconds: float) -> None:
    assert about(seconds) == "more than 100 d"
    assert about(600.0) == "about 10 min"


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (None, "unknown: nothing varies"),
        (Estimate(20.4, 9.1, 70.2), "20 s, between 9.1 and 70 s"),
        (Estimate(20.4, 9.1, None), "20 s, more than 9.1 s"),
        (Estimate(None, 41.0, None), "more than 41 s"),
        (Estimate(1.5, None, 4.2), "1.5 s, less than 4.2 s"),
        (Estimate(None, None, 2.1), "less than 2.1 s"),
        (Estimate(3.0, None, None), "unknown: too few values"),
    ],
)
def test_the_correlation_time_as_far_as_it_is_told(found: Estimate | None, text: str) -> None:
    parts = replace(series(seed=2).parts(), common_interval=(0.1, 0.9))
    assert correlation_text(found, parts) == text


def test_where_nothing_is_common_that_is_the_reason() -> None:
    parts = replace(series(seed=2).parts(), common_interval=(0.0, 0.2))
    told = correlation_text(Estimate(3.0, None, None), parts)
    assert told == "unknown: hardly anything is common"
