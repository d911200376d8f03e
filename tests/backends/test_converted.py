"""Why a converter made nothing of a file."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import pytest

from dse.core.backend import LoadError, LoadRequest, UnsupportedError
from dse.core.configuration import Configuration
from tests.any_models import any_size

if TYPE_CHECKING:
    from pathlib import Path

converted = importlib.import_module("dse.backends._converted")
WARNING = (
    r"shape_inference ...   \033[0;93m2026-01-01 [W:onnxruntime:x, y.cc:1 z] Unknown CPU\033[m\n"
)


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
    path = tmp_path / "any_size.onnx"
    path.write_bytes(any_size().SerializeToString())
    with pytest.raises(UnsupportedError) as caught:
        converted.convert(Shell(script), path)
    assert str(caught.value).startswith(f"tool can't convert the file: {why}")
    assert not list(own_cache.glob("conversions/*/*"))


def test_a_graph_that_gives_nothing_is_no_model(tmp_path: Path) -> None:
    made = any_size()
    del made.graph.output[:]
    path = tmp_path / "nothing.onnx"
    path.write_bytes(made.SerializeToString())
    request = LoadRequest(Configuration("m", "fp32", "mnn", 1, 1), path, {})
    with pytest.raises(LoadError, match=r"^the model has no outputs$"):
        converted.read_declared(request)
