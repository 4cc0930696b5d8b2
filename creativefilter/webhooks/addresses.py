"""Checks of webhook addresses: only public hosts, as protection from server-side request forgery.

A name is resolved once, all of its addresses are checked, and the caller connects to one of these
addresses. So a name that resolves differently the next time (DNS rebinding) gains nothing.
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
# Only a port may follow an address in brackets: versions of Python differ in what they make of
# anything else.
_BRACKETED = re.compile(r"(?:^|@)\[[^\[\]]*\](?::[0-9]*)?$")
# Global unicast (RFC 4291). Outside of this network are loopback, unique local, link-local and
# multicast addresses, and those that contain an IPv4 address (mapped, compatible, NAT64).
_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
# Refused within _UNICAST_V6: protocol assignments (Teredo, ORCHID), 6to4, AS112, documentation.
_REFUSED_V6 = [
    ipaddress.IPv6Network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
]


class AddressError(CodedError):
    """The address may not be called."""


class NameUnknownError(OSError):
    """The host name can't be resolved at the moment."""


@dataclass(frozen=True, slots=True)
class Target:
    """A parsed address. ``host`` is ASCII (punycode), without brackets."""

    secure: bool
    host: str
    port: int
    path: str


def parse(url: str) -> Target:
    """Parse and check an address without resolving its name.

    Raises:
        AddressError: it is no plain http(s) address, contains a user name or a password, has a port
            below 1024 other than 80 and 443 (mail, shells and the like), or its host is localhost
            or a non-public IP address in any notation.
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
    """Return the host in ASCII. Raises ``ValueError`` (UnicodeError is a subclass)."""
    if ":" in host:  # IPv6; a scope would name an interface of this machine
        return str(ipaddress.IPv6Address(host.partition("%")[0]))
    ascii_host = host.encode("idna").decode("ascii").removesuffix(".")
    if not all(letter.isalnum() or letter in "-._" for letter in ascii_host):
        raise ValueError(host)
    return ascii_host


def _refuse_private_literals(target: Target) -> None:
    """Refuse a private IP address or localhost now, rather than at the first delivery."""
    name = target.host
    if not settings.WEBHOOKS_ALLOW_PRIVATE and (name == "localhost" or name.endswith(".localhost")):
        raise AddressError("private_address")
    try:
        _resolve_checked(target, socket.AI_NUMERICHOST)
    except NameUnknownError:
        return  # a name, which is resolved at delivery


def resolve(target: Target) -> list[str]:
    """Resolve the host and check all of its addresses.

    Returns:
        The IP addresses to connect to, in the order of the system's resolver.

    Raises:
        AddressError: one of the addresses is not public.
        NameUnknownError: there is no address.
    """
    return _resolve_checked(target, 0)


def _resolve_checked(target: Target, flags: int) -> list[str]:
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
    """Return whether an IP address is globally routable."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv4Address):
        return not any(ip in network for network in _REFUSED_V4)
    return ip in _UNICAST_V6 and not any(ip in network for network in _REFUSED_V6)
