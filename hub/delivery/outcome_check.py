"""The outcome check: an alert that is live, has people left, and reaches nobody for half a minute is an alarm.

It compares counters that the ledger keeps anyway, so nothing is counted on the way of an alert. What waits on purpose is no alarm: a retry
whose time has not come, a slow limit, or a channel that is busy with something as urgent or more.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import msgspec
import structlog
from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.clock import Clock, milliseconds
from hub.store import tables
from hub.store.database import Database

LOOK_EVERY_S = 15.0
QUIET_S = 30.0
SLOW_STEPS = 3.0
"""A channel that may hand over one message in twenty seconds is not stalled before so many of them."""
AGAIN_S = 60.0

log = structlog.get_logger()

_batch, _mailing, _counter, _alert = tables.batch, tables.mailing, tables.counter, tables.alert


class Stalled(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that does not move. `channels` is empty when its recipients have not even been listed."""

    alert: str
    channels: tuple[str, ...]
    left: int
    """Deliveries that have not ended, those on channels that move too."""
    quiet_s: float


class _Going(msgspec.Struct, frozen=True, kw_only=True):
    mailing: int
    alert: str
    priority: int
    planned: bool
    expected: int = 0
    done: int = 0


class _Due(msgspec.Struct, frozen=True, kw_only=True):
    """Something of a mailing that a sender has or could have. `since` in milliseconds since 1970, 0 for at once."""

    mailing: int
    channel: str
    simulated: bool
    since: int


class OutcomeCheck:
    """`look` from time to time; `stalled` is what it found. `told` is given the number of stalled alerts after each look."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        rate_of: Callable[[str, bool], float | None],
        told: Callable[[int], None],
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database, self._clock, self._rate_of, self._told, self._timer = database, clock, rate_of, told, timer
        self._seen: dict[int, tuple[int, float]] = {}  # mailing → its priority and when it was first seen
        self._counts: dict[tuple[int, str], int] = {}  # (mailing, channel) → deliveries that had ended at the last look
        self._moved: dict[tuple[str, int], float] = {}  # (channel, priority) → when it last reached anybody
        self._logged: dict[str, float] = {}
        self.stalled: tuple[Stalled, ...] = ()

    @property
    def status(self) -> dict[str, str]:
        """For /readyz."""
        named = ", ".join(f"{one.alert} ({' '.join(one.channels) or 'no list of recipients'})" for one in self.stalled)
        return {"alerts": f"reaching nobody: {named}" if named else "ok"}

    async def look(self) -> None:
        """Compare with the last look; say what stands still."""
        now, now_ms = self._timer(), milliseconds(self._clock)
        async with self._database.read() as connection:
            going = await _going(connection, now_ms)
            ended = await _ended(connection, list(going))
            due = await _due(connection, list(going), now_ms)
        self._note(going, ended, now)
        self.stalled = tuple(self._stalled(going, due, now, now_ms))
        self._say(now)
        self._told(len(self.stalled))

    def _note(self, going: Mapping[int, _Going], ended: Mapping[tuple[int, str], int], now: float) -> None:
        """What has moved since the last look; a mailing that is over was moving until then."""
        for (mailing, channel), count in self._counts.items():
            if ended.get((mailing, channel)) != count:
                self._moved[channel, self._seen[mailing][0]] = now
        for mailing, channel in ended:
            if (mailing, channel) not in self._counts:
                self._moved[channel, going[mailing].priority] = now
        self._counts = dict(ended)
        self._seen = {number: self._seen.get(number, (one.priority, now)) for number, one in going.items()}

    def _stalled(self, going: Mapping[int, _Going], due: list[_Due], now: float, now_ms: int) -> list[Stalled]:
        quiet: dict[int, dict[str, float]] = {}
        for number, one in going.items():
            if not one.planned and (waited := now - self._seen[number][1]) >= QUIET_S:
                quiet[number] = {"": waited}
        for part in due:
            rate = self._rate_of(part.channel, part.simulated)
            waited = min(now - self._last(part), (now_ms - part.since) / 1000)
            if waited >= max(QUIET_S, SLOW_STEPS / rate if rate else 0.0):
                quiet.setdefault(part.mailing, {})[part.channel] = waited
        return [
            Stalled(
                alert=going[mailing].alert,
                channels=tuple(sorted(filter(None, channels))),
                left=going[mailing].expected - going[mailing].done,
                quiet_s=round(max(channels.values()), 1),
            )
            for mailing, channels in sorted(quiet.items())
        ]

    def _last(self, part: _Due) -> float:
        """When this channel last reached anybody for something as urgent, or when this mailing was first seen."""
        priority, first_seen = self._seen[part.mailing]
        return max([first_seen, *(at for (channel, urgency), at in self._moved.items() if channel == part.channel and urgency <= priority)])

    def _say(self, now: float) -> None:
        for one in self.stalled:
            if now - self._logged.get(one.alert, -AGAIN_S) >= AGAIN_S:
                log.error("alert_stalled", alert_id=one.alert, channels=list(one.channels), left=one.left, quiet_s=one.quiet_s)
                self._logged[one.alert] = now
        for alert in set(self._logged) - {one.alert for one in self.stalled}:
            del self._logged[alert]
            log.info("alert_moves_again", alert_id=alert)


async def _going(connection: AsyncConnection, now_ms: int) -> dict[int, _Going]:
    query = (
        select(_mailing.c.id, _alert.c.id.label("alert"), _mailing.c.priority, _mailing.c.state)
        .join(_alert, _alert.c.number == _mailing.c.alert)
        .where(_mailing.c.state.in_(("launched", "planned")), _mailing.c.expires_at > now_ms)
    )
    rows = (await connection.execute(query)).all()
    totals = await _totals(connection, [row.id for row in rows])
    return {
        row.id: _Going(
            mailing=row.id, alert=row.alert, priority=row.priority, planned=row.state == "planned",
            expected=totals.get(row.id, (0, 0))[0], done=totals.get(row.id, (0, 0))[1],
        )
        for row in rows
    }  # fmt: skip


_IS_PLANNED = _counter.c.outcome == "planned"
_IS_END = ~_counter.c.outcome.in_(("planned", "held", "possible_duplicate", "confirmed"))


async def _totals(connection: AsyncConnection, mailings: list[int]) -> dict[int, tuple[int, int]]:
    query = (
        select(
            _counter.c.mailing,
            func.sum(case((_IS_PLANNED, _counter.c["count"]), else_=0)),
            func.sum(case((_IS_END, _counter.c["count"]), else_=0)),
        )
        .where(_counter.c.mailing.in_(mailings))
        .group_by(_counter.c.mailing)
    )
    return {row[0]: (int(row[1]), int(row[2])) for row in await connection.execute(query)}


async def _ended(connection: AsyncConnection, mailings: list[int]) -> dict[tuple[int, str], int]:
    query = (
        select(_counter.c.mailing, _counter.c.channel, func.sum(_counter.c["count"]))
        .where(_counter.c.mailing.in_(mailings), _IS_END)
        .group_by(_counter.c.mailing, _counter.c.channel)
    )
    return {(row[0], row[1]): int(row[2]) for row in await connection.execute(query)}


async def _due(connection: AsyncConnection, mailings: list[int], now_ms: int) -> list[_Due]:
    query = (
        select(_batch.c.mailing, _batch.c.channel, _batch.c.simulated, func.min(_batch.c.due_at))
        .where(_batch.c.mailing.in_(mailings), (_batch.c.state == 1) | (_batch.c.due_at <= now_ms))
        .group_by(_batch.c.mailing, _batch.c.channel, _batch.c.simulated)
    )
    return [_Due(mailing=row[0], channel=row[1], simulated=bool(row[2]), since=int(row[3])) for row in await connection.execute(query)]
