"""Bundles are anybody's: whatever a file holds, it is read whole or refused in one line."""

from __future__ import annotations

import gzip
import json
import random
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dse.bundles import reading
from dse.bundles.reading import is_bundle, read_bundle
from dse.core.errors import RequestError
from tests.bundles.studies import bundled, explored
from tests.bundles.test_merging import changed

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a bundle of three trials."""
    root = tmp_path_factory.mktemp("original")
    bundled(explored(root / "s"), root / "b")
    return (root / "b").read_bytes()


@pytest.fixture
def file(original: bytes, tmp_path: Path) -> Path:
    """A bundle that may be changed."""
    path = tmp_path / "b"
    path.write_bytes(original)
    return path


def refused(file: Path) -> str:
    with pytest.raises(RequestError) as caught:
        read_bundle(file)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("content", [b"", b"text", b"\x1f\x8b", b"\x1f\x8b\x08\x00garbage of it"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "b"
    path.write_bytes(content)
    refused(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert not is_bundle(tmp_path / "none")
    refused(tmp_path / "none")
    refused(tmp_path)


def test_every_cut_is_noticed(original: bytes, tmp_path: Path) -> None:
    path = tmp_path / "b"
    for end in range(0, len(original) - 1, 97):
        path.write_bytes(original[:end])
        refused(path)


def test_a_line_that_was_changed_without_the_end_is_noticed(file: Path) -> None:
    data = gzip.decompress(file.read_bytes())
    file.write_bytes(gzip.compress(data.replace(b"by-hand", b"by-hant", 1)))
    assert "kind" not in refused(file)


@given(seed=st.integers(0, 2**32), count=st.integers(1, 4))
@settings(max_examples=150, deadline=None)
def test_damaged_bytes_are_refused_or_make_no_difference(
    original: bytes, seed: int, count: int
) -> None:
    chance = random.Random(seed)  # noqa: S311
    data = bytearray(original)
    for _ in range(count):
        data[chance.randrange(len(data))] = chance.randrange(256)
    with TemporaryDirectory() as root:
        path = Path(root) / "b"
        path.write_bytes(data)
        with suppress(RequestError):
            read_bundle(path)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The ways to all values in a JSON value."""
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        inner = list(value.items() if isinstance(value, dict) else enumerate(value))
    return [way, *(found for key, each in inner for found in places(each, (*way, key)))]


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_any_other_value_anywhere_is_refused_or_harmless(
    original: bytes, data: st.DataObject
) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        line = data.draw(st.sampled_from(lines))
        way = data.draw(st.sampled_from(places(line)[1:]))
        inside: Any = line
        for key in way[:-1]:
            inside = inside[key]
        inside[way[-1]] = data.draw(JSON)

    with TemporaryDirectory() as root:
        path = Path(root) / "b"
        path.write_bytes(original)
        changed(path, change)
        with suppress(RequestError):
            read_bundle(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: lines[1].update(number=-1), "number"),
        (lambda lines: lines[1]["own"][0].update(metric="speed"), "metric"),
        (lambda lines: lines[1]["own"][0].update(run="../../etc"), "run"),
        (lambda lines: lines[1]["configuration"].update(threads="many"), "threads"),
        (lambda lines: lines[1]["configuration"].pop("model"), "model"),
        (lambda lines: lines[1].update(values=[1.0]), "values"),
        (lambda lines: lines[1].update(begun="yesterday"), "begun"),
        (lambda lines: lines[0].update(study="../x"), "study"),
        (lambda lines: lines[0].update(version=2), "version"),
        (lambda lines: lines[0]["about"]["space"].update(threads=["x"]), "threads"),
        (lambda lines: lines[0]["about"].update(task="toast"), "task"),
        (lambda lines: lines[1].update(kind="program"), "kind"),
        (lambda lines: lines[1].update(begun="0001-01-01T00:00:00-14:00"), "begun"),
        (lambda lines: lines[1].update(ended="9999-12-31T23:59:59-14:00"), "ended"),
        (lambda lines: lines[1]["configuration"].update(threads=77), "configuration.threads"),
        (lambda lines: lines[1]["own"][0].update(value=1e308), "value"),
        (lambda lines: lines[1]["own"][0].update(interval=[2.0, 1.0]), "interval"),
        (lambda lines: lines[1]["own"][1].update(value=5e-324), "value"),
        (lambda lines: lines[1]["values"].reverse(), "values"),
        (lambda lines: lines[2].update(lines[1]), "a second time"),
        (lambda lines: lines[0]["about"].update(borrowed=[{"x": "y"}]), "borrowed"),
        (lambda lines: lines[0]["about"]["system"].update(cpu="\x1b[31mred"), "cpu"),
    ],
)
def test_the_line_and_the_field_are_named(
    file: Path, change: Callable[[list[dict[str, Any]]], None], words: str
) -> None:
    said = refused(changed(file, change))
    assert words in said


@pytest.mark.parametrize("path", ["..", "a/../b", "/etc", "a//b", "./."])
def test_no_summary_leads_out_of_its_run(file: Path, path: str) -> None:
    def add(lines: list[dict[str, Any]]) -> None:
        lines[-1].clear()
        lines[-1].update(kind="summary", run="a", path=path, text="")

    assert "path" in refused(changed(file, add))


def test_no_more_is_read_than_a_bundle_may_hold(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit, value in (
        ("MAX_FILE_BYTES", 100),
        ("MAX_BYTES", 1000),
        ("MAX_LINE_BYTES", 500),
        ("MAX_LINES", 2),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(reading, limit, value)
            refused(file)


def test_a_bomb_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb"
    path.write_bytes(gzip.compress(b"\0" * (64 << 20)))
    assert "may" in refused(path)


def test_not_a_number_is_no_value(file: Path) -> None:
    data = gzip.decompress(file.read_bytes()).decode()
    first, second, *rest = data.splitlines()
    trial = json.loads(second)
    trial["own"][0]["value"] = float("nan")
    file.write_bytes(gzip.compress("\n".join([first, json.dumps(trial), *rest]).encode()))
    assert "NaN" in refused(file)
