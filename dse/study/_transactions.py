"""What measuring reads and writes at each trial, in as few statements as it takes.

Optuna's storage makes several statements of each parameter and attribute: 140 a trial, each a
round trip. These work on its tables, by its own models of them, and Optuna reads what they write.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any

import sqlalchemy
from optuna.distributions import distribution_to_json, json_to_distribution
from optuna.storages._rdb import models
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy import orm

from dse.study.record import OWNER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from optuna.storages import RDBStorage
    from sqlalchemy import Connection, Engine
    from sqlalchemy.sql.dml import Insert, Update

ATTRIBUTES: sqlalchemy.Table = models.TrialUserAttributeModel.__table__
TRIALS: sqlalchemy.Table = models.TrialModel.__table__
TRANSACTIONS = {"postgresql": ("BEGIN", "COMMIT"), "sqlite": ("BEGIN IMMEDIATE", None)}
"""How a transaction begins and ends where SQLAlchemy does not do so, or too late."""
READ_AT_ONCE = 500
"""How many trials one statement names."""
LIMIT = ("idle_in_transaction_session_timeout", "20s")
"""After what time PostgreSQL ends a transaction, and its lock, of a machine that is gone."""


def engine_of(storage: RDBStorage) -> Engine:
    """The engine for the functions below, of a database that Optuna has opened.

    With PostgreSQL a statement is a transaction of its own unless one is begun, and no round trip
    is spent on that.
    """
    if storage.engine.dialect.name != "postgresql":
        return storage.engine
    arguments = {**storage.engine_kwargs, "isolation_level": "AUTOCOMMIT"}
    return sqlalchemy.create_engine(storage.engine.url, **arguments)


@contextmanager
def claiming(engine: Engine, studies: Sequence[int]) -> Iterator[Connection]:
    """A transaction in which no other process begins a trial of some Optuna studies.

    What it reads includes all that others have begun.
    """
    begin, commit = TRANSACTIONS.get(engine.dialect.name, (None, None))
    with engine.connect() as connection:
        done = False
        try:
            if begin is not None:
                connection.exec_driver_sql(begin)
            if engine.dialect.name != "sqlite":
                _lock(connection, studies)
            yield connection
            if commit is not None:
                connection.exec_driver_sql(commit)
            connection.commit()
            done = True
        finally:
            if not done:
                connection.invalidate()  # which ends the transaction


def _lock(connection: Connection, studies: Sequence[int]) -> None:
    ids = models.StudyModel.study_id
    locked = sqlalchemy.select(ids).where(ids.in_(studies)).order_by(ids).with_for_update()
    if connection.dialect.name == "postgresql":
        locked = locked.add_columns(sqlalchemy.func.set_config(*LIMIT, True))
    connection.execute(locked)


def read_study_attributes(connection: Connection, names: Iterable[str], key: str) -> dict[str, str]:
    """The JSON text of an attribute of Optuna studies, by the names of those that have it."""
    study, attribute = models.StudyModel, models.StudyUserAttributeModel
    found = (
        sqlalchemy.select(study.study_name, attribute.value_json)
        .join(attribute, attribute.study_id == study.study_id)
        .where(study.study_name.in_([*names]), attribute.key == key)
    )
    return dict(map(tuple, connection.execute(found)))


def read_trials(
    connection: Connection, after: Mapping[int, int], unfinished: Iterable[int]
) -> list[tuple[int, FrozenTrial]]:
    """Trials as they are stored now, without their parameters and values.

    Args:
        connection: to read from.
        after: by Optuna study, the last trial that is known; those that follow are read.
        unfinished: trials to be read again.

    Returns:
        The Optuna study of each trial and the trial, in order of their ids.
    """
    trial, attribute = models.TrialModel, models.TrialUserAttributeModel
    news = [
        sqlalchemy.and_(trial.study_id == study, trial.trial_id > last)
        for study, last in after.items()
    ]
    query = (
        sqlalchemy.select(trial, attribute.key, attribute.value_json)
        .outerjoin(attribute, attribute.trial_id == trial.trial_id)
        .where(sqlalchemy.or_(*news, trial.trial_id.in_([*unfinished])))
        .order_by(trial.trial_id, attribute.trial_user_attribute_id)
    )
    found: dict[int, tuple[Any, dict[str, Any]]] = {}
    with orm.Session(connection) as session:
        for model, key, text in session.execute(query):
            attributes = found.setdefault(model.trial_id, (model, {}))[1]
            if key is not None:
                attributes[key] = json.loads(text)
        return [
            (model.study_id, _frozen(model, attributes)) for model, attributes in found.values()
        ]


def _frozen(model: Any, user_attrs: dict[str, Any]) -> FrozenTrial:
    return FrozenTrial(
        number=model.number,
        state=model.state,
        value=None,
        datetime_start=model.datetime_start,
        datetime_complete=model.datetime_complete,
        params={},
        distributions={},
        user_attrs=user_attrs,
        system_attrs={},
        intermediate_values={},
        trial_id=model.trial_id,
    )


def complete_trials(connection: Connection, trials: Iterable[FrozenTrial]) -> None:
    """Adds to trials what `read_trials` leaves out: parameters, values and constraints.

    Args:
        connection: to read from.
        trials: as that gave them; they are changed.
    """
    by_id = {trial._trial_id: trial for trial in trials}  # noqa: SLF001  # as Optuna's storages do
    ids = sorted(by_id)
    for first in range(0, len(ids), READ_AT_ONCE):
        _complete(connection, by_id, ids[first : first + READ_AT_ONCE])


def _complete(connection: Connection, by_id: Mapping[int, FrozenTrial], ids: Sequence[int]) -> None:
    param, value = models.TrialParamModel, models.TrialValueModel
    system = models.TrialSystemAttributeModel
    known: dict[str, Any] = {}
    params = (
        sqlalchemy.select(
            param.trial_id, param.param_name, param.param_value, param.distribution_json
        )
        .where(param.trial_id.in_(ids))
        .order_by(param.param_id)
    )
    for id_, name, number, text in connection.execute(params):
        if text not in known:
            known[text] = json_to_distribution(text)
        by_id[id_].distributions[name] = known[text]
        by_id[id_].params[name] = known[text].to_external_repr(number)
    values = (
        sqlalchemy.select(value.trial_id, value.value, value.value_type)
        .where(value.trial_id.in_(ids))
        .order_by(value.trial_id, value.objective)
    )
    found: dict[int, list[float]] = {}
    for id_, stored, kind in connection.execute(values):
        found.setdefault(id_, []).append(value.stored_repr_to_value(stored, kind))
    for id_, numbers in found.items():
        by_id[id_].values = numbers
    constraints = sqlalchemy.select(system.trial_id, system.key, system.value_json).where(
        system.trial_id.in_(ids)
    )
    for id_, key, text in connection.execute(constraints):
        by_id[id_].system_attrs[key] = json.loads(text)


def insert_trial(connection: Connection, study: int, number: int, template: FrozenTrial) -> int:
    """Begins a trial, or adds one that has ended elsewhere.

    Args:
        connection: of `claiming`.
        study: the id of its Optuna study.
        number: how many trials that has.
        template: has the state, the parameters, the attributes, the times, and the values of a
            trial that has ended.

    Returns:
        The trial's id.
    """
    begun = models.TrialModel(
        study_id=study,
        number=number,
        state=template.state,
        datetime_start=template.datetime_start,
        datetime_complete=template.datetime_complete,
    )
    params = [
        models.TrialParamModel(
            param_name=name,
            param_value=template.distributions[name].to_internal_repr(value),
            distribution_json=distribution_to_json(template.distributions[name]),
        )
        for name, value in template.params.items()
    ]
    ended = [*_values(template.values), *_system_attributes(template.system_attrs)]
    insert = sqlalchemy.insert(TRIALS).values(_row(begun))
    id_ = _change(connection, insert, [*params, *ended, *_attributes(template.user_attrs)])
    assert id_ is not None  # noqa: S101
    return id_


def end_trial(
    engine: Engine,
    trial: int,
    values: Sequence[float] | None,
    user_attrs: Mapping[str, Any],
    system_attrs: Mapping[str, Any],
) -> bool:
    """Ends a trial, all at once, with what it has not stored before.

    Args:
        engine: of the database.
        trial: its id.
        values: of the objectives; None for a trial that has failed.
        user_attrs: that it does not have.
        system_attrs: that it does not have.

    Returns:
        False where it has ended.
    """
    state = TrialState.FAIL if values is None else TrialState.COMPLETE
    ended = models.TrialModel(state=state, datetime_complete=datetime.now())
    change = (
        sqlalchemy.update(TRIALS)
        .where(TRIALS.c.trial_id == trial, TRIALS.c.state == TrialState.RUNNING)
        .values(_row(ended))
    )
    with engine.begin() as connection:
        rows = [*_values(values), *_attributes(user_attrs), *_system_attributes(system_attrs)]
        return _change(connection, change, rows, trial) is not None


def add_attributes(
    engine: Engine, trial: int, owner: Mapping[str, Any], user_attrs: Mapping[str, Any]
) -> None:
    """Replaces the owner of a trial and adds attributes that it does not have, all at once."""
    change = (
        sqlalchemy.update(ATTRIBUTES)
        .where(ATTRIBUTES.c.trial_id == trial, ATTRIBUTES.c.key == OWNER)
        .values(value_json=json.dumps(owner))
    )
    with engine.begin() as connection:
        _change(connection, change, _attributes(user_attrs), trial)


def _values(values: Sequence[float] | None) -> list[Any]:
    rows = []
    for place, value in enumerate(values or ()):
        number, kind = models.TrialValueModel.value_to_stored_repr(value)
        rows.append(models.TrialValueModel(objective=place, value=number, value_type=kind))
    return rows


def _system_attributes(values: Mapping[str, Any]) -> list[Any]:
    return [
        models.TrialSystemAttributeModel(key=key, value_json=json.dumps(value))
        for key, value in values.items()
    ]


def _attributes(values: Mapping[str, Any]) -> list[Any]:
    return [
        models.TrialUserAttributeModel(key=key, value_json=json.dumps(value))
        for key, value in values.items()
    ]


def _change(
    connection: Connection, change: Insert | Update, parts: Sequence[Any], trial: int | None = None
) -> int | None:
    """Inserts or updates a row of a trial and inserts others that belong to the trial.

    With PostgreSQL it is one statement.

    Returns:
        The trial's id; None where no row was updated, and then nothing is inserted.
    """
    rows: dict[sqlalchemy.Table, list[dict[str, Any]]] = {}
    for part in parts:
        rows.setdefault(part.__table__, []).append(_row(part))
    if connection.dialect.name == "postgresql":
        changed = change.returning(change.table.c.trial_id).cte("changed")
        inserts = [
            _insert_from(changed, table, values).cte(f"part{place}")
            for place, (table, values) in enumerate(rows.items())
        ]
        found = sqlalchemy.select(changed.c.trial_id).add_cte(*inserts)
        return connection.scalar(found)
    done: Any = connection.execute(change)
    if trial is None:
        trial = int(done.inserted_primary_key[0])
    elif not done.rowcount:
        return None
    for table, values in rows.items():
        connection.execute(sqlalchemy.insert(table), [{**row, "trial_id": trial} for row in values])
    return trial


def _insert_from(
    changed: sqlalchemy.CTE, table: sqlalchemy.Table, rows: Sequence[Mapping[str, Any]]
) -> Insert:
    names = [*rows[0]]
    selects = [
        sqlalchemy.select(
            changed.c.trial_id,
            *(sqlalchemy.cast(row[name], table.c[name].type) for name in names),
        )
        for row in rows
    ]
    return sqlalchemy.insert(table).from_select(
        ["trial_id", *names], sqlalchemy.union_all(*selects)
    )


def _row(model: Any) -> dict[str, Any]:
    """What was given to a model, by the names of the columns."""
    state = sqlalchemy.inspect(model)
    return {
        column.columns[0].name: state.dict[column.key]
        for column in state.mapper.column_attrs
        if column.key in state.dict
    }
