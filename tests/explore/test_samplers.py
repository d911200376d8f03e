"""What every sampler must do, whatever it knows: a contract that each of them has to pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from dse.cli.explore import SAMPLERS as OFFERED
from dse.explore.pool import Pool
from dse.explore.samplers import SAMPLERS, make_sampler
from dse.study.folder import StudyFolder
from dse.study.generations import distributions
from dse.types import TRANSIENT_FAILURES, FailureKind
from tests.study.studies import create, failed, fill, planned, small_space

if TYPE_CHECKING:
    from pathlib import Path

    from dse.space import SearchSpace
    from dse.types import Configuration

SPACE = small_space()
EVERYTHING = set(planned(SPACE).configurations)
SMALL = small_space(batch_sizes=1)
IMPOSSIBLE = small_space(constraints={"latency_p90_ms": {"max": 0}})


def test_the_command_line_offers_all_of_them() -> None:
    assert tuple(SAMPLERS) == OFFERED


@pytest.mark.parametrize("name", SAMPLERS)
class TestContract:
    """Fills a study by hand: what counts is what the sampler proposes."""

    @pytest.fixture
    def folder(self, tmp_path: Path) -> StudyFolder:
        return StudyFolder(tmp_path / "s")

    def filled(
        self, folder: StudyFolder, name: str, space: SearchSpace = SPACE, **how: Any
    ) -> list[Configuration]:
        return fill(create(folder, space), space, sampler=name, **how)

    def test_proposes_every_configuration_once(self, folder: StudyFolder, name: str) -> None:
        proposed = self.filled(folder, name)
        assert len(proposed) == len(EVERYTHING)
        assert set(proposed) == EVERYTHING
        assert self.filled(folder, name) == []

    def test_a_seed_gives_the_same_proposals(self, tmp_path: Path, name: str) -> None:
        orders = [
            self.filled(StudyFolder(tmp_path / str(run)), name, seed=seed, most=11)
            for run, seed in enumerate((7, 7, 8))
        ]
        assert orders[0] == orders[1]
        assert (orders[0] == orders[2]) is (name == "grid")

    def test_resumes_without_repeating(self, folder: StudyFolder, name: str) -> None:
        parts = [self.filled(folder, name, SMALL, most=most) for most in (1, 4, 0, None)]
        proposed = [configuration for part in parts for configuration in part]
        assert [len(part) for part in parts] == [1, 4, 0, 5]
        assert set(proposed) == set(planned(SMALL).configurations)

    def test_one_configuration(self, folder: StudyFolder, name: str) -> None:
        one = small_space(models=["a"], backends=["null"], threads=1, batch_sizes=1)
        assert len(self.filled(folder, name, one)) == 1

    def test_a_single_objective(self, folder: StudyFolder, name: str) -> None:
        space = small_space(objectives=["latency_p90_ms"], batch_sizes=1, models=["a", "b", "c"])
        assert len(self.filled(folder, name, space)) == 15

    def test_constraints_that_nothing_meets(self, folder: StudyFolder, name: str) -> None:
        assert len(self.filled(folder, name, IMPOSSIBLE, most=12)) == 12
        assert create(folder, IMPOSSIBLE).frontier() == []

    @pytest.mark.parametrize("kind", [FailureKind.UNSUPPORTED, FailureKind.CRASH])
    def test_where_everything_fails(
        self, folder: StudyFolder, name: str, kind: FailureKind
    ) -> None:
        study, plan = create(folder, SMALL), planned(SMALL)
        pool = Pool(plan, study.records)
        sampler = make_sampler(name, pool, 0)
        while len(pool):
            trial, values = study.begin(sampler, distributions(plan))
            configuration = plan.configuration(values)
            pool.take(configuration)
            study.finish(trial, configuration, failed(kind))
        again = create(folder, SMALL)
        assert {r.configuration for r in again.records.values()} == set(plan.configurations)
        assert again.frontier() == []
        assert bool(again.failures) is (kind not in TRANSIENT_FAILURES)

    def test_a_space_that_grew(self, folder: StudyFolder, name: str) -> None:
        before = self.filled(folder, name, SMALL)
        wide = small_space(models=["a", "c", "b"], batch_sizes=1)
        proposed = self.filled(folder, name, wide)
        assert set(proposed) == set(planned(wide).configurations) - set(before)
        assert len(set(proposed)) == len(proposed)
