"""Who asks, by the network address."""

from __future__ import annotations

import ipaddress
from typing import Any

from rest_framework.throttling import BaseThrottle


def client_address(request: Any) -> str:
    """The address of a client, behind as many proxies as ``NUM_PROXIES`` says."""
    return str(BaseThrottle().get_ident(request))


def network_of(address: str) -> str:
    """What one client has to itself: an IPv4 address, or the /64 network of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False))
