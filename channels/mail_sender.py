"""What TOCSIN_MAIL_FROM may be: one address, alone or behind a name, whose host is said in ASCII, since a header of a mail is."""

from __future__ import annotations

import re
from email.utils import getaddresses, unquote
from urllib.parse import urlsplit

from channels.contract import InvalidAddress
from channels.receiver_url import ascii_host

_ADDRESS = re.compile(r"[\x21-\x3f\x41-\x7e]+@[^@\s]+")


def default_sender(public_url: str) -> str:
    """Where none is set; an IPv6 host as the literal of RFC 5321 §4.1.3."""
    host = urlsplit(public_url).hostname or "localhost"
    return f"alerts@[IPv6:{host}]" if ":" in host else f"alerts@{host}"


def read_sender(text: str) -> tuple[str, str]:
    """Name and address. Raises InvalidAddress where a mail would be from somebody else, or from nobody."""
    text = " ".join(text.split())
    (name, address), *more = getaddresses([text])
    head, _, tail = text.rpartition("<")
    whole = text == address or (unquote(head.strip()) == name and tail == f"{address}>")
    if more or not whole or not _ADDRESS.fullmatch(address):
        raise InvalidAddress(
            "expected one address such as name@example.org, or a name before it: City Alerts <name@example.org>; a name that holds any of"
            ' @ , : ; < > stands in "…", and before the @ are ASCII characters alone'
        )
    local, _, host = address.partition("@")
    return name, f"{local}@{ascii_host(host)}"
