"""How long until the last recipient has it: said before an alert is published, from the limits in force and the speed that was measured.

Channels go out beside each other. One with a provider's limit takes (what is queued before it + its own) ÷ what that limit gives. Those
without share the senders, so their times add up. What waits at the same or a higher priority counts as before it: fairness between alerts
shortens the time of one by lengthening another's, and a promise must hold for the unlucky one. A rate for each host counts, until more was
measured, as if all of a channel's addresses were at one: nearly all browsers' are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Literal

import msgspec
from sqlalchemy import bindparam, func, select

from hub.delivery.ledger.batches import Settlement
from hub.delivery.rate_limit import given
from hub.delivery.sending.outcome import REACHED
from hub.store import tables
from hub.store.database import Database
from subscriptions.store.prepared import Prepared

Basis = Literal["limit", "measured", "assumed"]
Key = tuple[str, bool]
"""Channel, and whether it ends in the outbox."""
Through = tuple[str, bool, tuple[int, ...]]
"""The same, and through which of the channel's providers: what one has done says nothing of another."""

ASSUMED = {"web_push": 1500.0, "email": 1000.0, "sms": 500.0, "telegram": 30.0, "apprise": 100.0, "webhook": 5000.0}
"""Hand-overs a second of one sender before anything was measured: about a third of what `make bench` finds on two cores."""
OUTBOX = 5000.0
BULK = 50
"""Only batches of so many say how fast a channel is; retries and letters come when they come."""
RUN_S = 5.0
GAP_S = 1.0
REMEMBERED_S = 3600.0


class ChannelForecast(msgspec.Struct, frozen=True, kw_only=True):
    """One channel: its `deliveries`, those `queued` before them, and what its speed rests on. `per_second` of a limit is what it gives."""

    deliveries: int
    queued: int
    per_second: float
    basis: Basis
    seconds: float


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds` until the last recipient, None when no sender runs or all wait for a provider; `slowest` is the channel that decides it.
    `unprovided`: channel → deliveries that wait until this hub has a provider for it, and count in no time."""

    seconds: float | None
    slowest: str | None = None
    by_channel: dict[str, ChannelForecast] = {}
    unprovided: dict[str, int] = {}


class Throughput:
    """Hand-overs a second that channels have really done in the last hour, each the best of its runs of some seconds without a pause."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, in_use: Callable[[str], Collection[int]] = lambda _: (1,)) -> None:
        """`in_use`: channel → the places of the providers that its hand-overs go through."""
        self._clock, self._in_use = clock, in_use
        self._runs: dict[Through, tuple[float, float, int]] = {}
        self._best: dict[Through, tuple[float, float]] = {}

    def note(self, settlements: Sequence[Settlement]) -> None:
        """What was just settled."""
        counts: dict[Through, int] = {}
        for settlement in settlements:
            leased = settlement.leased
            if settlement.outcome in REACHED and leased.alert is not None and len(leased.recipients) >= BULK:
                key = self._through(leased.channel, bool(leased.simulated))
                counts[key] = counts.get(key, 0) + len(settlement.addresses)
        for key, count in counts.items():
            self._add(key, count, self._clock())

    def _through(self, channel: str, simulated: bool) -> Through:
        return channel, simulated, tuple(sorted(self._in_use(channel)))

    def _add(self, key: Through, count: int, now: float) -> None:
        began, last, before = self._runs.get(key, (now, now, 0))
        if now - last > GAP_S:
            began, before = now, 0
        self._runs[key] = (began, now, before + count)
        if now - began < RUN_S:
            return
        rate, (best, at) = (before + count) / (now - began), self._best.get(key, (0.0, now))
        if rate >= best or now - at > REMEMBERED_S:
            self._best[key] = (rate, now)

    def per_second(self, channel: str, simulated: bool) -> float | None:
        """The best of late, None when there was no run long enough."""
        rate, at = self._best.get(self._through(channel, simulated), (0.0, 0.0))
        return rate if rate and self._clock() - at <= REMEMBERED_S else None


_BATCH, _MAILING = tables.batch.c, tables.mailing.c
_QUEUED = Prepared(
    select(_BATCH.channel, _BATCH.simulated, func.sum(func.length(_BATCH.addresses)))
    .join(tables.mailing, _MAILING.id == _BATCH.mailing)
    .where(_BATCH.held == 0, _BATCH.priority <= bindparam("most"), func.coalesce(_MAILING.alert, 0) != bindparam("own"))
    .group_by(_BATCH.channel, _BATCH.simulated)
)


class Forecaster:
    """`rate_of` says what a provider allows a second, `each_of` what one host does, `senders` how many sender processes run, `provided`
    whether a channel has a provider or is kept in the outbox."""

    def __init__(
        self,
        database: Database,
        rate_of: Callable[[str, bool], float | None],
        each_of: Callable[[str, bool], float | None],
        throughput: Throughput,
        senders: Callable[[], int],
        provided: Callable[[str, bool], bool] = lambda *_: True,
    ) -> None:
        self._database, self._rate_of, self._each_of, self._throughput, self._senders = database, rate_of, each_of, throughput, senders
        self._provided = provided

    async def of(self, deliveries: Mapping[Key, int], priority: int, *, alert: int = 0) -> Forecast:
        """For so many deliveries a channel at this priority. `alert` is its number once it is stored: its own queue is not before it."""
        if not any(deliveries.values()):
            return Forecast(seconds=0.0)
        senders = self._senders()
        if not senders:
            return Forecast(seconds=None)
        own = {key: count for key, count in deliveries.items() if count and self._provided(*key)}
        waiting = {channel: count for (channel, simulated), count in deliveries.items() if count and (channel, simulated) not in own}
        if not own:
            return Forecast(seconds=None, unprovided=waiting)
        queued = await self._queued(priority, alert)
        forecast = combine(
            {key: (count, queued.get(key, 0), *self._speed(key, senders)) for key, count in own.items()},
            {key: (count, *self._speed(key, senders)) for key, count in queued.items() if self._provided(*key)},
        )
        return msgspec.structs.replace(forecast, unprovided=waiting)

    def _speed(self, key: Key, senders: int) -> tuple[float, Basis]:
        channel, simulated = key
        measured, limit = self._throughput.per_second(channel, simulated), self._rate_of(channel, simulated)
        if measured is None:
            limit = min((rate for rate in (limit, self._each_of(channel, simulated)) if rate is not None), default=None)
        limit = None if limit is None else given(limit)
        assumed = (OUTBOX if simulated else ASSUMED.get(channel, min(ASSUMED.values()))) * senders
        able: tuple[float, Basis] = (assumed, "assumed") if measured is None else (measured, "measured")
        return able if limit is None or able[0] < limit * 0.9 else (limit, "limit")

    async def _queued(self, priority: int, alert: int) -> dict[Key, int]:
        """Addresses in batches that go before it, by the length of their lists: no row is read for it."""
        rows = await self._database.look(_QUEUED, most=priority, own=alert or -1)
        return {(channel, bool(simulated)): int(octets) // 8 for channel, simulated, octets in rows}


def combine(own: Mapping[Key, tuple[int, int, float, Basis]], queued: Mapping[Key, tuple[int, float, Basis]]) -> Forecast:
    """Put channels together. `own`: deliveries, queued before them, a second, what that rests on; `queued` the same of all that waits."""
    shared = sum((count + before) / speed for count, before, speed, basis in own.values() if basis != "limit")
    shared += sum(count / speed for key, (count, speed, basis) in queued.items() if basis != "limit" and key not in own)
    by_channel: dict[str, ChannelForecast] = {}
    for (channel, _), (count, before, speed, basis) in own.items():
        seconds = (count + before) / speed if basis == "limit" else shared
        one = ChannelForecast(deliveries=count, queued=before, per_second=round(speed, 1), basis=basis, seconds=round(seconds, 1))
        by_channel[channel] = _together(by_channel.get(channel), one)
    slowest = max(
        by_channel, key=lambda channel: (by_channel[channel].seconds, by_channel[channel].deliveries / by_channel[channel].per_second)
    )
    return Forecast(seconds=by_channel[slowest].seconds, slowest=slowest, by_channel=by_channel)


def _together(one: ChannelForecast | None, other: ChannelForecast) -> ChannelForecast:
    """A channel that is partly real and partly samples: the slower part speaks for both."""
    if one is None:
        return other
    slower = max(one, other, key=lambda part: part.seconds)
    return msgspec.structs.replace(slower, deliveries=one.deliveries + other.deliveries, queued=one.queued + other.queued)
