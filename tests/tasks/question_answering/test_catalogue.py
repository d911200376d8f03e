"""The published models and their vocabulary, from a mirror on this machine."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from dse.core.errors import RequestError
from dse.tasks import registry
from dse.tasks.question_answering import catalogue
from dse.tasks.question_answering.catalogue import FILES, VOCABULARY_URL, Catalogue
from tests.answering import VOCABULARY
from tests.answering_model import onnx_bytes
from tests.commandline import command, here, tmp_path
from tests.download.conftest import _direct, site
from tests.download.publications import path_of
from tests.small_models import onnx_bytes as classifier_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from dse.tasks.question_answering.catalogue import FetchResult
    from tests.commandline import Command
    from tests.download.servers import Site

__all__ = ["_direct", "command", "here", "site", "tmp_path"]

FP32, INT8 = FILES
WORDS = VOCABULARY.read_bytes()
MODELS = {FP32: onnx_bytes(length="sequence"), INT8: onnx_bytes(length=384)}


@pytest.fixture(autouse=True)
def _published(site: Site, own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The site has all files, small ones, and their vocabulary is the one that is expected."""
    del own_cache
    monkeypatch.setattr(catalogue, "VOCABULARY_SHA256", sha256(WORDS).hexdigest())
    site.files = {path_of(one.url): data for one, data in MODELS.items()}
    site.files[path_of(VOCABULARY_URL)] = WORDS


def fetch(folder: Path, site: Site, *precisions: str) -> list[FetchResult]:
    def ignore(*_: Any) -> None:
        pass

    return list(Catalogue().fetch(["bert-*"], precisions, folder, site.url, ignore))


def test_patterns_choose_between_the_tasks() -> None:
    assert isinstance(registry.published_models(["bert-large"]), Catalogue)
    for patterns in ([], ["*"], ["mobilenet-*"]):
        assert not isinstance(registry.published_models(patterns), Catalogue)
    for patterns, problem in (
        (["bert-large", "mobilenet-*"], "bert-large, mobilenet-\\* are models of several tasks"),
        (["distilbert*"], "no file of 'distilbert\\*' is published"),
        (["bert-lage"], "unknown model 'bert-lage'; did you mean bert-large?"),
    ):
        with pytest.raises(RequestError, match=problem):
            registry.published_models(patterns)


def test_only_published_models_have_files() -> None:
    assert registry.is_published("bert-large")
    assert registry.is_published("resnet50-v1.5")
    assert not registry.is_published("bert-base")


def test_a_fetched_folder_can_be_explored(tmp_path: Path, site: Site) -> None:
    results = fetch(tmp_path / "m", site)
    assert [str(one.wanted) for one in results] == ["bert-large fp32", "bert-large int8"]
    assert [one.new_bytes for one in results] == [len(MODELS[one]) for one in FILES]
    provider = registry.task("question-answering").provider(tmp_path / "m")
    assert provider.models() == ("bert-large",)
    assert provider.precisions("bert-large") == ("fp32", "int8")
    for one in FILES:
        found = provider.artefact("bert-large", one.precision, ("onnx",))
        assert found.path.read_bytes() == MODELS[one]
        assert found.form["vocabulary"] == str(tmp_path / "m" / "vocab.txt")
        assert found.published == provider.published("bert-large", one.precision)
        assert found.published is not None
        assert found.published.value == {"fp32": 90.874, "int8": 90.067}[one.precision]
    asked = len(site.requests)
    assert [one.new_bytes for one in fetch(tmp_path / "m", site)] == [0, 0]
    assert len(site.requests) == asked == 3


def test_a_damaged_file_is_fetched_again(tmp_path: Path, site: Site) -> None:
    fetch(tmp_path / "m", site, "fp32")
    manifest = (tmp_path / "m" / "models.yaml").read_text()
    (tmp_path / "m" / FP32.file).write_bytes(b"damaged")
    (result,) = fetch(tmp_path / "m", site, "fp32")
    assert result.new_bytes == len(MODELS[FP32])
    assert (tmp_path / "m" / FP32.file).read_bytes() == MODELS[FP32]
    assert (tmp_path / "m" / "models.yaml").read_text() == manifest


def test_a_file_that_changes_at_its_address_is_refused(tmp_path: Path, site: Site) -> None:
    fetch(tmp_path / "m", site, "fp32")
    (tmp_path / "m" / FP32.file).unlink()
    site.files[path_of(FP32.url)] = onnx_bytes(place=1)
    (result,) = fetch(tmp_path / "m", site, "fp32")
    assert f"{FP32.url} has changed" in str(result.error)
    assert not (tmp_path / "m" / FP32.file).exists()


def test_another_vocabulary_is_refused(tmp_path: Path, site: Site) -> None:
    site.files[path_of(VOCABULARY_URL)] = WORDS + b"more\n"
    (result,) = fetch(tmp_path / "m", site, "fp32")
    assert f"{VOCABULARY_URL} has SHA-256" in str(result.error)
    (tmp_path / "m" / "vocab.txt").write_text("mine")
    (result,) = fetch(tmp_path / "m", site, "fp32")
    assert "vocab.txt is in the way" in str(result.error)
    assert (tmp_path / "m" / "vocab.txt").read_text() == "mine"


@pytest.mark.parametrize("content", [b"no model", classifier_bytes()], ids=["text", "images"])
def test_what_is_no_such_model_is_refused(content: bytes, tmp_path: Path, site: Site) -> None:
    site.files[path_of(FP32.url)] = content
    (result,) = fetch(tmp_path / "m", site, "fp32")
    assert result.error is not None
    assert str(result.error).startswith(f"{FP32.url}: ")
    assert not (tmp_path / "m" / "models.yaml").exists()


def test_another_file_of_that_name_stays(tmp_path: Path, site: Site) -> None:
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / FP32.file).write_text("mine")
    (result,) = fetch(tmp_path / "m", site, "fp32")
    assert "is in the way: another file has that name" in str(result.error)
    assert (tmp_path / "m" / FP32.file).read_text() == "mine"


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path, site: Site) -> None:
    (tmp_path / "m").write_text("")
    with pytest.raises(RequestError, match="is not a folder"):
        fetch(tmp_path / "m", site)


def test_the_command_fetches_and_says_what_comes_next(
    command: Command, here: Path, site: Site
) -> None:
    words = ("models", "fetch", "bert-large", "--output", "m", "--mirror", site.url)
    answer = command.good(*words)
    assert answer.out == "m: 2 files fetched, 0 there already\n"
    assert answer.err.splitlines()[-1] == "next: dse explore bert --models m --dataset SQUAD"
    described = yaml.safe_load((here / "m" / "models.yaml").read_text())["models"]
    assert [one["archive"]["url"] for one in described] == [one.url for one in FILES]
    assert command(*words, "--precision", "fp16").code == 2
