"""The body of a submit_sm (SMPP v3.4, §4.4.1), made once for a text and filled in per person: only the number differs, and of a long text
the reference that joins its parts."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from aiosmpplib.state import NPI, TON, PhoneNumber

from channels.gsm7 import CodedText

_UDHI = 0b0100_0000
"""esm_class: the short message begins with a user data header."""
_UCS2 = 0b0000_1000
"""data_coding; 0 is the SMSC's default alphabet, GSM 03.38."""
_HEADER_OCTETS = 6
_INTERNATIONAL = bytes([TON.INTERNATIONAL, NPI.ISDN])


class SubmitSm(msgspec.Struct, frozen=True):
    """`head` ends before the receiver's number; `tails` begin behind it, one for each part, each cut at its reference."""

    head: bytes
    tails: tuple[tuple[bytes, bytes], ...]

    def bodies(self, number: str, reference: int) -> list[bytes]:
        """The PDUs' bodies for one person. `number` is E.164; `reference` is one octet."""
        start = b"%b%b\x00" % (self.head, number[1:].encode("ascii"))
        if len(self.tails) == 1:
            return [start + self.tails[0][0]]
        mark = bytes([reference])
        return [b"%b%b%b%b" % (start, before, mark, after) for before, after in self.tails]


def compose(coded: CodedText, source: PhoneNumber, *, priority: int, expires_at: float) -> SubmitSm:
    """`expires_at` is in seconds since 1970, after which the SMSC shall give up."""
    head = b"\x00%b%b\x00%b" % (bytes([source.ton, source.npi]), source.number.encode("ascii"), _INTERNATIONAL)
    validity = f"{datetime.fromtimestamp(expires_at, UTC):%y%m%d%H%M%S}000+".encode()
    coding = _UCS2 if coded.encoding == "UCS-2" else 0
    several = len(coded.parts) > 1
    fixed = b"%b\x00%b\x00%b" % (bytes([_UDHI if several else 0, 0, priority]), validity, bytes([0, 0, coding, 0]))
    return SubmitSm(head, tuple(_tail(fixed, part, number, len(coded.parts)) for number, part in enumerate(coded.parts, 1)))


def _tail(fixed: bytes, part: bytes, number: int, total: int) -> tuple[bytes, bytes]:
    """A part of a long text stands behind its user data header (3GPP TS 23.040 §9.2.3.24.1)."""
    if total == 1:
        return fixed + bytes([len(part)]) + part, b""
    return fixed + bytes([len(part) + _HEADER_OCTETS, 5, 0, 3]), bytes([total, number]) + part
