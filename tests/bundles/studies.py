"""Studies of several machines, made by hand, and what is compared of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from unittest import mock

from dse.bundles.reading import read_bundle
from dse.bundles.writing import write_bundle
from dse.machine.process_identity import process_identity
from dse.study import _ownership
from dse.study.folder import StudyFolder
from dse.study.study import Study
from tests.study.studies import create, fill, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.bundles.bundle import Bundle
    from dse.space.space import SearchSpace


def explored(
    path: Path, most: int | None = 3, seed: int = 0, *, machine: str = "one", **fields: Any
) -> StudyFolder:
    """A study of some configurations, measured on a machine of that name."""
    folder, space = StudyFolder(path), small_space(**fields)
    own = {**process_identity(), "host": machine, "machine": machine * 4}
    with mock.patch.object(_ownership, "process_identity", return_value=own):
        study = create(folder, space)
        fill(study, space, most, sampler="random", seed=seed)
        study.close()
    return folder


def bundled(folder: StudyFolder, file: Path) -> Bundle:
    """A study's bundle, as it is read."""
    write_bundle(Study.load(folder), file)
    return read_bundle(file)


def told(folder: StudyFolder) -> dict[str, Any]:
    """What a study tells, whatever its trials are called."""
    study = Study.load(folder)
    anchor = study.results.anchor
    return {
        "records": {
            key: sorted((m.metric, m.value, m.key, m.interval) for m in record.outcome.measurements)
            for key, record in sorted(study.records.items())
        },
        "frontier": sorted(record.configuration.key for record in study.frontier()),
        "anchor": anchor and anchor.configuration.key,
        "taken": study.measurements_taken,
        "about": study.about.as_dict(),
    }


def space_of(**fields: Any) -> SearchSpace:
    """The space of `explored`."""
    return small_space(**fields)
