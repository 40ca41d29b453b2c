"""One contract for both limits: never more than the rate in any second, and nothing lost when Redis is away."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from hub.delivery.rate_limit import AGAIN_AFTER_S, LocalRateLimit, RateLimit, RedisRateLimit, given, read_rates
from hub.errors import SettingsError


class Hand:
    """A timer that is moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture(params=["local", "redis", "redis away"])
async def limit(request: pytest.FixtureRequest, valkey: str, hand: Hand) -> AsyncIterator[RateLimit]:
    if request.param == "local":
        yield LocalRateLimit(hand)
        return
    url = valkey if request.param == "redis" else "redis://127.0.0.1:1"
    async with Redis.from_url(url) as redis:
        yield RedisRateLimit(redis, request.node.name, lambda: 1, hand)


async def test_a_full_bucket_grants_one_and_a_tenth_of_a_second_and_then_nothing(limit: RateLimit) -> None:
    assert await limit.take("sms", 100_000, 200_000) == 10_001
    assert [await limit.take("webhook", 10.0, 5), await limit.take("webhook", 10.0, 5)] == [2, 0]
    assert [await limit.take("email", 0.001, 5), await limit.take("email", 0.001, 5)] == [1, 0]


async def test_no_more_is_granted_than_is_wanted_and_the_rest_stays(limit: RateLimit) -> None:
    assert [await limit.take("sms", 50.0, 2), await limit.take("sms", 50.0, 1)] == [2, 1]
    assert await limit.take("sms", 50.0, 50) >= 2


async def test_each_key_has_a_bucket_of_its_own(limit: RateLimit) -> None:
    assert await limit.take("sms", 0.001, 1) == 1
    assert await limit.take("telegram", 0.001, 1) == 1


@pytest.mark.parametrize("each_s", [0.01, 0.05, 0.1])
@pytest.mark.parametrize("rate", [1.5, 2.0, 5.0, 9.0, 10.0, 10.5, 20.0, 30.0, 1000.0])
async def test_no_second_holds_more_than_the_rate_and_what_is_given_is_what_is_said(hand: Hand, rate: float, each_s: float) -> None:
    limit, granted, looks = LocalRateLimit(hand), [], round(1 / each_s)
    for _ in range(61 * looks):
        granted.append(await limit.take("telegram", rate, 10_000))
        hand.now += each_s
    assert max(sum(granted[start : start + looks]) for start in range(60 * looks)) <= math.ceil(rate)
    assert sum(granted[looks:]) == pytest.approx(60 * given(rate), abs=1.1)


@pytest.mark.parametrize(("rate", "real"), [(0.2, 0.2), (1.0, 1.0), (1.05, 1.0), (1.5, 1.35), (10.0, 9.0), (500.0, 450.0)])
def test_nine_tenths_of_a_rate_are_given_and_all_of_one_that_is_one_a_second_or_less(rate: float, real: float) -> None:
    assert given(rate) == pytest.approx(real)


async def test_a_rate_of_one_a_second_or_less_is_kept_to_the_moment(hand: Hand) -> None:
    limit, granted = LocalRateLimit(hand), []
    for _ in range(120):
        granted.append(await limit.take("chat", 1 / 3, 5))
        hand.now += 0.1
    assert [at for at, count in enumerate(granted) if count] == pytest.approx([0, 30, 60, 90], abs=1)


async def test_nodes_share_what_redis_grants(valkey: str) -> None:
    async with Redis.from_url(valkey) as one, Redis.from_url(valkey) as other:
        nodes = [RedisRateLimit(redis, "shared", lambda: 2) for redis in (one, other)]
        assert [await node.take("sms", 0.001, 1) for node in nodes] == [1, 0]


async def test_without_redis_each_node_takes_its_share(hand: Hand) -> None:
    async with Redis.from_url("redis://127.0.0.1:1") as redis:
        limit = RedisRateLimit(redis, "away", lambda: 4, hand)
        assert await limit.take("sms", 400.0, 100) == 11


async def test_without_redis_the_shares_of_a_low_rate_are_not_rounded_up_to_more_than_it(hand: Hand) -> None:
    async with Redis.from_url("redis://127.0.0.1:1") as redis:
        nodes = [RedisRateLimit(redis, "away", lambda: 4, hand) for _ in range(4)]
        granted = []
        for _ in range(100):
            granted.append(sum([await node.take("sms", 10.0, 100) for node in nodes]))
            hand.now += 0.05
    assert max(sum(granted[start : start + 20]) for start in range(80)) <= 10


async def test_a_redis_that_hangs_is_waited_for_once_in_a_while_and_not_by_each(hand: Hand) -> None:
    lines: list[asyncio.StreamWriter] = []

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines.append(writer)

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server, Redis.from_url(f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}") as redis:
        limit = RedisRateLimit(redis, "hangs", lambda: 4, hand)
        assert [await limit.take("sms", 400.0, 4) for _ in range(100)] == [4, 4, 3, *[0] * 97]
        assert len(lines) == 1
        hand.now += AGAIN_AFTER_S
        assert [await limit.take("sms", 400.0, 4) for _ in range(100)] == [4, 4, 3, *[0] * 97]
        assert len(lines) == 2
        for line in lines:
            line.close()


async def test_a_redis_that_is_back_is_shared_again(valkey: str, hand: Hand) -> None:
    async with Redis.from_url("redis://127.0.0.1:1") as away, Redis.from_url(valkey) as back:
        limit = RedisRateLimit(away, "back", lambda: 4, hand)
        assert await limit.take("sms", 400.0, 100) == 11
        limit._script.registered_client = back
        assert await limit.take("sms", 400.0, 100) == 0
        hand.now += AGAIN_AFTER_S
        assert await limit.take("sms", 400.0, 100) == 41


def test_rates_are_read_and_what_is_none_is_said() -> None:
    assert read_rates("sms=100, telegram=0 email=2.5") == {"sms": 100.0, "telegram": None, "email": 2.5}
    assert read_rates("web_push/each=500 telegram/each=0") == {"web_push/each": 500.0, "telegram/each": None}
    assert read_rates("") == {}
    for wrong in ("fax=1", "fax/each=1", "sms/one=1", "sms", "sms=fast", "sms=-1"):
        with pytest.raises(SettingsError, match="TOCSIN_RATES"):
            read_rates(wrong)


def test_a_provider_may_have_a_rate_of_its_own_where_there_is_one() -> None:
    assert read_rates("email=100 email:2=5, sms:3=0", {"email": 2, "sms": 3}) == {"email": 100.0, "email:2": 5.0, "sms:3": None}
    assert read_rates("email:02=5", {"email": 2}) == {"email:2": 5.0}


@pytest.mark.parametrize(
    ("rate", "words"),
    [
        ("email:2=5", "'email:2=5' is for a provider that is not there: TOCSIN_SMTP names 1. Write that provider's URL there"),
        ("sms:2=5", "TOCSIN_SMS names 0"),
        ("email:1=5", "the first provider has the channel's own rate; write email=5"),
        ("webhook:2=5", "write webhook=5"),
        ("email:2/each=5", "neither channel=N"),
        ("email:two=5", "channel:2=N for its second provider"),
        ("email:=5", "neither channel=N"),
    ],
)
def test_a_rate_for_a_provider_that_is_not_there_says_what_to_write(rate: str, words: str) -> None:
    with pytest.raises(SettingsError, match="TOCSIN_RATES") as caught:
        read_rates(rate, {"email": 1})
    assert words in caught.value.detail
