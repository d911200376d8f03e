"""What commands write: nothing in it steers a terminal, and nothing writes around the edge."""

from __future__ import annotations

import ast
import os
import pty
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import dse
from dse.cli.output import write_content, write_line

if TYPE_CHECKING:
    from tests.commandline import Command

EVIL = "a\x1b[31mb\u202ec"
SAFE = "a?[31mb?c"
SOURCES = Path(dse.__file__).parent
EDGES = {"cli/output.py", "cli/__init__.py", "commands/console.py", "fleet/process.py"}
"""Where text is made fit for a terminal or a log, and the help of click."""
WRITERS = {"click.echo", "print", "Console", "sys.stdout.write", "sys.stderr.write"}


def test_a_line_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    write_line(f"{EVIL}\nx")
    write_line(EVIL, err=True)
    assert capsys.readouterr() == (f"{SAFE}?x\n", f"{SAFE}\n")


def test_content_is_kept_but_for_a_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    content = "x,y\na\x07\u202eb,1\n"
    write_content(content)
    assert capsys.readouterr().out == content
    terminal, writer = pty.openpty()
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        write_content(content)
        stream.flush()
        assert os.read(terminal, 1000).decode() == "x,y\r\na??b,1\r\n"
    os.close(terminal)


@pytest.mark.parametrize(
    "arguments", [("bench", f"{EVIL}.onnx"), ("status", EVIL), ("models", "show", EVIL)]
)
def test_an_error_shows_names_made_printable(command: Command, arguments: tuple[str, ...]) -> None:
    answer = command(*arguments)
    assert answer.code == 2
    assert "?[31mb" in answer.err
    assert answer.err.count("\n") == 1
    assert answer.err.strip().isprintable()


def test_nothing_writes_around_the_edge() -> None:
    """Texts go through `write_line` or a safe console; JSON is escaped by itself."""
    around = []
    for path in SOURCES.rglob("*.py"):
        name, text = path.relative_to(SOURCES).as_posix(), path.read_text(encoding="utf-8")
        if name in EDGES or not any(f"{writer}(" in text for writer in WRITERS):
            continue
        calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
        around += [
            f"{name}:{call.lineno}"
            for call in calls
            if ast.unparse(call.func) in WRITERS
            and not (call.args and ast.unparse(call.args[0]).startswith("json.dumps("))
        ]
    assert around == []
