"""Explorations at once: what they share is built once, explored once, and never damaged."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.commandline import PATIENCE_S, none_left, read_until, start
from tests.replays import attributes, outcomes, taken, write_space, write_table
from tests.small_models import SIDE, onnx_bytes, tflite_bytes

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.commandline import Command

STUDIES = ("one", "other")
IMAGES = 60


def explored(here: Path, *arguments: object) -> None:
    """Runs both studies at once, each to its end."""
    with ExitStack() as stack:
        running = [
            stack.enter_context(start("explore", *arguments, "--study", name, cwd=here))
            for name in STUDIES
        ]
        for process in running:
            _, errors = process.communicate(timeout=3 * PATIENCE_S)
            assert process.returncode == 0, errors


def write_models_space(
    here: Path,
    models: Sequence[str],
    objectives: Sequence[str],
    precisions: Sequence[str] = ("fp32", "int8"),
) -> Path:
    path = here / "both.yaml"
    space = {
        "models": list(models),
        "precisions": list(precisions),
        "backends": ["onnxruntime", "litert"],
        "threads": 1,
        "objectives": list(objectives),
    }
    path.write_text(yaml.safe_dump(space))
    return path


def cached(folder: Path, *suffixes: str) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in suffixes)


@pytest.mark.long
def test_models_are_built_once_and_whole(command: Command, here: Path) -> None:
    space = write_models_space(here, ["mobilenet-v1-0.25-128"], ["throughput_samples_per_s"])
    explored(here, "--settle", 0, space)
    cache = here.parent / "cache"
    files = cached(cache, ".onnx", ".tflite")
    assert len(files) == 4  # two formats in two precisions
    for file in files:
        assert file.stem.endswith(hashlib.sha256(file.read_bytes()).hexdigest())
    assert not cached(cache, ".tmp")
    for name in STUDIES:
        assert command.counts(name) == (4, 0, 0, 4)


def test_images_are_decoded_once_and_calibrate_alike(command: Command, here: Path) -> None:
    images = here / "images"
    images.mkdir()
    generator = np.random.default_rng(0)
    lines = []
    for number in range(IMAGES):
        pixels = generator.integers(0, 256, (2 * SIDE, 3 * SIDE, 3), np.uint8)
        Image.fromarray(pixels).save(images / f"{number}.png")
        lines.append(f"{number}.png {number % 10}")
    (images / "val_map.txt").write_text("\n".join(lines))
    models = here / "models"
    models.mkdir()
    (models / "small.onnx").write_bytes(onnx_bytes())
    (models / "small.tflite").write_bytes(tflite_bytes())
    entry = {"name": "small", "precision": "fp32", "dtype": "float32", "resolution": SIDE}
    entry |= {"label_offset": 0, "mean": [127.0] * 3, "scale": [128.0] * 3}
    entries = [
        {**entry, "file": "small.onnx", "layout": "NCHW"},
        {**entry, "file": "small.tflite", "layout": "NHWC"},
    ]
    (models / "models.yaml").write_text(json.dumps({"models": entries}))
    objectives = ["accuracy_percent", "throughput_samples_per_s"]
    space = write_models_space(here, ["small"], objectives, ["int8"])
    explored(here, "--settle", 0, space, "--models", models, "--dataset", images)
    cache = here.parent / "cache"
    assert not cached(cache, ".tmp")
    assert len([f for f in cached(cache, ".npy") if f.stat().st_size > IMAGES * SIDE * SIDE]) == 1
    points = [
        {
            json.dumps(point["configuration"]): point["values"]["accuracy_percent"]
            for point in command.frontier(name)["points"]
        }
        for name in STUDIES
    ]
    both = set(points[0]) & set(points[1])
    assert [points[0][key] for key in both] == [points[1][key] for key in both]
    for name in STUDIES:
        measured, failed, remaining, _ = command.counts(name)
        assert (measured, failed, remaining) == (2, 0, 0)


LONG = pytest.mark.long
MACHINES = ["one machine", "a machine each"]
DATABASE = "studies/space/study.db"
SIZES = list(range(1, 101))
"""None is through before all have begun."""
ALL = 2 * len(SIZES)


def share(here: Path, space: Path, *options: object, machines: bool) -> list[str]:
    """Explores one study twice at once; what each has said."""
    with ExitStack() as stack:
        running = []
        for number in range(2):
            temporary = here.parent / f"temporary-{number if machines else 0}"
            temporary.mkdir(exist_ok=True)
            explore = ["explore", space, "--sampler", "random", "--seed", number, *options]
            environment = {**os.environ, "TMPDIR": str(temporary)}
            running.append(stack.enter_context(start(*explore, env=environment)))
        answers = [process.communicate(timeout=3 * PATIENCE_S) for process in running]
    assert [process.returncode for process in running] == [0, 0], answers
    return [errors for _, errors in answers]


@pytest.mark.parametrize("machines", [pytest.param(False, marks=LONG), True], ids=MACHINES)
def test_explorations_share_a_study(command: Command, here: Path, *, machines: bool) -> None:
    """Machines are told apart by what they lock; only one measures at a time on each."""
    write_table(here, threads=[1], batch_sizes=SIZES)
    space = write_space(here, threads=1, batch_sizes=SIZES)
    said = share(here, space, machines=machines)
    done = [int(re.findall(r": (\d+) done now", text)[0]) for text in said]
    assert sum(done) == ALL
    assert min(done) > 0
    assert command.counts("space") == (ALL, 0, 0, 3 * ALL)
    assert set(taken(here / DATABASE).values()) == {1}
    keys = [key for key, _ in outcomes(here / DATABASE).values()]
    assert len(keys) == len(set(keys)) == ALL


@pytest.mark.parametrize("machines", [False, pytest.param(True, marks=LONG)], ids=MACHINES)
def test_what_configurations_have_in_common_is_measured_once(here: Path, *, machines: bool) -> None:
    """SingleStream latency is the same for every batch size."""
    objectives = ["latency_p90_ms", "throughput_samples_per_s"]
    fields = {"models": "a", "threads": 1, "batch_sizes": [1, 2], "objectives": objectives}
    space = write_space(here, backends={"null": {"delay_ms": [0.1, 0.2]}}, **fields)
    share(here, space, "--settle", 0, machines=machines)
    counted = taken(here / DATABASE)
    by_metric = Counter(metric for metric, _, _ in counted)
    assert by_metric["latency_p90_ms"] == 2
    assert by_metric["throughput_samples_per_s"] == 4
    assert set(counted.values()) == {1}


def test_a_further_space_ends_the_exploration_of_the_one_before(
    command: Command, here: Path
) -> None:
    sizes = list(range(1, 151))
    write_table(here, models=["a"], threads=[1], batch_sizes=sizes)
    narrow = write_space(here, models="a", threads=1, batch_sizes=sizes[:-1])
    wide = write_space(here, "wide", models="a", threads=1, batch_sizes=sizes)
    with start("explore", narrow) as older:
        assert read_until(older, "/149 ", times=2)
        command.good("explore", wide, "--study", "space", "--n-trials", 2)
        _, errors = older.communicate(timeout=PATIENCE_S)
    assert older.returncode == 0
    assert "another process explores the study in another space now: " in errors
    counts = command.counts("space")
    assert counts[2] > 0
    command.good("explore", wide, "--study", "space", "--sampler", "grid")
    assert command.counts("space") == (150, 0, 0, 450)
    assert set(taken(here / DATABASE).values()) == {1}


def test_an_exploration_takes_over_from_one_that_was_killed(command: Command, here: Path) -> None:
    """While it runs itself: what the other has stored stays, what it had begun comes up again."""
    write_table(here, threads=[1], batch_sizes=SIZES)
    space = write_space(here, threads=1, batch_sizes=SIZES)
    with start("explore", space, "--sampler", "grid") as survivor:
        for _ in range(4):
            with start("explore", space, "--sampler", "grid") as other:
                read_until(other, f"/{ALL} ")
                other.kill()
        _, errors = survivor.communicate(timeout=3 * PATIENCE_S)
    assert survivor.returncode == 0, errors
    assert none_left(here)
    assert command.counts("space") == (ALL, 0, 0, 3 * ALL)
    assert set(taken(here / DATABASE).values()) == {1}
    assert len(outcomes(here / DATABASE)) == ALL
    begun = attributes(here / DATABASE, "owner")
    assert len({owner["pid"] for owner in begun.values()}) > 1
