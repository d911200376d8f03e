"""The commands' help, and what a user meets who only types a word."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from dse import __version__
from dse.cli import COMMANDS as LISTED
from tests.help_pages import commands

if TYPE_CHECKING:
    from tests.commandline import Command

COMMANDS = dict(commands())


def test_the_commands_that_others_rely_on_are_there() -> None:
    expected = ("explore", "status", "frontier", "validate", "export", "models", "backends")
    assert {f"dse {name}" for name in (*expected, "system")} <= set(COMMANDS)
    assert {f"dse models {name}" for name in ("list", "show", "fetch")} <= set(COMMANDS)


def test_a_command_is_listed_with_the_first_line_of_its_help() -> None:
    groups_aside = {w: c for w, c in COMMANDS.items() if len(w.split()) == 2}
    assert {f"dse {name}" for name in LISTED} == set(groups_aside)
    for name, line in LISTED.items():
        assert str(COMMANDS[f"dse {name}"].help).partition("\n")[0] == line


@pytest.mark.parametrize("words", COMMANDS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(command: Command, words: str, option: str) -> None:
    answer = command.good(*words.split()[1:], option)
    assert answer.out.startswith(f"Usage: {words}")
    assert answer.err == ""
    assert max(len(line) for line in answer.out.splitlines()) <= 90


@pytest.mark.parametrize("words", COMMANDS)
def test_every_option_is_explained(words: str) -> None:
    options = [p for p in COMMANDS[words].params if isinstance(p, click.Option)]
    assert [option.opts for option in options if not option.help] == []


@pytest.mark.parametrize("words", COMMANDS)
def test_every_command_has_an_example(words: str) -> None:
    command = COMMANDS[words]
    assert isinstance(command, click.Group) or f"  {words} " in str(command.help)


def test_version(command: Command) -> None:
    assert command.good("--version").out == f"dse, version {__version__}\n"


def test_no_command_shows_the_help_and_is_no_success(command: Command) -> None:
    answer = command()
    assert answer.code == 2
    assert "Commands:" in answer.out + answer.err


def test_as_a_module() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "dse", "--version"], check=True, capture_output=True, text=True
    )
    assert told.stdout == f"dse, version {__version__}\n"
