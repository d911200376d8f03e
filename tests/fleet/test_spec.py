from __future__ import annotations

import pytest

from dse.core.errors import RequestError
from dse.fleet.spec import Answer, AssignmentSpec, Group, Kind, Options, Planned

SPEC = AssignmentSpec(
    "explore-1",
    Kind.EXPLORE,
    "mine",
    "space.yaml",
    {"space": "0" * 16},
    Options(settle=0.0, environment={"A": "b"}),
    seconds=10.0,
    trials=3,
    only=("k1", "k2"),
    known={"s": 4},
)
PLANNED = Planned("f" * 12, "a CPU", (Group("g", ("k1",)),), ("no",), {"null": "1"}, ("r",), ("w",))


def test_they_come_back_as_they_were() -> None:
    assert AssignmentSpec.from_json(SPEC.to_json()) == SPEC
    for answer in (
        Answer("a", error="no"),
        Answer("a", end="COMPLETE", explored=2, rounds=3, undecided=1, known={"s": 2}),
        Answer("a", planned=PLANNED),
    ):
        assert Answer.from_json(answer.to_json()) == answer


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"id": 1, "more": 2}', '{"only": 1}', "1"])
def test_what_has_another_form(text: str) -> None:
    for read in (AssignmentSpec.from_json, Answer.from_json):
        with pytest.raises(RequestError, match="use one version of dse on all machines"):
            read(text)
