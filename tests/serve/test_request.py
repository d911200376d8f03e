"""What can be asked for on the command line, and what can't."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dse.core.errors import RequestError
from dse.serve.request import ServeRequest, is_loopback

CERTIFICATE = {"certificate": Path("c.pem"), "key": Path("k.pem")}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"host": "0.0.0.0"}, "--host: 0.0.0.0 can be reached from other machines"),  # noqa: S104
        ({"host": "192.168.1.2"}, "no TLS"),
        ({"host": "::"}, "no TLS"),
        ({"host": "box.example"}, "no TLS"),
        ({"host": "localhost.example"}, "no TLS"),
        ({"host": ""}, "no TLS"),
        ({"certificate": Path("c.pem")}, "give --key as well"),
        ({"key": Path("k.pem")}, "belong together"),
        ({"socket": Path("s"), **CERTIFICATE}, "needs no TLS"),
        ({"allow_host": ("a b",)}, "--allow-host: 'a b' is not the name of a host"),
        ({"allow_host": ("http://a",)}, "write NAME or NAME:PORT"),
        ({"allow_host": ("a:99999",)}, "not the name of a host"),
        ({"allow_host": ("*",)}, "not the name of a host"),
    ],
)
def test_what_is_wrong_is_one_line(options: dict[str, Any], words: str) -> None:
    with pytest.raises(RequestError) as raised:
        ServeRequest(**options)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"host": "::1"},
        {"host": "127.8.9.1"},
        {"host": "localhost"},
        {"host": "0.0.0.0", **CERTIFICATE},  # noqa: S104
        {"socket": Path("dse.sock")},
        {"allow_host": ("box", "localhost:9000", "[::1]:80")},
    ],
)
def test_what_is_right(options: dict[str, Any]) -> None:
    request = ServeRequest(**options)
    assert request.secure == ("certificate" in options)


def test_only_this_machine_is_loopback() -> None:
    assert all(map(is_loopback, ["localhost", "127.0.0.1", "127.1.2.3", "::1"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "localhost.example", "10.0.0.1", "box", ""]))  # noqa: S104
