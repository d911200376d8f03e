"""What the consoles show of names and messages that would steer a terminal."""

from __future__ import annotations

import io
import logging

import pytest
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dse.commands.console import console, print_lines
from dse.commands.log import hide_log, show_log
from dse.core.wording import WIDTH

EVIL = "a\x1b[31mb\u202ec\x9b2Jd"
SAFE = "a?[31mb?c?2Jd"


def table(*cells: str | Text) -> Table:
    made = Table(box=None, pad_edge=False, show_header=False)
    for cell in cells:
        made.add_row(cell, "|")
    return made


@pytest.mark.parametrize("stderr", [False, True])
def test_no_text_steers_a_terminal(capsys: pytest.CaptureFixture[str], *, stderr: bool) -> None:
    on = console(stderr=stderr)
    print_lines([f"{EVIL}\nsecond"], on)
    on.print(Text(EVIL))
    on.print(table(Text(EVIL), "plain"))
    on.print(table(EVIL))
    with Live(Text(EVIL), console=on):
        pass
    shown = capsys.readouterr()
    lines = (shown.err if stderr else shown.out).splitlines()
    assert lines[:2] == [f"{SAFE}?second", SAFE]
    assert {len(line) for line in lines[2:4]} == {len(lines[2])}  # the columns stay in line
    assert all(line.isprintable() for line in lines)
    assert sum("?[31mb" in line for line in lines) == 5


def test_styles_stay() -> None:
    on = console()
    on.file, on._force_terminal = io.StringIO(), True
    made = Text(f"{EVIL} bold")
    made.stylize("bold", len(EVIL) + 1)
    assert [s.text for s in on.render(made) if s.style] == ["bold"]
    assert made.plain.startswith("a\x1b")  # the given text itself is left alone


def test_a_message_of_the_log_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    handler = show_log(0)
    logging.getLogger("dse.somewhere").warning("%s", f"{EVIL}\nfaked: line")
    hide_log(handler)
    assert capsys.readouterr().err == f"{SAFE}?faked: line\n"


def test_lines_of_a_file_are_whole_unless_a_width_is_given(
    capsys: pytest.CaptureFixture[str],
) -> None:
    line = " ".join(["word"] * 40)
    print_lines([line], console())
    print_lines([line], console(), width=WIDTH, whole=True)
    print_lines([line], console(), width=WIDTH)
    first, second, *wrapped = capsys.readouterr().out.splitlines()
    assert (first, second) == (line, line)
    assert " ".join(" ".join(wrapped).split()) == line
    assert max(map(len, wrapped)) <= WIDTH


def test_a_name_is_no_markup_and_no_emoji(capsys: pytest.CaptureFixture[str]) -> None:
    print_lines(["[red]a[/red] :star:"], console())
    console().print(table("[b]c[/b] :star:"))
    assert capsys.readouterr().out.split() == ["[red]a[/red]", ":star:", "[b]c[/b]", ":star:", "|"]
