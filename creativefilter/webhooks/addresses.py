"""Which addresses a user may have us call: public ones only, or our own network would be open.

A name is looked up once, all that it stands for is checked, and the caller connects to exactly
what was checked: a name that answers differently the next time gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from creativefilter.site.codes import CodedError

URL_MAX_LENGTH = 1000
DEFAULT_PORTS = {"http": 80, "https": 443}


# IANA special-purpose address registries (RFC 6890 and its updates), multicast included.
_REFUSED_V4 = [
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24",
        "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    )
]  # fmt: skip
# Only a port may follow an address in brackets: what else follows is read differently by different
# versions of Python.
_BRACKETED = re.compile(r"(?:^|@)\[[^\[\]]*\](?::[0-9]*)?$")
# Global unicast. What lies outside: loopback, unique and link-local, multicast, and the forms
# that hide an IPv4 address (mapped, compatible, NAT64).
_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
# Within it: protocol assignments (Teredo, ORCHID), 6to4, documentation.
_REFUSED_V6 = [
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
]


class AddressError(CodedError):
    """An address to which nothing is sent."""


class NameUnknownError(OSError):
    """The name stands for no address at the moment."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address taken apart. ``host`` is ASCII (punycode), without brackets."""

    secure: bool
    host: str
    port: int
    path: str


def parse(url: str) -> Target:
    """Takes an address apart without asking anybody; raises ``AddressError``.

    Refuses what is no plain http(s) address, ports below 1024 other than 80 and 443 (mail, shells
    and the like), and hosts that are written as a number, in any notation, and not public.
    """
    if len(url) > URL_MAX_LENGTH or not all("!" <= letter != "\x7f" for letter in url):
        raise AddressError("bad_address")
    try:
        parts = urlsplit(url)
        if "[" in parts.netloc and not _BRACKETED.search(parts.netloc):
            raise AddressError("bad_address")
        host = _ascii(parts.hostname or "")
        port = parts.port or DEFAULT_PORTS.get(parts.scheme, 0)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        path.encode("ascii")
    except ValueError:
        raise AddressError("bad_address") from None
    if parts.scheme not in DEFAULT_PORTS or "\\" in url or parts.fragment or not host:
        raise AddressError("bad_address")
    if parts.username is not None or parts.password is not None:
        raise AddressError("address_with_password")
    if parts.port == 0 or (port < 1024 and port not in DEFAULT_PORTS.values()):
        raise AddressError("port_refused")
    target = Target(parts.scheme == "https", host, port, path)
    _refuse_private_literals(target)
    return target


def _ascii(host: str) -> str:
    """A host as the network knows it; raises ``ValueError`` (UnicodeError is one)."""
    if ":" in host:  # an IPv6 address; a scope would name one of our own interfaces
        return str(ipaddress.IPv6Address(host.partition("%")[0]))
    ascii_host = host.encode("idna").decode("ascii").removesuffix(".")
    if not all(letter.isalnum() or letter in "-._" for letter in ascii_host):
        raise ValueError(host)
    return ascii_host


def _refuse_private_literals(target: Target) -> None:
    """Told at once rather than at the first delivery. No name is looked up for it."""
    name = target.host
    if not settings.WEBHOOKS_ALLOW_PRIVATE and (name == "localhost" or name.endswith(".localhost")):
        raise AddressError("private_address")
    try:
        _checked(target, socket.AI_NUMERICHOST)
    except NameUnknownError:
        return  # a name


def resolve(target: Target) -> list[str]:
    """The addresses to connect to, all of them checked, in the system's order.

    Raises ``AddressError`` if any of them is not public, ``NameUnknownError`` if there is none.
    """
    return _checked(target, 0)


def _checked(target: Target, flags: int) -> list[str]:
    try:
        found = socket.getaddrinfo(
            target.host, target.port, type=socket.SOCK_STREAM, flags=socket.AddressInfo(flags)
        )
    except (OSError, UnicodeError) as error:
        raise NameUnknownError(str(error)) from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not addresses:
        raise NameUnknownError(target.host)
    if not settings.WEBHOOKS_ALLOW_PRIVATE and not all(map(is_public, addresses)):
        raise AddressError("private_address")
    return addresses


def is_public(address: str) -> bool:
    """Whether an address can only belong to somebody out there."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _REFUSED_V4)
    return ip in _UNICAST_V6 and not any(ip in network for network in _REFUSED_V6)
