"""Names as browsers write them."""

from __future__ import annotations

import pytest

from dse.serve.web.hosts import Host, Hosts


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("localhost", Host("localhost")),
        ("LocalHost:80", Host("localhost", 80)),
        ("[::1]:8765", Host("[::1]", 8765)),
        ("a-b.example:1", Host("a-b.example", 1)),
    ],
)
def test_a_host_is_read(text: str, host: Host) -> None:
    assert Host.parse(text) == host
    assert str(host) == text.lower()


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":80",
        "a:",
        "a:b",
        "a:70000",
        "a:-1",
        "::1",
        "[::1",
        "a b",
        "a,b",
        "a@b",
        "a/b",
        "é",
        ".a",
    ],
)
def test_what_is_no_host(text: str) -> None:
    assert Host.parse(text) is None


def test_a_port_that_browsers_leave_out() -> None:
    hosts = Hosts(frozenset({Host("a", 443), Host("b", 80), Host("c")}))
    assert hosts.serve(Host("a"), "https")
    assert not hosts.serve(Host("a"), "http")
    assert hosts.serve(Host("b"), "http")
    assert hosts.serve(Host("c", 1234), "http")
    assert not hosts.serve(Host("d"), "http")


def test_numbers_can_not_be_pointed_elsewhere() -> None:
    hosts = Hosts(frozenset(), numbers_at=8765)
    assert hosts.serve(Host("10.0.0.1", 8765), "http")
    assert hosts.serve(Host("[fe80::1]", 8765), "http")
    assert not hosts.serve(Host("10.0.0.1", 1), "http")
    assert not hosts.serve(Host("10.0.0.example", 8765), "http")
