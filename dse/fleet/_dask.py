"""Dask's ``distributed``, imported late and with the settings of this package alone."""

from __future__ import annotations

import logging
import os
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from dse.core.errors import UnavailableError
from dse.fleet.certificates import REMEDY

if TYPE_CHECKING:
    from dse.fleet.certificates import Certificates

RESOURCE = "benchmark"
"""What a node has one of, so that it takes one assignment at a time."""
TTL = "30m"
"""For how long a scheduler waits for a sign of a node: a valid run alone takes ten minutes."""
SETTINGS = {
    # What runs by the clock would run beside measurements.
    "distributed.worker.profile.enabled": False,
    "distributed.admin.tick.interval": "1s",
    "distributed.admin.tick.cycle": "10s",
    "distributed.admin.system-monitor.interval": "60s",
    "distributed.admin.system-monitor.disk": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.diagnostics.nvml": False,
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    "distributed.scheduler.active-memory-manager.start": False,
    "distributed.client.scheduler-info-interval": "60s",
    # What is given to a node stays with it.
    "distributed.scheduler.work-stealing": False,
    "distributed.scheduler.worker-ttl": TTL,
    "distributed.scheduler.allowed-failures": 0,
    "distributed.scheduler.no-workers-timeout": TTL,
    "distributed.comm.retry.count": 3,
    # Pages that anybody could read, and none of them is looked at.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # Bundles of results are compressed already, and a large argument is no mistake.
    "distributed.comm.compression": False,
    "distributed.admin.large-graph-warning-threshold": "1GB",
}
NO_PAGES = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}
"""Arguments of schedulers and workers: their web server can't be left out, but it has no page."""


@cache
def load() -> Any:
    """The module ``distributed``; no file and no variable of this machine changes its settings.

    Raises:
        UnavailableError: it is not installed.
    """
    for name in [name for name in os.environ if name.startswith("DASK_")]:
        del os.environ[name]
    try:
        dask, distributed = import_module("dask"), import_module("distributed")
    except ImportError as error:
        problem = f"a fleet needs the library distributed: {error}"
        raise UnavailableError(problem, remedy=REMEDY) from error
    dask.config.refresh(paths=[], env={})
    dask.config.set(SETTINGS)
    _quieten()
    return distributed


def _quieten() -> None:
    """Keeps the library's log for who asks for it: what matters is told by this package."""
    asked = logging.getLogger("dse").isEnabledFor(logging.INFO)
    for name in list(logging.root.manager.loggerDict):
        if name.split(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.WARNING if asked else logging.CRITICAL)


def security(certificates: Certificates | None, role: str) -> Any:
    """The ``Security`` of a role; without certificates one that demands none.

    Raises:
        RequestError: a certificate can't be used.
    """
    distributed = load()
    if certificates is None:
        return distributed.Security(require_encryption=False)
    return distributed.Security(**certificates.security_fields(role))
