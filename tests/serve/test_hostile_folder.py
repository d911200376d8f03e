"""`dse serve` in a folder in which others have left what they wanted: real requests, in time."""

from __future__ import annotations

import json
import os
import re
from html import unescape
from http.client import HTTPConnection
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.replays import write_space, write_table
from tests.serve.test_browser import PATIENCE_S, Served, folder, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["folder"]

ID = "20260102-030405-0000"
DEEP = 60
"""More folders within each other than any submission has."""


class Client:
    """Sends requests with the token, as a program does."""

    def __init__(self, served: Served) -> None:
        parts = urlsplit(served.address)
        self._place = parts.netloc
        self._headers = {"Authorization": f"Bearer {parse_qs(parts.query)['token'][0]}"}

    def ask(self, method: str, path: str, **fields: str) -> tuple[int, str]:
        """The status of an answer, and what it complains about; else all that it says."""
        connection = HTTPConnection(self._place, timeout=PATIENCE_S)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request(method, path, urlencode(fields), {**self._headers, **form})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        found = re.search(r'role="alert">([^<]*)<', text)
        return answer.status, unescape(found[1]) if found else text

    def get(self, path: str) -> tuple[int, str]:
        return self.ask("GET", path)

    def post(self, path: str, **fields: str) -> tuple[int, str]:
        return self.ask("POST", path, **fields)


@pytest.fixture
def client(folder: Path) -> Iterator[Client]:
    """A server in a folder with the space ``space``; it makes no mistake."""
    (folder / "search_spaces").mkdir()
    write_table(folder / "search_spaces")
    write_space(folder / "search_spaces")
    with serving(folder) as served:
        yield Client(served)
    assert "Traceback" not in (folder / "errors.txt").read_text()


def write_job(folder: Path, **fields: object) -> None:
    """The record of a job, as anybody might write it."""
    jobs = folder / "studies" / ".jobs"
    jobs.mkdir(parents=True, exist_ok=True)
    record = {
        "id": ID,
        "words": ["explore", "space"],
        "study": "space",
        "began": "2026-01-02T03:04:05+00:00",
        "process": {},
        "code": 0,
        "stops": 0,
    }
    (jobs / f"{ID}.json").write_text(json.dumps({**record, **fields}))


def test_records_that_no_server_has_written(client: Client, folder: Path) -> None:
    wrong: list[dict[str, object]] = [
        {"began": "0001-01-01T00:00:00+23:59"},
        {"began": "9999-12-31T23:59:59-23:59"},
        {"study": "\ud800"},
        {"study": "../../etc"},
        {"study": "<script>"},
        {"words": ["explore", "\ud800"]},
        {"words": ["explore", "a\0b"]},
    ]
    for fields in wrong:
        write_job(folder, **fields)
        for place in ("/", "/jobs", "/jobs/state"):
            status, text = client.get(place)
            assert (status, ID in text) == (200, False), fields
        assert client.get(f"/jobs/{ID}")[0] == 404
        assert client.post("/studies/space/run")[0] == 404
    write_job(folder, process={"pid": [1], "boot": {}}, code=None, stops=-1, words=[{}, None])
    assert f"/jobs/{ID}" in client.get("/jobs")[1]
    assert client.get(f"/jobs/{ID}")[0] == 200


def test_a_pipe_and_an_option_among_the_spaces(client: Client, folder: Path) -> None:
    spaces = folder / "search_spaces"
    os.mkfifo(spaces / "pipe.yaml")
    (spaces / "folder.yaml").mkdir()
    (spaces / "--help.yaml").write_text((spaces / "space.yaml").read_text())
    status, text = client.get("/new")
    assert status == 200
    offered = re.findall(r'name="space" value="([^"]*)"', text)
    assert "space" in offered
    assert not {"pipe", "folder", "--help"} & {*offered}
    for name in ("pipe", "folder", "--help"):
        status, told = client.post("/new/plan", source="known", space=name, name="x")
        assert (status, told.split(";")[0]) == (422, f"space: there is no space '{name}'")


def test_a_second_click_starts_nothing_else(client: Client, folder: Path) -> None:
    space = "models: m\nbackends: {'null': {delay_ms: 500}}\nthreads: 1\nbatch_sizes: 1\n"
    fields = {"source": "yaml", "name": "mine", "settle": "0"}
    fields["yaml"] = f"{space}objectives: [latency_p90_ms]\n"
    for _ in range(3):
        assert client.post("/new/start", **fields) == (303, "")
    assert client.post("/studies/mine/run") == (303, "")
    records = [*(folder / "studies" / ".jobs").glob("*.json")]
    assert len(records) == 1
    status, told = client.post("/new/start", **{**fields, "settle": "1m"})
    assert status == 422
    assert "still runs; stop it first" in told
    for _ in range(3):
        client.post(f"/jobs/{records[0].stem}/stop")


def test_a_tree_that_is_too_deep(client: Client, folder: Path) -> None:
    write_job(folder)
    descriptor = os.open(folder, os.O_RDONLY)
    for name in ("submissions", "space", "open", *("d" for _ in range(DEEP))):
        os.mkdir(name, dir_fd=descriptor)
        inner = os.open(name, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = inner
    os.close(descriptor)
    status, told = client.get("/studies/space/submit/trees/space.tar.gz")
    assert status == 400
    assert told == "submissions/space: has more than 50 folders within each other"
    (folder / "submissions" / "space").rename(folder / "deep")
    assert client.get("/studies/space/submit/trees/space.tar.gz")[0] == 404
