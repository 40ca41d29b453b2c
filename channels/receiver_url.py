"""What a receiver's URL may look like and its one canonical spelling. Pure text; who may be connected to is `safe_resolver`'s to say."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache
from urllib.parse import SplitResult, quote, urlsplit

import idna

from channels.contract import InvalidAddress

LONGEST_URL = 2000
"""Characters."""

_NEVER = re.compile(r"[\x00-\x20\x7f\\]")
_HOST_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_ENDS_IN_A_NUMBER = re.compile(r"(^|\.)([0-9]+|0x[0-9a-f]*)$")
_PORTS = {"https": 443, "http": 80}
_AFTER_SCHEME = len("https://")
_KEPT = "/?:@!$&'()*+,;=-._~%[]"

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


def parse_webhook(raw: str) -> str:
    """A webhook's address in its canonical spelling. Raises InvalidAddress."""
    return canonical_url(raw, "a webhook address")


def canonical_url(raw: str, what: str) -> str:
    """The one spelling of an https URL: lower-case ASCII host (IDNA 2008), no default port, no fragment, at least ``/`` as path.

    Path and query are kept byte for byte, since they are often a secret. http is for loopback alone. `what` names the thing in
    errors, for instance ``a webhook address``. Raises InvalidAddress, never repeating what was typed.
    """
    parts = _split(raw.strip(), what)
    host, port = _host(parts, what), _port(parts, what)
    if parts.scheme not in _PORTS or (parts.scheme == "http" and not is_loopback_name(host)):
        raise InvalidAddress(f"{what} begins with https://")
    where = f"[{host}]" if ":" in host else host
    if port not in {None, _PORTS[parts.scheme]}:
        where = f"{where}:{port}"
    query = f"?{quote(parts.query, safe=_KEPT)}" if parts.query else ""
    return f"{parts.scheme}://{where}{quote(parts.path, safe=_KEPT) or '/'}{query}"


def ascii_host(host: str) -> str:
    """A host as DNS, mail servers and browsers' headers spell it (IDNA 2008). Raises InvalidAddress."""
    try:
        return host if host.isascii() else idna.encode(host, uts46=True).decode("ascii")
    except idna.IDNAError:
        raise InvalidAddress("no host can have this name: look at its letters") from None


def ascii_url(url: str) -> str:
    """A URL of the settings in the spelling that headers can hold. Raises InvalidAddress, and ValueError for what is no URL."""
    if url.isascii():
        return url
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{ascii_host(parts.hostname or '')}{port}{quote(parts.path, safe=_KEPT)}"


def origin_of(url: str) -> str:
    """Scheme, host and port of a canonical URL (RFC 6454), for instance ``https://hooks.example.org:8443``."""
    return url[: url.index("/", _AFTER_SCHEME)]


@lru_cache(maxsize=1024)
def host_of(origin: str) -> str:
    """The host of an origin, without brackets."""
    return urlsplit(origin).hostname or ""


def origins(host: str) -> frozenset[str]:
    """The origins that a ``host`` or ``host:port`` of the settings stands for: https, and for loopback http too.

    Raises InvalidAddress.
    """
    if re.search(r"[/?#]", host):
        raise InvalidAddress("an allowed host is host or host:port, without a scheme, a path or a network behind it")
    found = {origin_of(canonical_url(f"https://{host}/", "an allowed host"))}
    if is_loopback_name(host_of(f"//{host}")):
        found.add(origin_of(canonical_url(f"http://{host}/", "an allowed host")))
    return frozenset(found)


def as_address(host: str) -> IPAddress | None:
    """The IP address that a host literally is, None for a name."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def is_loopback_name(host: str) -> bool:
    """``localhost`` or a literal loopback address."""
    address = as_address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _split(text: str, what: str) -> SplitResult:
    if len(text) > LONGEST_URL:
        raise InvalidAddress(f"{what} has at most {LONGEST_URL} characters")
    if _NEVER.search(text):
        raise InvalidAddress(f"{what} holds no spaces, line breaks or backslashes")
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = SplitResult("", "", "", "", "")
    if not parts.scheme or not parts.netloc:
        raise InvalidAddress(f"{what} is a full URL, for instance https://hooks.example.org/tocsin")
    if "@" in parts.netloc:
        raise InvalidAddress(f"{what} holds no user name or password")
    return parts


def _port(parts: SplitResult, what: str) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise InvalidAddress(f"the port of {what} is a number from 1 to 65535")
    return port


def _host(parts: SplitResult, what: str) -> str:
    name = (parts.hostname or "").removesuffix(".")
    address = as_address(name)
    if address is not None and "%" not in name:
        return str(address)
    try:
        host = ascii_host(name)
    except InvalidAddress:
        host = ""
    if len(host) > 253 or not _HOST_NAME.fullmatch(host) or _ENDS_IN_A_NUMBER.search(host) or not ("." in host or host == "localhost"):
        raise InvalidAddress(f"the host of {what} is a full name, for instance hooks.example.org")
    return host
