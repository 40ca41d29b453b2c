"""The rates that a running hub holds its senders to: what Telegram allows without a word in the settings, and what TOCSIN_RATES says."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from channels.http_sms import HttpSms
from hub.application import Hub
from hub.delivery.forecast import ChannelForecast
from hub.delivery.rate_limit import RateLimit
from hub.errors import SettingsError
from tests.hub.one_node import bring, opened
from tests.hub.publishing.conftest import PUBLISHER, document
from tests.peers.bot_api import TOKEN, BotApi
from tests.peers.http_sink import HttpSink
from tests.peers.slow import Slow
from tests.peers.smtp import mail_server
from tests.waiting import progressed, until

CHATS = ("101", "102", "103")
READERS = 40


class Kept:
    """A limit that keeps what it granted: (its name, a second) → how many."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self.granted = Counter[tuple[str, float]]()

    async def take(self, key: str, per_second: float, wanted: int) -> int:
        granted = await self._limit.take(key, per_second, wanted)
        self.granted[key, per_second] += granted
        return granted

    def channels(self) -> dict[tuple[str, float], int]:
        return {at: count for at, count in self.granted.items() if not at[0].startswith("each ")}

    def receivers(self) -> list[float]:
        """A second, of each receiver that was granted anything."""
        return [rate for (key, rate), count in self.granted.items() if count and key.startswith("each ")]


def kept(hub: Hub) -> Kept:
    """What the hub's coordinator asks is asked through this from now on."""
    limit = hub.coordinator._credits._rate_limit = Kept(hub.coordinator._credits._rate_limit)
    return limit


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


async def reach(hub: Hub, api: BotApi) -> None:
    """An alert to all chats."""
    await bring(hub, "telegram", *CHATS)
    alert = await hub.publishing.submit(document(), PUBLISHER)
    assert (await progressed(hub.publishing, alert.id)).handed_over == len(CHATS)
    assert sorted(message["chat_id"] for message in api.sent) == sorted(CHATS)


@pytest.mark.parametrize(
    ("rates", "in_all", "each"),
    [("", 30.0, 1.0), ("telegram=5", 5.0, 1.0), ("telegram/each=2", 30.0, 2.0), ("telegram=20, telegram/each=3", 20.0, 3.0)],
)
async def test_each_message_of_the_bot_is_granted_at_the_rate_of_all_chats_and_of_its_own(
    tmp_path: Path, api: BotApi, rates: str, in_all: float, each: float
) -> None:
    async with opened(tmp_path, telegram_token=TOKEN, telegram_api=api.url, rates=rates) as hub:
        limit = kept(hub)
        await reach(hub, api)
        assert set(limit.channels()) == {("telegram", in_all)}
        assert limit.channels()["telegram", in_all] >= len(CHATS)
        assert limit.receivers() == [each] * len(CHATS)


async def test_a_limit_that_the_settings_lift_is_asked_no_more_and_the_other_one_still_is(tmp_path: Path, api: BotApi) -> None:
    async with opened(tmp_path, telegram_token=TOKEN, telegram_api=api.url, rates="telegram=0") as hub:
        limit = kept(hub)
        await reach(hub, api)
        assert (limit.channels(), limit.receivers()) == ({}, [1.0] * len(CHATS))


async def forecast(hub: Hub) -> ChannelForecast:
    return (await hub.publishing.preview(document(), PUBLISHER)).forecast.by_channel["email"]


async def test_each_of_two_providers_is_held_to_its_own_rate_and_the_forecast_is_of_the_one_in_use(tmp_path: Path) -> None:
    async with (
        mail_server() as first,
        mail_server() as second,
        opened(tmp_path, smtp=f"{first.url} {second.url}", rates="email=500, email:2=40") as hub,
    ):
        limit = kept(hub)
        await bring(hub, "email", *(f"p{number}@example.org" for number in range(READERS)))

        async def everybody() -> None:
            """An alert to all of them."""
            alert = await hub.publishing.submit(document(), PUBLISHER)
            assert (await progressed(hub.publishing, alert.id)).handed_over == READERS

        await everybody()
        assert (len(first.sent), set(limit.channels())) == (READERS, {("email", 500.0)})
        assert (await forecast(hub)).per_second == 450.0
        await first.refuse()
        await everybody()
        assert len(second.sent) == READERS <= limit.channels()["email:2", 40.0]
        assert (await until(partial(changed, hub, 450.0))).basis == "limit"
        assert (await forecast(hub)).per_second == 36.0
        await first.listen()
        while len(first.sent) < 2 * READERS:  # one at a time asks whether it is back, when its breaker lets it
            await everybody()
        await until(partial(changed, hub, 36.0))
        assert (await forecast(hub)).per_second == 450.0
        assert len(second.sent) <= limit.channels()["email:2", 40.0]


async def changed(hub: Hub, before: float) -> ChannelForecast | None:
    """The forecast once its rate is another one."""
    now = await forecast(hub)
    return now if now.per_second != before else None


@pytest.mark.parametrize("rates", ["email:2=40", "email=0, email:2=40"])
async def test_a_first_provider_without_a_limit_waits_for_none(tmp_path: Path, rates: str) -> None:
    async with mail_server() as first, mail_server() as second, opened(tmp_path, smtp=f"{first.url} {second.url}", rates=rates) as hub:
        limit = kept(hub)
        await bring(hub, "email", *(f"p{number}@example.org" for number in range(READERS)))
        alert = await hub.publishing.submit(document(), PUBLISHER)
        assert (await progressed(hub.publishing, alert.id)).handed_over == len(first.sent) == READERS
        assert limit.granted == {}
        await first.refuse()
        alert = await hub.publishing.submit(document(), PUBLISHER)
        assert (await progressed(hub.publishing, alert.id)).handed_over == READERS
        assert len(second.sent) == READERS <= limit.channels()["email:2", 40.0]


async def test_a_hub_with_a_rate_for_a_provider_that_is_not_there_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="TOCSIN_SMTP names 1"):
        async with opened(tmp_path, smtp="smtp://127.0.0.1:9", rates="email=100,email:2=5"):
            pass


async def test_credits_that_were_void_while_a_provider_took_its_time_are_granted_again(tmp_path: Path) -> None:
    slow, people = Slow(), 3 * HttpSms.limits.concurrency
    async with HttpSink(slow) as sink:
        sms = sink.url.replace("http://", "http://AC123:secret@")
        async with opened(tmp_path, sms=sms, sms_from="+12125550100", rates="sms=10000") as hub:
            limit = kept(hub)
            await bring(hub, "sms", *(f"+1718555{number}" for number in range(1000, 1000 + people)))
            alert = await hub.publishing.submit(document(), PUBLISHER)
            await sink.arrived(HttpSms.limits.concurrency)
            await until(lambda: limit.channels().get(("sms", 10_000.0), 0) > people)
            slow.go_on.set()
            await progressed(hub.publishing, alert.id)
            assert len(sink.requests) == people
