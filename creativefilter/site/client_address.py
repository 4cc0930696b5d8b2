"""Network address of a client."""

from __future__ import annotations

import ipaddress
from typing import Any

from rest_framework.throttling import BaseThrottle


def client_address(request: Any) -> str:
    """Return the address of the client; REST framework reads the setting ``NUM_PROXIES``."""
    return str(BaseThrottle().get_ident(request))


def network_of(address: str) -> str:
    """Return the network of one client: an IPv4 address, or the /64 network of an IPv6 address.

    An IPv4 address may have the form of IPv6. Text that is no address is returned unchanged.
    """
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if found.version == 4:
        return address
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
