"""Where conversions are kept, and which of them stay."""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

conversions = importlib.import_module("dse.backends._conversions")
NAMES = ("model.param", "model.bin")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """The folder in which a converter has worked."""
    folder = tmp_path / "made"
    folder.mkdir()
    for name in NAMES:
        (folder / name).write_text(name)
    (folder / "model.py").write_text("left by the converter as well")
    return folder


def conversion_folder(file: Path, maker: str = "tool-1", options: str = "") -> Path | None:
    found: Path | None = conversions.conversion_folder((conversions.stamp(file),), maker, options)
    return found


@pytest.fixture
def conversion(tmp_path: Path, own_cache: Path) -> Path:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"model")
    found = conversion_folder(model)
    assert found is not None
    assert found.parent == own_cache / "conversions" / "tool-1"
    return found


def test_a_place_is_of_a_content_a_tool_and_what_it_makes(conversion: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.onnx"
    other.write_bytes(b"model")
    assert conversion_folder(other) == conversion
    assert conversion_folder(other, maker="tool-2") != conversion
    assert conversion_folder(other, options="fp16") != conversion
    other.write_bytes(b"MODEL")
    assert conversion_folder(other) not in {conversion, None}


def test_what_is_kept_is_found(conversion: Path, made: Path) -> None:
    assert conversions.find_kept(conversion, NAMES) is None
    expected = [str(conversion / name) for name in NAMES]
    assert conversions.keep(made, NAMES, conversion) == expected
    assert conversions.find_kept(conversion, NAMES) == expected
    left = sorted([*NAMES, conversions.CHECKSUMS])
    assert sorted(path.name for path in conversion.iterdir()) == left
    assert (conversion / NAMES[0]).read_text() == NAMES[0]
    assert conversion.stat().st_mode & 0o077 == 0


def test_half_of_a_conversion_is_none(conversion: Path, made: Path) -> None:
    conversions.keep(made, NAMES, conversion)
    (conversion / NAMES[1]).write_bytes(b"")
    assert conversions.find_kept(conversion, NAMES) is None
    (conversion / NAMES[1]).unlink()
    assert conversions.find_kept(conversion, NAMES) is None
    assert conversions.keep(made, NAMES, conversion) == [str(conversion / name) for name in NAMES]


@pytest.mark.parametrize("name", [NAMES[1], conversions.CHECKSUMS])
@pytest.mark.parametrize("content", [b"", b"[]", b"MODEL.bin", b"\xff{"])
def test_a_conversion_with_a_damaged_file_gives_way(
    conversion: Path, made: Path, name: str, content: bytes
) -> None:
    conversions.keep(made, NAMES, conversion)
    (conversion / name).write_bytes(content)
    assert conversions.find_kept(conversion, NAMES) is None
    assert conversions.keep(made, NAMES, conversion) == [str(conversion / name) for name in NAMES]
    assert list(conversion.parent.iterdir()) == [conversion]


def test_the_first_of_two_processes_wins(conversion: Path, made: Path) -> None:
    conversions.keep(made, NAMES, conversion)
    (made / NAMES[0]).write_text("made by the second")
    assert conversions.keep(made, NAMES, conversion) is not None
    assert (conversion / NAMES[0]).read_text() == NAMES[0]
    assert list(conversion.parent.iterdir()) == [conversion]


def test_what_can_not_be_kept_leaves_nothing(
    conversion: Path, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert conversions.keep(made, NAMES, conversion) is None
    assert not list(conversion.parent.iterdir())


def test_without_a_cache_there_is_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "model.onnx"
    model.write_bytes(b"model without a cache")
    monkeypatch.setenv("DSE_CACHE_DIR", str(model))
    assert conversion_folder(model, maker="tool-3") is None


def test_those_that_were_used_longest_ago_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversions, "MOST_BYTES", 25)
    for number in range(4):
        conversion = tmp_path / f"version{number % 2}" / str(number)
        conversion.mkdir(parents=True)
        (conversion / "model").write_bytes(bytes(10))
        os.utime(conversion, ns=(number, number))
    conversions.drop_oldest(tmp_path)
    assert {path.name for path in tmp_path.glob("*/*")} == {"2", "3"}
