"""The rates that a running hub holds its senders to: what Telegram allows without a word in the settings, and what TOCSIN_RATES says."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hub.application import Hub
from hub.delivery.rate_limit import RateLimit
from tests.hub.one_node import bring, opened
from tests.hub.publishing.conftest import PUBLISHER, document
from tests.peers.bot_api import TOKEN, BotApi
from tests.waiting import progressed

CHATS = ("101", "102", "103")


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
