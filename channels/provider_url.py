"""The URL of a provider as a setting names it: read once, with words that hold nothing of its password."""

from __future__ import annotations

from urllib.parse import SplitResult, urlsplit

from channels.contract import NotConfigured

_BY_HAND = "write each @, /, ?, # and [ of a user or password as %40, %2F, %3F, %23 and %5B"


def split(url: str, setting: str) -> SplitResult:
    """Its parts, of which the port is a number or None. Raises NotConfigured that names the setting and never quotes the URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise NotConfigured(f"{setting}: this is no URL; {_BY_HAND}") from None
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise NotConfigured(f"{setting}: the port is not a number from 1 to 65535; {_BY_HAND}")
    return parts
