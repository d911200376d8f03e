"""Tasks by name: shipped, of other distributions, broken and unknown."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import RequestError
from dse.core.metrics import LATENCY, METRICS, THROUGHPUT, Metric, add_quality, is_quality
from dse.tasks import registry
from dse.tasks.image_classification._quality import ACCURACY, TOP_1

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = {
    "gone": ("no_such_module:Task", "can't be loaded: No module named 'no_such_module'"),
    "empty": ("faulty_tasks:Missing", "can't be loaded: module 'faulty_tasks' has no attribute"),
    "bare": ("faulty_tasks:Bare", "has no 'accuracy_text', 'dataset_files', 'describe'"),
    "renamed": ("faulty_tasks:Renamed", "has the name 'other'"),
}
FAULTY = """
from dse.tasks.generated.task import Generated
class Bare:
    name, quality = 'bare', None
class Renamed(Generated):
    name = 'other'
"""


def offer(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Makes a distribution with these entry points one that is installed."""
    metadata = folder / "faulty-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: faulty\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[dse.tasks]\n{text}")
    (folder / "faulty_tasks.py").write_text(FAULTY)
    monkeypatch.syspath_prepend(str(folder))
    importlib.invalidate_caches()


@pytest.mark.parametrize("name", registry.TASKS)
def test_a_shipped_task_has_its_name(name: str) -> None:
    assert registry.task(name).name == name
    assert name in registry.task_names()


def test_a_name_that_nobody_has_is_refused() -> None:
    with pytest.raises(RequestError, match="unknown task 'imageclass'; known are image-class"):
        registry.task("imageclass")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_one_is_a_line_that_names_its_distribution(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, problem = BROKEN[name]
    offer(tmp_path, monkeypatch, "".join(f"{n} = {t}\n" for n, (t, _) in BROKEN.items()))
    assert name in registry.task_names()
    with pytest.raises(RequestError) as caught:
        registry.task(name)
    assert caught.value.problem.startswith(f"task '{name}' of faulty 1.0: {target} {problem}")
    assert "uninstall it" in (caught.value.remedy or "")


def test_a_shipped_name_stays_with_the_shipped_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(tmp_path, monkeypatch, "generated = no_such_module:Task\n")
    assert registry.task("generated").name == "generated"


def test_the_default_objectives_begin_with_the_quality() -> None:
    assert registry.default_objectives() == (ACCURACY.name, LATENCY.name, THROUGHPUT.name)
    assert registry.default_objectives("generated") == (LATENCY.name, THROUGHPUT.name)


def test_a_quality_says_how_it_is_shown() -> None:
    assert registry.quality(ACCURACY.name) is TOP_1
    assert registry.quality(LATENCY.name) is None


def test_qualities_come_first_among_the_metrics() -> None:
    assert is_quality(ACCURACY.name)
    assert not is_quality(LATENCY.name)
    assert not is_quality("nothing")
    flags = [metric.quality for metric in METRICS.values()]
    assert flags == sorted(flags, reverse=True)


def test_a_quality_is_added_once_and_under_a_name_of_its_own() -> None:
    before = dict(METRICS)
    add_quality(ACCURACY)
    assert dict(METRICS) == before
    other = Metric(ACCURACY.name, "points", "maximize", "another", quality=True)
    with pytest.raises(ValueError, match="two metrics are called accuracy_percent"):
        add_quality(other)
    with pytest.raises(ValueError, match="latency_p90_ms is not a quality"):
        add_quality(LATENCY)
    assert dict(METRICS) == before
