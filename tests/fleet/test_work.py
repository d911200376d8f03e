from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import DseError, RequestError
from dse.fleet import _work, node
from dse.fleet.place import Place
from dse.fleet.spec import LEFT, Answer, AssignmentSpec, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPEC = AssignmentSpec("plan-1", Kind.PLAN, "mine", "space.yaml", {"space": "0" * 16})


@pytest.fixture
def place(here: Path) -> Iterator[Place]:
    made = Place(here / "node")
    made.create()
    _work.serve(made)
    yield made
    _work._node.place = None


def test_an_assignment_has_a_process_of_its_own(place: Place) -> None:
    text, bundle = _work.do(SPEC.to_json(), b"")
    answer = Answer.from_json(text)
    assert answer.id == SPEC.id
    assert "the files 0000000000000000 have not come" in answer.error
    assert bundle == b""
    assert [*place.folders()] == []
    assert _work.in_hand() == 0


def test_the_end_of_a_process_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import sys; sys.exit('there is no memory\\n')"
    monkeypatch.setattr(_work, "launch_command", lambda *_, **__: [sys.executable, "-c", script])
    answer = Answer.from_json(_work.do(SPEC.to_json(), b"")[0])
    assert answer.error == "the process ended with code 1: there is no memory"
    assert [*place.folders()] == []


def test_stopping_reaches_what_is_in_hand(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def command(*words: str, **_: object) -> list[str]:
        _work.stop()
        return [sys.executable, "-c", f"import os; os.stat({words[2] + '/' + _work.STOP!r})"]

    monkeypatch.setattr(_work, "launch_command", command)
    answer = Answer.from_json(_work.do(SPEC.to_json(), b"")[0])
    assert answer.error == "the process ended with code 0: it said nothing"
    assert place.path.is_dir()


@pytest.mark.usefixtures("place")
def test_a_node_that_leaves_begins_nothing() -> None:
    _work.leave()
    assert Answer.from_json(_work.do(SPEC.to_json(), b"")[0]).end == LEFT


def test_what_launchers_set_does_not_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*_work.LAUNCHERS, "DASK_WORKER"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("KEPT", "1")
    found = _work.clean_environment()
    assert "KEPT" in found
    assert not {*_work.LAUNCHERS, "DASK_WORKER"} & set(found)


def test_what_is_no_node_does_nothing() -> None:
    with pytest.raises(DseError, match="start it with `dse fleet node`"):
        _work.do(SPEC.to_json(), b"")


def test_a_node_has_its_folder_alone_and_keeps_its_name(place: Place) -> None:
    assert place.identity() == Place(place.path).identity()
    assert node.describe(place)["node"] == place.identity()
    with (
        node._alone(place),
        pytest.raises(RequestError, match="another node of this machine uses this folder"),
        node._alone(place),
    ):
        pass
    with node._alone(place):
        pass
