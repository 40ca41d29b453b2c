"""How fast a provider may be asked: tokens that fill up with time, on one node or shared by all of them through Redis.

In no second more than the rate is granted, rounded up to whole hand-overs. So a bucket that holds a tenth of it besides the one that is due
fills that much slower: nine tenths are what one gets. What fills up between two looks of `Credits` fits into that tenth, and is not lost. A
rate of one a second or less needs no such reserve, since its bucket holds one.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Protocol

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from channels import catalog
from hub.errors import SettingsError

GIVEN = 0.9
"""Of a rate above one a second."""
FORGOTTEN_MS = 60_000
EACH = "/each"
"""After a channel's name: each push origin, host or chat, and whatever else stands for itself."""
ANSWER_S = 0.5
AGAIN_AFTER_S = 3.0
"""A Redis that hung is asked again so much later: whoever asks waits for its answer."""

_TAKE = """
local time = redis.call('TIME')
local now, rate, burst, wanted = time[1] + time[2] / 1e6, tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local held = redis.call('HMGET', KEYS[1], 'level', 'at')
local level, at = tonumber(held[1]) or burst, tonumber(held[2]) or now
level = math.min(burst, level + math.max(0, now - at) * rate)
local granted = math.min(wanted, math.floor(level))
redis.call('HSET', KEYS[1], 'level', level - granted, 'at', string.format('%.6f', now))
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return granted
"""

log = structlog.get_logger()


def read_rates(setting: str, providers: Mapping[str, int] = MappingProxyType({})) -> dict[str, float | None]:
    """TOCSIN_RATES: channel, channel and EACH for one receiver of it, or ``channel:2`` for its second provider alone → hand-overs a second,
    None for no limit. `providers`: channel → how many are named for it. Raises SettingsError."""
    rates: dict[str, float | None] = {}
    for part in setting.replace(",", " ").split():
        name, _, number = part.partition("=")
        channel, colon, place = name.removesuffix(EACH).partition(":")
        is_name = channel in catalog.KINDS and (not colon or (place.isdecimal() and not name.endswith(EACH)))
        if not is_name or not number.replace(".", "", 1).isdecimal():
            raise SettingsError(
                f"TOCSIN_RATES: {part!r} is neither channel=N nor channel{EACH}=N, nor channel:2=N for its second provider,"
                f" with one of {', '.join(catalog.KINDS)} and a number a second"
            )
        if colon:
            name = f"{channel}:{_place(channel, int(place), number, providers.get(channel, 0))}"
        rates[name] = float(number) or None
    return rates


def _place(channel: str, place: int, number: str, named: int) -> int:
    """The place of a provider that may have a rate of its own."""
    setting = catalog.KINDS[channel].setting
    if setting is None or place < 2:
        owner = "the first provider" if setting else "this channel, whose receivers are nobody's provider,"
        raise SettingsError(f"TOCSIN_RATES: '{channel}:{place}={number}': {owner} has the channel's own rate; write {channel}={number}")
    if place > named:
        raise SettingsError(
            f"TOCSIN_RATES: '{channel}:{place}={number}' is for a provider that is not there: TOCSIN_{setting.upper()} names {named}."
            f" Write that provider's URL there, or leave its rate out; {channel}={number} is the rate of all that have none of their own"
        )
    return place


class RateLimit(Protocol):
    """Grants hand-overs."""

    async def take(self, key: str, per_second: float, wanted: int) -> int:
        """How many of `wanted` may begin now, by the limit called `key`. Never waits and never raises."""


def given(per_second: float) -> float:
    """How many a second a limit really lets begin while more are wanted."""
    return max(min(per_second, 1.0), per_second * GIVEN)


def _bucket(per_second: float) -> tuple[float, float]:
    """(tokens a second, tokens that it holds): together one more than the rate, and that one is never whole within a second."""
    rate = given(per_second)
    return rate, 1.0 + (per_second - rate)


class LocalRateLimit:
    """Inside one node."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._levels: dict[str, tuple[float, float]] = {}
        self._many = 1_000

    async def take(self, key: str, per_second: float, wanted: int) -> int:
        """See `RateLimit`."""
        rate, burst = _bucket(per_second)
        now = self._timer()
        if len(self._levels) > self._many:  # twice as many as were left the last time, so that looking through all of them stays rare
            self._levels = {each: held for each, held in self._levels.items() if now - held[1] < FORGOTTEN_MS / 1000}
            self._many = max(1_000, 2 * len(self._levels))
        level, at = self._levels.get(key, (burst, now))
        level = min(burst, level + max(0.0, now - at) * rate)
        granted = max(0, min(wanted, int(level)))
        self._levels[key] = (level - granted, now)
        return granted


class RedisRateLimit:
    """Shared by all nodes. While Redis is away each node grants itself its share, so that together they stay within the limit."""

    def __init__(self, redis: Redis, hub: str, nodes: Callable[[], int], timer: Callable[[], float] = time.monotonic) -> None:
        """`hub` tells hubs that share a Redis apart, `nodes` counts those that deliver."""
        self._redis, self._prefix, self._nodes = redis, f"tocsin:{hub}:rate:", nodes
        self._script = redis.register_script(_TAKE)
        self._alone, self._timer = LocalRateLimit(timer), timer
        self._away_until = 0.0

    async def take(self, key: str, per_second: float, wanted: int) -> int:
        """See `RateLimit`."""
        if self._timer() < self._away_until:
            return await self._take_alone(key, per_second, wanted)
        rate, burst = _bucket(per_second)
        try:
            async with asyncio.timeout(ANSWER_S):
                granted = int(await self._script(keys=[self._prefix + key], args=[rate, burst, wanted, FORGOTTEN_MS]))
        except (RedisError, OSError) as error:  # TimeoutError is an OSError
            if not self._away_until:
                log.warning("rates_not_shared", error=type(error).__name__)
            self._away_until = self._timer() + AGAIN_AFTER_S
            return await self._take_alone(key, per_second, wanted)
        self._away_until = 0.0
        return granted

    async def _take_alone(self, key: str, per_second: float, wanted: int) -> int:
        nodes = max(1, self._nodes())
        share = per_second / nodes
        # Each bucket rounds up within a second: of whole shares all of them together keep to the rate.
        return await self._alone.take(key, share if nodes == 1 or share < 1.0 else math.floor(share), wanted)
