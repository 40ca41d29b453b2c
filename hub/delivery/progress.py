"""How far an alert has got: read from counters that the ledger keeps, never by counting rows (S21)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.alerts.store import StoredAlert
from hub.clock import instant
from hub.delivery.ledger.latency import Histogram
from hub.delivery.sending.outcome import Outcome
from hub.store import tables
from hub.store.database import Database

GOING = ("launched", "planned")
"""States of a mailing that may reach somebody yet."""


class ChannelProgress(msgspec.Struct, kw_only=True):
    """Deliveries of one channel."""

    planned: int = 0
    handed_over: int = 0
    delivered: int = 0
    confirmed: int = 0
    failed: int = 0
    uncertain: int = 0
    held: int = 0
    """Waiting for the end of somebody's quiet hours."""
    expired: int = 0
    held_expired: int = 0
    """Ran out while it was held; told as ended afterwards (S8)."""
    withheld: int = 0
    simulated: int = 0
    possible_duplicates: int = 0


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds from publishing to hand-over; None before anyone was reached."""

    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Timeline(msgspec.Struct, frozen=True, kw_only=True):
    """When each step happened."""

    drafted: datetime
    approved: datetime | None = None
    live: datetime | None = None
    planned: datetime | None = None
    first_handover: datetime | None = None
    last_handover: datetime | None = None
    ended: datetime | None = None


class Progress(ChannelProgress, kw_only=True):
    """INTERFACE's answer: `matched` counts people, everything else deliveries. `finished` when nobody is waiting any more."""

    matched: int = 0
    finished: bool = False
    by_channel: dict[str, ChannelProgress] = {}
    latency_ms: Latency = Latency()
    timeline: Timeline

    @property
    def settled(self) -> int:
        """Deliveries that have ended one way or another."""
        ended = self.handed_over + self.failed + self.uncertain + self.expired + self.withheld + self.simulated
        return ended + self.held_expired


_FIELDS = {outcome.label: outcome.label for outcome in Outcome} | {
    "planned": "planned",
    "confirmed": "confirmed",
    "held": "held",
    "possible_duplicate": "possible_duplicates",
}


async def progress(database: Database, alert: StoredAlert) -> Progress:
    """Where the alert stands now."""
    async with database.read() as connection:
        mailing = (await connection.execute(select(tables.mailing).where(tables.mailing.c.alert == alert.number))).first()
        channels = await _channels(connection, mailing.id) if mailing is not None else {}
        paces = await _paces(connection, mailing.id) if mailing is not None else []
    answer = Progress(timeline=_timeline(alert, mailing, paces), by_channel=channels)
    for channel in channels.values():
        for name in ChannelProgress.__struct_fields__:
            setattr(answer, name, getattr(answer, name) + getattr(channel, name))
    if mailing is not None:
        waits = Histogram()
        for pace in paces:
            waits.merge(Histogram(pace.latencies))
        answer.matched, answer.finished = mailing.matched, mailing.state not in GOING and answer.settled >= answer.planned
        answer.latency_ms = Latency(waits.percentile(0.50), waits.percentile(0.95), waits.percentile(0.99))
    return answer


async def _channels(connection: AsyncConnection, mailing: int) -> dict[str, ChannelProgress]:
    channels: dict[str, ChannelProgress] = {}
    for row in await connection.execute(select(tables.counter).where(tables.counter.c.mailing == mailing)):
        channel = channels.setdefault(row.channel, ChannelProgress())
        name, count = _FIELDS[row.outcome], row._mapping["count"]  # noqa: SLF001 - `count` is also a method of rows
        setattr(channel, name, getattr(channel, name) + count)
    return channels


async def _paces(connection: AsyncConnection, mailing: int) -> Sequence[Row[Any]]:
    return (await connection.execute(select(tables.pace).where(tables.pace.c.mailing == mailing))).all()


def _timeline(alert: StoredAlert, mailing: Row[tuple[object, ...]] | None, paces: Sequence[Row[Any]]) -> Timeline:
    def at(milliseconds: int | None) -> datetime | None:
        return None if milliseconds is None else instant(milliseconds / 1000)

    return Timeline(
        drafted=instant(alert.created_at / 1000),
        approved=at(alert.approved_at),
        live=at(alert.live_at),
        planned=at(mailing.planned_at) if mailing is not None else None,
        first_handover=at(min((pace.first_at for pace in paces), default=None)),
        last_handover=at(max((pace.last_at for pace in paces), default=None)),
        ended=at(alert.ended_at),
    )
