"""Whose request it is, behind any number of proxies of ours and whatever a stranger writes into the header."""

from __future__ import annotations

import pytest

from hub.errors import SettingsError
from hub.web.client_address import client_address, read_networks

OURS = read_networks(("10.0.0.0/8", "192.0.2.1", "fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # a stranger's own header is not believed
        ("10.1.2.3", "198.51.100.1", "198.51.100.1"),
        ("10.1.2.3", "1.1.1.1, 198.51.100.1", "198.51.100.1"),  # only what our proxy added counts
        ("10.1.2.3", "198.51.100.1, 192.0.2.1, 10.9.9.9", "198.51.100.1"),
        ("10.1.2.3", "10.9.9.9", "10.9.9.9"),
        ("10.1.2.3", "", "10.1.2.3"),
        ("10.1.2.3", "nonsense", ""),
        ("10.1.2.3", "198.51.100.1:51234", "198.51.100.1"),
        ("10.1.2.3", "198.51.100.1:51234, 10.9.9.9:443", "198.51.100.1"),
        ("10.1.2.3", "[2001:db8:1:2::3]:51234", "2001:db8:1:2::/64"),
        ("10.1.2.3", "[2001:db8:1:2::3]", "2001:db8:1:2::/64"),
        ("::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1"),
        ("::ffff:203.0.113.9", "", "203.0.113.9"),
        ("fd00::1", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "", "fe80::/64"),
        (None, "198.51.100.1", ""),
    ],
)
def test_the_client_is_the_nearest_address_that_is_no_proxy_of_ours(peer: str | None, forwarded: str, expected: str) -> None:
    assert client_address(peer, forwarded, OURS) == expected


def test_without_trusted_proxies_the_header_is_never_believed() -> None:
    assert client_address("10.1.2.3", "198.51.100.1", ()) == "10.1.2.3"


def test_a_proxy_that_is_no_address_stops_the_start() -> None:
    with pytest.raises(SettingsError, match=r"'proxy\.local'"):
        read_networks(("10.0.0.1", "proxy.local"))
