"""Only public addresses are called, whatever notation or name stands for them."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from creativefilter.webhooks.addresses import AddressError, Target, is_public, parse, resolve
from creativefilter.webhooks.sending import post
from tests.webhooks.receiving import Receiver

PUBLIC = "93.184.216.34"
PRIVATE = [
    "127.0.0.1", "127.8.9.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255",  # noqa: S104
    "192.168.1.1", "169.254.169.254", "100.64.0.1", "100.127.255.254", "192.0.0.8", "192.0.2.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1",
    "255.255.255.255", "192.88.99.1",
    "::", "::1", "fc00::1", "fd12::1", "fe80::1", "fe80::1%lo", "fec0::1", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:93.184.216.34", "::127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b::5db8:d822", "64:ff9b:1::1", "2002:7f00:1::", "2002:5db8:d822::1", "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:10::1", "2001:db8::1", "100::1", "3fff::1",
    "5f00::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_special_addresses_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", [PUBLIC, "8.8.8.8", "172.32.0.1", "100.128.0.1", "2a00:1450:4010::8a", "2606:4700::"]
)
def test_ordinary_addresses_are_public(address: str) -> None:
    assert is_public(address)


REFUSED = {
    "private_address": [
        "http://127.0.0.1/", "http://2130706433/", "http://0x7f.0.0.1/", "http://0x7f000001/",
        "http://0177.0.0.1/", "http://017700000001/", "http://127.1/", "http://0/",
        "http://127.0.0.1./", "http://[::1]/", "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/", "http://[fe80::1%25lo]/", "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/", "http://169.254.169.254/latest/meta-data/",
        "http://localhost/", "http://LOCALHOST./", "http://a.localhost:8000/",
        "http://１２７.0.0.1/", "http://127。0。0。1/", "http://①②⑦.0.0.1/", "https://10.0.0.1/",
    ],
    "bad_address": [
        "", "/hook", "//example.com", "example.com", "ftp://example.com/", "file:///etc/passwd",
        "gopher://example.com/", "javascript:alert(1)", "http://", "http:///path", "http://:80/",
        "http://exa mple.com/", "http://example.com/a b", "http://example.com/\r\nX: y",
        "http://example.com\\@127.0.0.1/", "http://example.com/#x", "http://example.com:99999/",
        "http://example.com:port/", "http://[::1", "http://[not-an-address]/",
        "http://example.com%00.org/", "http://exam%70le.com/", "http://пример.рф/путь",
        "http://" + "a" * 64 + ".com/", "http://a..b/", "http://example.com/" + "a" * 1000,
        "http://exam\x00ple.com/", "http://[::ffff:127.0.0.1%25eth0].com/", "http://[::1]x/",
    ],
    "address_with_password": ["http://user@example.com/", "http://user:pw@example.com/",
                              "http://@example.com/", "http://127.0.0.1@example.com/"],
    "port_refused": ["http://example.com:22/", "http://example.com:25/", "http://example.com:0/"],
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "url"), [(code, url) for code, urls in REFUSED.items() for url in urls]
)
def test_hostile_addresses_are_refused(code: str, url: str) -> None:
    with pytest.raises(AddressError) as refusal:
        parse(url)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://hooks.example.com", Target(True, "hooks.example.com", 443, "/")),
        ("http://Example.com:8080/a?b=%20", Target(False, "example.com", 8080, "/a?b=%20")),
        ("http://93.184.216.34/", Target(False, PUBLIC, 80, "/")),
        ("https://пример.рф/hook", Target(True, "xn--e1afmkfd.xn--p1ai", 443, "/hook")),
        ("http://[2a00:1450:4010::8a]:8000/", Target(False, "2a00:1450:4010::8a", 8000, "/")),
    ],
)
def test_plain_addresses_are_accepted(url: str, target: Target) -> None:
    assert parse(url) == target


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """Addresses by host name: one list for each time that the name is resolved."""
    addresses_of_names: dict[str, list[list[str]]] = {}
    system_getaddrinfo = socket.getaddrinfo

    def answer(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        if host not in addresses_of_names or kwargs.get("flags"):
            return system_getaddrinfo(host, port, *args, **kwargs)
        addresses = addresses_of_names[host].pop(0)
        kind = socket.SOCK_STREAM
        return [
            (socket.AF_INET6, kind, 6, "", (each, port, 0, 0))
            if ":" in each
            else (socket.AF_INET, kind, 6, "", (each, port))
            for each in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return addresses_of_names


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], [PUBLIC, "10.0.0.1"], [PUBLIC, "::1"], ["fe80::1%lo"]]
)
def test_a_name_with_a_private_address_is_not_called(
    names: Any, receiver: Receiver, addresses: list[str]
) -> None:
    names["evil.example"] = [addresses]
    outcome = post(f"http://evil.example:{receiver.port}/", {}, b"{}")
    assert (outcome.status_code, outcome.error) == (None, "private_address")
    assert receiver.received == []


def test_dns_rebinding_reaches_no_private_address(
    names: Any, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    names["rebinding.example"] = [[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]]
    connected_to: list[Any] = []

    def connect(address: Any, timeout: float) -> socket.socket:
        connected_to.append(address)
        raise ConnectionRefusedError

    # Tests may not connect to the outside, so only the address of the connection is recorded.
    monkeypatch.setattr(socket, "create_connection", connect)
    outcome = post(f"http://rebinding.example:{receiver.port}/", {}, b"{}")
    assert outcome.error == "no_answer"
    assert connected_to == [(PUBLIC, receiver.port)]
    assert len(names["rebinding.example"]) == 2, "the name is resolved once"
    assert receiver.received == []


def test_private_addresses_in_any_notation_are_not_called(receiver: Receiver) -> None:
    for host in ("127.0.0.1", "2130706433", "0x7f.1", "[::ffff:127.0.0.1]", "localhost", "0"):
        assert post(f"http://{host}:{receiver.port}/", {}, b"{}").error == "private_address"
    assert receiver.received == []


def test_an_unknown_host_name_is_reported(names: Any) -> None:
    assert post("http://nobody.invalid/", {}, b"{}").error == "name_unknown"


def test_internal_addresses_are_called_if_the_setting_allows_it(
    names: Any, receiver: Receiver, private_allowed: None
) -> None:
    names["internal.example"] = [["127.0.0.1"]]
    assert resolve(parse(receiver.url)) == ["127.0.0.1"]
    for host in ("127.0.0.1", "internal.example", "localhost"):
        outcome = post(f"http://{host}:{receiver.port}/a", {"X-A": "b"}, b"{}")
        assert (outcome.status_code, outcome.answer) == (200, "answer 200")
    assert [each.headers["host"] for each in receiver.received] == [
        f"{host}:{receiver.port}" for host in ("127.0.0.1", "internal.example", "localhost")
    ]
