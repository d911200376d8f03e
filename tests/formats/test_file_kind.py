from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.formats.file_kind import FORMAT_BY_SUFFIX, why_mismatched
from dse.tasks.image_classification.models._onnx_writer import onnx_bytes
from dse.tasks.image_classification.models.catalogue import CATALOGUE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def model() -> bytes:
    return onnx_bytes(CATALOGUE["mobilenet-v1-0.25-128"].graph())


def test_a_written_model_is_recognised(tmp_path: Path, model: bytes) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(model)
    assert why_mismatched(path, "onnx") is None
    assert why_mismatched(path, "tflite") == "the content is not a TFLite model"


@pytest.mark.parametrize("length", [3, 40, 1000, -1])
def test_a_cut_off_model_is_noticed(tmp_path: Path, model: bytes, length: int) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(model[:length])
    assert "cut short" in str(why_mismatched(path, "onnx"))


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><html></html>",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4\n",
        b"\x08\x08",
        b"\x08" + b"\xff" * 20,
        b"\0" * 64,
        b"PK\x03\x04 an archive",
    ],
)
def test_other_content_is_no_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    assert why_mismatched(path, "onnx") is not None
    assert why_mismatched(path, "tflite") is not None


def test_an_empty_file_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.touch()
    assert why_mismatched(path, "onnx") == why_mismatched(path, "tflite") == "the file is empty"


@given(st.binary(max_size=200))
def test_any_bytes_get_an_answer(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes"
    path.write_bytes(content)
    for model_format in FORMAT_BY_SUFFIX.values():
        assert isinstance(why_mismatched(path, model_format), str | None)


def test_real_files_are_recognised(shared_data: Path) -> None:
    files = sorted((shared_data / "models").iterdir())
    assert len(files) == 9
    for path in files:
        assert why_mismatched(path, FORMAT_BY_SUFFIX[path.suffix]) is None
