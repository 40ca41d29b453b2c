"""The bot over a real residents' service, a Bot API server on loopback, and people with phones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import URL

from channels.contract import ChannelSettings
from hub.alerts.store import AlertStore
from hub.bot.start import run_bot
from hub.delivery.ledger.ledger import Ledger
from hub.settings import Settings, load
from hub.telegram_inbox import TelegramInbox
from subscriptions.areas import AreaCatalog, open_city
from subscriptions.audience import Audience
from tests.peers.bot_api import TOKEN, BotApi, chat, user
from tests.subscriptions.residents import Residents, opened
from tests.waiting import until

NO_PAUSE = (0.0, 0.0)


@dataclass
class HubParts:
    """What `run_bot` needs of a hub."""

    enrolment: Any
    channels: ChannelSettings
    settings: Settings
    clock: Any
    catalog: AreaCatalog
    audience: Audience
    alerts: AlertStore
    database: Any
    ledger: Ledger
    links: Any
    inbox: TelegramInbox
    redis: Redis | None = None
    hub_key: str = "test"
    public_url: str = "https://alerts.example"


class BotName:
    name: str | None = None


async def eventually(residents: Residents, statement: str, expected: list[Any]) -> None:
    """Wait until the first column of a query is that."""

    async def look() -> bool:
        return await residents.column(statement) == expected

    await until(look)


async def at_once(work: Any) -> None:
    """This is the only node."""
    await work()


def parts_of(residents: Residents, api: BotApi, *, token: str = TOKEN, redis: Redis | None = None) -> HubParts:
    """A hub as far as the bot sees it."""
    return HubParts(
        residents.enrolment,
        ChannelSettings(public_url="https://alerts.example", telegram_token=token, telegram_api=api.url),
        load(environ={}),
        residents.clock,
        residents.catalog,
        Audience(residents.catalog),
        AlertStore(residents.database),
        residents.database,
        Ledger(residents.database),
        residents.links,
        TelegramInbox(residents.keyring.link_key),
        redis,
    )


@asynccontextmanager
async def running(hub: HubParts) -> AsyncIterator[BotName]:
    """The bot, until the end of the block."""
    name = BotName()
    task = asyncio.create_task(run_bot(hub, name, at_once, NO_PAUSE))
    try:
        yield name
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await hub.ledger.aclose()


@dataclass
class Phone:
    """Somebody in a chat with the bot: alone, or in a group where the chat's number is negative."""

    api: BotApi
    person: int
    language: str = "en"
    room: int = 0
    seen: int = 0
    shown: dict[str, str] = field(default_factory=dict)

    @property
    def chat(self) -> int:
        return self.room or self.person

    async def say(self, text: str | None, **more: Any) -> str:
        """Write; returns the answer, as HTML."""
        self.write(text, **more)
        return await self.answer()

    def write(self, text: str | None, **more: Any) -> None:
        """Write and wait for nothing."""
        kind = "channel_post" if more.pop("channel", False) else "message"
        sender = {} if kind == "channel_post" else {"from": user(self.person, self.language)}
        where = chat(self.chat, "channel" if kind == "channel_post" else None)
        entities = {"entities": [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}]} if text and text[0] == "/" else {}
        message = {"message_id": 1000, "date": 1_790_000_000, "chat": where} | sender | entities | more
        self.api.push_update({kind: message | ({"text": text} if text is not None else {})})

    async def share(self, lat: float, lon: float) -> str:
        """A location."""
        return await self.say(None, location={"latitude": lat, "longitude": lon})

    async def answer(self) -> str:
        """The next message in the chat."""
        await self.api.until(lambda: len(self.api.sent_to(self.chat)) > self.seen)
        self.shown = self.api.sent_to(self.chat)[self.seen]
        self.seen += 1
        return self.shown["text"]

    @property
    def buttons(self) -> dict[str, str]:
        """What stands on the buttons of what is shown → what they send back."""
        markup = json.loads(self.shown.get("reply_markup") or "{}")
        return {button["text"]: button["callback_data"] for row in markup.get("inline_keyboard", []) for button in row}

    def press(self, text: str) -> None:
        """The button whose text begins so, and wait for nothing."""
        self.send_back(next(data for shown, data in self.buttons.items() if shown.removeprefix("✓ ").startswith(text)))

    def send_back(self, data: str, number: int = 1, where: str | None = None) -> None:
        """What any button sends."""
        message = {"message_id": number, "date": 1_790_000_000, "chat": chat(self.chat, where), "text": "…"}
        press = {"id": "1", "from": user(self.person, self.language), "chat_instance": "1", "message": message, "data": data}
        self.api.push_update({"callback_query": press})

    async def press_and_see(self, text: str) -> str:
        """Press; the message changes."""
        before = len(self.api.edits)
        self.press(text)
        await self.api.until(lambda: len(self.api.edits) > before)
        self.shown = self.api.edits[before]
        return self.shown["text"]

    async def press_and_hear(self, text: str) -> str:
        """Press; a new message comes."""
        self.press(text)
        return await self.answer()

    async def toast(self, text: str) -> str:
        """Press; what is said over the button."""
        before = len(self.api.toasts)
        self.press(text)
        await self.api.until(lambda: len(self.api.toasts) > before)
        return self.api.toasts[before].get("text", "")


@pytest.fixture(scope="session")
def catalog() -> AreaCatalog:
    return open_city("nyc")


@pytest.fixture
async def residents(store: URL, catalog: AreaCatalog) -> AsyncIterator[Residents]:
    async with opened(store, catalog) as service:
        yield service


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest.fixture
async def bot(residents: Residents, api: BotApi) -> AsyncIterator[BotName]:
    """Running."""
    async with running(parts_of(residents, api)) as name:
        yield name


@pytest.fixture
def phone(api: BotApi, bot: BotName) -> Phone:
    """Somebody who reads English."""
    return Phone(api, 4242)
