"""One spelling for each receiver's URL, and nothing in it that two parsers could read differently."""

from __future__ import annotations

import pytest

from channels.contract import InvalidAddress
from channels.receiver_url import LONGEST_URL, canonical_url, is_loopback_name, origin_of, origins


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        ("https://hooks.example.org", "https://hooks.example.org/"),
        ("HTTPS://Hooks.Example.ORG:443/A?b=C#d", "https://hooks.example.org/A?b=C"),
        ("  https://hooks.example.org./  ", "https://hooks.example.org/"),
        ("https://hooks.example.org:8443/", "https://hooks.example.org:8443/"),
        ("https://bücher.example/ä?ö", "https://xn--bcher-kva.example/%C3%A4?%C3%B6"),
        ("https://hooks.example.org/%7e%2F;a:b@c/../d", "https://hooks.example.org/%7e%2F;a:b@c/../d"),
        ("https://[2606:4700:0::1111]:443/", "https://[2606:4700::1111]/"),
        ("http://localhost:8080/x", "http://localhost:8080/x"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("http://127.8.8.8/", "http://127.8.8.8/"),
    ],
)
def test_each_url_has_one_spelling(raw: str, canonical: str) -> None:
    assert canonical_url(raw, "a webhook address") == canonical
    assert canonical_url(canonical, "a webhook address") == canonical


def test_a_url_may_be_long_but_not_without_end() -> None:
    prefix = "https://hooks.example.org/"
    longest = prefix + "a" * (LONGEST_URL - len(prefix))
    assert canonical_url(longest, "a webhook address") == longest
    with pytest.raises(InvalidAddress, match="at most"):
        canonical_url(longest + "a", "a webhook address")


@pytest.mark.parametrize("url", ["http://10.0.0.1/", "http://hooks.example.org/", "http://localhost.example.org/", "http://0.0.0.0/"])
def test_http_is_for_loopback_alone(url: str) -> None:
    with pytest.raises(InvalidAddress, match="https://"):
        canonical_url(url, "a webhook address")


@pytest.mark.parametrize(
    "host", ["１２７.0.0.1", "127。0。0。1", "0177.0.0.1", "1.2.3.4.5", "example.0x10", "-a.example", f"{'a' * 64}.example", "a..example"]
)
def test_hosts_that_parsers_read_differently_are_refused(host: str) -> None:
    with pytest.raises(InvalidAddress, match="full name"):
        canonical_url(f"https://{host}/", "a webhook address")


def test_the_origin_is_scheme_host_and_port() -> None:
    assert origin_of("https://hooks.example.org:8443/a?b=https://c/") == "https://hooks.example.org:8443"


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("Hooks.Example.org", {"https://hooks.example.org"}),
        ("hooks.example.org:443", {"https://hooks.example.org"}),
        ("hooks.example.org:8443", {"https://hooks.example.org:8443"}),
        ("10.0.0.5:8443", {"https://10.0.0.5:8443"}),
        ("127.0.0.1:9000", {"https://127.0.0.1:9000", "http://127.0.0.1:9000"}),
        ("[::1]:9000", {"https://[::1]:9000", "http://[::1]:9000"}),
    ],
)
def test_an_allowed_host_stands_for_one_port(setting: str, expected: set[str]) -> None:
    assert origins(setting) == expected


@pytest.mark.parametrize("setting", ["", "https://hooks.example.org", "hooks.example.org:http", "*.example.org", "a@hooks.example.org"])
def test_an_allowed_host_that_is_none_is_refused(setting: str) -> None:
    with pytest.raises(InvalidAddress):
        origins(setting)


@pytest.mark.parametrize(
    ("host", "loopback"), [("localhost", True), ("127.0.0.2", True), ("::1", True), ("10.0.0.1", False), ("a.example", False)]
)
def test_loopback_is_told_by_name_or_literal(host: str, *, loopback: bool) -> None:
    assert is_loopback_name(host) is loopback
