from __future__ import annotations

import re
from pathlib import Path

import pytest

from dse.loadgen.settings import server_bound_ms
from tests.documented import blocks
from tests.help_pages import PAGE, render

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])


def test_the_commands_help_is_the_one_in_the_docs() -> None:
    assert PAGE.read_text(encoding="utf-8") == render(), "run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_the_docs_exists(page: Path) -> None:
    from dse.cli import COMMANDS

    named = re.findall(r"^(?:\$ )?dse ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(named) <= set(COMMANDS)


def test_the_bound_of_a_model_without_rules_is_the_one_in_the_docs() -> None:
    text = (ROOT / "docs" / "bench.md").read_text("utf-8")
    assert f"Server has a bound of {server_bound_ms(None):g} ms" in text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_no_output_is_wider_than_a_page(page: Path) -> None:
    lines = [line for block in blocks(page) for line in block.lines]
    assert [line for line in lines if len(line) > 90] == []
