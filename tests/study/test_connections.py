"""A database on a server: few round trips, and connections that are slow, cut or silent."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, tzinfo
from typing import TYPE_CHECKING, Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution
from sqlalchemy.pool import NullPool

from dse.machine.measuring_lock import measuring_lock
from dse.study import _calls, _ownership, store
from dse.study.folder import StudyFolder
from dse.study.record import OWNER
from dse.study.revisions import distributions
from tests.commandline import PATIENCE_S
from tests.replays import write_space, write_table
from tests.study.proxy import proxied
from tests.study.studies import create, outcome, planned, small_space

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.commandline import Command
    from tests.study.server import Server

SIZES = list(range(1, 13))
EXPLORE = ("explore", "--sampler", "grid", "--settle", 0)
TRIP_S = 0.01
"""A round trip that makes an exploration long enough for something to happen in its middle."""
MAX_ROUND_TRIPS = 10
"""Of a trial; a statement is one, and so are the beginning and the end of a transaction."""


def write_study(here: Path) -> Path:
    write_table(here, ["a"], [1], SIZES)
    return write_space(here, models="a", threads=1, batch_sizes=SIZES)


def check_whole(server: Server, database: str) -> None:
    """Every configuration was measured once, and nothing of it is missing."""
    rows = server.execute("SELECT key, value_json FROM trial_user_attributes", database)
    outcomes = [json.loads(text) for key, text in rows if key == "outcome"]
    assert len(outcomes) == len(SIZES)
    taken = [json.loads(text) for key, text in rows if key.startswith("measurement:")]
    found = Counter((measurement["metric"], measurement["key"]) for measurement in taken)
    assert len(found) == 3 * len(SIZES)
    assert set(found.values()) == {1}
    states = server.execute("SELECT state, number FROM trials ORDER BY trial_id", database)
    assert [state for state, _ in states].count("COMPLETE") == len(SIZES)
    assert [number for _, number in states] == list(range(len(states)))


@contextmanager
def beside(work: Callable[[threading.Event], None]) -> Iterator[None]:
    """Does work in a thread beside the block, until the event that it gets is set."""
    done = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work, done)
        try:
            yield
        finally:
            done.set()
        running.result()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def outcomes(server: Server, database: str) -> int:
    tables = "SELECT to_regclass('trial_user_attributes') IS NOT NULL"
    if not server.execute(tables, database)[0][0]:
        return 0
    count = "SELECT count(*) FROM trial_user_attributes WHERE key = 'outcome'"
    return int(server.execute(count, database)[0][0])


@pytest.mark.parametrize("driver", ["psycopg", pytest.param("psycopg2", marks=pytest.mark.long)])
def test_a_trial_takes_few_round_trips(
    command: Command, here: Path, server: Server, driver: str
) -> None:
    pytest.importorskip(driver)
    space = write_study(here)
    trips = []
    with proxied(server.port) as proxy:
        for trials in (2, len(SIZES)):
            database = server.new_database()
            url = server.url(database, driver, port=proxy.port)
            before = proxy.round_trips
            name = ("--study", database, "--storage", url, "--n-trials", trials)
            command.good(*EXPLORE, space, *name)
            trips.append(proxy.round_trips - before)
    check_whole(server, database)
    check_readable(server.url(database, driver), database)
    assert (trips[1] - trips[0]) / (len(SIZES) - 2) <= MAX_ROUND_TRIPS


def check_readable(url: str, database: str) -> None:
    """Optuna reads what was written without it."""
    storage = optuna.storages.RDBStorage(url, engine_kwargs={"poolclass": NullPool})
    study = optuna.load_study(study_name=database, storage=storage)
    assert [trial.params["batch_size"] for trial in study.trials] == SIZES
    for trial in study.trials:
        assert trial.datetime_start is not None
        assert trial.datetime_complete is not None
        assert timedelta() <= trial.datetime_complete - trial.datetime_start < timedelta(minutes=9)
        assert trial.distributions["batch_size"] == CategoricalDistribution(SIZES)
        found = {m["metric"]: m["value"] for m in trial.user_attrs["outcome"]["measurements"]}
        assert trial.values == [found[name] for name in study.metric_names or ()]
    assert study.best_trials


def short(patch: pytest.MonkeyPatch) -> None:
    """An answer is late, and then given up, sooner."""
    patch.setattr(_calls, "SLOW_S", 0.2)
    patch.setattr(_calls, "ANSWER_S", 0.5)
    patch.setattr(_calls, "GRACE_S", 0.1)


def test_a_connection_that_is_lost_without_a_word(
    command: Command, here: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, the turn to measure is given up meanwhile, and nothing is lost."""
    short(monkeypatch)
    space, database = write_study(here), server.new_database()
    with proxied(server.port, TRIP_S) as proxy:

        def lose(_: threading.Event) -> None:
            wait_for(lambda: outcomes(server, database) >= 3)
            proxy.swallowing = True
            time.sleep(1.0)  # for the exploration to ask the server: between steps it has no turn
            with measuring_lock() as come:
                assert come
                time.sleep(0.5)
                assert outcomes(server, database) < len(SIZES)
                proxy.cut()
                proxy.swallowing = False

        url = server.url(database, port=proxy.port)
        with beside(lose):
            answer = command.good(*EXPLORE, space, "--storage", url)
    assert "does not answer; waiting for it" in answer.err
    check_whole(server, database)


def test_an_interrupt_ends_a_call_without_an_answer(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    short(monkeypatch)
    monkeypatch.setattr(_calls, "ANSWER_S", PATIENCE_S)
    with proxied(server.port) as proxy:
        url = server.url(server.new_database(), port=proxy.port)
        study = create(StudyFolder(tmp_path / "s"), small_space(), url)
        asked: list[float] = []

        def stopped() -> bool:
            asked.append(time.monotonic())
            return len(asked) > 2

        study.retry_policy = type(study.retry_policy)(stopped=stopped)
        proxy.swallowing = True
        with pytest.raises(KeyboardInterrupt):
            study.sync()
        assert len(asked) == 3


def test_connections_that_are_cut_again_and_again(
    command: Command, here: Path, server: Server
) -> None:
    space, database = write_study(here), server.new_database()
    cuts: list[int] = []

    def cut(done: threading.Event) -> None:
        wait_for(lambda: outcomes(server, database) >= 1)
        while not done.wait(0.03) and len(cuts) < 30:
            cuts.append(server.end_connections(database))

    with beside(cut), proxied(server.port, TRIP_S) as proxy:
        command.good(*EXPLORE, space, "--storage", server.url(database, port=proxy.port))
    assert sum(cuts) >= 5
    check_whole(server, database)


def test_a_server_that_is_read_only_for_a_while(
    command: Command, here: Path, server: Server
) -> None:
    space, database = write_study(here), server.new_database()

    def hand_over(_: threading.Event) -> None:
        wait_for(lambda: outcomes(server, database) >= 3)
        with server.read_only():
            time.sleep(1.0)

    with beside(hand_over), proxied(server.port, TRIP_S) as proxy:
        answer = command.good(*EXPLORE, space, "--storage", server.url(database, port=proxy.port))
    assert "read-only transaction" in answer.err
    check_whole(server, database)


def test_a_claim_whose_answer_was_lost_is_found_again(tmp_path: Path) -> None:
    """Else it would be left to its own process for ever."""
    space, folder = small_space(), StudyFolder(tmp_path / "s")
    study, twin = create(folder, space), create(folder, space)
    twin._store.session = study._store.session  # as the try before was the same process
    configuration, choices = planned(space).configurations[0], distributions(planned(space))
    lost = twin.begin(configuration, choices)
    found = study.begin(configuration, choices)
    assert (found.id, found.number) == (lost.id, lost.number)
    study.finish(found, outcome(configuration))
    again: Any = study.begin(planned(space).configurations[1], choices)
    assert again.number == lost.number + 1


def test_an_outcome_whose_answer_was_lost_is_stored_once(tmp_path: Path) -> None:
    space, folder = small_space(), StudyFolder(tmp_path / "s")
    study = create(folder, space)
    configuration, choices = planned(space).configurations[0], distributions(planned(space))
    trial, result = study.begin(configuration, choices), outcome(configuration)
    for measurement in result.measurements:
        study.keep(trial, measurement)
    trial.unstored.certain = False
    for _ in range(2):
        study.finish(trial, result)
    (stored,) = study.optuna_study.trials
    assert sum(name.startswith("measurement:") for name in stored.user_attrs) == 3


class Later(datetime):
    """The clock of a later time."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Later:
        return cls(2100, 1, 1, tzinfo=tz)


def test_a_sign_of_life_is_not_waited_for_and_comes_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_ownership, "SIGN_EVERY_S", 0)
    monkeypatch.setattr(store, "SLOW_S", 0.2)
    space, folder = small_space(), StudyFolder(tmp_path / "s")
    study = create(folder, space)
    configuration, choices = planned(space).configurations[0], distributions(planned(space))
    trial, result = study.begin(configuration, choices), outcome(configuration)
    first, second, third = result.measurements

    def stored() -> dict[str, Any]:
        (found,) = study.optuna_study.get_trials(deepcopy=False)
        return found.user_attrs

    with closing(sqlite3.connect(folder.database)) as other:
        other.execute("BEGIN EXCLUSIVE")
        study.keep(trial, first)
        other.rollback()
    assert not trial.unstored.certain
    monkeypatch.setattr(_ownership, "datetime", Later)
    study.keep(trial, second)
    assert stored()[OWNER]["seen"].startswith("2100")
    study.keep(trial, third)
    study.finish(trial, result)
    assert sum(name.startswith("measurement:") for name in stored()) == 3
