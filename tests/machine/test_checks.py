"""All checks together, of a machine that hides everything and of the one at hand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from dse.machine.checks import check_machine
from dse.machine.sample import ROOT

if TYPE_CHECKING:
    from tests.machines import Machine


def test_what_is_hidden_is_unknown_and_not_ok(machine: Machine) -> None:
    found = check_machine(None, machine.root, (0, 1), seconds=0.0)
    assert {check.state for check in found} == {"unknown"}
    assert len({check.name for check in found}) == len(found) == 12


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere everything is unknown")
def test_the_machine_at_hand() -> None:
    found = {check.name: check for check in check_machine(False, ROOT, seconds=0.4)}
    assert found["other load"].state != "unknown"
    assert found["virtualisation"].state == "ok"
    assert all(check.found for check in found.values())
    assert all(bool(check.remedy) is (check.state == "warning") for check in found.values())
