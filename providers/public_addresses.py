"""Addresses of the internet, as against those of private networks and of this host.

A person may enter an address that the server then asks. It must not lead to what only the server can reach, such as
its own stores or the metadata of a cloud (server-side request forgery).
"""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: an IPv4 address is in its last 32 bits


class PrivateAddressError(OSError):
    """A name leads to a private network, to this host, or nowhere. The message is a sentence for the office."""


def check_public(host: str, port: int = 443) -> str:
    """Return an IP address of a host. Raises PrivateAddressError unless all that it has are of the internet.

    Who connects has to use this address: another question may have another answer.
    """
    try:
        found = [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    except (OSError, UnicodeError):
        found = []
    if not found:
        raise PrivateAddressError("The webhook could not be reached: no host has this name.")
    if not all(map(is_public, found)):
        raise PrivateAddressError(
            "The webhook is in a private network or on this host. ALERT_PRIVATE_WEBHOOKS has to allow that."
        )
    return found[0]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet, also one of IPv4 within one of IPv6. Raises ValueError for none."""
    ip = ip_address(address.partition("%")[0])
    within = _within(ip) if isinstance(ip, IPv6Address) else None
    return ip.is_global and not ip.is_multicast and (within is None or is_public(str(within)))


def _within(ip: IPv6Address) -> IPv4Address | None:
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
