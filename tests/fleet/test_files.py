from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from dse.core.errors import DseError, RequestError
from dse.fleet import _files
from dse.fleet._files import Entry, Manifest, manifest_of
from dse.fleet.place import Place

if TYPE_CHECKING:
    from pathlib import Path

    from pytest import MonkeyPatch  # noqa: PT013

CONTENT = {"models.yaml": b"models: []\n", "deep/er/a.onnx": b"x" * 25, "b": b"", "c": b"x" * 25}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path / "node")
    made.create()
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in CONTENT.items():
        file = tmp_path / "models" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return tmp_path / "models"


def send(place: Place, source: Path, manifest: Manifest) -> int:
    """Sends what is lacking; how many files."""
    lacking = _files.lacking(place, manifest)
    entries = {entry.sha256: entry for entry in manifest.entries}
    for sha256 in lacking:
        path = source if manifest.single else source / entries[sha256].path
        for offset, part in _files.chunks(path):
            _files.take(place, sha256, offset, part, entries[sha256].size)
    return len(lacking)


def test_a_folder_comes_as_it_was(folder: Path, place: Place, monkeypatch: MonkeyPatch) -> None:
    monkeypatch.setattr(_files, "CHUNK", 10)
    manifest = manifest_of(folder)
    assert Manifest.from_json(manifest.to_json()) == manifest
    assert send(place, folder, manifest) == 3  # two have the same content
    made = _files.assemble(place, manifest)
    found = {p.relative_to(made).as_posix(): p.read_bytes() for p in made.rglob("*") if p.is_file()}
    assert found == CONTENT
    assert made.name == "models"
    assert _files.find(place, manifest.digest) == made
    assert _files.assemble(place, manifest) == made
    assert send(place, folder, manifest) == 0


def test_only_what_changed_is_sent(folder: Path, place: Place) -> None:
    before = manifest_of(folder)
    send(place, folder, before)
    (folder / "c").write_bytes(b"new")
    after = manifest_of(folder)
    assert after.digest != before.digest
    assert send(place, folder, after) == 1
    assert (_files.assemble(place, after) / "c").read_bytes() == b"new"


def test_what_a_node_has_is_not_sent(folder: Path, place: Place, tmp_path: Path) -> None:
    own = tmp_path / "own"
    (own / "deep").mkdir(parents=True)
    (own / "deep" / "other-name").write_bytes(CONTENT["c"])
    (own / "same-size").write_bytes(b"z" * 25)
    manifest = manifest_of(folder)
    _files.use_own(place, manifest, [own])
    assert send(place, folder, manifest) == 2
    made = _files.assemble(place, manifest)
    assert (made / "c").read_bytes() == (made / "deep/er/a.onnx").read_bytes() == CONTENT["c"]
    assert (made / "c").is_symlink()


def test_a_single_file(tmp_path: Path, place: Place) -> None:
    file = tmp_path / "dev.json"
    file.write_bytes(b"{}")
    manifest = manifest_of(file)
    send(place, file, manifest)
    assert _files.assemble(place, manifest).read_bytes() == b"{}"


def test_damage_on_the_way_is_noticed(folder: Path, place: Place) -> None:
    entry = manifest_of(folder).entries[-1]
    with pytest.raises(DseError, match="a file came with the SHA-256"):
        _files.take(place, entry.sha256, 0, b"y" * entry.size, entry.size)
    assert [path for path in place.files.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a//b", "a/../../b", "", ".", "a\0b"])
def test_no_path_leads_elsewhere(path: str) -> None:
    manifest = Manifest("models", (Entry(path, 1, "0" * 64),))
    with pytest.raises(RequestError):
        Manifest.from_json(manifest.to_json())
    with pytest.raises(RequestError):
        Manifest.from_json(Manifest(path, ()).to_json())


@pytest.mark.parametrize("sha256", ["", "../../x", "0" * 63, "G" * 64])
def test_no_checksum_is_a_path(place: Place, sha256: str) -> None:
    with pytest.raises(RequestError):
        _files.stored(place, sha256)
    with pytest.raises(RequestError):
        Manifest.from_json(Manifest("a", (Entry("a", 1, sha256),)).to_json())


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"name": "a", "entries": [1], "single": 0}'])
def test_what_is_no_manifest(text: str) -> None:
    with pytest.raises(RequestError):
        Manifest.from_json(text)


def test_what_has_not_come_is_not_there(place: Place) -> None:
    for digest in ("0123456789abcdef", "../node", ""):
        with pytest.raises(DseError, match="have not come"):
            _files.find(place, digest)
