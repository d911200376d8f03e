"""Large studies of recorded outcomes, to time the bookkeeping and nothing else.

A worker of the replay backend reads its whole table and takes a tenth of a second; that 20,000
times over would measure the workers. So the outcomes are put into the study directly: through
`Study` itself where a step is timed, and otherwise (`fill`) as the rows that `Study` would write,
all in one transaction.
"""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from dse.core.checksums import digest
from dse.core.measurement import Measurement, Outcome, Source
from dse.machine.process_identity import process_identity
from dse.space.plan import parameter_values
from dse.space.reading import space_from_dict
from dse.study import record
from dse.study.revisions import distributions
from tests.objectives import DEFAULT_OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from dse.core.configuration import Configuration
    from dse.space import Plan, SearchSpace
    from dse.study.folder import StudyFolder
    from dse.study.study import Study

BATCH_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
ROWS = {
    "trials": "(trial_id, number, study_id, state, datetime_start, datetime_complete)"
    " VALUES (?, ?, ?, 'COMPLETE', '2026-01-01 00:00:00', '2026-01-01 00:00:01')",
    "trial_params": "(trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)",
    "trial_values": "(trial_id, objective, value, value_type) VALUES (?, ?, ?, 'FINITE')",
    "trial_user_attributes": '(trial_id, "key", value_json) VALUES (?, ?, ?)',
}
"""What a finished trial consists of in Optuna's tables."""


def large_space(models: int = 30) -> SearchSpace:
    """A space of 800 configurations per model."""
    return space_from_dict(
        {
            "models": [f"m{number:02}" for number in range(models)],
            "precisions": ["fp32", "int8"],
            "backends": {"replay": {"table": "table.csv", "runtime": ["a", "b", "c", "d"]}},
            "threads": list(range(1, 11)),
            "batch_sizes": list(BATCH_SIZES),
        }
    )


def recorded(configuration: Configuration, source: Source = Source.REPLAYED) -> Outcome:
    """What the table says of a configuration: the same each time.

    Larger models are slower and more accurate, and some runtimes are better at large batches.
    Accuracy does not depend on threads and batch size, nor latency on batch size.
    """
    own = configuration
    runtime = "abcd".index(str(dict(own.knobs)["runtime"]))
    size, int8 = int(own.model[1:]), own.precision == "int8"
    of_model, of_call = (own.model, own.precision), (own.model, own.precision, runtime, own.threads)
    accuracy = 80 - 30 / (1 + size / 8) - (_noise(of_model) if int8 else 0)
    latency = (1 + size) ** 1.3 * (0.5 if int8 else 1) * (1 + 0.2 * runtime) / own.threads**0.7
    latency *= 1 + 0.3 * _noise(of_call)
    throughput = 1000 / latency * own.batch_size ** (0.05 + 0.05 * runtime)
    throughput *= 1 + 0.3 * _noise((*of_call, own.batch_size))
    subjects = (of_model, of_call, (*of_call, own.batch_size))
    return Outcome(
        tuple(
            Measurement(metric, value, digest([metric, *subject]), source, run="1-000000-1")
            for metric, value, subject in zip(
                DEFAULT_OBJECTIVES, (accuracy, latency, throughput), subjects, strict=True
            )
        )
    )


def _noise(seed: Sequence[object]) -> float:
    return random.Random(repr(seed)).random()  # noqa: S311


def shuffled(plan: Plan) -> list[Configuration]:
    """All configurations of a plan, in the order in which these benchmarks record them."""
    order = list(plan.configurations)
    random.Random(0).shuffle(order)  # noqa: S311
    return order


def fill(
    folder: StudyFolder,
    plan: Plan,
    configurations: Iterable[Configuration],
    source: Source = Source.REPLAYED,
) -> None:
    """Adds a finished trial of each configuration to the study in a folder.

    Args:
        folder: of a study that was created and is not open.
        plan: of the study.
        configurations: none of which has a trial.
        source: of the measurements.
    """
    from optuna.distributions import distribution_to_json

    choices = distributions(plan)
    texts = {name: distribution_to_json(choice) for name, choice in choices.items()}
    with closing(sqlite3.connect(folder.database)) as connection, connection:
        (first,) = connection.execute("SELECT count(*) FROM trials").fetchone()
        (study,) = connection.execute("SELECT max(study_id) FROM studies").fetchone()
        rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in ROWS}
        known: set[str] = set()
        for number, configuration in enumerate(configurations, start=first):
            outcome, trial = recorded(configuration, source), number + 1
            rows["trials"].append((trial, number, study))
            for name, value in parameter_values(configuration).items():
                internal = choices[name].to_internal_repr(value)
                rows["trial_params"].append((trial, name, internal, texts[name]))
            values = enumerate(outcome.values.values())
            rows["trial_values"] += [(trial, position, value) for position, value in values]
            attributes = _attributes(configuration, outcome, known).items()
            rows["trial_user_attributes"] += [(trial, k, json.dumps(v)) for k, v in attributes]
        for table, columns in ROWS.items():
            connection.executemany(f"INSERT INTO {table} {columns}", rows[table])


def _attributes(configuration: Configuration, outcome: Outcome, known: set[str]) -> dict[str, Any]:
    taken = [m for m in outcome.measurements if m.key not in known]
    known.update(m.key for m in taken)
    return {
        record.CONFIGURATION: configuration.as_dict(),
        record.PURPOSE: record.Purpose.EXPLORE.value,
        record.OWNER: process_identity(),
        **{record.measurement_name(m, 0): m.as_dict() for m in taken},
        record.OUTCOME: record.outcome_as_dict(outcome),
    }


def step(study: Study, plan: Plan, configuration: Configuration, source: Source) -> None:
    """One step of an exploration, but for the measuring."""
    outcome = recorded(configuration, source)
    trial = study.begin(configuration, distributions(plan))
    for measurement in outcome.measurements:
        if study.results.measured.latest(measurement.key) is None:
            study.keep(trial, measurement)
    study.finish(trial, outcome)
