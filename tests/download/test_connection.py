from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from dse.core.errors import DseError, RequestError
from dse.download.archive import ArchiveError
from dse.download.connection import (
    BrokenError,
    OutOfRangeError,
    check_mirror,
    host_of,
    iter_bytes,
    on_mirror,
    open_response,
)

if TYPE_CHECKING:
    from tests.download.servers import Site

DATA = bytes(range(256)) * 1000


def get(url: str, silence_s: float = 10.0) -> bytes:
    with open_response(url, {}, silence_s) as response:
        return b"".join(iter_bytes(response, 1000))


def test_a_body_arrives_as_it_is(site: Site) -> None:
    site.files["/a"] = DATA
    assert get(f"{site.url}/a") == DATA


def test_headers_are_sent(site: Site) -> None:
    site.files["/a"] = DATA
    with open_response(f"{site.url}/a", {"Range": "bytes=5-"}, 10.0) as response:
        assert response.status == 200  # without If-Range this server sends the whole
    assert site.requests == [("/a", "bytes=5-")]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 429])
def test_a_status_that_passes(site: Site, status: int) -> None:
    site.troubles["/a"] = [str(status)]
    with pytest.raises(BrokenError, match=f"127.0.0.1:[0-9]+ answered {status}"):
        get(f"{site.url}/a")


@pytest.mark.parametrize("status", [400, 401, 403, 405])
def test_a_status_that_stays(site: Site, status: int) -> None:
    site.troubles["/a"] = [str(status)]
    with pytest.raises(ArchiveError, match=f"answered {status} .*/a"):
        get(f"{site.url}/a")


def test_no_such_file(site: Site) -> None:
    with pytest.raises(ArchiveError, match=r"has no such file \(404\): http.*/a"):
        get(f"{site.url}/a")


def test_a_range_behind_the_end(site: Site) -> None:
    site.troubles["/a"] = ["416"]
    with pytest.raises(OutOfRangeError):
        get(f"{site.url}/a")


def test_a_redirect_to_http_is_followed(site: Site) -> None:
    site.files["/b"] = DATA
    site.troubles["/a"] = [f"to {site.url}/b"] * 2
    assert get(f"{site.url}/a") == DATA
    site.troubles["/a"] = ["to b"]
    assert get(f"{site.url}/a") == DATA


@pytest.mark.parametrize(
    "target",
    [
        "file:///etc/passwd",
        "ftp://127.0.0.1/a",
        "data:text/plain,x",
        "javascript:x",
        "https://127.0.0.2\x1b[2J",
    ],
)
def test_a_redirect_elsewhere_is_refused(site: Site, target: str) -> None:
    site.troubles["/a"] = [f"to {target}"]
    with pytest.raises(ArchiveError, match="redirects to where no archive") as caught:
        get(f"{site.url}/a")
    assert str(caught.value).isprintable()
    assert [path for path, _ in site.requests] == ["/a"]


def test_a_redirect_to_https_is_followed(site: Site) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        site.troubles["/a"] = [f"to https://127.0.0.1:{free.getsockname()[1]}/a"]
        with pytest.raises(BrokenError, match="Connection refused"):
            get(f"{site.url}/a")


def test_a_redirect_in_a_circle_ends(site: Site) -> None:
    site.troubles["/a"] = [f"to {site.url}/a"] * 100
    with pytest.raises(ArchiveError, match="redirects to where"):
        get(f"{site.url}/a")
    assert len(site.requests) <= 6


def test_no_server() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(BrokenError, match=f"127.0.0.1:{port} can't be reached: Connection refused"):
        get(f"http://127.0.0.1:{port}/a")


def test_no_such_host() -> None:
    with pytest.raises(BrokenError, match=r"no-such-host\.invalid can't be reached: "):
        get("http://no-such-host.invalid/a")


def test_no_tls(site: Site) -> None:
    with pytest.raises((BrokenError, DseError), match="can't"):
        get(site.url.replace("http:", "https:"))


def test_no_http(site: Site) -> None:
    site.troubles["/a"] = ["no HTTP"]
    with pytest.raises(BrokenError) as caught:
        get(f"{site.url}/a")
    assert str(caught.value).isprintable()


def test_a_server_that_says_nothing(site: Site) -> None:
    site.troubles["/a"] = ["mute"]
    with pytest.raises(BrokenError, match="no answer in time"):
        get(f"{site.url}/a", silence_s=0.1)


def test_a_body_that_stops(site: Site) -> None:
    site.troubles["/a"] = ["stops"]
    with pytest.raises(BrokenError, match="broke: no answer in time"):
        get(f"{site.url}/a", silence_s=0.1)


@pytest.mark.parametrize("scheme", ["file", "ftp", "data"])
def test_other_schemes_are_not_opened(scheme: str) -> None:
    with pytest.raises(BrokenError, match="unknown url type"):
        get(f"{scheme}:///etc/passwd")


@pytest.mark.parametrize("url", ["https://a.example/b.tgz", "http://a.example:80/c/d/e%20f.tgz"])
@pytest.mark.parametrize("mirror", ["http://m", "https://m:80/x", "http://m/"])
def test_a_mirror_keeps_files_by_host_and_path(url: str, mirror: str) -> None:
    assert on_mirror(url, None) == url
    there = on_mirror(url, check_mirror(mirror))
    assert there.startswith(f"{mirror.rstrip('/')}/{host_of(url)}/")
    assert there.endswith(urlsplit(url).path)
    assert "//" not in urlsplit(there).path


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mirror.example",
        "ftp://mirror.example",
        "file:///etc",
        "http://",
        "http:///path",
        "http://m:x",
        "http://m:99999",
        "http://[::1",
        "http://user:secret@m",
        "http://m/?q=1",
        "http://m/#part",
        "http://m/a b",
        "http://m/\n",
        "http://mü.example",
        "http://" + "a" * 70,
        "http://a..b",
    ],
)
def test_what_is_no_mirror(url: str) -> None:
    with pytest.raises(RequestError) as caught:
        check_mirror(url)
    assert caught.value.field == "--mirror"
    assert caught.value.remedy
