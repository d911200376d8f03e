"""A study of `tests.submission.evidence` to be changed by a test."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dse.core.metrics import Scenario
from dse.loadgen.logs import ACCURACY
from tests.submission.evidence import VALUES, as_scenario, edit_log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Copy:
    """A study to be changed by a test.

    Attributes:
        folder: of the study.
        scenario: of the runs that are changed, where there are several.
    """

    folder: Path
    scenario: str = ""

    def run(self, mode: str = "performance") -> Path:
        """The folder of the only run of a mode."""
        (found,) = (self.folder / "runs").glob(f"{self.scenario}*-{mode}")
        return found

    def logs(self, mode: str = "performance") -> Path:
        return self.run(mode) / mode

    def log(self, mode: str = "performance", /, **values: Any) -> None:
        """Changes what a detail log says, or adds it; None takes it out."""
        edit_log(self.logs(mode), values)

    def spec(self, mode: str, change: Callable[[dict[str, Any]], object]) -> None:
        """Changes what a worker was told."""
        file = self.run(mode) / "spec.json"
        data = json.loads(file.read_text())
        change(data)
        file.write_text(json.dumps(data))

    def responses(
        self, change: Callable[[list[dict[str, Any]]], object], mode: str = "accuracy"
    ) -> None:
        """Changes the accuracy log."""
        file = self.logs(mode) / ACCURACY
        data = json.loads(file.read_text())
        change(data)
        file.write_text(json.dumps(data))

    def measurement(self, mode: str, **changes: Any) -> None:
        """Changes what the study keeps of a run; ``details`` are added to those there are."""
        with closing(sqlite3.connect(self.folder / "study.db")) as database, database:
            rows = database.execute(
                "SELECT trial_user_attribute_id, value_json FROM trial_user_attributes "
                "WHERE key = 'outcome' OR key LIKE 'measurement:%'"
            ).fetchall()
            for number, text in rows:
                data = json.loads(text)
                for each in data.get("measurements", [data]):
                    if each["run"] == self.run(mode).name:
                        details = {**each["details"], **changes.get("details", {})}
                        each |= {**changes, "details": details}
                database.execute(
                    "UPDATE trial_user_attributes SET value_json = ? "
                    "WHERE trial_user_attribute_id = ?",
                    (json.dumps(data), number),
                )

    def about(self, **changes: Any) -> None:
        """Changes what the study is about."""
        with closing(sqlite3.connect(self.folder / "study.db")) as database, database:
            rows = database.execute(
                "SELECT study_user_attribute_id, value_json FROM study_user_attributes "
                "WHERE key = 'dse:about'"
            ).fetchall()
            ((number, text),) = rows
            database.execute(
                "UPDATE study_user_attributes SET value_json = ? WHERE study_user_attribute_id = ?",
                (json.dumps({**json.loads(text), **changes}), number),
            )


def as_server(study: Copy) -> None:
    """Changes logs of SingleStream in what a Server run would log otherwise."""
    as_scenario(study.logs("accuracy"), Scenario.SERVER)
    as_scenario(study.logs(), Scenario.SERVER)
    study.log(
        effective_target_latency_ns=15_000_000,
        result_completed_samples_per_sec=VALUES[Scenario.SERVER],
    )
