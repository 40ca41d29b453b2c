"""An envelope opens whole with its passphrase, and in no other way."""

from __future__ import annotations

import io
import struct

import pytest

from hub.backup.envelope import CHUNK, Cost, Opener, Sealer
from hub.errors import BackupError

WORDS = "seven quiet harbour words"
CHEAP = Cost(passes=1, kibibytes=8, lanes=1)
HEADER = 77


def wrapped(data: bytes, passphrase: str = WORDS) -> bytes:
    file = io.BytesIO()
    sealer = Sealer(file, passphrase, CHEAP)
    for start in range(0, len(data), 300_001):
        sealer.write(data[start : start + 300_001])
    sealer.close()
    return file.getvalue()


def opened(envelope: bytes, count: int, passphrase: str = WORDS) -> bytes:
    opener = Opener(io.BytesIO(envelope), passphrase)
    data = opener.read(count)
    opener.finish()
    return data


def parts(envelope: bytes) -> tuple[bytes, list[bytes]]:
    """The header and each chunk with its length."""
    found, at = [], HEADER
    while at < len(envelope):
        (length,) = struct.unpack_from(">I", envelope, at)
        found.append(envelope[at : at + 4 + length])
        at += 4 + length
    return envelope[:HEADER], found


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 17])
def test_what_went_in_comes_out(size: int) -> None:
    data = bytes(range(256)) * (size // 256 + 1)
    assert opened(wrapped(data[:size]), size) == data[:size]


def test_two_envelopes_of_the_same_are_nowhere_alike_and_show_nothing() -> None:
    one, other = wrapped(b"somebody@example.org" * 50), wrapped(b"somebody@example.org" * 50)
    assert b"example" not in one
    assert parts(one)[1][0][4:] != parts(other)[1][0][4:]


def test_a_wrong_passphrase_is_said_to_be_that() -> None:
    with pytest.raises(BackupError, match="not the passphrase"):
        opened(wrapped(b"data"), 4, "seven quiet harbour word")


@pytest.mark.parametrize("kept", [0, 5, 40, HEADER])
def test_a_file_that_ends_in_its_header_is_refused(kept: int) -> None:
    with pytest.raises(BackupError, match="not a backup" if kept < 8 else "cut off"):
        opened(wrapped(b"data")[:kept], 4)


def test_a_file_cut_between_two_parts_is_cut_off_not_shorter() -> None:
    header, found = parts(wrapped(bytes(3 * CHUNK)))
    assert len(found) == 3
    with pytest.raises(BackupError, match="cut off after part 2"):
        opened(header + found[0] + found[1], 2 * CHUNK)


@pytest.mark.parametrize("less", [1, 3, 20])
def test_a_file_cut_inside_a_part_is_cut_off(less: int) -> None:
    with pytest.raises(BackupError, match="cut off"):
        opened(wrapped(b"data" * 100)[:-less], 400)


@pytest.mark.parametrize("order", [(1, 0, 2), (0, 2, 1), (0, 0, 1, 2), (0, 2), (2,)])
def test_parts_that_were_moved_doubled_or_left_out_are_refused(order: tuple[int, ...]) -> None:
    header, found = parts(wrapped(b"".join(bytes([number]) * CHUNK for number in range(3))))
    with pytest.raises(BackupError, match=r"damaged|too early|behind"):
        opened(header + b"".join(found[number] for number in order), 3 * CHUNK)


def test_parts_of_another_backup_with_the_same_passphrase_are_refused() -> None:
    one, other = parts(wrapped(bytes(2 * CHUNK))), parts(wrapped(bytes(2 * CHUNK)))
    with pytest.raises(BackupError, match="damaged"):
        opened(one[0] + one[1][0] + other[1][1], 2 * CHUNK)


def test_a_bit_that_flipped_anywhere_is_noticed() -> None:
    envelope = wrapped(b"data" * 100)
    for position in range(len(envelope)):
        changed = bytearray(envelope)
        changed[position] ^= 0x10
        with pytest.raises(BackupError):
            opened(bytes(changed), 400)


def test_bytes_behind_the_end_are_refused() -> None:
    with pytest.raises(BackupError, match="behind its end"):
        opened(wrapped(b"data") + b"\0", 4)


def test_a_header_that_asks_for_endless_work_is_refused_before_any_is_done() -> None:
    envelope = bytearray(wrapped(b"data"))
    struct.pack_into(">I", envelope, 13, 1 << 31)
    with pytest.raises(BackupError, match="first bytes"):
        opened(bytes(envelope), 4)


def test_reading_past_the_end_is_an_error() -> None:
    with pytest.raises(BackupError, match="too early"):
        opened(wrapped(b"data"), 5)
