"""What the tests share: real models and images where they are at hand, and caches."""

from __future__ import annotations

import gc
import hashlib
import os
import platform
import shutil
import sys
import tempfile
import time
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from optuna.storages._rdb.storage import _VersionManager

import dse.tasks.registry  # noqa: F401 (the qualities of tasks become metrics)
from dse.core.errors import DseError, UnavailableError
from dse.core.registry import BACKENDS
from dse.environments import availability
from dse.environments.install import install
from dse.environments.interpreters import ask
from dse.measure.spec import RUN_LENGTHS
from tests.brief import TRUE, shorten
from tests.commandline import isolate
from tests.toy_task import install_toy

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator, Mapping, Sequence


KEPT_CACHE = Path(__file__).parents[1] / ".venv" / "cache"
"""Holds what takes minutes to make, from one run of the tests to the next."""
SHARED = Path(__file__).parents[1].parent / "shared" / "data"
MAKERS = tuple(Path(__file__).parents[1] / "dse" / name for name in ("formats", "models", "tasks"))
MAKING = ("numpy", "onnx", "onnxruntime", "ai-edge-quantizer", "pillow")
"""The folders of the code, and the libraries, that decide about the bytes of a cached file."""
KEPT_S = 7 * 24 * 3600.0
"""How long a cache is kept that no test uses."""

# How long an example takes says nothing on a machine that does other things as well.
settings.register_profile(
    "brief",
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", settings.get_profile("brief"), max_examples=500)
settings.load_profile("brief")


def pytest_collection_finish() -> None:
    """Looks for garbage among the thousands of collected tests once, and not all the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session", autouse=True)
def isolated() -> Iterator[Path]:
    """The folder for locks and caches of all that does not have one of its own.

    Its name is short: browsers have sockets in it, whose names have a bound.
    """
    with (
        tempfile.TemporaryDirectory(prefix="dse-") as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        isolate(Path(folder), patch)
        yield Path(folder)


@pytest.fixture(scope="session", autouse=True)
def _short_runs() -> None:
    shorten()


@pytest.fixture(scope="session", autouse=True)
def _migrations_read_once() -> Iterator[None]:
    """Optuna reads all its migrations whenever a storage is opened, to know the latest one."""
    latest: list[str] = []
    read = _VersionManager.get_head_version

    def remembered(manager: _VersionManager) -> str:
        if not latest:
            latest.append(read(manager))
        return latest[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_VersionManager, "get_head_version", remembered)
        yield


@pytest.fixture(scope="session", autouse=True)
def _runtimes_asked_once() -> Iterator[None]:
    """Keeps what a runtime of this Python has answered: asking takes a process that imports it."""
    answers: dict[tuple[object, ...], subprocess.CompletedProcess[str]] = {}

    def remembered(
        command: Sequence[str], timeout_s: float, variables: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        if command[0] != sys.executable:
            return ask(command, timeout_s, variables)
        place = ("TMPDIR", "DSE_CACHE_DIR")  # of each test alone
        kept = ((name, value) for name, value in variables.items() if name not in place)
        key = (*command, *sorted(kept))
        if key not in answers:
            answers[key] = ask(command, timeout_s, variables)
        return answers[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(availability, "ask", remembered)
        yield


@pytest.fixture
def true_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs take as long as a user's, but for those of fixtures with a wider scope."""
    for name, fidelity in TRUE.items():
        monkeypatch.setitem(RUN_LENGTHS, name, fidelity)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    if not SHARED.is_dir():
        pytest.skip("the folder of real models and results is not there")
    return SHARED


@pytest.fixture(scope="session")
def built() -> Path:
    """The folder of `shared_cache`: another one for other code or libraries.

    The cache itself is made to be shared by processes, here those of pytest-xdist.
    """
    made = hashlib.sha256()
    for path in sorted(path for folder in MAKERS for path in folder.rglob("*.py")):
        made.update(path.read_bytes())
    libraries = {each.name: each.version for each in distributions() if each.name in MAKING}
    made.update(repr(sorted(libraries.items())).encode())
    folder = KEPT_CACHE / "tests" / made.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    for other in folder.parent.iterdir():
        if other.stat().st_mtime < time.time() - KEPT_S:
            shutil.rmtree(other, ignore_errors=True)
    return folder


@pytest.fixture
def shared_cache(built: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that the tests fill together: nothing is built twice."""
    monkeypatch.setenv("DSE_CACHE_DIR", str(built))
    return built


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of one test alone."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("DSE_CACHE_DIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the toy package is installed."""
    return install_toy(tmp_path_factory.mktemp("toy"))


@pytest.fixture(scope="session")
def environments() -> Path:
    """A cache in which the runtimes that need an environment of their own are installed."""
    names = [name for name, entry in BACKENDS.items() if entry.python]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DSE_CACHE_DIR", str(KEPT_CACHE))
        try:
            install(names)
        except UnavailableError as error:
            pytest.skip(str(error))
        except DseError as error:
            if (sys.platform, platform.machine()) == ("linux", "x86_64"):
                raise
            pytest.skip(f"no wheel for this system: {error}")
    return KEPT_CACHE
