"""Files that somebody else wrote: what is read, what is refused, and where the complaint points."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from dse.config import yaml_reader
from dse.core.errors import RequestError


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Entry(Form):
    file: Path
    size: int = Field(default=1, gt=0)
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    layout: Literal["NHWC", "NCHW"] = "NHWC"


class Range(Form):
    start: int
    stop: int


class Manifest(Form):
    title: str
    models: list[Entry] = []
    some: tuple[Entry, ...] = Field(default=(Entry(file=Path("a")),), min_length=1)
    named: dict[str, Entry] = {}
    threads: Literal["auto"] | int | tuple[int, ...] | Range = "auto"
    value: bool | int | float | str | None = None
    note: str | None = None
    ratio: float = 1.0
    on: bool = False

    @field_validator("note")
    @classmethod
    def _short(cls, note: str | None) -> str | None:
        if note and len(note) > 5:
            raise ValueError("is too long to be read")
        return note


class Anything(RootModel[dict[str, Any]]):
    pass


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "file.yaml"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refused(path: Path, model: type[BaseModel] = Manifest) -> RequestError:
    with pytest.raises(RequestError) as caught:
        yaml_reader.read(path, model)
    assert "\n" not in str(caught.value)
    return caught.value


def complaint(path: Path) -> str:
    try:
        yaml_reader.read(path, Manifest)
    except RequestError as error:
        return str(error)
    return ""


def test_reads_every_kind_of_value(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """\
# a comment
title: no
models:
  - {file: a.onnx, mean: [1, 2.5, 1e3], layout: NCHW}
named:
  a:
    file: b.tflite
    size: 0x10
threads: [1, 2]
on: True
""",
    )
    manifest = yaml_reader.read(path, Manifest)
    assert manifest.title == "no"
    assert manifest.models[0].file == Path("a.onnx")
    assert manifest.models[0].mean == (1.0, 2.5, 1000.0)
    assert manifest.named["a"].size == 16
    assert manifest.threads == (1, 2)
    assert manifest.on is True
    assert manifest.note is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("y", "y"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("<<", "<<"),
        ("=", "="),
        (".inf", ".inf"),
        ("0b11", "0b11"),
        ("'4'", "4"),
        ("|-\n  4", "4"),
        ("010", 10),
        ("0o17", 15),
        ("0xff", 255),
        ("-3", -3),
        ("1e3", 1000.0),
        ("+.5", 0.5),
        ("2.", 2.0),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("", None),
        ("NULL", None),
    ],
)
def test_plain_words_mean_what_yamls_core_schema_says(
    tmp_path: Path, text: str, value: object
) -> None:
    read = yaml_reader.read(write(tmp_path, f"title: x\nvalue: {text}\n"), Manifest).value
    assert read == value
    assert type(read) is type(value)


def test_keys_are_texts_as_written(tmp_path: Path) -> None:
    path = write(tmp_path, "224: a\ntrue: b\nno: c\n1e3: d\n<<: {x: y}\n")
    data = yaml_reader.read(path, Anything).root
    assert data == {"224": "a", "true": "b", "no": "c", "1e3": "d", "<<": {"x": "y"}}


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(tmp_path: Path) -> None:
    path = write(tmp_path, b"\xef\xbb\xbftitle: x\r\nthreads: zero\r\n")
    assert refused(path).line == 2


WRONG: dict[str, tuple[str | bytes, int | None, str | None, str]] = {
    "empty": ("", None, None, "the file is empty"),
    "only a comment": ("# nothing\n", None, None, "the file is empty"),
    "a list": ("# x\n- a\n", 2, None, "expected fields"),
    "a word": ("title\n", 1, None, "expected fields"),
    "not UTF-8": (b"title: x\nnote: \xff\n", 2, None, "byte 0xff is not UTF-8"),
    "UTF-16": ("title: x".encode("utf-16"), 1, None, "not UTF-8"),
    "control character": ("title: x\nnote: \x07\n", 2, None, "U+0007"),
    "unclosed": ("title: x\nthreads: [1, 2\n", 3, None, "not valid YAML"),
    "colon": ("title: a: b\n", 1, None, "not valid YAML"),
    "tab": ("models:\n\t- a\n", 2, None, "not valid YAML"),
    "two documents": ("title: x\n---\ntitle: y\n", 2, None, "single document"),
    "escape": ('title: "\\UFFFFFFFF"\n', 1, None, "out of range"),
    "half a character": ('title: "\\ud800"\n', 1, "title", "half a character"),
    "half a character in a key": ('"\\ud800": x\n', 1, "", "half a character"),
    "version": ("%YAML 1." + "9" * 5000 + "\n---\ntitle: x\n", 1, None, "out of range"),
    "alias": ("title: &a x\nnote: *a\n", 2, None, "'*a' stands for another place"),
    "python tag": ("title: !!python/name:os.system x\n", 1, None, "tag '!!python/name:os.system'"),
    "core tag": ("title: x\nvalue: !!int 4\n", 2, None, "the tag '!!int' is not allowed"),
    "own tag": ("title: x\nmodels: !mine []\n", 2, None, "the tag '!mine' is not allowed"),
    "binary": ("title: !!binary aGk=\n", 1, None, "is not allowed"),
    "tower": ("title: " + "[" * 5000, 1, None, "levels deep"),
    "tower of blocks": ("- " * 5000 + "x", 1, None, "levels deep"),
    "key twice": ("title: x\nmodels: []\ntitle: y\n", 3, "title", "given twice"),
    "inner key twice": (
        "title: x\nnamed:\n  a: {file: b}\n  b: {file: c}\n  a: {file: d}\n",
        5,
        "named.a",
        "given twice",
    ),
    "a list as a key": ("title: x\n? [a]\n: 1\n", 2, "", "must be text"),
    "huge number": ("title: x\nvalue: " + "9" * 5000, 2, "value", "too large"),
    "infinite number": ("title: x\nratio: 1e999\n", 2, "ratio", "too large"),
    "missing": ("models: []\n", 1, "title", "is missing"),
    "missing in a list": (
        "title: x\nmodels:\n  - file: a\n  - size: 4\n",
        4,
        "models[1].file",
        "is missing",
    ),
    "missing in a list of at least one": (
        "title: x\nsome:\n  - size: 4\n",
        3,
        "some[0].file",
        "is missing; add it",
    ),
    "none of at least one": (
        "title: x\nsome: []\n",
        2,
        "some",
        "expected at least 1 value(s), not []",
    ),
    "missing in a mapping": (
        "title: x\nnamed:\n  a:\n    size: 4\n",
        3,
        "named.a.file",
        "is missing",
    ),
    "misspelt": ("titel: x\n", 1, "titel", "did you mean 'title'?"),
    "misspelt inside": (
        "title: x\nmodels:\n  - file: a\n    siez: 2\n",
        4,
        "models[0].siez",
        "unknown field; did you mean 'size'?",
    ),
    "misspelt in a named one": (
        "title: x\nnamed:\n  file:\n    file: a\n    lay_out: 2\n",
        5,
        "named.file.lay_out",
        "did you mean 'layout'?",
    ),
    "like nothing": (
        "title: x\nmodels:\n- {file: a, zzz: 1}\n",
        3,
        "models[0].zzz",
        "known are file, layout, mean, size",
    ),
    "no text": ("title: 4\n", 1, "title", "expected text, not 4; put it in quotes"),
    "no number": ("title: x\nratio: fast\n", 2, "ratio", "expected a number, not 'fast'"),
    "quoted number": ("title: x\nratio: '1'\n", 2, "ratio", "expected a number, not '1'"),
    "no truth": ("title: x\non: yes\n", 2, "on", "expected true or false, not 'yes'"),
    "not whole": (
        "title: x\nnamed: {a: {file: b, size: 1.5}}\n",
        2,
        "named.a.size",
        "expected a whole number, not 1.5",
    ),
    "truth for a number": (
        "title: x\nnamed: {a: {file: b, size: true}}\n",
        2,
        "named.a.size",
        "expected a whole number, not true",
    ),
    "too small": (
        "title: x\nnamed:\n  a: {file: b,\n    size: 0}\n",
        4,
        "named.a.size",
        "expected more than 0, not 0",
    ),
    "one of": (
        "title: x\nmodels:\n- file: a\n  layout: CHW\n",
        4,
        "models[0].layout",
        "expected 'NHWC' or 'NCHW', not 'CHW'",
    ),
    "too few": (
        "title: x\nmodels:\n- file: a\n  mean: [1, 2]\n",
        4,
        "models[0].mean[2]",
        "missing",
    ),
    "no list": ("title: x\nmodels: a\n", 2, "models", "expected a list, not 'a'"),
    "nothing": ("title: x\nmodels:\n", 2, "models", "expected a list, not nothing"),
    "no fields": ("title: x\nmodels: [a]\n", 2, "models[0]", "expected fields"),
    "empty list": ("title: x\nnamed: []\n", 2, "named", "expected fields ('key: value'), not []"),
    "union": (
        "title: x\nthreads: fast\n",
        2,
        "threads",
        "expected 'auto', a whole number, a list or fields ('key: value'), not 'fast'",
    ),
    "union, in the list": (
        "title: x\nthreads:\n  - 1\n  - two\n",
        4,
        "threads[1]",
        "expected a whole number, not 'two'",
    ),
    "union, in the fields": (
        "title: x\nthreads: {start: 1,\n  stpo: 2}\n",
        3,
        "threads.stpo",
        "did you mean 'stop'?",
    ),
    "union of values": (
        "title: x\nvalue: [1]\n",
        2,
        "value",
        "expected true or false, a number or text, not a list",
    ),
    "validator": ("title: x\nnote: too long\n", 2, "note", "note: is too long to be read"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_file_is_refused_where_it_is_wrong(tmp_path: Path, case: str) -> None:
    content, line, field, words = WRONG[case]
    path = write(tmp_path, content)
    error = refused(path)
    assert error.file == path
    assert (error.line, error.field) == (line, field)
    assert words in str(error)
    for name in ("pydantic", "Input should", "Manifest", "Entry", "str_type", "yaml.org"):
        assert name not in str(error)


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    assert "no such file" in str(refused(tmp_path / "none.yaml"))
    assert "is a folder" in str(refused(tmp_path))
    assert "null byte" in str(refused(Path("a\0b")))
    assert "can't be read" in str(refused(tmp_path / ("x" * 5000)))
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "not a regular file" in str(refused(pipe))


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "title: x\n")
    path.chmod(0)
    assert "can't be read" in str(refused(path))


def test_a_large_file_is_refused_at_once(tmp_path: Path) -> None:
    path = write(tmp_path, b"a: 1\n" * (yaml_reader.MAX_YAML_BYTES // 5 + 1))
    start = time.perf_counter()
    assert "larger than 1,024 KiB" in str(refused(path))
    assert time.perf_counter() - start < 1


def test_lines_of_keys_and_values(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        """\
title: x
models:
  - file: a
    mean:
      [1,
       2, 3]
  - file: b
note:
  text
""",
    )
    _, document = yaml_reader.read_document(path, Manifest)
    path.unlink()  # it is read once
    assert document.locate() == 1
    assert document.locate("title") == 1
    assert document.locate("models") == 2
    assert document.locate("models", 0) == 3
    assert document.locate("models", 0, "mean") == 4
    assert document.locate("models", 0, "mean", 1) == 6
    assert document.locate("models", 1, "file") == 7
    assert document.locate("note") == 9
    assert document.locate("models", 2) == 2
    assert document.locate("models", -1) == 2
    assert document.locate("title", 0) == 1
    assert yaml_reader.Document().locate("title") is None


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (("models", 0, "mean", 1), ":4: models[0].mean[1]: is wrong; mend it"),
        (("models", 0, "crop"), ":3: models[0].crop: is wrong; mend it"),  # a field that is missing
        (("crop",), ":1: crop: is wrong; mend it"),
        (("title", 0), ":1: title: is wrong; mend it"),  # one value in the place of a list
        (("models", 3), ":2: models[3]: is wrong; mend it"),
        (("models", "b"), ":2: models: is wrong; mend it"),
    ],
)
def test_errors_after_a_file_was_read(
    tmp_path: Path, keys: tuple[str | int, ...], told: str
) -> None:
    path = write(tmp_path, "title: x\nmodels:\n  - file: a\n    mean: [1, 2, 3]\n")
    _, document = yaml_reader.read_document(path, Manifest)
    path.unlink()
    assert str(document.error("is wrong", *keys, remedy="mend it")) == f"{path}{told}"
    shown = yaml_reader.field_name(keys)
    assert str(yaml_reader.Document().error("is wrong", *keys)) == f"{shown}: is wrong"


def test_check_names_the_field_without_a_file() -> None:
    assert yaml_reader.check({"title": "x", "threads": [1]}, Manifest).threads == (1,)
    with pytest.raises(RequestError) as caught:
        yaml_reader.check({"title": "x", "threads": [1, "a"]}, Manifest)
    assert str(caught.value) == "threads[1]: expected a whole number, not 'a'"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object()])
def test_check_refuses_what_json_does_not_have(value: object) -> None:
    with pytest.raises(RequestError):
        yaml_reader.check({"title": "x", "value": value}, Manifest)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ["no", "1e3", "0o7", "010", "true", "~", "", "1:30", "=", "<<", "*a", "&a", "!x", "- a", "#"]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=10,
)


@settings(deadline=None)
@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=3))
def test_what_is_dumped_is_read_back(data: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), yaml_reader.dump(data))
        assert yaml_reader.read(path, Anything).root == data


@settings(deadline=None)
@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_bytes_are_read_or_refused_in_one_line(content: str | bytes) -> None:
    raw = content.encode("utf-8", "replace") if isinstance(content, str) else content
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), raw)
        assert len(complaint(path).splitlines()) <= 1
