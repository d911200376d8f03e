"""What lies between two readings: CPU time of this process, and energy of recorded counters."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from dse.machine.rapl import find_packages
from dse.measure._meter import Meter
from tests.machine.test_rapl import write_zone

if TYPE_CHECKING:
    from pathlib import Path

BUSY_S = 0.2


def busy() -> None:
    until = time.thread_time() + BUSY_S
    while time.thread_time() < until:
        pass


def test_sleeping_takes_no_cpu_time() -> None:
    meter = Meter(())
    meter.read()
    time.sleep(BUSY_S)
    meter.read()
    spent = meter.spent()
    assert spent.wall_s >= BUSY_S
    assert 0 <= spent.cpu_s < BUSY_S / 2
    assert spent.energy_uj is None


def test_the_cpu_time_of_all_threads_counts_between_the_last_two_readings() -> None:
    meter = Meter(())
    meter.read()
    busy()
    meter.read()
    threads = [threading.Thread(target=busy) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    meter.read()
    assert 2 * BUSY_S <= meter.spent().cpu_s < 2.5 * BUSY_S


def test_energy_is_that_of_all_packages(tmp_path: Path) -> None:
    zones = [write_zone(tmp_path, f"intel-rapl:{n}", f"package-{n}", 100) for n in range(2)]
    meter = Meter(find_packages(tmp_path))
    meter.read()
    for more, zone in enumerate(zones, start=1):
        (zone / "energy_uj").write_text(str(100 + more))
    meter.read()
    assert meter.spent().energy_uj == 3
    (zones[0] / "energy_uj").unlink()
    meter.read()
    assert meter.spent().energy_uj is None
