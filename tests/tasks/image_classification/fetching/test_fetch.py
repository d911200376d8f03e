from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import DseError, RequestError
from dse.core.retry import RetryPolicy
from dse.download.archive import ArchiveError
from dse.download.resumable import DownloadLimits
from dse.models.manifest import FolderManifest
from dse.tasks.image_classification.fetching.fetch import (
    Wanted,
    choose,
    fetch_published,
    group_by_archive,
)
from dse.tasks.image_classification.models.catalogue import CATALOGUE
from dse.tasks.image_classification.models.manifest_entry import ImageEntry
from tests.download.archives import entry, tgz
from tests.download.publications import archives, model_of, onnx_classifier, path_of
from tests.image_models import classes_of, image_folder, preprocessing_of, read_manifest
from tests.small_models import classifier_bytes

if TYPE_CHECKING:
    from pathlib import Path

    from dse.tasks.image_classification.fetching.fetch import FetchResult
    from tests.download.servers import Site

V1 = Wanted("mobilenet-v1-0.25-128", "int8")
V1_FLOAT = Wanted("mobilenet-v1-0.25-128", "fp32")
V3 = Wanted("mobilenet-v3-small", "int8")
LITE = (Wanted("efficientnet-lite0", "fp32"), Wanted("efficientnet-lite0", "int8"))
RESNET = Wanted("resnet50-v1.5", "fp32")
SOME = (V1, V1_FLOAT, V3, *LITE)
QUICK = DownloadLimits(silence_s=5.0, retry=RetryPolicy(max_attempts=2, first_pause_s=0.01))


@pytest.fixture(autouse=True)
def downloads(own_cache: Path) -> Path:
    """Where downloads lie."""
    return own_cache / "downloads"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Not there yet."""
    return tmp_path / "new" / "models"


def run(folder: Path, site: Site, *wanted: Wanted) -> list[FetchResult]:
    return list(fetch_published(folder, wanted, site.url, limits=QUICK))


def refusal(results: list[FetchResult]) -> str:
    (error,) = {str(result.error) for result in results}
    return error


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".tflite"}


def test_all_published_files_are_chosen_if_nothing_is_said() -> None:
    assert len(choose()) == 82
    assert len(group_by_archive(choose())) == 77
    assert len(choose((), ["int8"])) == 40


@pytest.mark.parametrize(
    ("patterns", "precisions", "count"),
    [
        (["mobilenet-v1-*"], [], 32),
        (["mobilenet-v1-*", "mobilenet-v1-0.25-128"], ["fp32"], 16),
        (["*-large"], ["fp32", "int8"], 2),
        (["*-small-minimalistic"], [], 1),
        (["efficientnet-lite[01]"], ["int8"], 2),
        (["resnet50-*"], [], 1),
    ],
)
def test_patterns_choose(patterns: list[str], precisions: list[str], count: int) -> None:
    assert len(choose(patterns, precisions)) == count


@pytest.mark.parametrize(
    ("patterns", "precisions", "words"),
    [
        (["mobilenet-v3-smal"], [], "did you mean mobilenet-v3-small"),
        (["mobilenet-v1-*", "vgg*"], [], "unknown model 'vgg*'"),
        ([""], [], "'dse models list'"),
        (["*-small-minimalistic"], ["int8"], "no int8 file of *-small-minimalistic is published"),
        (["resnet50-v1.5"], ["int8"], "no int8 file of resnet50-v1.5 is published"),
    ],
)
def test_what_chooses_nothing(patterns: list[str], precisions: list[str], words: str) -> None:
    with pytest.raises(RequestError) as caught:
        choose(patterns, precisions)
    assert words in str(caught.value)


def test_a_fetched_folder_is_one_of_the_file_provider(folder: Path, site: Site) -> None:
    site.files = archives(SOME)
    results = run(folder, site, *SOME)
    assert [result.wanted for result in results] == list(SOME)
    assert [result.new_bytes for result in results] == [len(model_of(one)) for one in SOME]
    assert len(site.requests) == 4  # both files of EfficientNet-Lite come in one archive
    provider = image_folder(folder)
    assert set(provider.models()) == {one.model for one in SOME}
    for one in SOME:
        found = provider.artefact(one.model, one.precision, ("tflite",))
        assert found.path.read_bytes() == model_of(one)
        assert found.sha256 == sha256(model_of(one)).hexdigest()
        assert found.published == CATALOGUE[one.model].published[one.precision]
        assert classes_of(found) == CATALOGUE[one.model].classes
        known = CATALOGUE[one.model].preprocessing
        if one.precision == "fp32":
            assert preprocessing_of(found) == known
        else:
            assert preprocessing_of(found).dtype == "uint8"
            assert preprocessing_of(found).scale == (1.0,) * 3
            assert preprocessing_of(found).label_offset == known.label_offset
    for described in read_manifest(folder):
        assert described.archive is not None
        url = described.archive.url
        assert described.archive.sha256 == sha256(site.files[path_of(url)]).hexdigest()


def test_an_onnx_file_needs_no_archive(folder: Path, site: Site) -> None:
    site.files = archives([RESNET])
    data = model_of(RESNET)
    assert site.files == {"/zenodo.org/record/4735647/files/resnet50_v1.onnx": data}
    (result,) = run(folder, site, RESNET)
    assert result.new_bytes == len(data)
    found = image_folder(folder).artefact(RESNET.model, "fp32", ("onnx",))
    assert found.path.name == "resnet50-v1.5-fp32.onnx"
    assert found.path.read_bytes() == data
    assert found.published == CATALOGUE[RESNET.model].published["fp32"]
    known = CATALOGUE[RESNET.model].preprocessing
    assert preprocessing_of(found) == replace(known, layout="NCHW")
    (described,) = read_manifest(folder)
    assert described.archive is not None
    assert described.sha256 == described.archive.sha256 == sha256(data).hexdigest()
    assert run(folder, site, RESNET)[0].new_bytes == 0
    found.path.unlink()
    site.files = {path_of(RESNET.url): onnx_classifier(224, 1001) + b"\x12\x00"}
    assert f"{RESNET.url} has changed" in refusal(run(folder, site, RESNET))


@pytest.mark.parametrize(
    ("side", "classes", "words"),
    [
        (192, 1001, "is float32 ?x3x192x192, not float32 1x3x224x224"),
        (224, 1000, "is float32 ?x1000, not 1001 scores"),
    ],
)
def test_another_onnx_file_is_refused(
    folder: Path, site: Site, side: int, classes: int, words: str
) -> None:
    site.files = {path_of(RESNET.url): onnx_classifier(side, classes)}
    assert words in refusal(run(folder, site, RESNET))
    assert [path.name for path in folder.iterdir()] == [".fetch.lock"]


def test_a_page_is_no_onnx_file(folder: Path, site: Site) -> None:
    site.files = {path_of(RESNET.url): b"<!DOCTYPE html>"}
    assert "no ONNX model with one input, or damaged" in refusal(run(folder, site, RESNET))


def test_the_type_of_the_input_is_the_files(folder: Path, site: Site) -> None:
    """Some quantised models take floats and quantise them themselves."""
    data = classifier_bytes(128, 1001, "float32")
    site.files = {path_of(V1.url): tgz((V1.member, data))}
    run(folder, site, V1)
    artefact = image_folder(folder).artefact(V1.model, V1.precision, ("tflite",))
    found = preprocessing_of(artefact)
    assert (found.dtype, found.mean, found.scale) == ("float32", (127.5,) * 3, (127.5,) * 3)


@pytest.mark.parametrize(("stated", "raw"), [((0.0078125, 128), True), ((0.0125, 131), False)])
def test_pixels_are_quantised_where_they_are_not_what_the_file_takes(
    stated: tuple[float, int], raw: bool, folder: Path, site: Site
) -> None:
    data = classifier_bytes(128, 1001, "uint8", stated)
    site.files = {path_of(V1.url): tgz((V1.member, data))}
    run(folder, site, V1)
    artefact = image_folder(folder).artefact(V1.model, V1.precision, ("tflite",))
    found = preprocessing_of(artefact)
    assert found.dtype == "uint8"
    assert found.mean == (0.0 if raw else 127.5,) * 3
    kept = found.quantisation
    assert kept is None if raw else kept == pytest.approx(stated)


def test_nothing_is_fetched_twice(folder: Path, site: Site, downloads: Path) -> None:
    site.files = archives(SOME)
    run(folder, site, *SOME)
    before = (folder / "models.yaml").read_bytes()
    site.requests.clear()
    assert {result.new_bytes for result in run(folder, site, *SOME)} == {0}
    assert site.requests == []
    assert (folder / "models.yaml").read_bytes() == before
    assert {path.suffix for path in downloads.iterdir()} == {".lock"}


@pytest.mark.parametrize("damage", ["gone", "cut", "other", "link"])
def test_a_damaged_file_is_fetched_again(folder: Path, site: Site, damage: str) -> None:
    site.files = archives(LITE)
    run(folder, site, *LITE)
    before = (folder / "models.yaml").read_bytes()
    path = folder / LITE[1].file
    if damage == "gone":
        path.unlink()
    elif damage == "cut":
        os.truncate(path, 100)
    elif damage == "other":
        path.write_bytes(b"other")
    else:
        path.rename(folder.parent / "elsewhere")
        path.symlink_to(folder.parent / "elsewhere")
    kept, new = run(folder, site, *LITE)
    assert (kept.new_bytes, new.new_bytes) == (0, len(model_of(LITE[1])))
    assert not path.is_symlink()
    assert files(folder) == {one.file: model_of(one) for one in LITE}
    assert (folder / "models.yaml").read_bytes() == before


def test_a_file_without_an_entry_gets_one(folder: Path, site: Site) -> None:
    """As after a process was killed between the two."""
    site.files = archives([V1])
    run(folder, site, V1)
    before = (folder / "models.yaml").read_bytes()
    (folder / "models.yaml").unlink()
    run(folder, site, V1)
    assert (folder / "models.yaml").read_bytes() == before


def test_a_file_of_that_name_that_is_another_stays(folder: Path, site: Site) -> None:
    site.files = archives([V1])
    folder.mkdir(parents=True)
    (folder / V1.file).write_bytes(b"mine")
    assert "is in the way" in refusal(run(folder, site, V1))
    assert files(folder) == {V1.file: b"mine"}
    assert not (folder / "models.yaml").exists()


def test_a_changed_archive_is_refused(folder: Path, site: Site) -> None:
    site.files = archives(LITE)
    run(folder, site, LITE[0])
    path = path_of(LITE[0].url)
    first = sha256(site.files[path]).hexdigest()
    site.files[path] = tgz(*((one.member, model_of(one)) for one in LITE))
    second = sha256(site.files[path]).hexdigest()
    before = (folder / "models.yaml").read_bytes()
    for wanted in (LITE, LITE[1:]):
        error = refusal([r for r in run(folder, site, *wanted) if r.wanted == LITE[1]])
        assert first in error
        assert second in error
        assert "models.yaml" in error
        assert "remove its entries" in error
    assert files(folder) == {LITE[0].file: model_of(LITE[0])}
    assert (folder / "models.yaml").read_bytes() == before
    (folder / "models.yaml").unlink()  # the remedy
    assert all(result.error is None for result in run(folder, site, *LITE))


def test_a_changed_record_of_a_file_is_found_out(folder: Path, site: Site) -> None:
    site.files = archives([V1])
    run(folder, site, V1)
    path = folder / "models.yaml"
    checksum = sha256(model_of(V1)).hexdigest()
    path.write_text(path.read_text().replace(f" {checksum}", " '" + "1" * 64 + "'"))
    error = refusal(run(folder, site, V1))
    assert checksum in error
    assert "1" * 64 in error


@pytest.mark.parametrize("name", ["../up", "/etc/up", f"../{V1.member}"])
def test_names_in_an_archive_lead_nowhere(folder: Path, site: Site, name: str) -> None:
    content = model_of(V1)
    members = [(name, content)] if V1.member in name else [(V1.member, content), (name, b"")]
    site.files = {path_of(V1.url): tgz(*members)}
    run(folder, site, V1)
    assert files(folder) == {V1.file: content}
    found = {path.name for path in folder.parent.parent.rglob("*") if path.is_file()}
    assert {found_name for found_name in found if not found_name.endswith(".lock")} == {
        *(V1.file, "models.yaml")
    }


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([], "no file mobilenet_v1_0.25_128_quant.tflite"),
        ([("model.tflite", b"x")], "its model files: model.tflite"),
        ([(V1.member, b"x")], "no TFLite model"),
        ([(V1.member, b"\x1c\0\0\0TFL3 and nothing")], "damaged"),
        ([(V1.member, model_of(V1)), (f"b/{V1.member}", b"")], "more than one file"),
        ([(V1.member, model_of(V1)), (entry("l", b"2", "/etc/passwd"), b"")], "not a regular file"),
        ([(V1.member, model_of(V1)), (entry("l", b"1", V1.member), b"")], "not a regular file"),
        ([(V1.member, classifier_bytes(160, 1001, "uint8"))], "is uint8 1x160x160x3, not uint8"),
        ([(V1.member, classifier_bytes(128, 1001, "int8"))], "is int8 1x128x128x3, not uint8 or"),
        ([(V1.member, classifier_bytes(128, 1000, "uint8"))], "not 1001 scores"),
    ],
)
def test_an_archive_that_is_no_good(
    folder: Path, site: Site, members: list[tuple[str, bytes]], words: str
) -> None:
    site.files = {path_of(V1.url): tgz(*members)}
    before = sorted(folder.parent.parent.rglob("*"))
    assert words in refusal(run(folder, site, V1))
    assert [path.name for path in folder.iterdir()] == [".fetch.lock"]
    new = {path.name for path in set(folder.parent.parent.rglob("*")) - set(before)}
    assert {name for name in new if not name.endswith(".lock")} <= {
        *("new", "models", "cache", "downloads")
    }
    site.files = archives([V1])
    (result,) = run(folder, site, V1)  # the bad one is not kept
    assert result.new_bytes


def test_a_float_file_with_raw_pixels_is_refused(folder: Path, site: Site) -> None:
    data = classifier_bytes(128, 1001, "uint8")
    site.files = {path_of(V1_FLOAT.url): tgz((V1_FLOAT.member, data))}
    assert "is uint8 1x128x128x3, not float32" in refusal(run(folder, site, V1_FLOAT))


def test_a_cut_archive_is_refused(folder: Path, site: Site) -> None:
    path = path_of(V1.url)
    site.files = {path: archives([V1])[path][:-9]}
    assert "damaged" in refusal(run(folder, site, V1))


def test_one_that_is_missing_stops_no_other(folder: Path, site: Site) -> None:
    site.files = archives([V1, *LITE])
    results = run(folder, site, V1_FLOAT, V1, V3, *LITE)
    assert [result.error is None for result in results] == [False, True, False, True, True]
    assert isinstance(results[0].error, ArchiveError)
    assert "404" in str(results[0].error)
    assert set(files(folder)) == {V1.file, *(one.file for one in LITE)}


def test_a_server_that_is_gone_stops_all(folder: Path, site: Site) -> None:
    site.troubles[path_of(V1.url)] = ["500"] * 9
    site.files = archives(SOME)
    with pytest.raises(DseError, match="answered 500"):
        run(folder, site, *SOME)
    assert len(site.requests) == QUICK.retry.max_attempts
    assert all(result.new_bytes for result in run(folder, site, V1_FLOAT, V3, *LITE))


def test_entries_of_the_users_stay(folder: Path, site: Site) -> None:
    site.files = archives([V1, V3])
    folder.mkdir(parents=True)
    text = (
        "models:\n- name: mobilenet-v1-0.25-128  # mine\n  file: mine.tflite\n  precision: int8\n"
        "  layout: NHWC\n  dtype: uint8\n"
    )
    (folder / "models.yaml").write_text(text)
    with pytest.raises(RequestError, match="another int8 file") as caught:
        run(folder, site, V3, V1)
    assert caught.value.line == 2
    assert site.requests == []
    run(folder, site, V3)
    assert (folder / "models.yaml").read_text().startswith(text)
    (folder / "mine.tflite").write_bytes(model_of(V1))
    assert set(image_folder(folder).models()) == {V1.model, V3.model}


def test_a_file_for_a_folder(tmp_path: Path, site: Site) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RequestError, match="is not a folder") as caught:
        run(tmp_path / "file", site, V1)
    assert caught.value.field == "--output"


def test_a_wrong_manifest_is_told_before_anything(folder: Path, site: Site) -> None:
    folder.mkdir(parents=True)
    (folder / "models.yaml").write_text("models: 3\n")
    with pytest.raises(RequestError, match=r"models\.yaml:1: "):
        run(folder, site, V1)
    assert site.requests == []


def test_two_at_once_corrupt_nothing(folder: Path, site: Site) -> None:
    site.files = archives(SOME)
    found: list[list[FetchResult]] = []
    threads = [
        threading.Thread(target=lambda: found.append(run(folder, site, *SOME))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    # Each file was fetched by one of them.
    new = [r.wanted for results in found for r in results if r.new_bytes]
    assert sorted(map(str, new)) == sorted(map(str, SOME))
    assert files(folder) == {one.file: model_of(one) for one in SOME}
    assert len(read_manifest(folder)) == len(SOME)


@pytest.mark.parametrize("after", range(4))
def test_killed_at_any_instant_the_folder_is_true(
    folder: Path, site: Site, tmp_path: Path, after: int
) -> None:
    wanted = choose(["mobilenet-v1-*"], ["int8"])
    site.files = archives(wanted)
    words = ["models", "fetch", "mobilenet-v1-*", "--precision", "int8"]
    command = [sys.executable, "-m", "dse", *words, "--output", str(folder), "--mirror", site.url]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stderr is not None
        for _ in range(after):
            process.stderr.readline()
        time.sleep(0.001 * after)
        process.send_signal(signal.SIGKILL)
    whole = {one.file: model_of(one) for one in wanted}
    there = files(folder) if folder.exists() else {}
    assert there.items() <= whole.items()
    if (folder / "models.yaml").exists():
        described = FolderManifest.read(folder, ImageEntry)
        assert {one.file for one in described.entries} <= set(there)
        for index in range(len(described.entries)):
            described.verify(index)
    run(folder, site, *wanted)
    assert files(folder) == whole
    assert len(read_manifest(folder)) == len(wanted)
    assert not [path for path in folder.iterdir() if re.search("tmp", path.name)]
    assert not list(tmp_path.rglob("*.part"))
