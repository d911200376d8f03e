"""Messages are read as they were written, or refused with their field."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.core.errors import RequestError
from dse.fleet.spec import Answer, AssignmentSpec, Group, Kind, Options, Planned

KEYS = st.lists(st.text(max_size=8), max_size=3).map(tuple)
SPECS = st.builds(
    AssignmentSpec,
    id=st.text(max_size=8),
    kind=st.sampled_from(Kind),
    study=st.text(max_size=8),
    space=st.text(max_size=8),
    inputs=st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
    options=st.builds(Options, settle=st.none() | st.floats(0, 1e6)),
    only=st.none() | KEYS,
    known=st.dictionaries(st.text(max_size=4), st.integers(0, 9), max_size=2),
)
ANSWER = Answer("a", planned=Planned("f" * 12, "a CPU", (Group("g", ("k",)),), ("x",), {"r": "1"}))


@given(spec=SPECS)
def test_an_assignment_comes_as_it_was_sent(spec: AssignmentSpec) -> None:
    assert AssignmentSpec.from_json(spec.to_json()) == spec


def test_an_answer_comes_as_it_was_sent() -> None:
    assert Answer.from_json(ANSWER.to_json()) == ANSWER


@pytest.mark.parametrize(
    ("change", "field"),
    [({"explored": "3"}, "explored"), ({"planned": {"cpu": 1}}, "planned"), ({"id": None}, "id")],
)
def test_another_type_is_named(change: dict[str, object], field: str) -> None:
    text = json.dumps({**asdict(ANSWER), **change})
    with pytest.raises(RequestError, match=f"^{field}.*is not the expected Answer"):
        Answer.from_json(text)


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", '{"id": NaN}'])
def test_other_texts_are_refused(text: str) -> None:
    with pytest.raises(RequestError, match="is not the expected Answer"):
        Answer.from_json(text)
