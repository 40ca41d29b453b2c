"""What an SMSC brings: a phone's text message, or a receipt about one of ours, as deliver_sm or data_sm.

Sources: SMPP v3.4 §4.6.1 (deliver_sm), §4.7.1 (data_sm), §5.2.12 (esm_class), §5.2.19 (data_coding), §5.3.2 (optional parameters);
3GPP TS 23.040 §9.2.3.24.1 and .8 (concatenation in the user data header), 3GPP TS 23.038 §4 (coding groups).
"""

from __future__ import annotations

import struct

import msgspec
from aiosmpplib.state import TON, SmppCommand

from channels.gsm7 import decode

_RECEIPT_TYPES = 0b0011_1100
"""esm_class: anything but a plain message: a receipt of the SMSC, an acknowledgement of a phone."""
_UDHI = 0b0100_0000
_PAYLOAD, _SAR_REFERENCE, _SAR_TOTAL, _SAR_NUMBER = 0x0424, 0x020C, 0x020E, 0x020F
_CONCATENATED = {0x00: ">BBB", 0x08: ">HBB"}
"""Information elements of a user data header: the reference of one or of two octets."""
_CODECS = {1: "ascii", 3: "latin-1", 6: "iso8859-5", 7: "iso8859-8", 8: "utf-16-be"}
_TLV = struct.Struct(">HH")
MOST_PARTS = 20
"""More than any phone sends: 3,000 characters."""


class Unreadable(ValueError):
    """The body is no deliver_sm or data_sm."""


class Joined(msgspec.Struct, frozen=True):
    """Which part of a longer message this is, from 1."""

    reference: int
    total: int
    number: int


class Delivered(msgspec.Struct, frozen=True):
    """One message, or one part, from a phone. `sender` is +E.164 where the SMSC says so, else as it writes it."""

    sender: str
    receiver: str
    text: str
    joined: Joined | None = None
    is_receipt: bool = False

    def __repr__(self) -> str:
        return "<Delivered>"


class _Reader:
    """Takes fields from the front."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets

    def take(self, count: int) -> bytes:
        if len(self.octets) < count:
            raise Unreadable("the message ends early")
        taken, self.octets = self.octets[:count], self.octets[count:]
        return taken

    def string(self) -> str:
        found, end, self.octets = self.octets.partition(b"\x00")
        if not end:
            raise Unreadable("a text has no end")
        return found.decode("ascii", "replace")

    def address(self) -> str:
        ton, _ = self.take(2)
        number = self.string()
        return f"+{number}" if ton == TON.INTERNATIONAL and number.isdecimal() else number

    def optional(self) -> dict[int, bytes]:
        found = {}
        while self.octets:
            tag, length = _TLV.unpack(self.take(_TLV.size))
            found[tag] = self.take(length)
        return found


def read(command: int, body: bytes) -> Delivered:
    """The message in a PDU's body. Raises Unreadable."""
    reader = _Reader(body)
    reader.string()  # service_type
    sender, receiver = reader.address(), reader.address()
    if command == SmppCommand.DATA_SM:
        esm_class, _, coding = reader.take(3)
        octets = b""
    else:
        esm_class, _, _ = reader.take(3)
        reader.string(), reader.string()  # schedule_delivery_time, validity_period
        _, _, coding, _, length = reader.take(5)
        octets = reader.take(length)
    optional = reader.optional()
    octets = optional.get(_PAYLOAD, octets)
    header = b""
    if esm_class & _UDHI and octets:
        header, octets = octets[1 : 1 + octets[0]], octets[1 + octets[0] :]
    joined = _from_header(header) or _from_optional(optional)
    if joined is not None and not (1 < joined.total <= MOST_PARTS and 1 <= joined.number <= joined.total):
        joined = None
    return Delivered(sender, receiver, _text(octets, coding), joined, is_receipt=bool(esm_class & _RECEIPT_TYPES))


def _from_header(header: bytes) -> Joined | None:
    while len(header) >= 2:
        element, length = header[0], header[1]
        fields = header[2 : 2 + length]
        if element in _CONCATENATED and len(fields) == struct.calcsize(_CONCATENATED[element]):
            return Joined(*struct.unpack(_CONCATENATED[element], fields))
        header = header[2 + length :]
    return None


def _from_optional(optional: dict[int, bytes]) -> Joined | None:
    found = [int.from_bytes(optional[tag]) for tag in (_SAR_REFERENCE, _SAR_TOTAL, _SAR_NUMBER) if tag in optional]
    return Joined(*found) if len(found) == 3 else None


def _text(octets: bytes, coding: int) -> str:
    """The words; what is binary or damaged is replaced, for somebody wrote and must be answered."""
    codec = "utf-16-be" if _is_ucs2(coding) else _CODECS.get(coding)
    if codec is not None:
        return octets.decode(codec, "replace")
    try:
        return decode(octets, "GSM-7")
    except ValueError:
        return octets.decode("latin-1")  # some SMSCs deliver their own alphabet as the default one


def _is_ucs2(coding: int) -> bool:
    """In the phones' own coding groups (TS 23.038): general data coding, and message waiting in UCS-2."""
    general = 0x10 <= coding < 0x40 and coding >> 2 & 3 == 2
    return general or coding & 0xF0 == 0xE0
