"""The picture of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from dse.compare.picture import draw_frontiers
from dse.core.errors import RequestError
from dse.report.picture import check_name
from tests.compare.made import gathered, results, row
from tests.compare.test_summary import MEASURED, THEIRS

if TYPE_CHECKING:
    from pathlib import Path


def words(file: Path) -> str:
    """The comments of an SVG file, in which matplotlib keeps the texts that it has drawn."""
    ET.parse(file)  # noqa: S314  # of our own making
    lines = file.read_text(encoding="utf-8").splitlines()
    return "\n".join(line.strip() for line in lines if line.strip().startswith("<!--"))


def test_every_system_has_its_line_and_says_what_it_is(tmp_path: Path) -> None:
    file = tmp_path / "p.svg"
    draw_frontiers(gathered(MEASURED, THEIRS).systems, file)
    text = words(file)
    assert "mine (measured)" in text
    assert "theirs (published)" in text
    assert "SingleStream p90 latency [ms]" in text
    assert "Offline throughput [samples/s], some inferred" in text


def test_the_same_picture_is_the_same_file(tmp_path: Path) -> None:
    systems = gathered(MEASURED, THEIRS).systems
    for suffix in (".svg", ".png", ".pdf"):
        one, two = tmp_path / f"one{suffix}", tmp_path / f"two{suffix}"
        draw_frontiers(systems, one)
        draw_frontiers(systems, two)
        assert one.read_bytes() == two.read_bytes()


def test_a_metric_that_nobody_has_has_no_panel(tmp_path: Path) -> None:
    file = tmp_path / "p.svg"
    draw_frontiers(gathered(results("one", row(accuracy=50, latency=1))).systems, file)
    assert "Offline" not in words(file)


def test_more_systems_than_colours(tmp_path: Path) -> None:
    many = (results(f"s{n}", row(accuracy=50 + n, latency=n + 1)) for n in range(40))
    file = tmp_path / "p.png"
    draw_frontiers(gathered(*many).systems, file)
    assert file.read_bytes().startswith(b"\x89PNG")


def test_what_can_not_be_drawn_is_told(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no system has accuracies"):
        draw_frontiers(gathered(results("one", row(latency=1))).systems, tmp_path / "p.png")
    assert not list(tmp_path.iterdir())
    with pytest.raises(RequestError, match=r"'\.jpg' is not a picture format; end the name"):
        check_name(tmp_path / "p.jpg")
