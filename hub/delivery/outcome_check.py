"""The outcome check: an alert that is live, has people left, and reaches nobody for half a minute is an alarm.

It compares counters that the ledger keeps anyway, so nothing is counted on the way of an alert. What waits on purpose is no alarm: quiet
hours, a slow limit, or whoever waits in a line that moves for something as urgent or more. Whoever was tried and put off stands in no such
line: there it counts whether this alert reaches anybody, and they are an alarm unless they are few. An alarm lasts until somebody is
reached, or until nobody is left, or few.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import groupby
from types import MappingProxyType

import msgspec
import structlog
from sqlalchemy import ColumnElement, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.clock import Clock, milliseconds
from hub.delivery.sending.outcome import Outcome
from hub.store import tables
from hub.store.database import Database

LOOK_EVERY_S = 15.0
QUIET_S = 30.0
SLOW_STEPS = 3.0
"""A channel that may hand over one message in twenty seconds is not stalled before so many of them."""
AGAIN_S = 60.0
OCTETS = 8
"""Of one address in a list."""

SMALL_PART = 0.1
FEW, MANY = 10, 1000
"""People who were put off. Up to a tenth of an alert's on this channel are few, unless they are MANY; and fewer than FEW are, up to a
tenth of its on all channels: nobody is called for one dead webhook, be it the only one there."""

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


class _Count(msgspec.Struct, frozen=True):
    """Of deliveries. `awake`: planned, but for those whom quiet hours hold back."""

    planned: int = 0
    awake: int = 0
    ended: int = 0
    reached: int = 0


class _Waiting(msgspec.Struct, frozen=True, kw_only=True):
    """Whom quiet hours do not hold back, of one mailing and channel."""

    mailing: int
    channel: str
    simulated: bool
    since: int | None
    """Since when there is something that a sender has or could have: milliseconds since 1970, 0 for at once. None: there is nothing."""
    people: int
    tried: int
    """Of the people: whom a try did not reach."""
    put_off: int
    """Of the people: those of whom no try was used up, and whose time has not come."""

    @property
    def of(self) -> tuple[int, str]:
        return self.mailing, self.channel


Counts = Mapping[tuple[int, str], _Count]
"""By mailing and channel."""


class OutcomeCheck:
    """`look` from time to time; `stalled` is what it found. `told` is given the number of stalled alerts after each look."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        rate_of: Callable[[str, bool], float | None],
        told: Callable[[int], None],
        timer: Callable[[], float] = time.monotonic,
        each: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        """`each`: channel → messages a second that each of its receivers takes."""
        self._database, self._clock, self._rate_of, self._told, self._timer, self._each = database, clock, rate_of, told, timer, each
        self._seen: dict[int, tuple[int, float]] = {}  # mailing → its priority and when it was first seen
        self._counts: Counts = {}  # at the last look
        self._moved: dict[tuple[str, int], float] = {}  # (channel, priority) → when it last came to an end with anybody
        self._reached: dict[tuple[int, str], float] = {}  # (mailing, channel) → when it last reached anybody, or was first seen
        self._standing: dict[tuple[int, str], float] = {}  # (mailing, channel) that is an alarm → since when it stands still
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
            counts = await _counted(connection, list(going))
            waiting = await _waiting(connection, list(going), now_ms)
        self._note(going, counts, now)
        before, self._standing = self._standing, self._still(going, waiting, now, now_ms)
        self.stalled = tuple(self._stalled(going, now))
        self._say(now, {going[of[0]].alert for of, since in before.items() if of[0] in going and self._reached.get(of, now) > since})
        self._told(len(self.stalled))

    def _note(self, going: Mapping[int, _Going], counts: Counts, now: float) -> None:
        """What has moved since the last look; a mailing that is over was moving until then."""
        for (mailing, channel), count in self._counts.items():
            if count.ended and counts.get((mailing, channel), _Count()).ended != count.ended:
                self._moved[channel, self._seen[mailing][0]] = now
        for (mailing, channel), count in counts.items():
            if count.ended and not self._counts.get((mailing, channel), _Count()).ended:
                self._moved[channel, going[mailing].priority] = now
        self._reached = {
            of: self._reached[of] if of in self._reached and self._counts[of].reached == count.reached else now
            for of, count in counts.items()
        }
        self._counts = counts
        self._seen = {number: self._seen.get(number, (one.priority, now)) for number, one in going.items()}

    def _still(self, going: Mapping[int, _Going], waiting: list[_Waiting], now: float, now_ms: int) -> dict[tuple[int, str], float]:
        """What is an alarm; an empty channel where there is no list of recipients yet."""
        still = {(number, ""): self._seen[number][1] for number, one in going.items() if not one.planned}
        still = {of: since for of, since in still.items() if now - since >= QUIET_S}
        for part in waiting:
            stood = self._standing.get(part.of)
            if stood is not None and self._last_reached(part) <= stood and self._are_many(part, part.people):
                still[part.of] = stood
            elif (waited := self._waited(part, now, now_ms)) >= self._patience(part):
                still[part.of] = min(now - waited, still.get(part.of, now))
        return still

    def _patience(self, part: _Waiting) -> float:
        """A slow limit is given its time."""
        rates = (self._rate_of(part.channel, part.simulated), None if part.simulated else self._each.get(part.channel))
        return max([QUIET_S, *(SLOW_STEPS / rate for rate in rates if rate)])

    def _waited(self, part: _Waiting, now: float, now_ms: int) -> float:
        """How long they wait though nothing as urgent goes before them."""
        priority, waited = self._seen[part.mailing][0], [0.0]
        in_line = now - self._last(part, priority)
        if part.since is not None:
            waited.append(min(in_line, (now_ms - part.since) / 1000))
        if self._are_many(part, part.tried + part.put_off):
            waited.append(in_line)
        # Where each receiver has a rate, whoever was put off without a try may wait for that, behind whoever is as urgent.
        refused = part.tried + (0 if part.channel in self._each else part.put_off)
        if self._are_many(part, refused):
            waited.append(now - max(self._last_reached(part), self._last(part, priority - 1)))
        return max(waited)

    def _are_many(self, part: _Waiting, people: int) -> bool:
        here = self._counts.get(part.of, _Count()).awake
        everywhere = sum(count.awake for (mailing, _), count in self._counts.items() if mailing == part.mailing)
        if people < FEW:
            return people > SMALL_PART * everywhere
        return people >= MANY or people > SMALL_PART * here

    def _last(self, part: _Waiting, priority: int) -> float:
        """When this channel last moved for something of this priority or above, or when this mailing was first seen."""
        first_seen = self._seen[part.mailing][1]
        return max([first_seen, *(at for (channel, urgency), at in self._moved.items() if channel == part.channel and urgency <= priority)])

    def _last_reached(self, part: _Waiting) -> float:
        return self._reached.get(part.of, self._seen[part.mailing][1])

    def _stalled(self, going: Mapping[int, _Going], now: float) -> Iterator[Stalled]:
        for mailing, parts in groupby(sorted(self._standing), lambda of: of[0]):
            channels = [channel for _, channel in parts]
            counts = [count for (number, _), count in self._counts.items() if number == mailing]
            yield Stalled(
                alert=going[mailing].alert,
                channels=tuple(filter(None, channels)),
                left=sum(count.planned - count.ended for count in counts),
                quiet_s=round(max(now - self._standing[mailing, channel] for channel in channels), 1),
            )

    def _say(self, now: float, moving: Collection[str]) -> None:
        for one in self.stalled:
            if now - self._logged.get(one.alert, -AGAIN_S) >= AGAIN_S:
                log.error("alert_stalled", alert_id=one.alert, channels=list(one.channels), left=one.left, quiet_s=one.quiet_s)
                self._logged[one.alert] = now
        for alert in set(self._logged) - {one.alert for one in self.stalled}:
            del self._logged[alert]
            log.info("alert_moves_again" if alert in moving else "alert_stalled_no_more", alert_id=alert)


async def _going(connection: AsyncConnection, now_ms: int) -> dict[int, _Going]:
    query = (
        select(_mailing.c.id, _alert.c.id.label("alert"), _mailing.c.priority, _mailing.c.state)
        .join(_alert, _alert.c.number == _mailing.c.alert)
        .where(_mailing.c.state.in_(("launched", "planned")), _mailing.c.expires_at > now_ms)
    )
    return {
        row.id: _Going(mailing=row.id, alert=row.alert, priority=row.priority, planned=row.state == "planned")
        for row in (await connection.execute(query)).all()
    }


_LABEL = _counter.c.outcome
_NO_END = ("planned", "held", "possible_duplicate", "confirmed")
_REACHED = (Outcome.HANDED_OVER.label, Outcome.SIMULATED.label)
"""Surely: an alarm is not over because nobody knows."""


def _sum(value: ColumnElement[int], where: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((where, value), else_=0))


async def _counted(connection: AsyncConnection, mailings: list[int]) -> Counts:
    number, planned, held = _counter.c["count"], _LABEL == "planned", _LABEL == "held"
    query = (
        select(
            _counter.c.mailing, _counter.c.channel, _sum(number, planned), _sum(number, held), _sum(number, ~_LABEL.in_(_NO_END)),
            _sum(number, _LABEL.in_(_REACHED)),
        )
        .where(_counter.c.mailing.in_(mailings))
        .group_by(_counter.c.mailing, _counter.c.channel)
    )  # fmt: skip
    rows = await connection.execute(query)
    return {(row[0], row[1]): _Count(int(row[2]), int(row[2] - row[3]), int(row[4]), int(row[5])) for row in rows}


async def _waiting(connection: AsyncConnection, mailings: list[int], now_ms: int) -> list[_Waiting]:
    """By the length of the lists, as the forecast. They are measured before they are grouped, else SQLite would carry each list along."""
    is_due = (_batch.c.state == 1) | (_batch.c.due_at <= now_ms)
    sized = (
        select(
            _batch.c.mailing, _batch.c.channel, _batch.c.simulated, _batch.c.attempt, case((is_due, _batch.c.due_at)).label("since"),
            func.length(_batch.c.addresses).label("octets"),
        )
        .where(_batch.c.mailing.in_(mailings), (_batch.c.held == 0) | is_due)
        .cte("sized").prefix_with("MATERIALIZED")
    )  # fmt: skip
    part, tried = sized.c, sized.c.attempt > 1
    query = select(
        part.mailing, part.channel, part.simulated, func.min(part.since), func.sum(part.octets), _sum(part.octets, tried),
        _sum(part.octets, ~tried & part.since.is_(None)),
    ).group_by(part.mailing, part.channel, part.simulated)  # fmt: skip
    return [
        _Waiting(
            mailing=row[0], channel=row[1], simulated=bool(row[2]), since=None if row[3] is None else int(row[3]),
            people=int(row[4]) // OCTETS, tried=int(row[5]) // OCTETS, put_off=int(row[6]) // OCTETS,
        )
        for row in await connection.execute(query)
    ]  # fmt: skip
