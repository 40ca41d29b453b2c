"""The bot of a whole hub that is restarted while somebody owes it an answer."""

from __future__ import annotations

from pathlib import Path

from tests.hub.bot.conftest import Phone
from tests.hub.one_node import opened
from tests.peers.bot_api import TOKEN, BotApi


async def test_what_the_bot_has_asked_is_still_asked_after_a_restart_of_a_hub_with_a_redis(
    tmp_path: Path, api: BotApi, valkey: str
) -> None:
    phone, settings = Phone(api, 5), {"telegram_token": TOKEN, "telegram_api": api.url, "redis": valkey}
    async with opened(tmp_path, **settings):
        await phone.say("/subscribe")
        await api.acknowledged()
    async with opened(tmp_path, **settings):
        assert "ZIP 11201" in await phone.say("11201")
