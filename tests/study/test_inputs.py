"""Where models and samples lie: remembered, replaced, gone, damaged."""

from __future__ import annotations

from pathlib import Path

import pytest

from dse.core.errors import RequestError
from dse.study.folder import StudyFolder
from dse.study.inputs import StudyInputs, complete_inputs, remember_inputs


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    found = StudyFolder(tmp_path / "mine")
    found.path.mkdir()
    for name in ("models", "other", "images"):
        (tmp_path / name).mkdir()
    return found


def test_what_is_not_given_is_what_it_was(folder: StudyFolder, tmp_path: Path) -> None:
    models, images, other = (tmp_path / name for name in ("models", "images", "other"))
    assert complete_inputs(folder, None, None) == StudyInputs(None, None)
    remember_inputs(folder, StudyInputs(models, images))
    found = complete_inputs(folder, None, None)
    assert (found.models, found.dataset) == (models, images)
    assert found.remembered == ("models", "dataset")
    assert found.lines == [
        f"model files: {models}, as before (--models)",
        f"samples: {images}, as before (--dataset)",
    ]
    found = complete_inputs(folder, other, None)
    assert (found.models, found.dataset, found.remembered) == (other, images, ("dataset",))


def test_folders_are_found_from_anywhere(
    folder: StudyFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    remember_inputs(folder, StudyInputs(Path("models"), None))
    monkeypatch.chdir("/")
    assert complete_inputs(folder, None, None).models == tmp_path / "models"


@pytest.mark.parametrize("name", ["my\tmodels", "\udcff", "\u202e"])
def test_a_folder_may_be_called_anything(folder: StudyFolder, tmp_path: Path, name: str) -> None:
    models = tmp_path / name
    models.mkdir()
    remember_inputs(folder, StudyInputs(models, None))
    assert complete_inputs(folder, None, None).models == models


def test_nothing_is_written_of_builtin_models_or_twice(folder: StudyFolder, tmp_path: Path) -> None:
    remember_inputs(folder, StudyInputs(None, None))
    assert not folder.inputs.exists()
    for _ in range(2):
        remember_inputs(folder, StudyInputs(tmp_path / "models", None))
        before = folder.inputs.stat().st_ino
    assert folder.inputs.stat().st_ino == before


def test_a_data_set_may_be_one_file(folder: StudyFolder, tmp_path: Path) -> None:
    questions = tmp_path / "questions.json"
    questions.touch()
    remember_inputs(folder, StudyInputs(tmp_path / "models", questions))
    assert complete_inputs(folder, None, None).dataset == questions


def test_what_is_gone_is_named_with_its_option(folder: StudyFolder, tmp_path: Path) -> None:
    remember_inputs(folder, StudyInputs(tmp_path / "models", None))
    (tmp_path / "models").rmdir()
    with pytest.raises(RequestError, match=r"models.* not at .*models any more") as caught:
        complete_inputs(folder, None, None)
    assert caught.value.field == "--models"
    assert complete_inputs(folder, tmp_path / "other", None).models == tmp_path / "other"


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "3", "null", '{"models": 3}', '{"models": "relative"}'),
        *(
            '{"models": "/a\\u0000b"}',
            '{"other": "/a"}',
            "\udcff",
            "[" * 9000,
            '{"models": "/' + "a" * 5000 + '"}',
        ),
    ],
)
def test_damage_is_said_and_harms_nothing_that_is_given(
    folder: StudyFolder, tmp_path: Path, text: str
) -> None:
    folder.inputs.write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(RequestError, match="does not say where models and samples are"):
        complete_inputs(folder, None, None)
    given = complete_inputs(folder, tmp_path / "models", tmp_path / "images")
    remember_inputs(folder, given)
    assert complete_inputs(folder, None, None).models == tmp_path / "models"
