"""The commands' help, and what a user meets who only types a word."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import click
import pytest

from dse import __version__
from dse.cli import dse

if TYPE_CHECKING:
    from tests.commandline import Command

COMMANDS = sorted(dse.commands)


def test_the_commands_that_others_rely_on_are_there() -> None:
    assert {"explore", "status", "frontier", "backends", "system"} <= set(COMMANDS)


@pytest.mark.parametrize("name", ["", *COMMANDS])
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_help(command: Command, name: str, option: str) -> None:
    answer = command.good(*([name] if name else []), option)
    assert answer.out.startswith(f"Usage: dse {name}".rstrip())
    assert answer.err == ""
    assert max(len(line) for line in answer.out.splitlines()) <= 100


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_explained(name: str) -> None:
    options = [p for p in dse.commands[name].params if isinstance(p, click.Option)]
    assert [option.opts for option in options if not option.help] == []


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
