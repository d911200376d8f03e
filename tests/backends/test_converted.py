"""Why a converter made nothing of a file."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from dse.core.backend import LoadError, LoadRequest, UnsupportedError
from dse.core.configuration import Configuration
from tests.any_models import any_size

converted = importlib.import_module("dse.backends._converted")
WARNING = (
    r"shape_inference ...   \033[0;93m2026-01-01 [W:onnxruntime:x, y.cc:1 z] Unknown CPU\033[m\n"
)


CONVERT = """
import sys, tempfile, time
tempfile.tempdir = sys.argv[1]
from dse.backends._scratch import Scratch
own = Scratch()
print(own.path, flush=True)
time.sleep(600)
"""
"""A process that has a folder for its conversion, and is killed."""


@dataclass(frozen=True)
class Shell:
    """A converter that is a line of shell."""

    script: str
    failure: ClassVar[str] = "tool can't convert the file"

    def maker(self) -> str:
        return "tool-1"

    def options(self) -> str:
        return self.script

    def command(self, _model: Path, _folder: Path) -> list[str]:
        return ["sh", "-c", self.script]

    def results(self) -> list[str]:
        return ["made.param", "made.bin"]


@pytest.mark.parametrize(
    ("script", "why"),
    [
        (
            f"printf '{WARNING}'; echo x > made.param; : > made.bin",
            "it left no made.bin (ended with code 0)",
        ),
        (f"printf '{WARNING}'; echo pass 1; kill -6 $$", "pass 1 (ended by SIGABRT)"),
        (f"printf '{WARNING}'; exit 3", "no word of why (ended with code 3)"),
        ("printf '\\033[31munsupported\\033[0m\\n'; exit 1", "unsupported (ended with code 1)"),
        ("echo a slice of -2 is not supported; echo done", "a slice of -2 is not supported"),
        (
            "echo Not Support: IsNaN; echo Converted Failed!",
            "Not Support: IsNaN (ended with code 0)",
        ),
    ],
)
def test_the_reason_is_what_the_converter_said_of_it(
    tmp_path: Path, own_cache: Path, script: str, why: str
) -> None:
    path = any_size_file(tmp_path)
    with pytest.raises(UnsupportedError) as caught:
        converted.convert(Shell(script), path)
    assert str(caught.value).startswith(f"tool can't convert the file: {why}")
    assert not list(own_cache.glob("conversions/*/*"))


def any_size_file(folder: Path) -> Path:
    path = folder / "any_size.onnx"
    path.write_bytes(any_size().SerializeToString())
    return path


def test_a_damaged_conversion_is_made_anew(tmp_path: Path, own_cache: Path) -> None:
    """Such a file would count as the model's fault, in all studies and for ever."""
    path = any_size_file(tmp_path)
    script = "echo parameters > made.param; echo weights > made.bin"
    for _ in range(3):
        found = [Path(each).read_text() for each in converted.convert(Shell(script), path).paths]
        assert found == ["parameters\n", "weights\n"]
        [kept] = own_cache.glob("conversions/*/*/made.bin")
        kept.write_text("WEIGHTS\n")


def test_a_killed_process_leaves_nothing_for_long(
    tmp_path: Path, own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path = any_size_file(tmp_path)
    others = subprocess.Popen(
        [sys.executable, "-c", CONVERT, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert others.stdout is not None
    left = Path(others.stdout.readline().strip())
    script = "echo parameters > made.param; echo weights > made.bin"
    converted.convert(Shell(script), path)
    assert left.is_dir()  # it is at work
    others.kill()
    others.wait()
    others.stdout.close()
    assert left.is_dir()
    converted.convert(Shell(f"{script};"), path)
    assert not list(tmp_path.glob("dse-*"))
    assert len(list(own_cache.glob("conversions/*/*"))) == 2


def test_a_graph_that_gives_nothing_is_no_model(tmp_path: Path) -> None:
    made = any_size()
    del made.graph.output[:]
    path = tmp_path / "nothing.onnx"
    path.write_bytes(made.SerializeToString())
    request = LoadRequest(Configuration("m", "fp32", "mnn", 1, 1), path, {})
    with pytest.raises(LoadError, match=r"^the model has no outputs$"):
        converted.read_declared(request)
