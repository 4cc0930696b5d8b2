"""Network address of a client."""

from __future__ import annotations

import ipaddress
from typing import Any

from rest_framework.throttling import BaseThrottle


def client_address(request: Any) -> str:
    """Return the address of the client behind ``NUM_PROXIES`` proxies."""
    return str(BaseThrottle().get_ident(request))


def network_of(address: str) -> str:
    """Return the network of one client: an IPv4 address, or the /64 network of an IPv6 address.

    Text that is no address is returned unchanged.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    return str(ipaddress.ip_network((found, 64), strict=False))
