"""What a terminal is spared."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dse.core.printable import to_printable


@given(st.text())
def test_nothing_steers_a_terminal(text: str) -> None:
    shown = to_printable(text)
    assert shown.isprintable()
    assert len(shown) == len(text)
    assert all(a == b for a, b in zip(text, shown, strict=True) if a.isprintable())


def test_escapes_line_ends_and_what_turns_text_around() -> None:
    assert to_printable("a\x1b[31mb\nc\u202ed\te") == "a?[31mb?c?d e"
