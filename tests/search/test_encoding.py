"""Configurations become numbers that lose nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from benchmarks.laboratory.encoding import encode, is_numeric, losses
from benchmarks.laboratory.renaming import show
from benchmarks.laboratory.tables import read
from dse.core.configuration import Configuration
from dse.core.measurement import Measurement, Outcome, Source
from dse.space._enumeration import Parameter
from dse.space.plan import Plan
from tests.replays import write_table
from tests.search.test_laboratory import published

if TYPE_CHECKING:
    from pathlib import Path


def test_what_varies_has_columns(tmp_path: Path) -> None:
    (one,) = read(write_table(tmp_path, ("a", "b", "c"), batch_sizes=(1, 2, 8)))
    found = encode(one.plan())
    assert found.names == found.parameters == ("model", "threads", "batch_size")
    assert found.categories == (3, 0, 0)
    assert found.categorical == [0]
    assert found.values.shape == (18, 3)
    assert len(np.unique(found.values, axis=0)) == 18
    sizes = dict(zip((c.batch_size for c in one.outcomes), found.values[:, 2], strict=True))
    assert sizes == {1: 0.0, 2: pytest.approx(1 / 3), 8: 1.0}  # in logarithms


def test_names_become_columns_of_their_own(tmp_path: Path) -> None:
    (one,) = read(write_table(tmp_path, ("a", "b", "c")))
    found = encode(one.plan())
    assert found.one_hot.shape == (12, 3 + 2)
    assert (found.one_hot[:, :3].sum(axis=1) == 1).all()
    assert (found.one_hot[:, :3].argmax(axis=1) == found.values[:, 0]).all()
    assert (found.one_hot[:, 3:] == found.values[:, 1:]).all()


def test_a_knob_that_only_some_have_is_a_name() -> None:
    """It being absent is one more of its values."""
    plain = Configuration("m", "fp32", "x", 1, 1)
    tuned = [Configuration("m", "fp32", "y", 1, 1, (("depth", n),)) for n in (1, 4)]
    plan = Plan(
        (plain, *tuned),
        (
            Parameter("model", ("m",)),
            Parameter("backend", ("x", "y")),
            Parameter("y.depth", (1, 4), (("backend", ("y",)),)),
        ),
        (),
    )
    found = encode(plan)
    assert found.names == ("backend", "y.depth")
    assert found.categories == (2, 3)
    assert len(np.unique(found.values, axis=0)) == 3


def test_what_is_counted_in_files_has_columns(tmp_path: Path) -> None:
    one = read(published(tmp_path))[0]
    shown = show("files", one, ())
    plan = shown.table.plan()
    found = encode(plan, shown.models)
    assert found.parameters == ("model", "precision")
    assert {"log_macs", "log_parameters", "log_input"} <= set(found.names)
    assert found.values.min() == 0
    assert found.values[:, found.names.index("log_macs")].max() == 1
    part = dict(list(shown.models.items())[:1])
    assert encode(plan, part).names == encode(plan).names  # not of all models


@pytest.mark.parametrize(
    ("choices", "numeric"),
    [((1, 2), True), ((0.5, 2), True), ((0, 1), False), ((False, True), False), (("a", 1), False)],
)
def test_numbers_above_zero_are_numbers(choices: tuple[int | str, ...], numeric: bool) -> None:
    assert is_numeric(Parameter("p", choices)) == numeric


def test_every_objective_is_to_be_low() -> None:
    values = {"accuracy_percent": 70.0, "latency_p90_ms": 2.0, "throughput_samples_per_s": 4.0}
    outcome = Outcome(
        tuple(Measurement(name, value, "", Source.REPLAYED) for name, value in values.items())
    )
    assert losses(values, outcome) == pytest.approx([-70, np.log(2), -np.log(4)])
