"""What an exploration knows of its models before it measures any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from dse.exploration._known_models import known_models
from dse.tasks import registry
from tests import small_models
from tests.image_models import image_folder

if TYPE_CHECKING:
    from pathlib import Path

TASK = registry.task(registry.DEFAULT)


@pytest.mark.parametrize("name", ["image-classification", "question-answering"])
def test_builtin_models_are_known_by_their_architectures(name: str) -> None:
    task = registry.task(name)
    provider = task.provider(None)
    names = provider.models()
    found = known_models(task, provider, (*names, names[0], "nobodys"))
    assert found == {name: task.priors().of(name) for name in names}


def test_files_are_known_by_what_they_say(tmp_path: Path) -> None:
    """Not by their names, even if these tell something; what is published of them counts."""
    name = "mobilenet-v1-0.25-128-of-ours"
    (tmp_path / "any.onnx").write_bytes(small_models.onnx_bytes())
    published = {"percent": 12.5, "source": "a paper"}
    entry = {
        "name": name,
        "file": "any.onnx",
        "precision": "fp32",
        "layout": "NCHW",
        "dtype": "float32",
        "resolution": small_models.SIDE,
        "mean": 0,
        "scale": 255,
        "label_offset": 0,
        "published_accuracy": published,
    }
    (tmp_path / "models.yaml").write_text(yaml.safe_dump({"models": [entry]}))
    known = known_models(TASK, image_folder(tmp_path), [name])[name]
    named = TASK.priors().of(name)
    assert named is not None
    assert known.cost != named.cost
    assert known.published == {"fp32": 12.5}
