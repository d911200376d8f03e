"""What the harness hands to a model, answers to LoadGen, and does when a prediction fails."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import mlperf_loadgen as lg
import pytest

from dse.core.metrics import Scenario
from dse.loadgen.compliance import TESTS
from dse.loadgen.harness import run
from dse.loadgen.logs import read_detail
from dse.loadgen.samples import Caller
from dse.loadgen.settings import RunSettings, to_test_settings
from dse.tasks.image_classification.task import ImageClassification
from tests.loadgen.doubles import Echo, Numbers, encode, numbers
from tests.loadgen.failing import QUERIES, ROUND, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dse.tasks.task import Rules

RULES = ImageClassification.rules
RATE = 20_000.0
"""Of a Server run: far more than a test has samples, so that it is over at once."""


def of(scenario: Scenario, **fields: Any) -> RunSettings:
    return RunSettings(scenario, expected_samples_per_s=RATE, **fields)


def issued(settings: RunSettings, samples: int, folder: Path) -> list[int]:
    """The samples that LoadGen asks for, in its order: with equal seeds always the same."""
    indices: list[int] = []

    def issue(ids: list[int], wanted: list[int]) -> None:
        indices.extend(wanted)
        lg.QuerySamplesComplete([lg.QuerySampleResponse(i, 0, 0) for i in ids])

    def nothing(*_: Any) -> None:
        pass

    test = to_test_settings(settings)
    log = lg.LogSettings()
    output = lg.LogOutputSettings()
    output.outdir = str(folder)
    log.log_output = output
    sut = lg.ConstructFastSUT(issue, nothing)
    qsl = lg.ConstructQSL(samples, settings.performance_samples, nothing, nothing)
    lg.StartTestWithLogSettings(sut, qsl, test, log, str(folder / "none"))
    lg.DestroyQSL(qsl)
    lg.DestroyFastSUT(sut)
    return indices


@pytest.fixture
def other(tmp_path: Path) -> Path:
    folder = tmp_path / "other"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("count", [1, 64, 300])
def test_single_stream_completes_every_query(count: int, tmp_path: Path, other: Path) -> None:
    settings = RunSettings(
        Scenario.SINGLE_STREAM, batch_size=4, min_query_count=count, performance_samples=7
    )
    model = Echo()
    run([Caller(model)], Numbers(20), settings, tmp_path)
    log = read_detail(tmp_path)
    assert log.number("result_query_count") == count
    assert log.errors == ()
    assert all(len(batch) == 1 for batch in model.batches)
    assert [batch[0] for batch in model.batches] == issued(settings, 20, other)


@pytest.mark.parametrize("batch_size", [1, 2, 5, 16, 64])
@pytest.mark.parametrize("count", [1, 10, 47, 160])
def test_offline_forms_full_batches_in_loadgens_order(
    batch_size: int, count: int, tmp_path: Path, other: Path
) -> None:
    settings = RunSettings(
        Scenario.OFFLINE, batch_size=batch_size, min_query_count=count, performance_samples=7
    )
    model = Echo()
    run([Caller(model)], Numbers(20), settings, tmp_path)
    assert [len(b) for b in model.batches] == [batch_size] * math.ceil(count / batch_size)
    predicted = [number for batch in model.batches for number in batch]
    assert predicted[:count] == issued(settings, 20, other)
    log = read_detail(tmp_path)
    assert log.errors == ()
    assert log.number("effective_min_sample_count") == count
    assert set(predicted) <= set(log.values["loaded_qsl_set"])


def test_the_last_batch_is_padded_with_samples(tmp_path: Path) -> None:
    settings = RunSettings(Scenario.OFFLINE, batch_size=8, min_query_count=11)
    model = Echo()
    run([Caller(model)], Numbers(20), settings, tmp_path)
    first, last = model.batches
    assert last[3:] == first[3:]  # what the buffer held before


@pytest.mark.parametrize("scenario", Scenario)
@pytest.mark.parametrize("batch_size", [1, 4])
@pytest.mark.parametrize("offset", [0, 1, 3])
def test_an_accuracy_run_answers_with_the_exact_labels(
    scenario: Scenario, batch_size: int, offset: int, tmp_path: Path
) -> None:
    settings = of(
        scenario,
        accuracy=True,
        batch_size=batch_size,
        performance_samples=9,
        min_query_count=5,
    )
    model, samples = Echo(), Numbers(50)
    run([Caller(model)], samples, settings, tmp_path, encode=partial(encode, offset=offset))
    assert numbers(tmp_path) == {index: index - offset for index in range(50)}
    assert all(len(batch) == batch_size for batch in model.batches)
    assert {number for batch in model.batches for number in batch} == set(range(50))
    assert read_detail(tmp_path).errors == ()


@pytest.mark.parametrize("scenario", Scenario)
@pytest.mark.parametrize("accuracy", [False, True])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_fewer_samples_than_may_be_loaded(
    scenario: Scenario, accuracy: bool, count: int, tmp_path: Path
) -> None:
    settings = of(scenario, accuracy=accuracy, min_query_count=64, performance_samples=256)
    model = Echo()
    run([Caller(model)], Numbers(count), settings, tmp_path, encode=encode)
    assert {number for batch in model.batches for number in batch} == set(range(count))
    assert len(model.batches) >= (count if accuracy else 64)
    assert len(numbers(tmp_path)) == (count if accuracy else 0)


@pytest.mark.parametrize("scenario", Scenario)
def test_a_timed_run_answers_with_nothing_that_is_logged(
    scenario: Scenario, tmp_path: Path
) -> None:
    run([Caller(Echo())], Numbers(8), of(scenario, min_query_count=64), tmp_path)
    assert numbers(tmp_path) == {}
    log = read_detail(tmp_path)
    assert log.long_enough
    # With so few queries early stopping is met in these two alone.
    assert log.valid or scenario in {Scenario.MULTI_STREAM, Scenario.SERVER}


@pytest.mark.parametrize("scenario", Scenario)
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_compliance_run_logs_answers_of_a_timed_run(
    scenario: Scenario, batch_size: int, tmp_path: Path
) -> None:
    audit = tmp_path / "audit.config"
    audit.write_text(TESTS["TEST01"].audit_config)
    wanted = of(scenario, batch_size=batch_size, min_query_count=64, answers=True)
    model = Echo()
    run(
        [Caller(model)],
        Numbers(20),
        replace(wanted, audit_config=audit),
        tmp_path,
        encode=partial(encode, offset=1),
    )
    found = numbers(tmp_path)
    assert found
    assert found == {index: index - 1 for index in found}
    log = read_detail(tmp_path)
    assert log.errors == ()
    assert TESTS["TEST01"].wrong_settings(log) == []
    assert TESTS["TEST04"].wrong_settings(log) == [
        "effective_performance_issue_same is False, not 1",
        "effective_performance_issue_same_index is 0, not 3",
    ]


@pytest.mark.parametrize("scenario", Scenario)
def test_a_compliance_run_may_make_one_query_again_and_again(
    scenario: Scenario, tmp_path: Path
) -> None:
    audit = tmp_path / "audit.config"
    audit.write_text(TESTS["TEST04"].audit_config)
    model = Echo()
    wanted = of(scenario, min_query_count=64, audit_config=audit)
    run([Caller(model)], Numbers(20), wanted, tmp_path)
    # In MultiStream it is one query of eight samples.
    asked = 8 if scenario is Scenario.MULTI_STREAM else 1
    assert len({number for batch in model.batches for number in batch}) == asked
    assert TESTS["TEST04"].wrong_settings(read_detail(tmp_path)) == []
    assert numbers(tmp_path) == {}


def test_answers_need_what_makes_them(tmp_path: Path) -> None:
    for fields in ({"accuracy": True}, {"answers": True}):
        with pytest.raises(ValueError, match="needs what makes its responses"):
            run([Caller(Echo())], Numbers(2), of(Scenario.OFFLINE, **fields), tmp_path)


@pytest.mark.parametrize("scenario", Scenario)
@pytest.mark.parametrize("accuracy", [False, True])
def test_samples_are_freed(scenario: Scenario, accuracy: bool, tmp_path: Path) -> None:
    samples = Numbers(50)
    settings = of(scenario, accuracy=accuracy, min_query_count=64, performance_samples=9)
    run([Caller(Echo())], samples, settings, tmp_path, encode=encode)
    if accuracy:
        # One batch that each next one is written into, and never more.
        assert max(samples.alive_at_load) == 1
    else:
        # One to see how a call is made, then all that are loaded.
        first, loaded = samples.loaded
        assert len(first) == 1
        assert len(loaded) >= 9
    assert samples.alive == 0


@pytest.mark.parametrize("batch_size", [1, 3, 8])
@pytest.mark.parametrize("count", [1, 20])
def test_multi_stream_asks_for_eight_samples(batch_size: int, count: int, tmp_path: Path) -> None:
    settings = of(Scenario.MULTI_STREAM, batch_size=batch_size, min_query_count=count)
    model = Echo()
    run([Caller(model)], Numbers(20), settings, tmp_path)
    log = read_detail(tmp_path)
    assert log.number("effective_samples_per_query") == 8
    assert log.number("result_query_count") == count
    assert [len(b) for b in model.batches] == [batch_size] * (math.ceil(8 / batch_size) * count)


@pytest.mark.parametrize(("rules", "bound_ms"), [(RULES, 15), (None, 100)])
def test_a_server_run_keeps_to_its_rate(rules: Rules | None, bound_ms: int, tmp_path: Path) -> None:
    """Without rules of the task LoadGen's own bound holds."""
    settings = of(Scenario.SERVER, min_query_count=200, rules=rules)
    settings = replace(settings, expected_samples_per_s=2000.0)
    run([Caller(Echo())], Numbers(20), settings, tmp_path)
    log = read_detail(tmp_path)
    assert log.number("result_query_count") >= 200
    assert log.number("effective_target_qps") == 2000
    assert log.number("effective_target_latency_ns") == 1e6 * bound_ms
    assert log.number("effective_target_latency_percentile") == 0.99
    # A Poisson process of so many queries is within a third of its rate.
    assert log.number("result_scheduled_samples_per_sec") == pytest.approx(2000, rel=0.33)


def test_many_runs_in_one_process(tmp_path: Path) -> None:
    orders = []
    for attempt in range(3):
        for scenario in Scenario:
            for accuracy in (True, False):
                folder = tmp_path / f"{attempt}-{scenario}-{accuracy}"
                folder.mkdir()
                model = Echo()
                settings = of(scenario, accuracy=accuracy, min_query_count=64)
                run([Caller(model)], Numbers(30), settings, folder, encode=encode)
                orders.append((scenario, accuracy, model.batches))
                assert len(numbers(folder)) == (30 if accuracy else 0)
    third = len(orders) // 3
    assert orders[:third] == orders[third : 2 * third] == orders[2 * third :]


Fail = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def failures() -> Iterator[subprocess.Popen[str]]:
    """`tests.loadgen.failing`, which forks for each run."""
    words = [sys.executable, "-X", "faulthandler", "-m", "tests.loadgen.failing"]
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as process:
        yield process


@pytest.fixture
def failing(failures: subprocess.Popen[str], tmp_path: Path) -> Fail:
    """Runs `tests.loadgen.failing.fail`: an abort or a hang shows in the exit code."""

    def fail(scenario: Scenario, mode: str, batch: int, what: str, call: int) -> dict[str, Any]:
        assert failures.stdin is not None
        assert failures.stdout is not None
        order = [str(tmp_path), scenario.value, mode, batch, what, call]
        failures.stdin.write(f"{json.dumps(order)}\n")
        failures.stdin.flush()
        code, errors = int(failures.stdout.readline()), (tmp_path / "stderr").read_text()
        assert (code, errors) == (0, "")
        return dict(json.loads((tmp_path / "answer").read_text()))

    return fail


@pytest.mark.parametrize(
    "position", ["first", pytest.param("middle", marks=pytest.mark.long), "last"]
)
@pytest.mark.parametrize(
    ("scenario", "mode", "batch"),
    [
        (Scenario.SINGLE_STREAM, "performance", 1),
        (Scenario.SINGLE_STREAM, "accuracy", 1),
        (Scenario.OFFLINE, "performance", 1),
        (Scenario.OFFLINE, "performance", 4),
        (Scenario.OFFLINE, "accuracy", 4),
        (Scenario.SERVER, "performance", 1),
    ],
)
def test_a_failed_prediction_ends_the_run(
    scenario: Scenario, mode: str, batch: int, position: str, failing: Fail
) -> None:
    # An accuracy run comes in rounds of as many samples as may be loaded.
    full, rest = divmod(SAMPLES, ROUND)
    rounds = [ROUND] * full + [rest] if mode == "accuracy" else [QUERIES]
    calls = sum(math.ceil(count / batch) for count in rounds)
    call = {"first": 1, "middle": calls // 2, "last": calls}[position]
    answer = failing(scenario, mode, batch, "RuntimeError", call)
    assert answer["raised"] == "PredictionError"
    assert answer["message"] == "RuntimeError: the runtime says no"
    assert answer["cause"] == "RuntimeError('the runtime says no')"
    assert answer["calls"] == call  # never again after the error
    assert (answer["errors_again"], answer["calls_again"]) == (0, calls)


@pytest.mark.parametrize("what", ["MemoryError", "shape"])
def test_whatever_a_prediction_raises_is_the_cause(what: str, failing: Fail) -> None:
    answer = failing(Scenario.SINGLE_STREAM, "accuracy", 1, what, 3)
    assert answer["raised"] == "PredictionError"
    cause = "MemoryError()" if what == "MemoryError" else "ValueError('scores of shape (100,)"
    assert answer["cause"].startswith(cause)
    assert answer["calls"] == 3


@pytest.mark.parametrize("scenario", Scenario)
@pytest.mark.parametrize("what", ["KeyboardInterrupt", "SystemExit"])
def test_an_interruption_comes_out_as_it_is(scenario: Scenario, what: str, failing: Fail) -> None:
    answer = failing(scenario, "performance", 1, what, 7)
    assert (answer["raised"], answer["calls"]) == (what, 7)


@pytest.mark.parametrize("scenario", Scenario)
@pytest.mark.parametrize(("mode", "round_"), [("performance", 1), ("accuracy", 1), ("accuracy", 2)])
def test_samples_that_cannot_be_loaded_end_the_run(
    scenario: Scenario, mode: str, round_: int, failing: Fail
) -> None:
    answer = failing(scenario, mode, 1, "inputs", round_)
    # In an accuracy run they are made on the way to a prediction.
    if mode == "performance":
        assert (answer["raised"], answer["message"]) == ("OSError", "the samples are gone")
    else:
        assert answer["raised"] == "PredictionError"
        assert answer["cause"] == "OSError('the samples are gone')"
    assert answer["calls"] <= round_ - 1
    assert answer["errors_again"] == 0
