"""The bot against a Bot API server on loopback: it polls, serves in order, outlives faults, and ends when told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from channels.contract import ChannelSettings
from hub.bot.start import run_bot
from hub.settings import Settings, load
from tests.hub.bot.updates_server import TOKEN, UpdatesServer, updates_server
from tests.subscriptions.residents import Residents, request

NO_PAUSE = (0.0, 0.0)
NOBODY = "Nobody is watching this. Call or text 911."


@dataclass
class HubParts:
    """What `run_bot` needs."""

    enrolment: Any
    channels: ChannelSettings
    settings: Settings
    public_url: str = "https://alerts.example"


class BotName:
    name: str | None = None


@pytest.fixture
async def server() -> AsyncIterator[UpdatesServer]:
    async with updates_server() as running:
        yield running


@asynccontextmanager
async def running(residents: Residents, server: UpdatesServer, token: str = TOKEN) -> AsyncIterator[BotName]:
    settings = ChannelSettings(public_url="https://alerts.example", telegram_token=token, telegram_api=server.url)
    name = BotName()
    task = asyncio.create_task(run_bot(HubParts(residents.enrolment, settings, load(environ={})), name, NO_PAUSE))
    try:
        yield name
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def answers(server: UpdatesServer, count: int) -> list[tuple[int, str]]:
    async with asyncio.timeout(10):
        return [await server.answers.get() for _ in range(count)]


async def test_pressing_start_confirms_and_every_message_is_answered_in_its_chat(residents: Residents, server: UpdatesServer) -> None:
    signed_up = await residents.enrolment.subscribe(request(channels=[{"kind": "telegram"}]), client="c", source="test")
    token = parse_qs(urlsplit(signed_up.telegram or "").query)["start"][0]
    async with running(residents, server) as name:
        server.write(4242, f"/start {token}")
        server.write(77, "is anybody there?", language="es")
        server.write(78, None)
        first, second, third = await answers(server, 3)
    assert name.name == "tocsin_test_bot"
    assert first[0] == 4242
    assert first[1].startswith("Done.")
    assert second == (77, "Nadie está mirando esto. Llame o envíe un mensaje de texto al 911.")
    assert third == (78, NOBODY)
    assert await residents.column("SELECT state FROM address") == ["active"]


async def test_an_update_is_acknowledged_after_it_was_served_and_never_served_again(residents: Residents, server: UpdatesServer) -> None:
    async with running(residents, server):
        server.write(1, "a")
        await answers(server, 1)
        server.write(2, "b")
        assert [chat for chat, _ in await answers(server, 1)] == [2]
    assert server.offsets[:2] == [None, 101]


@pytest.mark.parametrize("status", [401, 409, 429, 500, 502])
async def test_faults_of_the_server_are_outlived(residents: Residents, server: UpdatesServer, status: int) -> None:
    server.faults = [status] * 5
    server.write(1, "hello")
    with capture_logs() as logs:
        async with running(residents, server):
            assert await answers(server, 1) == [(1, NOBODY)]
    assert len([line for line in logs if line["event"] == "telegram_unreachable"]) == 5
    assert TOKEN.partition(":")[2] not in repr(logs)


async def test_a_person_who_cannot_be_served_does_not_silence_the_bot(residents: Residents, server: UpdatesServer) -> None:
    """The first has blocked the bot, so the answer can't be sent; the second is answered all the same, and nothing is asked twice."""
    server.blocked_by = {1}
    async with running(residents, server):
        server.write(1, "first")
        server.write(2, "second")
        assert await answers(server, 1) == [(2, NOBODY)]
        server.write(3, "third")
        assert await answers(server, 1) == [(3, NOBODY)]
    assert server.answers.empty()


async def test_groups_are_left_alone(residents: Residents, server: UpdatesServer) -> None:
    async with running(residents, server):
        server.write(-100, "/stop", kind="group")
        server.write(5, "hello")
        assert await answers(server, 1) == [(5, NOBODY)]


async def test_a_token_that_cannot_be_one_ends_the_bot_with_a_line_in_the_log(residents: Residents, server: UpdatesServer) -> None:
    with capture_logs() as logs:
        async with running(residents, server, token="no token"):
            await asyncio.wait_for(_until(lambda: bool(logs)), 10)
    assert [line["event"] for line in logs] == ["telegram_token_malformed"]
    assert "no token" not in repr(logs)


async def _until(true: Any) -> None:
    while not true():
        await asyncio.sleep(0)
