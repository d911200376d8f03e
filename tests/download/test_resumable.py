from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from dse.core.errors import DseError
from dse.core.retry import RetryPolicy
from dse.download.archive import ArchiveError
from dse.download.resumable import MAX_ARCHIVE_BYTES, DownloadLimits, download

if TYPE_CHECKING:
    from pathlib import Path

    from tests.download.servers import Site

DATA = os.urandom(400_000)
HALF = len(DATA) // 2
SHORT = DownloadLimits(
    silence_s=2.0,
    window_s=0.2,
    window_bytes=1000,
    retry=RetryPolicy(max_attempts=3, first_pause_s=0.01),
)
TWICE = RetryPolicy(max_attempts=2, first_pause_s=0.01)


@pytest.fixture(autouse=True)
def folder(own_cache: Path) -> Path:
    """Where downloads lie."""
    return own_cache / "downloads"


def get(site: Site, limits: DownloadLimits = SHORT) -> bytes:
    with download(f"{site.url}/a", limits=limits) as path:
        return path.read_bytes()


def left(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.suffix != ".lock"]


def test_a_file_arrives_and_leaves_the_cache(site: Site, folder: Path) -> None:
    site.files["/a"] = DATA
    seen: list[tuple[int, int | None]] = []
    with download(f"{site.url}/a", lambda *told: seen.append(told), SHORT) as path:
        assert path.read_bytes() == DATA
        assert path.parent == folder
    assert seen[-1] == (len(DATA), len(DATA))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert left(folder) == []


def test_it_stays_for_whoever_failed_with_it(site: Site, folder: Path) -> None:
    site.files["/a"] = DATA
    with pytest.raises(DseError, match="disk"), download(f"{site.url}/a"):
        raise DseError("no room on the disk")
    assert len(left(folder)) == 1
    assert get(site) == DATA
    assert site.requests == [("/a", None)]


def test_it_goes_if_it_is_no_good(site: Site, folder: Path) -> None:
    site.files["/a"] = DATA
    with pytest.raises(ArchiveError), download(f"{site.url}/a"):
        raise ArchiveError("no archive")
    assert left(folder) == []
    assert get(site) == DATA
    assert len(site.requests) == 2


@pytest.mark.parametrize("trouble", ["500", "503", "no HTTP", "416"])
def test_trouble_that_passes(site: Site, trouble: str) -> None:
    site.files["/a"] = DATA
    site.troubles["/a"] = [trouble, trouble]
    assert get(site) == DATA
    assert len(site.requests) == 3


def test_a_broken_download_goes_on(site: Site) -> None:
    site.files["/a"] = DATA
    site.troubles["/a"] = ["cut"]
    assert get(site) == DATA
    assert site.requests == [("/a", None), ("/a", f"bytes={HALF}-")]


def test_the_next_process_goes_on_where_the_last_was(site: Site, folder: Path) -> None:
    site.files["/a"] = DATA
    site.troubles["/a"] = ["cut", "500", "500"]
    with pytest.raises(DseError, match="answered 500; check the connection"):
        get(site)
    (part,) = left(folder)
    assert part.stat().st_size == HALF
    site.requests.clear()
    assert get(site) == DATA
    assert site.requests == [("/a", f"bytes={HALF}-")]
    assert left(folder) == []


def test_a_file_that_changed_meanwhile_starts_anew(site: Site) -> None:
    site.files["/a"] = DATA
    site.troubles["/a"] = ["cut", "500", "500"]
    with pytest.raises(DseError):
        get(site)
    site.files["/a"] = DATA[::-1]
    assert get(site) == DATA[::-1]


def test_a_file_that_got_shorter_starts_anew(site: Site, folder: Path) -> None:
    site.files["/a"] = DATA
    site.troubles["/a"] = ["cut", "500", "500"]
    with pytest.raises(DseError):
        get(site)
    (part,) = left(folder)
    part.write_bytes(DATA)  # all of it was there when the process was killed
    assert get(site) == DATA
    assert site.requests[-1] == ("/a", None)


def test_a_server_that_knows_no_parts(site: Site) -> None:
    site.files["/a"] = DATA
    site.troubles["/a"] = ["cut", "whole"]
    assert get(site) == DATA
    assert site.requests[1] == ("/a", f"bytes={HALF}-")


def test_a_server_that_sends_another_part(site: Site) -> None:
    site.files["/a"] = DATA
    site.troubles["/a"] = ["cut", "other part"]
    assert get(site) == DATA
    assert [asked for _, asked in site.requests] == [None, f"bytes={HALF}-", None]


def test_a_server_that_names_no_version_is_not_asked_for_a_part(site: Site) -> None:
    site.etag = False
    site.files["/a"] = DATA
    site.troubles["/a"] = ["cut", "cut"]
    assert get(site) == DATA
    assert [asked for _, asked in site.requests] == [None] * 3


def test_a_file_of_unknown_length(site: Site) -> None:
    site.files["/a"] = DATA
    site.troubles["/a"] = ["length unknown"]
    assert get(site) == DATA


def test_attempts_end(site: Site) -> None:
    site.files["/a"] = DATA
    site.etag = False
    site.troubles["/a"] = ["cut"] * 99
    with pytest.raises(DseError, match=f"broke off after {HALF} of {len(DATA)} bytes; check"):
        get(site)
    assert len(site.requests) == SHORT.retry.max_attempts


def test_progress_gives_further_attempts(site: Site) -> None:
    site.files["/a"] = DATA
    cuts = 6  # each brings half of the rest, the last one 6250 bytes
    site.troubles["/a"] = ["cut"] * cuts
    with pytest.raises(DseError, match="broke off"):
        get(site, DownloadLimits(retry=TWICE, progress_bytes=len(DATA)))
    assert len(site.requests) == 2
    assert get(site, DownloadLimits(retry=TWICE, progress_bytes=5000)) == DATA
    assert len(site.requests) == cuts + 1


@pytest.mark.parametrize(
    ("trouble", "words"), [("endless", "next to nothing"), ("mute", "in time")]
)
def test_a_slow_server_is_left(site: Site, trouble: str, words: str) -> None:
    site.troubles["/a"] = [trouble] * 9
    with pytest.raises(DseError, match=words):
        get(site, DownloadLimits(silence_s=0.1, window_s=0.1, retry=TWICE))
    assert len(site.requests) == 2


def test_a_huge_file_is_not_begun(site: Site, folder: Path) -> None:
    site.troubles["/a"] = ["huge"]
    with pytest.raises(ArchiveError, match="larger than 512 MiB: http"):
        get(site)
    assert left(folder) == []


def test_a_file_that_turns_out_huge_ends(site: Site, folder: Path) -> None:
    assert DownloadLimits().max_bytes == MAX_ARCHIVE_BYTES == 512 << 20
    site.files["/a"] = DATA
    site.troubles["/a"] = ["length unknown"]
    with pytest.raises(ArchiveError, match="larger than"):
        get(site, replace(SHORT, max_bytes=HALF))
    assert sum(path.stat().st_size for path in left(folder)) <= len(DATA)


def test_a_missing_file_is_asked_for_once(site: Site) -> None:
    with pytest.raises(ArchiveError, match="404"):
        get(site)
    assert len(site.requests) == 1


def test_files_of_other_names_in_the_cache_are_left_alone(site: Site, folder: Path) -> None:
    site.files["/a"] = DATA
    site.troubles["/a"] = ["cut", "500", "500"]
    with pytest.raises(DseError):
        get(site)
    (part,) = left(folder)
    part.rename(part.with_name(f"{part.name.split('.')[0]}.zz.part"))
    assert get(site) == DATA
    assert site.requests[-1] == ("/a", None)


def test_two_at_once_take_turns(site: Site) -> None:
    site.files["/a"] = DATA
    found: list[bytes] = []
    threads = [threading.Thread(target=lambda: found.append(get(site))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [DATA] * 4


FULL = """
import resource, sys
from dse.download.resumable import download
from dse.core.errors import DseError
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with download(sys.argv[1]):
        print("done")
except DseError as error:
    print(type(error).__name__, error)
"""


def test_a_disk_that_takes_no_more(site: Site, folder: Path) -> None:
    site.files["/a"] = DATA
    words = [sys.executable, "-c", FULL, f"{site.url}/a"]
    told = subprocess.run(words, check=True, capture_output=True, text=True)
    assert told.stdout.startswith(f"DseError {folder}")
    assert "can't be written: File too large; make room there" in told.stdout
    assert get(site) == DATA
    assert site.requests[-1] == ("/a", "bytes=100000-")


def test_a_cache_that_is_no_folder(site: Site, folder: Path) -> None:
    folder.parent.mkdir()
    folder.touch()
    with pytest.raises(DseError, match="DSE_CACHE_DIR"):
        get(site)
