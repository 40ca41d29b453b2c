"""One e-mail for everyone: headers and both bodies encoded once, with gaps for what differs between two people.

Bodies are quoted-printable or base64, whichever is shorter, so that every server takes them, no line is too long, and a link can be put in
without encoding the rest again.

Sources: RFC 5322 (format), RFC 2045 §6.7-6.8 and RFC 2046 §5.1.4 (bodies), RFC 2047 (words in headers), RFC 2369 and RFC 8058
(List-Unsubscribe), RFC 3834 §5 (Auto-Submitted), RFC 3282 (Content-Language), RFC 2156 §5.3.6 (Importance).
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.header import Header
from email.utils import format_datetime, formataddr, parseaddr

import msgspec

from channels.contract import Message, Recipient
from channels.stamping import Stamp, slots_of, split_slots

_BOUNDARY = "=_tocsin"
"""Neither encoding can produce an equals sign followed by an underscore, so this never occurs in a body."""

_BASE64_LINE = 57
"""Octets that make one line of 76 characters."""

_QUOTED_LINE = 72
"""Characters of a line of quoted-printable before its soft break; an equals sign takes three."""

_LONG_WORD = 60
"""Characters; a longer ASCII word can't be folded and is coded like other scripts."""

_IMPORTANCE = {"Extreme": "high", "Severe": "high", "Minor": "low"}

Fragment = bytes | Callable[[Recipient], bytes]


class Mail(msgspec.Struct, frozen=True):
    """A mail with gaps. `sender` is the address of the envelope."""

    sender: str
    fragments: tuple[Fragment, ...]
    slots: tuple[str, ...]

    def stamp(self, to: Recipient) -> bytes:
        """The mail for one person, with CRLF line ends and 7-bit lines of at most 998 octets (but for an international address)."""
        return b"".join([fragment if isinstance(fragment, bytes) else fragment(to) for fragment in self.fragments])


def compose(message: Message, mail_from: str) -> Mail:
    """Encode all that recipients share. `message.parts` needs ``subject`` and ``text``; ``html`` makes it multipart/alternative."""
    name, sender = parseaddr(mail_from)
    bodies = [(kind, message.parts[part]) for kind, part in (("plain", "text"), ("html", "html")) if part in message.parts]
    slots = slots_of(body for _, body in bodies)
    if message.purpose in {"alert", "notice"} or "unsubscribe" in slots:
        slots = tuple(dict.fromkeys((*slots, "unsubscribe")))
    host = sender.rpartition("@")[2]
    fragments = _shared_headers(message, formataddr((name, sender)), host) + _own_headers(host, one_click="unsubscribe" in slots)
    return Mail(sender, _merge(fragments + _bodies(bodies)), slots)


def _shared_headers(message: Message, author: str, host: str) -> list[Fragment]:
    headers = [
        f"From: {author}",
        f"Subject: {_words(message.parts['subject'])}",
        f"Date: {format_datetime(datetime.fromtimestamp(message.sent_at, UTC))}",
        f"References: <{_token(message.topic)}.topic@{host}>",
        f"Content-Language: {_token(message.language)}",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "MIME-Version: 1.0",
    ]
    if message.purpose == "alert" and message.severity in _IMPORTANCE:
        headers.append(f"Importance: {_IMPORTANCE[message.severity]}")
    return ["".join(f"{header}\r\n" for header in headers).encode("ascii")]


def _own_headers(host: str, *, one_click: bool) -> list[Fragment]:
    own: list[Fragment] = [
        b"To: ",
        lambda to: to.address.encode(),
        b"\r\nMessage-ID: <",
        lambda to: _token(to.delivery_id).encode(),
        f"@{host}>\r\n".encode(),
    ]
    if one_click:
        own += [
            b"List-Unsubscribe: <",
            lambda to: _header_link(to.links["unsubscribe"]),
            b">\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n",
        ]
    return own


def _bodies(bodies: list[tuple[str, str]]) -> list[Fragment]:
    if len(bodies) == 1:
        return _body(*bodies[0])
    fragments: list[Fragment] = [f'Content-Type: multipart/alternative; boundary="{_BOUNDARY}"\r\n\r\n'.encode()]
    for kind, text in bodies:
        fragments += [f"--{_BOUNDARY}\r\n".encode(), *_body(kind, text), b"\r\n"]
    return [*fragments, f"--{_BOUNDARY}--\r\n".encode()]


def _body(kind: str, text: str) -> list[Fragment]:
    text = re.sub(r"\r\n|\r|\n", "\r\n", text)
    escape = html.escape if kind == "html" else str
    whole = text.encode("utf-8", "replace")
    if len(binascii.b2a_qp(whole)) <= len(whole) * 4 / 3:
        name, fragments = "quoted-printable", _quoted_printable(text, escape)
    else:
        name, fragments = "base64", _base64(text, escape)
    return [f"Content-Type: text/{kind}; charset=utf-8\r\nContent-Transfer-Encoding: {name}\r\n\r\n".encode(), *fragments]


def _quoted_printable(text: str, escape: Callable[[str], str]) -> list[Fragment]:
    """Each link stands between two soft line breaks, which vanish on decoding."""
    pieces, names = split_slots(text)
    fragments: list[Fragment] = [_quote(pieces[0])]
    for name, piece in zip(names, pieces[1:], strict=True):
        fragments += [_quoted_link(name, escape), _quote(piece)]
    return fragments


def _quote(piece: str) -> bytes:
    return re.sub(rb"(?<!\r)\n", b"\r\n", binascii.b2a_qp(piece.encode("utf-8", "replace"), istext=True))


def _quoted_link(name: str, escape: Callable[[str], str]) -> Callable[[Recipient], bytes]:
    def stamp(to: Recipient) -> bytes:
        link = escape(to.links[name])
        if "=" not in link:
            lines = [link[start : start + _QUOTED_LINE] for start in range(0, len(link), _QUOTED_LINE)]
        else:
            third = _QUOTED_LINE // 3
            lines = [link[start : start + third].replace("=", "=3D") for start in range(0, len(link), third)]
        return "=\r\n".join(["", *lines, ""]).encode("ascii")

    return stamp


def _base64(text: str, escape: Callable[[str], str]) -> list[Fragment]:
    """Whole lines before the first link are encoded once, the rest per person."""
    fixed = split_slots(text)[0][0].encode("utf-8", "replace")
    aligned = len(fixed) - len(fixed) % _BASE64_LINE
    while aligned < len(fixed) and fixed[aligned] & 0xC0 == 0x80:
        aligned -= _BASE64_LINE
    tail = Stamp(text[len(fixed[:aligned].decode()) :], encode_link=escape)
    return [_lines(fixed[:aligned]), lambda to: _lines(tail.stamp(to.links).encode("utf-8", "replace"))]


def _lines(octets: bytes) -> bytes:
    return base64.encodebytes(octets).replace(b"\n", b"\r\n")


def _merge(fragments: list[Fragment]) -> tuple[Fragment, ...]:
    """Join neighbouring octets, so that stamping is one short join."""
    merged: list[Fragment] = []
    for fragment in fragments:
        last = merged[-1] if merged else None
        if isinstance(fragment, bytes) and isinstance(last, bytes):
            merged[-1] = last + fragment
        else:
            merged.append(fragment)
    return tuple(merged)


def _words(text: str) -> str:
    """A header's text without line breaks or other control characters, as RFC 2047 words where it is not ASCII."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f\u2028\u2029]+", " ", text).split())
    plain = line.isascii() and "=?" not in line and max(map(len, line.split()), default=0) < _LONG_WORD
    return Header(line, "us-ascii" if plain else "utf-8", header_name="Subject").encode(linesep="\r\n")


def _token(text: str) -> str:
    """Only what may stand in a Message-ID or a language tag."""
    return re.sub(r"[^A-Za-z0-9._+-]", "-", text)


def _header_link(link: str) -> bytes:
    if re.search(r"[\x00-\x20<>\x7f]", link):
        raise ValueError("a link in a header can't hold spaces, angle brackets or control characters")
    return link.encode("ascii")
