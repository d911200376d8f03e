"""The user's file of numbers: whose they are, and what is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.derived._facts import SuppliedFacts

if TYPE_CHECKING:
    from pathlib import Path

FILE = """\
price_per_hour: 0.25
tdp_watts: 65
systems:
  AMD EPYC*:
    price_per_hour: 0.17
  amd epyc 9r14:
    cores: 96
    price_per_hour: 0.5
  0123456789ab: {tdp_watts: 10}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "facts.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["ARM"], {"price_per_hour": 0.25, "tdp_watts": 65}),
        (["AMD EPYC 7763"], {"price_per_hour": 0.17, "tdp_watts": 65}),
        (["AMD EPYC 9R14"], {"price_per_hour": 0.5, "tdp_watts": 65, "cores": 96}),
        (["AMD Ryzen", "0123456789ab"], {"price_per_hour": 0.25, "tdp_watts": 10}),
        ([""], {"price_per_hour": 0.25, "tdp_watts": 65}),
        ([], {"price_per_hour": 0.25, "tdp_watts": 65}),
    ],
)
def test_a_system_has_the_numbers_of_what_it_is_called(
    file: Path, names: list[str], found: dict[str, float]
) -> None:
    facts = SuppliedFacts.read(file)
    assert facts.of(names) == found
    assert facts.names == ("price_per_hour", "tdp_watts", "cores")


def test_a_name_with_brackets_is_itself(tmp_path: Path) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text("systems:\n  'CPU [v2]': {watts: 3}\n", encoding="utf-8")
    assert SuppliedFacts.read(path).of(["cpu [V2]"]) == {"watts": 3}


def test_there_may_be_none() -> None:
    assert SuppliedFacts().of(["AMD"]) == {}
    assert SuppliedFacts().names == ()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("price: a lot\n", "1: price: expected a number, not 'a lot'"),
        ("watts: 1\nprice: true\n", "2: price: expected a number, not true"),
        ("price:\n", "1: price: expected a number, not nothing"),
        ("price: [1]\n", "1: price: expected a number, not a list"),
        ("price: .inf\n", "1: price: expected a number, not '.inf'"),
        ("price: 1\nprice: 2\n", "2: price: given twice"),
        ("systems: 3\n", "1: systems: expected fields"),
        ("systems:\n  AMD: 3\n", "2: systems.AMD: expected fields"),
        ("systems:\n  AMD:\n    price: x\n", "3: systems.AMD.price: expected a number, not 'x'"),
        ("Price: 1\n", "1: Price: 'Price' is not a name; use lower-case letters"),
        ("systems:\n  AMD:\n    price-x: 1\n", "3: systems.AMD.price-x: 'price-x' is not a name"),
        ("threads: 1\n", "1: threads: 'threads' is a name of what is measured, configured"),
        ("latency_p90_ms: 1\n", "1: latency_p90_ms: 'latency_p90_ms' is a name of what"),
        ("cpu: 1\n", "1: cpu: 'cpu' is a name of what is measured"),
        ("price_low: 1\n", "1: price_low: 'price_low' is the name of a column"),
        ("log: 1\n", "1: log: 'log' has a meaning in expressions; choose another name"),
        ("lambda: 1\n", "1: lambda: 'lambda' has a meaning in expressions"),
        ("true: 1\n", "1: true: 'true' has a meaning in expressions"),
        ("- 1\n", "1: expected fields"),
        ("", " the file is empty"),
        ("price: &a 1\nb: *a\n", "2: not valid YAML: '*a' stands for another place"),
        ("price: !!python/name:os.system 1\n", "1: not valid YAML: the tag"),
    ],
)
def test_what_is_wrong_has_its_line_and_field(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RequestError) as caught:
        SuppliedFacts.read(path)
    assert str(caught.value).startswith(f"{path}:{words}")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no such file"):
        SuppliedFacts.read(tmp_path / "no.yaml")
