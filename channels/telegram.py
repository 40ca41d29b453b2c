"""Telegram: messages of the hub's own bot, by the Bot API.

What the API's answers mean (core.telegram.org/bots/api#making-requests)::

    429 with retry_after                                  TryAgain after that
    401, 404 (our token), 5xx, no connection              TryAgain
    403 (blocked, deactivated), 400 "chat not found"      Rejected, and the chat is dead
    400 with migrate_to_chat_id, other 400                Rejected
    time-out, connection lost, an answer that is no JSON  Uncertain
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import ClassVar

import aiohttp
import msgspec
from aiogram import Bot
from aiogram import exceptions as errors
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import PRODUCTION, TelegramAPIServer
from aiogram.enums import ParseMode
from aiogram.types import LinkPreviewOptions
from aiogram.utils.token import TokenValidationError

from channels.addresses import parse_chat
from channels.contract import (
    ChannelSettings,
    DeliveryFailed,
    Limits,
    Message,
    NotConfigured,
    Receipt,
    Recipient,
    Rejected,
    TryAgain,
    Uncertain,
)
from channels.stamping import Stamp, stamp_part
from channels.telegram_text import LIMIT, shorten

TIMEOUT = 30.0
"""Seconds."""

_GONE = ("chat not found", "user not found", "deactivated", "peer_id_invalid", "group chat was deleted")
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class TelegramDraft(msgspec.Struct, frozen=True):
    """HTML of at most LIMIT shown characters, ready to be stamped."""

    html: Stamp
    silent: bool
    slots: tuple[str, ...]


class Telegram:
    """Writes to chats that have started the bot."""

    name: ClassVar[str] = "telegram"
    limits: ClassVar[Limits] = Limits(text_characters=LIMIT, concurrency=30, per_second=30.0)

    def __init__(self, settings: ChannelSettings, clock: Callable[[], float] = time.time, *, timeout: float = TIMEOUT) -> None:
        """`timeout` in seconds is for one request."""
        if not settings.telegram_token:
            raise NotConfigured("set TOCSIN_TELEGRAM_TOKEN to the token that @BotFather gave")
        server = TelegramAPIServer.from_base(settings.telegram_api) if settings.telegram_api else PRODUCTION
        try:
            self._bot = Bot(settings.telegram_token, session=AiohttpSession(api=server, timeout=timeout))
        except TokenValidationError:
            raise NotConfigured("TOCSIN_TELEGRAM_TOKEN: this is not a token; it looks like 123456789:AAF…") from None

    @classmethod
    def parse_address(cls, raw: str) -> str:
        """The number of a chat."""
        return parse_chat(raw)

    def compose(self, message: Message) -> TelegramDraft:
        """`message.parts` needs ``html``."""
        text = stamp_part("html", shorten(message.parts["html"].strip()))
        return TelegramDraft(text, message.silent, text.slots)

    async def deliver(self, draft: TelegramDraft, to: Recipient) -> Receipt:
        """One sendMessage; `provider_id` is the message's number in its chat."""
        try:
            sent = await self._bot.send_message(
                chat_id=int(to.address),
                text=draft.html.stamp(to.links),
                parse_mode=ParseMode.HTML,
                link_preview_options=_NO_PREVIEW,
                disable_notification=draft.silent,
            )
        except errors.AiogramError as error:
            raise verdict(error) from None
        return Receipt(provider_id=str(sent.message_id))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._bot.session.close()


def verdict(error: errors.AiogramError) -> DeliveryFailed:
    """What an error of aiogram means, by the table above."""
    if isinstance(error, errors.TelegramRetryAfter):
        return TryAgain("Telegram said 429", after=float(error.retry_after))
    if isinstance(error, errors.TelegramNetworkError) and isinstance(error.__cause__, aiohttp.ClientConnectorError):
        return TryAgain("Telegram can't be reached")
    if isinstance(error, errors.TelegramBadRequest) and any(words in error.message.lower() for words in _GONE):
        return Rejected("there is no such chat", address_is_dead=True)
    return next((make() for kinds, make in _MEANINGS if isinstance(error, kinds)), Rejected("Telegram refused the message"))


_MEANINGS: tuple[tuple[tuple[type[errors.AiogramError], ...], Callable[[], DeliveryFailed]], ...] = (
    ((errors.TelegramForbiddenError,), lambda: Rejected("the person has blocked the bot or left Telegram", address_is_dead=True)),
    ((errors.TelegramMigrateToChat,), lambda: Rejected("the group has become a supergroup with another number")),
    ((errors.TelegramUnauthorizedError, errors.TelegramNotFound), lambda: TryAgain("Telegram does not know our bot's token")),
    ((errors.TelegramServerError, errors.TelegramConflictError), lambda: TryAgain("Telegram has a fault of its own")),
    ((errors.TelegramNetworkError, errors.ClientDecodeError), lambda: Uncertain("Telegram gave no answer that can be read")),
)
