"""What README and docs show: commands to give, and what prose calls a command or an option."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
PROGRAMS = ("dse", "make", "python", "pip", "pytest", "optuna-dashboard")
"""A line of a block that begins with one of these, or with `PROMPT`, is a command."""
PROMPT = "$ "
TERMINAL = {"", "text", "console", "sh", "bash"}
"""What a block may be called that holds commands."""
_FENCE = re.compile(r"^(?P<indent> *)```(?P<language>[a-z]*)$")
_BLOCK = re.compile(r"^ *```.*?^ *```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`((?:dse|make) [^`]+)`")
_OPTION = re.compile(r"`[^`]*?(--[a-z][a-z-]+)[^`]*`")


@dataclass(frozen=True, slots=True)
class Block:
    """What stands between two fences.

    Attributes:
        page: that holds it.
        line: of the first fence, counted from 1.
        language: what the fence says.
        lines: without the fences and their indentation.
    """

    page: Path
    line: int
    language: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in self.lines)


@dataclass(frozen=True, slots=True)
class Shown:
    """A command of a page.

    Attributes:
        page: its name.
        words: of the command, without its comment.
        output: the lines below it, if any are shown.
    """

    page: str
    words: tuple[str, ...]
    output: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return shlex.join(self.words)


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    found: list[Block] = []
    begun: tuple[int, str, str] | None = None
    lines: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), start=1):
        fence = _FENCE.match(line)
        if fence is not None and begun is None:
            begun, lines = (number, fence["language"], fence["indent"]), []
        elif begun is not None and line.strip() == "```":
            found.append(Block(page, begun[0], begun[1], tuple(lines)))
            begun = None
        elif begun is not None:
            lines.append(line.removeprefix(begun[2]))
    assert begun is None, f"{page.name}: a block without an end"
    return found


def commands(page: Path) -> Iterator[Shown]:
    """The commands in the blocks of a page, in their order."""
    for block in blocks(page):
        if block.language in TERMINAL:
            yield from _commands(block)


def _commands(block: Block) -> Iterator[Shown]:
    """What follows a prompt, with what it prints; or else the lines that begin with a program.

    A line that ends with a backslash goes on in the next one.
    """
    lines = "\n".join(block.lines).replace("\\\n", "").split("\n")
    prompts = [n for n, line in enumerate(lines) if line.startswith(PROMPT)]
    ends = [*prompts, len(lines)][1:]
    for begin, end in zip(prompts, ends, strict=True):
        line, *output = lines[begin:end]
        yield Shown(block.page.name, _words(line.removeprefix(PROMPT)), tuple(output))
    if prompts:
        return
    plain = [line for line in lines if line.split(" ")[0] in PROGRAMS]
    # A program that is missing from the list would else be taken for the output of another.
    rest = [line for line in lines if line.strip() and line not in plain]
    assert not (plain and rest), f"{block.page.name}:{block.line}: is this a command? {rest}"
    yield from (Shown(block.page.name, _words(line)) for line in plain)


def _words(line: str) -> tuple[str, ...]:
    return tuple(shlex.split(line, comments=True))


def inline(page: Path) -> list[tuple[str, ...]]:
    """What prose calls commands of this program or of make, in words; each once."""
    return [tuple(text.split()) for text in dict.fromkeys(_INLINE.findall(_prose(page)))]


def options(page: Path) -> set[str]:
    """The long options that prose names."""
    return set(_OPTION.findall(_prose(page)))


def _prose(page: Path) -> str:
    return _BLOCK.sub("", page.read_text(encoding="utf-8"))
