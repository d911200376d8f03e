"""Studies made by hand: outcomes are written down, not measured."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dse.core.checksums import canonical_json, digest
from dse.core.measurement import Failure, FailureKind, Measurement, Outcome, Source
from dse.exploration._pool import Pool
from dse.exploration._samplers import make_sampler
from dse.machine.detect import detect
from dse.space.plan import resolve
from dse.space.reading import space_from_dict
from dse.study.folder import StudyFolder
from dse.study.metadata import StudyMetadata
from dse.study.revisions import distributions
from dse.study.study import Study
from tests.objectives import DEFAULT_OBJECTIVES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from dse.core.configuration import Configuration
    from dse.space.plan import Plan
    from dse.space.space import SearchSpace


class NoFiles:
    """Models on offer for backends that need no files: none."""

    def models(self) -> tuple[str, ...]:
        return ()

    def obstacle(self, model: str, precision: str, backend: str) -> str | None:
        raise AssertionError(f"nobody needs the file of {model} {precision} on {backend}")

    def knob_obstacle(self, point: Configuration) -> str | None:
        raise AssertionError(f"nobody needs the file of {point}")


def small_space(**fields: Any) -> SearchSpace:
    """Two backends, one with a knob that only some configurations have: 20 of them."""
    small: dict[str, Any] = {
        "models": ["a", "b"],
        "backends": {
            "null": {"delay_ms": {"values": [1, 2.5], "when": {"threads": 2}}},
            "replay": {"table": "table.csv"},
        },
        "threads": [1, 2],
        "batch_sizes": [1, 2],
    }
    return space_from_dict({**small, **fields})


def planned(space: SearchSpace) -> Plan:
    """The whole of a space of backends without files."""
    return resolve(space, NoFiles(), 2, 2)


def about(space: SearchSpace, **changes: Any) -> StudyMetadata:
    """A study of the space on this machine."""
    made = StudyMetadata(
        system=detect().as_dict(),
        space=space.as_dict(),
        planned=len(planned(space).configurations),
        excluded=(),
        accuracy="published",
        models="builtin",
        runtimes={"null": "1", "replay": "1"},
    )
    return replace(made, **changes)


def create(
    folder: StudyFolder, space: SearchSpace, url: str | None = None, **changes: Any
) -> Study:
    """Opens a study for exploring the space."""
    return Study.create(folder, space, planned(space), about(space, **changes), url)


def outcome(configuration: Configuration, metrics: Iterable[str] = DEFAULT_OBJECTIVES) -> Outcome:
    """Values that are the same each time, and differ between configurations."""
    measurements = []
    for metric in metrics:
        key = digest([configuration.key, metric])
        value = 1 + int(key[:6], 16) / 2**18
        measurements.append(Measurement(metric, value, key, Source.MEASURED, run="by-hand"))
    return Outcome(tuple(measurements))


def failed(kind: FailureKind = FailureKind.CRASH) -> Outcome:
    """The outcome of a run that failed."""
    return Outcome(failure=Failure(kind, "failed by hand", "the end of it", key="0123"))


def fill(
    study: Study, space: SearchSpace, most: int | None = None, sampler: str = "grid", seed: int = 0
) -> list[Configuration]:
    """Gives the next configurations their outcomes; returns them in their order."""
    plan = planned(space)
    pool = Pool(plan, study.records)
    chooser = make_sampler(sampler, pool, space, seed + study.trials_begun)
    for record in study.records.values():
        chooser.learn(record)
    choices = distributions(plan)
    done: list[Configuration] = []
    while len(pool) and (most is None or len(done) < most):
        configuration = chooser.propose()
        trial = study.begin(configuration, choices)
        pool.take(configuration)
        result = outcome(configuration, study.about.metrics)
        for measurement in result.measurements:
            study.keep(trial, measurement)
        chooser.learn(study.finish(trial, result))
        done.append(configuration)
    return done


_MADE: dict[str, dict[Path, bytes]] = {}


def copy_made(folder: Path, what: str, make: Callable[[Path], object]) -> None:
    """Fills a folder as ``make`` does; what it made is remembered under a name and copied later."""
    name = f"{what}: {folder.name}"
    if name not in _MADE:
        make(folder)
        files = [path for path in folder.rglob("*") if path.is_file()]
        _MADE[name] = {path.relative_to(folder): path.read_bytes() for path in files}
        return
    for path, content in _MADE[name].items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def filled(folder: Path, space: SearchSpace) -> Study:
    """A study of a space in which every configuration has an outcome; see `fill`."""
    what = canonical_json(space.as_dict())
    copy_made(folder, what, lambda path: fill(create(StudyFolder(path), space), space))
    return create(StudyFolder(folder), space)
