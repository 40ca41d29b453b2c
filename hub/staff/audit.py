"""The operator log: each entry carries the hash of the one before, so that a change or a gap anywhere breaks the chain.

An entry is appended inside the transaction of what it tells about: both are there, or neither.

The hash is SHA-256 over the entry as the API shows it, without `hash` itself, as canonical JSON (keys sorted, no spaces, UTF-8). Anyone
with a copy of the log can check it. Cutting off the newest entries leaves a shorter chain that still holds: keep the last hash elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import RowMapping, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.clock import instant
from hub.store.tables import audit
from subscriptions.store.prepared import Prepared, insert_row

_Row = Mapping[str, Any] | RowMapping

GENESIS = "0" * 64
"""`previous` of the first entry."""


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the log. `at` is RFC 3339 in UTC with milliseconds."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    previous: str
    hash: str


_LAST = Prepared(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1))


async def append(
    connection: AsyncConnection, at: int, actor: str, action: str, subject: str, details: Mapping[str, Any] | None = None
) -> AuditEntry:
    """Add an entry in the caller's write transaction. `at` in ms since 1970, `actor` is a label; `details` are plain JSON, no addresses."""
    last = await _LAST.first(connection) or (0, GENESIS)
    row = {
        "seq": last[0] + 1,
        "at": at,
        "actor": actor,
        "action": action,
        "subject": subject,
        "details": _canonical(dict(details or {})),
        "previous": last[1],
    }
    row["hash"] = _hash(row)
    await insert_row(connection, audit, row)
    return _entry(row)


async def verify(connection: AsyncConnection) -> int | None:
    """`seq` of the first entry that does not follow from the one before, None when the whole chain holds."""
    expected, previous = 1, GENESIS
    async with connection.stream(select(audit).order_by(audit.c.seq)) as rows:
        async for row in rows.mappings():
            if row["seq"] != expected or row["previous"] != previous or not _holds(row):
                return int(row["seq"])
            expected, previous = expected + 1, row["hash"]
    return None


async def entries(connection: AsyncConnection, *, before: int | None = None, limit: int = 100) -> tuple[AuditEntry, ...]:
    """The newest entries first; `before` is the lowest `seq` already seen."""
    query = select(audit).order_by(audit.c.seq.desc()).limit(limit)
    if before is not None:
        query = query.where(audit.c.seq < before)
    return tuple(_entry(row) for row in (await connection.execute(query)).mappings())


def _entry(row: _Row) -> AuditEntry:
    return AuditEntry(**_shown(row), hash=row["hash"])


def _shown(row: _Row) -> dict[str, Any]:
    shown = {name: row[name] for name in ("seq", "actor", "action", "subject", "previous")}
    return shown | {"at": instant(row["at"] / 1000).isoformat(timespec="milliseconds"), "details": json.loads(row["details"])}


def _holds(row: _Row) -> bool:
    try:
        return bool(row["hash"] == _hash(row))
    except (ValueError, TypeError, OverflowError):  # a field that was tampered with until it can't even be read
        return False


def _hash(row: _Row) -> str:
    return hashlib.sha256(_canonical(_shown(row)).encode()).hexdigest()


def _canonical(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
