"""The table of sparsity, and that it is measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks import sparsity
from benchmarks.laboratory.page import filled
from dse.core.errors import RequestError

if TYPE_CHECKING:
    from pathlib import Path

VARIANTS = [(suffix, one) for suffix in sparsity.SUFFIXES for one in sparsity.PRECISIONS]


def rounds(*dense_ms: float) -> list[sparsity.Round]:
    """Rounds in which each variant takes a tenth less than the one before."""
    return [{one: ms * 0.9**place for place, one in enumerate(VARIANTS)} for ms in dense_ms]


def test_speeds_are_compared_within_rounds() -> None:
    text = sparsity.table({"one": rounds(100, 900, 400), "other": rounds(50)})
    head, _, first, second, *more = text.splitlines()
    assert head == "| weights | precision | one | other |"
    assert first == "| dense | fp32 | 400 (x 1.00) | 50 (x 1.00) |"
    assert second == "| dense | int8 | 360 (x 1.11) | 45 (x 1.11) |"
    assert len(more) == len(VARIANTS) - 2
    assert more[-1].startswith("| 90 % zeros in blocks of 4 | int8 |")


@pytest.mark.usefixtures("shared_cache")
def test_a_round_has_every_variant(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sparsity, "SUFFIXES", ("", "-sparse90"))
    words = ["--model", "bert-tiny", "--tokens", "128", "--minutes", "0"]
    assert sparsity.main([*words, "--backend", "onnxruntime"]) == 0
    out = capsys.readouterr().out
    assert "of `bert-tiny` with 128 tokens; " in out
    assert out.count("(x ") == len(sparsity.SUFFIXES) * len(sparsity.PRECISIONS)


def test_a_page_without_a_place_for_it_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing")
    monkeypatch.setattr(sparsity, "PAGE", page)
    assert sparsity.main(["--write"]) == RequestError("").exit_code
    assert "has no section for 'sparsity'" in capsys.readouterr().err


def test_the_documentation_has_a_place_for_it() -> None:
    text = sparsity.PAGE.read_text(encoding="utf-8")
    assert filled(text, sparsity.PAGE, sparsity.SECTION, "x") != text
