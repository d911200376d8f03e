from __future__ import annotations

import pytest

from dse.core.errors import RequestError
from dse.fleet.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "certificates", "expected"),
    [
        ("tls://head:8786", True, Address("tls", "head", 8786)),
        ("head", True, Address("tls", "head", 8786)),
        ("head:1", True, Address("tls", "head", 1)),
        ("127.0.0.1", False, Address("tcp", "127.0.0.1", 8786)),
        ("localhost:9", False, Address("tcp", "localhost", 9)),
        ("127.0.0.1", True, Address("tls", "127.0.0.1", 8786)),
        ("[::1]:5", False, Address("tcp", "::1", 5)),
        ("tls://[2001:db8::1]:5", True, Address("tls", "2001:db8::1", 5)),
    ],
)
def test_addresses(text: str, expected: Address, *, certificates: bool) -> None:
    found = parse_address(text, certificates=certificates)
    assert found == expected
    assert parse_address(str(found), certificates=certificates) == expected


@pytest.mark.parametrize("text", ["", "a b", "http://head", "head:99999", "head:x", "tls://"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(RequestError, match="write tls://HOST:PORT"):
        parse_address(text, certificates=True)


@pytest.mark.parametrize("text", ["tcp://head:1", "tcp://192.0.2.1", "tcp://0.0.0.0:0"])
@pytest.mark.parametrize("certificates", [True, False])
def test_nothing_but_loopback_goes_without_encryption(text: str, *, certificates: bool) -> None:
    with pytest.raises(RequestError, match=r"write tls://.* and give --certificates DIR"):
        parse_address(text, certificates=certificates)


def test_encryption_needs_certificates_and_they_need_it() -> None:
    with pytest.raises(RequestError, match="dse fleet certificates DIR"):
        parse_address("head", certificates=False)
    with pytest.raises(RequestError, match="have no effect"):
        parse_address("tcp://localhost", certificates=True)
