"""What an SMSC brings is read field by field, and what is no message is refused."""

from __future__ import annotations

import pytest

from channels.deliver_sm import Joined, Unreadable, read
from tests.peers.smsc import DATA_SM, DELIVER_SM, data_sm, deliver_sm, tlv

PHONE, OWN = "17185550123", "12125550100"


@pytest.mark.parametrize(
    ("coding", "octets", "text"),
    [
        (0, b"STOP \x00\x1be", "STOP @€"),
        (0, "año".encode("latin-1"), "año"),
        (1, b"STOP", "STOP"),
        (3, "qué".encode("latin-1"), "qué"),
        (8, "停止".encode("utf-16-be"), "停止"),
        (6, "СТОП".encode("iso8859-5"), "СТОП"),
        (7, "האלט".encode("iso8859-8"), "האלט"),
        (0x18, "停止".encode("utf-16-be"), "停止"),
        (0xF1, b"STOP", "STOP"),
        (8, b"\x00S\x00", "S\ufffd"),
        (8, b"", ""),
    ],
)
def test_the_words_are_read_in_the_alphabet_they_are_written_in(coding: int, octets: bytes, text: str) -> None:
    assert read(DELIVER_SM, deliver_sm(PHONE, OWN, octets, coding=coding)).text == text


def test_numbers_are_international_only_where_the_smsc_says_so() -> None:
    found = read(DELIVER_SM, deliver_sm(PHONE, OWN, b"hi"))
    assert (found.sender, found.receiver, found.joined, found.is_receipt) == (f"+{PHONE}", f"+{OWN}", None, False)
    assert read(DELIVER_SM, deliver_sm("88377", OWN, b"hi", ton=3)).sender == "88377"
    assert PHONE not in repr(found)


@pytest.mark.parametrize(
    ("header", "optional", "joined"),
    [
        (bytes([5, 0, 3, 9, 2, 1]), b"", Joined(9, 2, 1)),
        (bytes([6, 8, 4, 1, 9, 3, 2]), b"", Joined(265, 3, 2)),
        (bytes([11, 5, 4, 0, 0, 0, 0, 0, 3, 9, 2, 1]), b"", Joined(9, 2, 1)),
        (bytes([5, 0, 3, 9, 2, 3]), b"", None),
        (bytes([5, 0, 3, 9, 200, 3]), b"", None),
        (bytes([5, 0, 3, 9, 1, 1]), b"", None),
        (b"", tlv(0x020C, b"\x01\x09") + tlv(0x020E, b"\x02") + tlv(0x020F, b"\x01"), Joined(265, 2, 1)),
        (b"", tlv(0x020C, b"\x01\x09") + tlv(0x020E, b"\x02"), None),
    ],
)
def test_parts_say_where_they_belong(header: bytes, optional: bytes, joined: Joined | None) -> None:
    found = read(DELIVER_SM, deliver_sm(PHONE, OWN, header + b"hi", esm_class=0x40 if header else 0, optional=optional))
    assert (found.joined, found.text) == (joined, "hi")


def test_the_payload_parameter_is_the_message_of_either_kind() -> None:
    assert read(DATA_SM, data_sm(PHONE, OWN, b"hi")).text == "hi"
    assert read(DELIVER_SM, deliver_sm(PHONE, OWN, b"", optional=tlv(0x0424, b"hi" * 200))).text == "hi" * 200


@pytest.mark.parametrize("esm_class", [0x04, 0x08, 0x10, 0x18, 0x20])
def test_receipts_and_acknowledgements_are_no_words_of_a_person(esm_class: int) -> None:
    assert read(DELIVER_SM, deliver_sm(PHONE, OWN, b"id:1", esm_class=esm_class)).is_receipt


def test_a_body_cut_anywhere_is_refused_or_read_and_never_breaks() -> None:
    whole = deliver_sm(PHONE, OWN, bytes([5, 0, 3, 9, 2, 1]) + b"hi", esm_class=0x40, optional=tlv(0x0204, b"\x01\x02"))
    for end in range(len(whole) - 6):
        with pytest.raises(Unreadable):
            read(DELIVER_SM, whole[:end])
    with pytest.raises(Unreadable):
        read(DELIVER_SM, whole[:-1])
