"""What holds for every provider."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from dse.core.configuration import PRECISIONS
from dse.core.errors import RequestError
from dse.tasks.image_classification.models.builtin import BuiltinProvider
from tests.image_models import image_folder, preprocessing_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dse.core.configuration import ModelFormat
    from dse.models.provider import Provider


FORMATS: tuple[ModelFormat, ...] = ("onnx", "tflite")
MANIFEST = """
models:
  - {name: mobilenet-v1-0.25-128, file: a.tflite, precision: int8, layout: NHWC, dtype: uint8}
  - {name: mine, file: b.onnx, precision: fp32, layout: NCHW, dtype: uint8, resolution: 8,
     label_offset: 0}
  - {name: mine, file: a.tflite, precision: fp32, layout: NHWC, dtype: uint8, resolution: 8,
     label_offset: 0}
"""


@pytest.fixture(params=["builtin", "file"])
def provider(request: pytest.FixtureRequest, tmp_path: Path) -> Provider:
    request.getfixturevalue("shared_cache")
    if request.param == "builtin":
        return BuiltinProvider()
    (tmp_path / "a.tflite").write_bytes(b"\x1c\0\0\0TFL3")
    (tmp_path / "b.onnx").write_bytes(b"\x08\x08\x3a\x02\x0a\x00")
    (tmp_path / "models.yaml").write_text(MANIFEST)
    return image_folder(tmp_path)


def offers(provider: Provider) -> Iterator[tuple[str, str, list[ModelFormat]]]:
    """Some of its models with each precision, and the formats that can be had."""
    for model in provider.models()[:2]:
        for precision in provider.precisions(model):
            formats = [f for f in FORMATS if provider.obstacle(model, precision, (f,)) is None]
            yield model, precision, formats


def test_it_says_who_it_is(provider: Provider) -> None:
    assert provider.name in ("builtin", "file")
    assert provider.trained is (provider.name == "file")


def test_models_are_unique_and_have_precisions(provider: Provider) -> None:
    models = provider.models()
    assert models
    assert len(models) == len(set(models))
    for model in models:
        precisions = provider.precisions(model)
        assert precisions
        assert len(precisions) == len(set(precisions))
        assert set(precisions) <= set(PRECISIONS)


def test_every_offered_precision_can_be_had_in_some_format(provider: Provider) -> None:
    for _, _, formats in offers(provider):
        assert formats


def test_the_first_format_that_can_be_had_is_given(provider: Provider) -> None:
    for model, precision, formats in offers(provider):
        for wish in (FORMATS, FORMATS[::-1]):
            found = provider.artefact(model, precision, wish)
            assert found.format == next(f for f in wish if f in formats)


def test_an_artefact_describes_its_file(provider: Provider) -> None:
    for model, precision, _ in offers(provider):
        found = provider.artefact(model, precision, FORMATS)
        assert found.path.is_absolute()
        assert found.path.suffix == f".{found.format}"
        assert found.sha256 == hashlib.sha256(found.path.read_bytes()).hexdigest()
        assert found.weights
        assert preprocessing_of(found).resolution > 0
        assert provider.artefact(model, precision, FORMATS) == found


def test_where_there_is_an_obstacle_there_is_no_artefact(provider: Provider) -> None:
    known = provider.models()[0]
    wishes: list[tuple[str, str, tuple[ModelFormat, ...]]]
    wishes = [(known, p, (f,)) for p in (*PRECISIONS, "fp1") for f in FORMATS]
    wishes += [("no-such-model", "fp32", FORMATS), (known, "fp32", ())]
    refused = 0
    for wish in wishes:
        obstacle = provider.obstacle(*wish)
        if obstacle is None:
            provider.artefact(*wish)
            continue
        refused += 1
        assert obstacle.isprintable()
        with pytest.raises(RequestError) as caught:
            provider.artefact(*wish)
        assert "\n" not in str(caught.value)
    assert refused >= 8


def test_an_unknown_model_is_refused(provider: Provider) -> None:
    with pytest.raises(RequestError):
        provider.precisions("no-such-model")
