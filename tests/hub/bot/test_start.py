"""The bot against a Bot API server on loopback: it asks, acknowledges, outlives faults and floods, and ends when told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis
from structlog.testing import capture_logs

from hub.bot.start import run_bot
from hub.signals import redis_at
from tests.hub.bot.conftest import NO_PAUSE, BotName, Phone, at_once, eventually, parts_of, running
from tests.peers.bot_api import TOKEN, BotApi
from tests.subscriptions.residents import Residents

NOBODY = "Nobody is watching this. Call or text 911."


async def test_the_bot_learns_its_name_says_its_commands_and_asks_to_be_asked(api: BotApi, bot: BotName) -> None:
    await api.until(lambda: "getUpdates" in api.calls)
    assert bot.name == "tocsin_test_bot"
    assert api.calls[0] == "getMe"
    assert "deleteWebhook" in api.calls
    assert {menu.get("language_code", "") for menu in api.menus} >= {"", "es"}


async def test_an_update_is_acknowledged_after_it_was_served_and_never_served_again(api: BotApi, phone: Phone) -> None:
    assert (await phone.say("a")).startswith(NOBODY)
    assert (await phone.say("b")).startswith(NOBODY)
    await api.until(lambda: 3 in api.offsets)
    assert api.offsets == [0, 2, 3]
    assert len(api.sent) == 2


@pytest.mark.parametrize("status", [401, 409, 429, 500, 502])
async def test_faults_of_the_server_are_outlived_and_the_log_holds_no_token(residents: Residents, api: BotApi, status: int) -> None:
    api.faults = [(status, "made to fail", {"retry_after": 0} if status == 429 else {})] * 5
    phone = Phone(api, 1)
    with capture_logs() as logs:
        async with running(parts_of(residents, api)):
            assert (await phone.say("hello")).startswith(NOBODY)
    assert [line["event"] for line in logs].count("telegram_unreachable") >= 4
    assert TOKEN.partition(":")[2] not in repr(logs)


async def test_an_answer_that_meets_a_flood_limit_is_sent_when_it_is_over(api: BotApi, phone: Phone) -> None:
    await api.until(lambda: "getUpdates" in api.calls)
    api.faults = [(429, "Too Many Requests: retry after 1", {"retry_after": 1})]
    assert (await phone.say("hello")).startswith(NOBODY)
    assert api.faults == []


async def test_whoever_has_blocked_the_bot_is_closed_and_silences_nobody_else(residents: Residents, api: BotApi, phone: Phone) -> None:
    await phone.say("/subscribe 11201")
    api.blocked_by = {phone.chat}
    phone.write("hello")
    assert (await Phone(api, 2).say("hello")).startswith(NOBODY)
    await eventually(residents, "SELECT state FROM address", ["stopped"])
    api.blocked_by = set()
    assert "on again" in await phone.say("/start")


@pytest.mark.parametrize("strange", [{"message": {"message_id": "x"}}, {"message": 5}, {"novelty": {"a": 1}}, {}])
async def test_an_update_that_can_not_be_read_holds_back_nobody(api: BotApi, phone: Phone, strange: dict[str, Any]) -> None:
    api.push_update(strange)
    assert (await phone.say("hello")).startswith(NOBODY)
    await api.until(lambda: 3 in api.offsets)


async def test_a_question_outlives_a_restart_where_there_is_a_redis_and_its_wiping_everywhere(
    residents: Residents, api: BotApi, valkey: str
) -> None:
    async with Redis.from_url(valkey) as redis:
        phone = Phone(api, 5)
        async with running(parts_of(residents, api, redis=redis)):
            await phone.say("/subscribe")
            await api.acknowledged()
        async with running(parts_of(residents, api, redis=redis)):
            assert "ZIP 11201" in await phone.say("11201")
            await phone.say("/subscribe")
            await redis.flushall()
            assert (await phone.say("11205")).startswith(NOBODY)
            assert "ZIP 11205" in await phone.press_and_hear("Get alerts for ZIP 11205")


async def test_while_redis_is_away_the_bot_remembers_by_itself(residents: Residents, api: BotApi) -> None:
    async with redis_at("redis://127.0.0.1:1") as away, running(parts_of(residents, api, redis=away)):
        phone = Phone(api, 6)
        await phone.say("/subscribe")
        assert "ZIP 11201" in await phone.say("11201")


async def test_a_button_works_after_a_restart_without_anything_remembered(residents: Residents, api: BotApi) -> None:
    phone = Phone(api, 7)
    async with running(parts_of(residents, api)):
        await phone.share(40.70321, -73.98932)
        await api.acknowledged()
    async with running(parts_of(residents, api)):
        assert "1 mile around a point in 11201" in await phone.press_and_hear("1 mile")


async def test_a_token_that_cannot_be_one_ends_the_bot_with_a_line_in_the_log(residents: Residents, api: BotApi) -> None:
    with capture_logs() as logs:
        await asyncio.wait_for(run_bot(parts_of(residents, api, token="no token"), BotName(), at_once, NO_PAUSE), 10)
    assert [line["event"] for line in logs] == ["telegram_token_malformed"]
    assert "no token" not in repr(logs)
