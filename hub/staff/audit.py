"""The operator log: each entry carries the hash of the one before, so that a change or a gap anywhere breaks the chain.

An entry is appended inside the transaction of what it tells about: both are there, or neither.

The hash is SHA-256 over the entry as the API shows it, without `hash` itself, as canonical JSON (keys sorted, no spaces, UTF-8). Anyone
with a copy of the log can check it. Cutting off the newest entries leaves a shorter chain that still holds: keep the last hash elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
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


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the log. `at` is RFC 3339 in UTC with milliseconds."""

    seq: int
    at: str
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    previous: str
    hash: str
    unreadable: tuple[str, ...] = ()
    """Fields that somebody changed until nobody can read them; they are shown empty. Such an entry breaks the chain."""


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


async def latest(connection: AsyncConnection, subject: str, action: str) -> AuditEntry | None:
    """The newest entry of an action on one thing."""
    query = select(audit).where(audit.c.subject == subject, audit.c.action == action).order_by(audit.c.seq.desc()).limit(1)
    row = (await connection.execute(query)).mappings().first()
    return _entry(row) if row is not None else None


def _entry(row: _Row) -> AuditEntry:
    """Whatever the row holds: the log must be readable most of all when somebody was at it."""
    read: dict[str, Any] = {"at": "", "details": {}}
    unreadable = []
    for name, reader in _READERS.items():
        try:
            read[name] = reader(row[name])
        except _UNREADABLE:
            unreadable.append(name)
    return AuditEntry(**_plain(row), **read, hash=row["hash"], unreadable=tuple(unreadable))


def _plain(row: _Row) -> dict[str, Any]:
    return {name: row[name] for name in ("seq", "actor", "action", "subject", "previous")}


def _shown(row: _Row) -> dict[str, Any]:
    return _plain(row) | {name: reader(row[name]) for name, reader in _READERS.items()}


def _at(milliseconds: int) -> str:
    return instant(milliseconds / 1000).isoformat(timespec="milliseconds")


def _details(text: str) -> dict[str, Any]:
    details = json.loads(text)
    if not isinstance(details, dict):
        raise TypeError("no object")
    msgspec.json.encode(details)  # half a character can be read, and not be shown
    return details


_READERS: Mapping[str, Callable[[Any], Any]] = {"at": _at, "details": _details}
_UNREADABLE = (ValueError, TypeError, OverflowError, RecursionError)
"""What reading a field raises that was tampered with."""


def _holds(row: _Row) -> bool:
    try:
        return bool(row["hash"] == _hash(row))
    except _UNREADABLE:
        return False


def _hash(row: _Row) -> str:
    return hashlib.sha256(_canonical(_shown(row)).encode()).hexdigest()


def _canonical(document: dict[str, Any]) -> str:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
