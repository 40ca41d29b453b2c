"""What stands in a backup: a list of records, the same whichever database they came from and go to.

::

    manifest → keys → the highest number that each table had given out → rows, table by table → end, with how many there were

Rows are plain numbers, texts and bytes under the names of their columns, so a dump of SQLite goes into PostgreSQL and the other way round.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import msgspec

from hub.backup.envelope import Opener, Sealer
from hub.errors import BackupError

FORMAT = 1
_LENGTH = struct.Struct(">I")
_LONGEST = 256 << 20


class Manifest(msgspec.Struct, frozen=True, kw_only=True, tag="manifest"):
    """What this is a backup of. `taken_at` is the moment of the snapshot in milliseconds since 1970; `rows` counts each table's."""

    format: int
    release: str
    schema: str
    database: str
    taken_at: int
    rows: dict[str, int]


class Keys(msgspec.Struct, frozen=True, tag="keys"):
    """The keyring as JSON; every other key is sealed in the database."""

    keyring: bytes

    def __repr__(self) -> str:
        return "<Keys>"


class Mark(msgspec.Struct, frozen=True, tag="mark"):
    """The highest number that a table has ever given out, which may be of a row that is gone."""

    table: str
    highest: int


class Rows(msgspec.Struct, frozen=True, tag="rows"):
    """Some rows of one table."""

    table: str
    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]

    def __repr__(self) -> str:
        return f"<{len(self.rows)} rows of {self.table}>"


class End(msgspec.Struct, frozen=True, tag="end"):
    """How many rows of each table there were."""

    rows: dict[str, int]


Record = Manifest | Keys | Mark | Rows | End

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)


def write(sealer: Sealer, record: Record) -> None:
    """Add one record."""
    body = _encoder.encode(record)
    sealer.write(_LENGTH.pack(len(body)) + body)


def read(opener: Opener) -> Iterator[Record]:
    """All records up to the end. Raises BackupError for anything that is not whole, and unless the counts are right."""
    found: dict[str, int] = {}
    while True:
        record = _one(opener)
        if isinstance(record, Rows):
            found[record.table] = found.get(record.table, 0) + len(record.rows)
        yield record
        if isinstance(record, End):
            break
    opener.finish()
    if found != {table: count for table, count in record.rows.items() if count}:
        raise BackupError("the backup holds other rows than it says: take an older one")


def _one(opener: Opener) -> Record:
    (length,) = _LENGTH.unpack(opener.read(_LENGTH.size))
    if length > _LONGEST:
        raise BackupError("the backup holds a record of an impossible length")
    body = opener.read(length)
    try:
        record: Record = _decoder.decode(body)
    except msgspec.DecodeError:
        # The parser's own words could quote what stands in the record.
        raise BackupError("the backup holds a record that this release can't read: restore it with the release that wrote it") from None
    return record
