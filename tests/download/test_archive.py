from __future__ import annotations

import gzip
import tarfile
import tracemalloc
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dse.download.archive import ArchiveBounds, ArchiveError, extract, to_line
from tests.download.archives import entry, tar, tgz

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

MODEL = bytes(range(256)) * 40
SOUND = (
    (entry("./x", tarfile.DIRTYPE), b""),
    ("./x/model.ckpt.data", bytes(100_000)),
    ("./x/a.tflite", MODEL),
    ("x/b.tflite", b"b"),
    ("x/empty", b""),
)


@pytest.fixture
def packed(tmp_path: Path) -> Callable[[bytes], Path]:
    """Makes a file of bytes."""

    def write(data: bytes) -> Path:
        path = tmp_path / "a.tgz"
        path.write_bytes(data)
        return path

    return write


def refusal(path: Path, bounds: ArchiveBounds | None = None) -> str:
    with pytest.raises(ArchiveError) as caught:
        extract(path, {"a.tflite"}, bounds or ArchiveBounds())
    assert str(caught.value).isprintable()
    return str(caught.value)


def test_files_by_name(packed: Callable[[bytes], Path]) -> None:
    path = packed(tgz(*SOUND))
    assert extract(path, {"a.tflite"}) == {"a.tflite": MODEL}
    assert extract(path, {"a.tflite", "b.tflite"}) == {"a.tflite": MODEL, "b.tflite": b"b"}
    assert extract(path, set()) == {}
    assert list(path.parent.iterdir()) == [path]  # nothing is unpacked to anywhere


def test_padding_after_the_end_is_no_harm(packed: Callable[[bytes], Path]) -> None:
    data = gzip.compress(tar(*SOUND) + bytes(200_000)) + bytes(512)
    assert extract(packed(data), {"a.tflite"}) == {"a.tflite": MODEL}


@pytest.mark.parametrize(
    ("member", "words"),
    [
        ((entry("x/s", tarfile.SYMTYPE, "/etc/passwd"), b""), "not a regular file: x/s"),
        ((entry("x/h", tarfile.LNKTYPE, "x/a.tflite"), b""), "not a regular file: x/h"),
        ((entry("x/d", tarfile.CHRTYPE), b""), "not a regular file"),
        ((entry("x/d", tarfile.BLKTYPE), b""), "not a regular file"),
        ((entry("x/p", tarfile.FIFOTYPE), b""), "not a regular file"),
        ((entry("x/c", tarfile.CONTTYPE), b"x"), "not a regular file"),
        (("y/a.tflite", b"another"), "more than one file a.tflite"),
        ((entry("../\x1b[2J", tarfile.SYMTYPE), b""), "not a regular file: ../?[2J"),
    ],
)
@pytest.mark.parametrize("last", [True, False])
def test_one_odd_member_is_enough(
    packed: Callable[[bytes], Path], member: tuple[str, bytes], words: str, last: bool
) -> None:
    members = (*SOUND, member) if last else (member, *SOUND)
    assert words in refusal(packed(tgz(*members)))


@pytest.mark.parametrize("folder", ["../", "x/../../", "/", "/etc/", "C:/"])
def test_names_never_become_paths(packed: Callable[[bytes], Path], folder: str) -> None:
    path = packed(tgz((entry(folder, tarfile.DIRTYPE), b""), (f"{folder}a.tflite", MODEL)))
    before = sorted(path.parent.parent.rglob("*"))
    assert extract(path, {"a.tflite"}) == {"a.tflite": MODEL}
    assert sorted(path.parent.parent.rglob("*")) == before


def test_a_wanted_file_that_is_a_link(packed: Callable[[bytes], Path]) -> None:
    link = entry("x/a.tflite", tarfile.SYMTYPE, "/etc/passwd")
    assert "not a regular file" in refusal(packed(tgz((link, b""))))


def test_a_wanted_file_that_is_a_folder_is_not_there(packed: Callable[[bytes], Path]) -> None:
    folder = entry("a.tflite", tarfile.DIRTYPE)
    assert "no file a.tflite" in refusal(packed(tgz((folder, b""))))


def test_a_missing_file_is_told_with_those_there_are(packed: Callable[[bytes], Path]) -> None:
    told = refusal(packed(tgz(("x/b.tflite", b""), ("c.pb", b""))))
    assert told == "the archive has no file a.tflite; its model files: b.tflite"
    assert refusal(packed(tgz(("c.pb", b"")))).endswith("none")


@pytest.mark.parametrize("end", [0, 1, 5, 20, -1, -4, -8, -100])
def test_a_cut_archive(packed: Callable[[bytes], Path], end: int) -> None:
    # Cut anywhere: also behind the wanted file, where only gzip's checksum is missing.
    assert "damaged" in refusal(packed(tgz(*SOUND)[:end]))


def test_one_wrong_bit_is_found_out(packed: Callable[[bytes], Path]) -> None:
    data = bytearray(gzip.compress(tar(*SOUND), compresslevel=0))
    data[data.index(MODEL[:64]) + 30] ^= 1
    assert "damaged" in refusal(packed(bytes(data)))


@pytest.mark.parametrize(
    "data",
    [b"<!DOCTYPE html>", b"PK\3\4", gzip.compress(b"no tar" * 999), tar(*SOUND)],
    ids=["page", "zip", "gzip", "tar"],
)
def test_what_is_no_archive(packed: Callable[[bytes], Path], data: bytes) -> None:
    assert "damaged" in refusal(packed(data))


def test_an_empty_tar_has_no_file(packed: Callable[[bytes], Path]) -> None:
    assert "no file a.tflite" in refusal(packed(tgz()))


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        (ArchiveBounds(members=4), "more than 4 members"),
        (ArchiveBounds(file_bytes=len(MODEL) - 1), "a.tflite is larger than"),
        (ArchiveBounds(total_bytes=100_000), "unpacks to over 0 MiB"),
    ],
)
def test_every_bound_holds(
    packed: Callable[[bytes], Path], bounds: ArchiveBounds, words: str
) -> None:
    path = packed(tgz(*SOUND))
    assert words in refusal(path, bounds)
    exact = ArchiveBounds(members=5, file_bytes=len(MODEL))
    assert extract(path, {"a.tflite"}, exact) == {"a.tflite": MODEL}


def bomb(path: Path, size: int, kind: bytes = tarfile.REGTYPE) -> Path:
    """An archive with a member of zeros."""
    head = entry("zeros", kind)
    head.size = size
    with gzip.open(path, "wb") as stream:
        stream.write(head.tobuf())
        for _ in range(size >> 20):
            stream.write(bytes(1 << 20))
    return path


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE])
def test_a_bomb_ends_early(tmp_path: Path, kind: bytes) -> None:
    path = bomb(tmp_path / "bomb.tgz", 100 << 20, kind)
    assert path.stat().st_size < 1 << 20
    tracemalloc.start()
    try:
        told = refusal(path, ArchiveBounds(total_bytes=50 << 20))
        _, most_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "unpacks to over 50 MiB" in told or "headers of more" in told
    assert most_bytes < 8 << 20


def test_a_bomb_behind_the_end(packed: Callable[[bytes], Path]) -> None:
    data = gzip.compress(tar(*SOUND) + bytes(20 << 20))
    assert "headers of more" in refusal(packed(data))


PACKED = tar(*SOUND)


@given(st.integers(0, 1500), st.binary(min_size=1, max_size=12))
def test_any_damage_is_an_error_or_not_seen(
    tmp_path_factory: pytest.TempPathFactory, position: int, change: bytes
) -> None:
    """Of the headers: gzip's checksum is right."""
    data = PACKED[:position] + change + PACKED[position + len(change) :]
    path = tmp_path_factory.getbasetemp() / "damaged.tgz"
    path.write_bytes(gzip.compress(data, compresslevel=1))
    told = "nothing"
    try:
        assert set(extract(path, {"a.tflite"})) == {"a.tflite"}
    except ArchiveError as error:
        told = str(error)
    assert told.isprintable()


@given(st.text())
def test_what_is_shown_is_short_and_plain(text: str) -> None:
    assert to_line(text).isprintable()
    assert len(to_line(text)) <= 80
    if text.isprintable() and len(text) <= 80:
        assert to_line(text) == text
