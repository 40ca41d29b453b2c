"""The bot that people talk to: aiogram's dispatcher over the hub's services, asked by long polling or told by a webhook.

An update is acknowledged once it was served, or has waited ten seconds for its answer to go out; serving is repeatable.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.session.middlewares.base import BaseRequestMiddleware, NextRequestMiddlewareType
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.exceptions import AiogramError, TelegramForbiddenError, TelegramRetryAfter
from aiogram.methods import Response, TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.types import BotCommand, Update
from aiogram.utils.token import TokenValidationError
from pydantic import ValidationError

from hub.bot.parts import CHANNEL, BotHub, Named
from hub.bot.polling import PAUSE_S, Pause, Poller
from hub.bot.routes import dispatcher
from hub.bot.words import N_, Words
from subscriptions.languages import LANGUAGES

ANSWER_S = 10
"""How long we wait for the server's answer, and an update for being served before the next ones are fetched."""
LONGEST_FLOOD_S = 120.0
"""An answer that would be later than this is not sent."""
HOOK_AGAIN_S = 3600.0
UPDATES = ["message", "channel_post", "callback_query", "my_chat_member"]
"""Kinds that the bot is told of."""
COMMANDS = {
    "subscribe": N_("Follow a place"),
    "settings": N_("Topics, language, quiet hours…"),
    "list": N_("What I follow"),
    "alerts": N_("What is on now"),
    "why": N_("Why the last alert came"),
    "stop": N_("End all alerts"),
    "help": N_("What this bot can do"),
}

First = Callable[[Callable[[], Awaitable[None]]], Awaitable[None]]
"""Runs what only one node may do, while this is the one: `hub.delivery.membership.Membership.while_first`."""

log = structlog.get_logger("bot")


async def run_bot(hub: BotHub, bot_name: Named, first: First, pause_s: tuple[float, float] = PAUSE_S) -> None:
    """Serve until cancelled. A token that can't be one ends it at once, with a line in the log."""
    api = hub.channels.telegram_api
    async with AiohttpSession(api=TelegramAPIServer.from_base(api) if api else PRODUCTION, timeout=ANSWER_S) as session:
        session.middleware(Patience())
        try:
            default = DefaultBotProperties(parse_mode=ParseMode.HTML, link_preview_is_disabled=True)
            bot = Bot(hub.channels.telegram_token or "", session=session, default=default)
        except TokenValidationError:
            how = "TOCSIN_TELEGRAM_TOKEN is the token that @BotFather gave, e.g. 123456:ABC…"
            log.error("telegram_token_malformed", mend=how)  # noqa: TRY400 - a traceback would show the token
            return
        async with Service(bot, hub) as service:
            introduced = Introduction(bot, hub, bot_name)
            if hub.settings.flag("telegram_webhook"):
                with hub.inbox.served_by(service.take):
                    await asyncio.gather(introduced.name(Pause(pause_s)), first(lambda: introduced.webhook(Pause(pause_s))))
            else:
                await first(lambda: _poll(introduced, Poller(bot, service.serve_all, UPDATES), pause_s))


async def _poll(introduced: Introduction, poller: Poller, pause_s: tuple[float, float]) -> None:
    await introduced.name(Pause(pause_s))
    await introduced.no_webhook(Pause(pause_s))
    await poller.run(Pause(pause_s))


class Patience(BaseRequestMiddleware):
    """Waits as long as Telegram asks for (429), and sends again."""

    async def __call__(
        self, make_request: NextRequestMiddlewareType[TelegramType], bot: Bot, method: TelegramMethod[TelegramType]
    ) -> Response[TelegramType]:
        """One request."""
        try:
            return await make_request(bot, method)
        except TelegramRetryAfter as limit:
            if method.__api_method__ == "getUpdates" or limit.retry_after > LONGEST_FLOOD_S:
                raise
            await asyncio.sleep(limit.retry_after)
            return await make_request(bot, method)


class Service:
    """Serves updates, each in a task of its own; opened with `async with`, which ends whatever is left."""

    def __init__(self, bot: Bot, hub: BotHub) -> None:
        self._bot, self._hub = bot, hub
        self._dispatcher = dispatcher(hub, Words())
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Service:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._dispatcher.fsm.close()

    async def take(self, body: bytes) -> None:
        """One update as Telegram posts it; one that can't be read is let go, since it would come again for ever."""
        try:
            await self._served([Update.model_validate_json(body, context={"bot": self._bot})])
        except ValidationError:
            log.warning("telegram_update_malformed")

    async def serve_all(self, updates: list[dict[str, Any]]) -> None:
        """Some updates as they were fetched."""
        read = []
        for update in updates:
            try:
                read.append(Update.model_validate(update, context={"bot": self._bot}))
            except ValidationError:
                log.warning("telegram_update_malformed")
        await self._served(read)

    async def _served(self, updates: list[Update]) -> None:
        tasks = [asyncio.create_task(self._serve(update)) for update in updates]
        self._tasks.update(tasks)
        for task in tasks:
            task.add_done_callback(self._tasks.discard)
        if tasks:
            await asyncio.wait(tasks, timeout=ANSWER_S)

    async def _serve(self, update: Update) -> None:
        try:
            await self._dispatcher.feed_update(self._bot, update)
        except TelegramForbiddenError:
            await self._left(update)
        except Exception as error:  # noqa: BLE001 - process boundary: one person's update must not silence the bot for all others
            log.error("telegram_update_failed", error=type(error).__name__)  # noqa: TRY400 - a traceback may show what was said

    async def _left(self, update: Update) -> None:
        """Whoever can't be answered has blocked the bot, or removed it."""
        event = update.event
        chat = getattr(event, "chat", None) or getattr(getattr(event, "message", None), "chat", None)
        if chat is not None:
            with contextlib.suppress(Exception):
                await self._hub.enrolment.own_address.stop(CHANNEL, str(chat.id), source=f"{CHANNEL}: blocked")


class Introduction:
    """What the bot and its server tell each other at the start."""

    def __init__(self, bot: Bot, hub: BotHub, bot_name: Named) -> None:
        self._bot, self._hub, self._bot_name, self._words = bot, hub, bot_name, Words()

    async def name(self, pause: Pause) -> None:
        """Learn the bot's name, and tell its commands."""

        async def ask() -> None:
            self._bot_name.name = (await self._bot.get_me()).username

        if self._bot_name.name is None:
            await pause.until_done(ask)
        for language in ("", *(tag for tag in LANGUAGES if len(tag) == 2)):
            menu = [BotCommand(command=name, description=self._words.plain(text, language or "en")) for name, text in COMMANDS.items()]
            with contextlib.suppress(AiogramError):
                await self._bot.set_my_commands(menu, language_code=language or None)

    async def no_webhook(self, pause: Pause) -> None:
        """From now on we ask."""

        async def ask() -> None:
            await self._bot.delete_webhook()

        await pause.until_done(ask)

    async def webhook(self, pause: Pause) -> None:
        """From now on the server posts here; said again each hour, since another hub may have said otherwise."""
        inbox = self._hub.inbox

        async def ask() -> None:
            await self._bot.set_webhook(f"{self._hub.public_url}/telegram/{inbox.path}", secret_token=inbox.secret, allowed_updates=UPDATES)

        while True:
            await pause.until_done(ask)
            await asyncio.sleep(HOOK_AGAIN_S)
