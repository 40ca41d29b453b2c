"""One exchange with one chat: who it is, what they are subscribed to, and how to answer them in their language."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from zoneinfo import ZoneInfo

from aiogram import Bot
from aiogram.enums import ChatType
from aiogram.exceptions import TelegramBadRequest
from aiogram.filters.callback_data import CallbackData
from aiogram.types import InlineKeyboardButton, InlineKeyboardMarkup, Message

from channels.telegram_text import shorten
from hub.bot.parts import CHANNEL, BotHub
from hub.bot.words import N_, Words
from hub.delivery.words.phrases import Phrases
from hub.languages.catalogue import SOURCE_LANGUAGE
from subscriptions.languages import nearest
from subscriptions.own_address import OwnAddress
from subscriptions.views import SubscriptionView

NOBODY = N_("Nobody is watching this. Call or text 911.")
HOW_ADMINISTRATORS_BEGIN = N_(
    "Administrators can choose what this chat gets, for instance with /subscribe 11201 or /subscribe Brooklyn. More: /help"
)
TOO_OLD = N_("This button is too old. Please start again: /help")
TIMEZONE = "America/New_York"
"""Of quiet hours that are chosen here, and of every time that is said."""
BUTTON_BYTES = 64
"""The most that a button may send back (core.telegram.org/bots/api#inlinekeyboardbutton)."""

Button = tuple[str, CallbackData]
"""What stands on it, as plain text, and what it sends back."""


@dataclass(frozen=True)
class Talk:
    """`language` is the subscription's, else the one that the person's app speaks; `view` is None for who is not subscribed; `thread` is
    the topic of a forum group in which it is."""

    bot: Bot
    hub: BotHub
    words: Words
    chat: int
    kind: str
    language: str
    view: SubscriptionView | None
    thread: int | None = None

    @property
    def address(self) -> str:
        """The chat as an address."""
        return str(self.chat)

    @property
    def private(self) -> bool:
        """One person, not a group or a channel."""
        return self.kind == ChatType.PRIVATE

    @property
    def channel(self) -> bool:
        """Where posts have no author, and nobody can be waited for."""
        return self.kind == ChatType.CHANNEL

    @property
    def own(self) -> OwnAddress:
        """The service for whoever writes from their own address."""
        return self.hub.enrolment.own_address

    @cached_property
    def phrases(self) -> Phrases:
        """Times and places as alerts say them."""
        return Phrases(nearest(self.language) or SOURCE_LANGUAGE, ZoneInfo(TIMEZONE), "US")

    def say(self, message: str, /, **values: object) -> str:
        """The sentence in the reader's language, as HTML."""
        return self.words.say(message, self.language, **values)

    def plain(self, message: str) -> str:
        """The sentence for a button."""
        return self.words.plain(message, self.language)

    def nobody(self, message: str) -> str:
        """That nobody watches, and a sentence."""
        return f"{self.say(NOBODY)}\n\n{self.say(message)}"

    async def send(self, text: str, rows: Sequence[Sequence[Button]] = ()) -> None:
        """A new message, where it is talked."""
        await self.bot.send_message(self.chat, shorten(text), message_thread_id=self.thread, reply_markup=keyboard(rows))

    async def rewrite(self, message: Message, text: str, rows: Sequence[Sequence[Button]] = ()) -> None:
        """Change a message of ours; nothing happens when it says so already, or can't be changed any more."""
        try:
            await message.edit_text(shorten(text), reply_markup=keyboard(rows))
        except TelegramBadRequest as error:
            if "not modified" not in error.message:
                await self.send(text, rows)

    async def without_buttons(self, message: Message) -> None:
        """Take the buttons away; nothing happens when they have gone."""
        with contextlib.suppress(TelegramBadRequest):
            await message.edit_reply_markup(reply_markup=None)

    async def again(self) -> Talk:
        """After a change, with what is so now."""
        view = await self.own.view(CHANNEL, self.address)
        return replace(self, language=view.language if view else self.language, view=view)


def keyboard(rows: Sequence[Sequence[Button]]) -> InlineKeyboardMarkup | None:
    """The buttons; one that would send back too much is left out."""
    packed = [[(text, data.pack()) for text, data in row if _fits(data)] for row in rows]
    made = [[InlineKeyboardButton(text=text, callback_data=data) for text, data in row] for row in packed if row]
    return InlineKeyboardMarkup(inline_keyboard=made) if made else None


def _fits(data: CallbackData) -> bool:
    try:
        return len(data.pack().encode()) <= BUTTON_BYTES
    except ValueError:
        return False
