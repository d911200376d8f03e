from __future__ import annotations

from urllib.parse import urlsplit

import pytest

from dse.core.errors import RequestError
from dse.download.urls import check_mirror, host, mirrored


@pytest.mark.parametrize("url", ["https://a.example/b.tgz", "http://a.example:80/c/d/e%20f.tgz"])
@pytest.mark.parametrize("mirror", ["http://m", "https://m:80/x", "http://m/"])
def test_a_mirror_keeps_files_by_host_and_path(url: str, mirror: str) -> None:
    assert mirrored(url, None) == url
    there = mirrored(url, check_mirror(mirror))
    assert there.startswith(f"{mirror.rstrip('/')}/{host(url)}/")
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
