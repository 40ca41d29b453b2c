"""Signals between the parts of a node, and between nodes: hints that there is something to look at, never the thing itself.

A signal may be lost, come twice or come late. Whoever listens also looks by itself from time to time, so nothing rests on a signal but
speed. `LocalSignals` serves one node; `RedisSignals` tells the others too, and Redis may be stopped or wiped at any time.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict
from collections.abc import Callable
from typing import Protocol, Self

import msgspec
import structlog
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

PLAN = "plan"
"""Something was launched, or somebody is owed what is live."""
WORK = "work"
"""There may be batches to lease."""
HALT = "halt"
"""A mailing was stopped; the body is its number in decimal."""
ALERTS = "alerts"
"""An alert went live, was replaced, ended or was stopped: whatever shows alerts is out of date."""
PROVIDERS = "providers"
"""A sender's hand-overs go through other providers than the first; the body is from `hub.delivery.in_use`. Said again each second."""
AWAY = "away"
"""Channels that no sender of a node can reach; the body is from `hub.delivery.reach`. Said again each second."""

CONNECT_S = 2.0
RETRY_S = 0.5
QUEUED = 10_000

Handler = Callable[[bytes], None]

log = structlog.get_logger()


def redis_at(url: str) -> Redis:
    """A client of the Redis that nodes share. Whoever asks it goes on without it, so an answer that does not come is not waited for: one
    more try, for a connection that broke while it rested, where redis-py would make ten over several seconds."""
    return Redis.from_url(url, socket_connect_timeout=CONNECT_S, retry=Retry(NoBackoff(), 1))


class Signals(Protocol):
    """Opened with `async with`; `listen` may be called before."""

    @property
    def shared(self) -> bool:
        """Whether other nodes hear it."""

    @property
    def lost(self) -> int:
        """How often one could not be told, or hearing the others broke off."""

    def send(self, topic: str, body: bytes = b"") -> None:
        """Tell this node at once and the others soon. Never waits and never raises."""

    def listen(self, topic: str, handler: Handler) -> None:
        """Call `handler` with each body of a topic; with an empty one when signals may have been missed. It must not wait or raise."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(self, *_: object) -> None: ...


class LocalSignals:
    """Inside one process."""

    shared = False

    def __init__(self) -> None:
        self.lost = 0
        self._handlers: dict[str, list[Handler]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        self._handlers.clear()

    def listen(self, topic: str, handler: Handler) -> None:
        """See `Signals`."""
        self._handlers[topic].append(handler)

    def send(self, topic: str, body: bytes = b"") -> None:
        """See `Signals`."""
        for handler in self._handlers[topic]:
            handler(body)


class _Envelope(msgspec.Struct, frozen=True, array_like=True):
    """On the wire; `node` is whoever sent it, who has heard it already."""

    node: str
    topic: str
    body: bytes


class RedisSignals(LocalSignals):
    """Over one Redis channel. While Redis is away, only this node hears; when it comes back everything is signalled once."""

    shared = True

    def __init__(self, redis: Redis, hub: str) -> None:
        """`hub` tells hubs that share a Redis apart."""
        super().__init__()
        self._redis, self._channel = redis, f"tocsin:{hub}:signals"
        self._node = secrets.token_hex(8)
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue(QUEUED)
        self._tasks: list[asyncio.Task[None]] = []
        self._hearing = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._tell()), asyncio.create_task(self._hear())]
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await super().__aexit__()

    async def heard(self) -> None:
        """Wait until the others can be heard."""
        await self._hearing.wait()

    def send(self, topic: str, body: bytes = b"") -> None:
        """See `Signals`. What can't be told in time is dropped: the others find it by themselves."""
        super().send(topic, body)
        with contextlib.suppress(asyncio.QueueFull):
            self._outgoing.put_nowait(msgspec.msgpack.encode(_Envelope(self._node, topic, body)))

    async def _tell(self) -> None:
        while True:
            wire = await self._outgoing.get()
            try:
                await self._redis.publish(self._channel, wire)
            except (RedisError, OSError) as error:
                self.lost += 1
                log.warning("signal_not_sent", error=type(error).__name__)
                while not self._outgoing.empty():
                    self._outgoing.get_nowait()
                await asyncio.sleep(RETRY_S)

    async def _hear(self) -> None:
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=False) as channel:
                    await channel.subscribe(self._channel)
                    await self._hear_from(channel)
            except (RedisError, OSError) as error:
                self._hearing.clear()
                self.lost += 1
                log.warning("signals_lost", error=type(error).__name__)
                await asyncio.sleep(RETRY_S)

    async def _hear_from(self, channel: PubSub) -> None:
        async for message in channel.listen():
            if message["type"] == "subscribe":
                self._hearing.set()
                for topic in list(self._handlers):
                    super().send(topic)
                continue
            with contextlib.suppress(msgspec.DecodeError):
                envelope = msgspec.msgpack.decode(message["data"], type=_Envelope)
                if envelope.node != self._node:
                    super().send(envelope.topic, envelope.body)
