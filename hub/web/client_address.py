"""Whose request it is, for limits only: the peer, or what a trusted proxy says. Never logged, never stored."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from hub.errors import SettingsError

Network = IPv4Network | IPv6Network


def read_networks(items: tuple[str, ...]) -> tuple[Network, ...]:
    """The setting `trusted_proxies`. Raises SettingsError naming the item that is no address or network."""
    networks = []
    for item in items:
        try:
            networks.append(ip_network(item, strict=False))
        except ValueError:
            raise SettingsError(f"TOCSIN_TRUSTED_PROXIES: {item!r} is neither an address nor a network such as 10.0.0.0/8") from None
    return tuple(networks)


def client_address(peer: str | None, forwarded_for: str, trusted: tuple[Network, ...]) -> str:
    """The nearest address that is no trusted proxy of ours.

    X-Forwarded-For is read from the right, since a stranger may write anything on its left. IPv6 clients are taken as their /64: one
    home has that many addresses. Empty when nothing is known.
    """
    hops = [part.strip() for part in forwarded_for.split(",") if part.strip()]
    address = peer or ""
    while hops and _trusted(address, trusted):
        address = _without_port(hops.pop())
    return _household(address)


def _without_port(hop: str) -> str:
    """Some proxies write ``203.0.113.9:51234`` or ``[2001:db8::1]:51234``."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop


def _trusted(address: str, trusted: tuple[Network, ...]) -> bool:
    try:
        known = ip_address(address)
    except ValueError:
        return False
    mapped = getattr(known, "ipv4_mapped", None)
    return any((mapped or known) in network for network in trusted)


@lru_cache(1024)
def _household(address: str) -> str:
    try:
        known = ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(known, "ipv4_mapped", None)
    if mapped or known.version == 4:
        return str(mapped or known)
    return str(ip_network(f"{known}/64", strict=False))
