"""The bot that people press Start in: long polling of a Bot API server (core.telegram.org/bots/api#getupdates) in the hub's own loop.

An update is acknowledged only after it was served, so that a crash serves it again; serving is repeatable. A server that is away is asked
again with growing pauses, for as long as the hub runs.
"""

from __future__ import annotations

import asyncio
import random
from typing import Protocol

import structlog
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.enums import ChatType
from aiogram.exceptions import AiogramError, TelegramRetryAfter
from aiogram.methods import GetUpdates
from aiogram.types import Message, Update
from aiogram.utils.token import TokenValidationError

from channels.contract import ChannelSettings
from hub.bot.dialog import Dialog
from hub.bot.words import Words
from hub.settings import Settings
from subscriptions.enrolment import Enrolment

POLL_S = 25
"""How long the server may keep a question open when there is nothing to tell."""
ANSWER_S = 10
"""How much longer we wait for its answer."""
PAUSE_S = (0.5, 30.0)
"""Before the first repetition after a fault, and the longest one."""

log = structlog.get_logger("bot")


class BotHub(Protocol):
    """What the bot needs of the hub."""

    @property
    def enrolment(self) -> Enrolment: ...
    @property
    def channels(self) -> ChannelSettings: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def public_url(self) -> str: ...


class Named(Protocol):
    """Where the bot's name is written once the server has told it: from then on there are deep links."""

    name: str | None


async def run_bot(hub: BotHub, bot_name: Named, pause_s: tuple[float, float] = PAUSE_S) -> None:
    """Serve until cancelled. A token that can't be one ends it at once, with a line in the log."""
    api = hub.channels.telegram_api
    server = TelegramAPIServer.from_base(api) if api else PRODUCTION
    dialog = Dialog(hub.enrolment, Words(), hub.settings.hub_name, f"{hub.public_url}/subscribe")
    async with AiohttpSession(api=server) as session:
        try:
            bot = Bot(hub.channels.telegram_token or "", session=session)
        except TokenValidationError:
            how = "TOCSIN_TELEGRAM_TOKEN is the token that @BotFather gave, e.g. 123456:ABC…"
            log.error("telegram_token_malformed", mend=how)  # noqa: TRY400 - a traceback would show the token
            return
        await Poller(bot, dialog, bot_name, pause_s).run()


class Poller:
    """Asks for updates, one question after the other, and serves them in order."""

    def __init__(self, bot: Bot, dialog: Dialog, bot_name: Named, pause_s: tuple[float, float]) -> None:
        self._bot, self._dialog, self._bot_name = bot, dialog, bot_name
        self._pause_s = pause_s
        self._faults = 0
        self._offset: int | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                if self._bot_name.name is None:
                    self._bot_name.name = (await self._bot.get_me(request_timeout=ANSWER_S)).username
                updates = await self._bot(
                    GetUpdates(offset=self._offset, timeout=POLL_S, allowed_updates=["message"]), request_timeout=POLL_S + ANSWER_S
                )
            except AiogramError as error:
                await self._pause(error)
                continue
            self._faults = 0
            for update in updates:
                await self._serve(update)
                self._offset = update.update_id + 1

    async def _pause(self, error: AiogramError) -> None:
        first, longest = self._pause_s
        pause = min(longest, first * 2 ** min(self._faults, 16)) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
        if isinstance(error, TelegramRetryAfter):
            pause = max(pause, float(error.retry_after))
        self._faults += 1
        # Only the kind of fault: the URL in an error's text holds the token.
        log.warning("telegram_unreachable", error=type(error).__name__, faults=self._faults, again_in_s=round(pause, 1))
        await asyncio.sleep(pause)

    async def _serve(self, update: Update) -> None:
        message = update.message
        if message is None or message.chat.type != ChatType.PRIVATE:
            return
        try:
            await self._answer(message)
        except Exception as error:  # noqa: BLE001 - process boundary: one person's update must not silence the bot for all others
            log.error("telegram_update_failed", error=type(error).__name__)  # noqa: TRY400 - a traceback may show what was said

    async def _answer(self, message: Message) -> None:
        language = (message.from_user.language_code if message.from_user else None) or "en"
        answer = await self._dialog.answer(str(message.chat.id), message.text or "", language)
        await self._bot.send_message(message.chat.id, answer, request_timeout=ANSWER_S)
