"""What a search must do, whatever it is told."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from dse.core.configuration import Configuration
from dse.core.metrics import ENERGY, LATENCY, MODEL_SIZE, MULTI_STREAM, THROUGHPUT
from dse.core.pareto import Constraint
from dse.search._features import compute_features
from dse.search._gain import volume
from dse.search._targets import loss
from dse.search.searcher import QUERIES, START_S
from dse.tasks.image_classification._quality import ACCURACY
from tests.objectives import DEFAULT_OBJECTIVES
from tests.search.spaces import NONE, PRIORS, configurations, explored, searcher, values

EVERY = configurations()
FEW = configurations(models=["mobilenet-v1-0.5-160", "x", "efficientnet-lite1"], batch_sizes=[1])
TRUTH = {c: values(c) for c in EVERY}
AMOUNTS = st.one_of(
    st.none(), st.just(0.0), st.floats(1e-12, 1e12), st.just(math.inf), st.just(1.0)
)


@settings(max_examples=15, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(
    st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS), min_size=len(FEW), max_size=len(FEW)),
    st.integers(0, 99),
)
def test_everything_is_proposed_once_whatever_comes_out(
    amounts: list[tuple[float | None, ...]], seed: int
) -> None:
    outcomes = {
        c: None if None in found else dict(zip(DEFAULT_OBJECTIVES, found, strict=True))
        for c, found in zip(FEW, amounts, strict=True)
    }
    found = explored(FEW, searcher(FEW, seed=seed), len(FEW), outcomes)  # type: ignore[arg-type]
    assert sorted(found) == list(range(len(FEW)))


@pytest.mark.parametrize(
    "objectives",
    [
        (LATENCY.name,),
        (ACCURACY.name,),
        (THROUGHPUT.name, ACCURACY.name),
        (ACCURACY.name, LATENCY.name, THROUGHPUT.name, MODEL_SIZE.name),
        (MULTI_STREAM.name, LATENCY.name, ENERGY.name, ACCURACY.name, THROUGHPUT.name),
    ],
)
def test_any_objectives(objectives: tuple[str, ...]) -> None:
    outcomes = {
        c: {MODEL_SIZE.name: 3.0, MULTI_STREAM.name: 8 * v[LATENCY.name], ENERGY.name: 2.0, **v}
        for c, v in TRUTH.items()
    }
    found = explored(EVERY, searcher(EVERY, objectives), 12, outcomes)
    assert len(set(found)) == 12


def test_a_seed_gives_the_same_proposals() -> None:
    one, same, other = (explored(EVERY, searcher(EVERY, seed=s), 12, TRUTH) for s in (1, 1, 2))
    assert one == same
    assert one != other


def test_most_of_the_frontier_is_found_in_a_tenth() -> None:
    losses = np.array([[loss(n, v[n]) for n in DEFAULT_OBJECTIVES] for v in TRUTH.values()])
    scaled = (losses - losses.min(axis=0)) / np.ptp(losses, axis=0)
    reference = np.full(3, 1.1)
    found = explored(EVERY, searcher(EVERY), len(EVERY) // 10, TRUTH)
    assert volume(scaled[found], reference) > 0.9 * volume(scaled, reference)


def test_where_nothing_is_known_of_the_models_each_precision_is_tried() -> None:
    """Their times do not tell that integers are slow, so one of the others has to be tried."""
    unknown = configurations(models=[f"m{n:02}" for n in range(12)], backends=["one"])
    sizes = {f"m{n:02}": (n * 5) % 12 for n in range(12)}
    outcomes = {
        c: {
            ACCURACY.name: 50.0 + 2 * sizes[c.model] - (c.precision == "int8"),
            LATENCY.name: 1.4 ** sizes[c.model] * (2.0 if c.precision == "int8" else 1.0),
            THROUGHPUT.name: 1000 / 1.4 ** sizes[c.model] / (2.0 if c.precision == "int8" else 1.0),
        }
        for c in unknown
    }
    for seed in range(4):
        found = explored(unknown, searcher(unknown, seed=seed), 12, outcomes)
        tried = [unknown[place].precision for place in found]
        assert set(tried) == {"fp32", "int8"}
        assert tried[6:].count("fp32") > tried[6:].count("int8")


def test_long_accuracy_runs_are_put_off() -> None:
    def seconds(samples: int) -> float:
        found = explored(EVERY, searcher(EVERY, samples=samples), 6, TRUTH)
        files = {(EVERY[p].model, EVERY[p].precision, EVERY[p].backend): p for p in found}
        return sum(TRUTH[EVERY[place]][LATENCY.name] for place in files.values())

    assert seconds(20_000) < seconds(0)


def test_what_fails_on_one_backend_is_left_for_last() -> None:
    outcomes = {c: None if c.backend == "one" else v for c, v in TRUTH.items()}
    found = explored(EVERY, searcher(EVERY), 10, outcomes)
    assert sum(EVERY[place].backend == "one" for place in found) <= 3


def test_points_that_miss_a_constraint_are_no_gain() -> None:
    bound = Constraint(ACCURACY.name, minimum=68.0)
    found = explored(EVERY, searcher(EVERY, constraints=[bound]), 20, TRUTH)
    kept = [bound.met(TRUTH[EVERY[place]][ACCURACY.name]) for place in found]
    share = sum(bound.met(v[ACCURACY.name]) for v in TRUTH.values()) / len(TRUTH)
    assert sum(kept) / len(kept) > share + 0.2


def test_workers_side_by_side_look_at_different_places() -> None:
    """What is being measured is believed: nobody takes the next best batch of it."""
    search = searcher(EVERY)
    explored_first = explored(EVERY, search, 8, TRUTH)
    left = np.array(sorted(set(range(len(EVERY))) - set(explored_first)))
    first = search.propose(left, np.array(NONE, dtype=np.intp))
    second = search.propose(left[left != first], np.array([first]))
    one, other = EVERY[first], EVERY[second]
    assert (one.model, one.precision, one.backend) != (other.model, other.precision, other.backend)


def test_what_is_believed_meanwhile_is_forgotten() -> None:
    one, other = searcher(EVERY, seed=3), searcher(EVERY, seed=3)
    for search in (one, other):
        for place in range(0, 40, 4):
            search.observe(place, TRUTH[EVERY[place]], ran=True)
    left = np.arange(41, len(EVERY))
    one.propose(left, np.arange(1, 40, 4))
    other.propose(left, np.array(NONE, dtype=np.intp))
    nobody = np.array(NONE, dtype=np.intp)
    believed = [s._surrogate for s in (one, other)]
    for each in believed:
        each.refresh(nobody)
    means = [each.predict(left).means for each in believed]
    assert means[0] == pytest.approx(means[1], abs=1e-6)


def test_a_large_space() -> None:
    every = [
        Configuration(m, p, b, t, 2**n, instances=i)
        for m in ("mobilenet-v1-0.5-160", "efficientnet-lite0", *(f"m{k}" for k in range(30)))
        for p in ("fp32", "int8")
        for b in ("one", "two", "three")
        for t in (1, 2, 4, 8)
        for n in range(6)
        for i in (1, 2)
    ]
    search = searcher(every)
    found = explored(every, search, 3, {c: values(c) for c in every})
    assert len(set(found)) == 3


def test_the_accuracy_of_a_size_that_nobody_published_is_foretold() -> None:
    every = configurations(("mobilenet-v2-0.5-96",), ("fp32",), ("one",), (1,), (1,))
    features = compute_features(every, PRIORS)
    assert features.published == pytest.approx([51.2], abs=3)


def test_a_quantised_file_that_is_slow_in_one_runtime_may_be_so_in_others() -> None:
    """Seen are three files in two runtimes, one of them slow, and it in only one of these."""
    models = ("mobilenet-v1-0.25-128", "mobilenet-v1-0.5-160", "mobilenet-v1-1.0-224")
    every = configurations(models, ("int8",), ("one", "other"), (1,), (1,))
    expected = {}
    for slow in (1.0, 6.0):
        found = searcher(every)
        for place, each in enumerate(every):
            if (each.model, each.backend) == (models[1], "other"):
                unseen = place
                continue
            outcome = values(each)
            if each.model == models[1]:
                outcome[LATENCY.name] *= slow
                outcome[THROUGHPUT.name] /= slow
            found.observe(place, outcome, ran=True)
        found._surrogate.refresh(np.zeros(0, dtype=np.intp))
        belief = found._surrogate.predict(np.array([unseen]))
        expected[slow] = belief.means[0, 0]
    assert expected[6.0] - expected[1.0] > math.log(6) / 2


def test_what_may_take_long_counts_as_longer_than_its_median() -> None:
    every = configurations(backends=("one",), threads=(1,), batch_sizes=(1,))
    found = searcher(every, (ACCURACY.name, LATENCY.name))
    view = found._update(np.arange(len(every)), np.zeros(0, dtype=np.intp))
    median = np.exp(view.posterior.means[0]) * QUERIES / 1000
    assert (found._seconds(view) > START_S + 1.5 * median).all()
