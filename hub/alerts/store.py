"""Alerts as they are kept: the author's document, the area as it was resolved, and what has become of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import structlog
from sqlalchemy import ColumnElement, Select, bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.alerts.alert import Alert
from hub.alerts.area import ResolvedArea
from hub.store.database import Database
from hub.store.tables import alert as table
from hub.store.tables import mailing as mailings
from subscriptions.store.prepared import Prepared

_document = msgspec.json.Decoder(Alert)
_area = msgspec.json.Decoder(ResolvedArea)
_warnings = msgspec.json.Decoder(tuple[str, ...])

log = structlog.get_logger()


class StoredAlert(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the table `alert`. Times are milliseconds since 1970; `grade` is a rank of subscriptions.severity."""

    number: int
    id: str
    chain: str
    status: str
    agency: str
    source: str
    identifier: str | None
    sender: str | None
    sent_at: int
    grade: int
    document: Alert
    area: ResolvedArea
    hash: str
    audience: int
    author: str
    approver: str | None
    created_at: int
    approved_at: int | None
    live_at: int | None
    ended_at: int | None
    send_at: int | None
    expires_at: int
    warnings: tuple[str, ...] = ()
    """What reading an imported document left out or repaired."""

    @property
    def is_believed(self) -> bool:
        """People were told, and nothing told them otherwise: a stop alone does not."""
        return self.live_at is not None and self.status in {"live", "stopped"}

    @property
    def was_public(self) -> bool:
        """People were told. An imported document that had run out when it arrived was public where it came from; see `PUBLIC`.

        Such a one is archived as it is stored; any other that never went live was stopped, or ran out before somebody approved it.
        """
        return self.live_at is not None or (self.source == "cap" and self.expires_at <= self.created_at == self.ended_at)


_NAMES = tuple(column.name for column in table.c)
_BY_ID = Prepared(select(table).where(table.c.id == bindparam("wanted")))
_BY_NUMBER = Prepared(select(table).where(table.c.number == bindparam("wanted")))
_CHAIN = Prepared(select(table).where(table.c.chain == bindparam("wanted")).order_by(table.c.number))
_LIVE = Prepared(
    select(table)
    .where(table.c.status == "live", table.c.expires_at > bindparam("now"))
    .order_by(table.c.grade.desc(), table.c.live_at.desc())
)
_LAUNCHED = Prepared(
    select(mailings.c.id, table)
    .join(mailings, mailings.c.alert == table.c.number)
    .where(mailings.c.state == "launched")
    .order_by(mailings.c.priority, mailings.c.id)
)


TOLD: ColumnElement[bool] = table.c.live_at.is_not(None)
"""People were told of it."""
PUBLIC: ColumnElement[bool] = TOLD | (
    (table.c.source == "cap") & (table.c.expires_at <= table.c.created_at) & (table.c.created_at == table.c.ended_at)
)
"""As `StoredAlert.was_public`."""


def stored(row: Sequence[Any]) -> StoredAlert:
    """A whole row of the table as a value."""
    values = dict(zip(_NAMES, row, strict=True))
    values["document"] = _document.decode(values["document"])
    values["area"] = _area.decode(values["area"])
    values["warnings"] = _warnings.decode(values["warnings"])
    return StoredAlert(**values)


class AlertStore:
    """Reads alerts; only `hub.publishing` writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, alert_id: str) -> StoredAlert | None:
        """By its id."""
        return _first(await self._database.look(_BY_ID, wanted=alert_id))

    async def by_number(self, number: int) -> StoredAlert | None:
        """By its number, which mailings and short links use."""
        return _first(await self._database.look(_BY_NUMBER, wanted=number))

    async def live(self, now: int, *, cancels: bool = False) -> list[StoredAlert]:
        """What holds now, the worst and newest first. Cancels are told, not listed: they come only if asked for."""
        alerts = [stored(row) for row in await self._database.look(_LIVE, now=now)]
        return [alert for alert in alerts if cancels or alert.document.msgType != "Cancel"]

    async def launched(self) -> list[tuple[int, StoredAlert]]:
        """(mailing, its alert) of everything that is to be planned, the most urgent first."""
        readable = []
        for mailing, *row in await self._database.look(_LAUNCHED):
            try:
                readable.append((mailing, stored(row)))
            except msgspec.ValidationError:  # one that can't be read must not hold up all others
                log.exception("alert_unreadable", mailing=mailing)
        return readable

    async def chain(self, chain: str) -> list[StoredAlert]:
        """An alert with its updates and its cancel, oldest first."""
        return [stored(row) for row in await self._database.look(_CHAIN, wanted=chain)]

    async def last_change(self) -> int | None:
        """When a published alert last came or went, in milliseconds since 1970; None when there was none yet."""
        newest = select(func.max(table.c.live_at), func.max(table.c.ended_at)).where(table.c.live_at.is_not(None))
        async with self._database.read() as connection:
            moments = (await connection.execute(newest)).one()
        return max((moment for moment in moments if moment is not None), default=None)

    async def recent(
        self,
        *,
        status: Sequence[str] = (),
        among: ColumnElement[bool] | None = None,
        since: int | None = None,
        before: int | None = None,
        topic: str | None = None,
        limit: int = 50,
    ) -> list[StoredAlert]:
        """Newest first. `before` is the number at which the last page ended, `since` milliseconds since 1970, `among` such as `TOLD`."""
        query = select(table).order_by(table.c.number.desc()).limit(limit)
        if status:
            query = query.where(table.c.status.in_(status))
        if since is not None:
            query = query.where(table.c.created_at >= since)
        if before is not None:
            query = query.where(table.c.number < before)
        if among is not None:
            query = query.where(among)
        return await self._all(query) if topic is None else await self._on(topic, query, limit)

    async def _on(self, topic: str, query: Select[Any], limit: int) -> list[StoredAlert]:
        """The first of `query` that are on a topic, looked for a page at a time until there are enough, or no more.

        The database leaves out what doesn't so much as name the topic; whether it is one of the document's is seen once it is read.
        """
        query = query.where(table.c.document.contains(f'"{topic}"'))
        found: list[StoredAlert] = []
        page = await self._all(query)
        while page:
            found += [alert for alert in page if topic in alert.document.topics]
            if len(found) >= limit or len(page) < limit:
                break
            page = await self._all(query.where(table.c.number < page[-1].number))
        return found[:limit]

    async def _all(self, query: Select[Any]) -> list[StoredAlert]:
        async with self._database.read() as connection:
            return [stored(row) for row in await connection.execute(query)]


async def fetch(connection: AsyncConnection, alert_id: str) -> StoredAlert | None:
    """Inside a caller's transaction."""
    return _first(await _BY_ID.all(connection, wanted=alert_id))


async def versions(connection: AsyncConnection, chain: str) -> list[StoredAlert]:
    """`AlertStore.chain` inside a caller's transaction."""
    return [stored(row) for row in await _CHAIN.all(connection, wanted=chain)]


def _first(rows: Sequence[Sequence[Any]]) -> StoredAlert | None:
    return stored(rows[0]) if rows else None
