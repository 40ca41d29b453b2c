"""Around every handler: who talks, in which language, whether they may change what a chat gets, and what is said when they can't."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Any

import structlog
from aiogram import BaseMiddleware, Bot
from aiogram.dispatcher.flags import get_flag
from aiogram.enums import ChatMemberStatus, ChatType
from aiogram.types import CallbackQuery, Chat, ChatMemberUpdated, Message, TelegramObject, User

from hub.bot.parts import CHANNEL, BotHub
from hub.bot.talk import Talk
from hub.bot.words import N_, Words
from subscriptions.errors import InvalidSubscription, NotSubscribed, TooManyRequests

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]

ADMINISTRATORS = frozenset({ChatMemberStatus.CREATOR, ChatMemberStatus.ADMINISTRATOR})
FAULTS = {
    "lat": N_("This point is not in the city."),
    "places": N_("A chat can follow 50 places at most. Leave one first: /settings"),
    "quiet_hours": N_("These are no hours. Choose them anew: /settings"),
}
"""The part of a subscription that is at fault → what is said."""

log = structlog.get_logger("bot")


class Talking(BaseMiddleware):
    """Inner middleware of messages, channel posts, buttons and the bot's own membership: handlers get a `Talk`."""

    def __init__(self, hub: BotHub, words: Words) -> None:
        self._hub, self._words = hub, words

    async def __call__(self, handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
        """Call the handler, or say why not."""
        chat = _chat_of(event)
        if chat is None:
            return None
        talk = await self._talk(chat, data.get("event_from_user"), data["bot"], _thread_of(event))
        if get_flag(data, "changes") and not await may_change(event, chat, talk.bot):
            await answer(event, talk, N_("Only administrators of this chat can do this."))
            return None
        try:
            return await handler(event, data | {"talk": talk})
        except NotSubscribed:
            await answer(event, talk, N_("This chat gets no alerts yet. Begin for instance with /subscribe 11201"))
        except TooManyRequests as error:
            minutes = str(max(1, math.ceil(error.after / 60)))
            await answer(event, talk, N_("That was very often. Please try again in %(minutes)s min."), minutes=minutes)
        except InvalidSubscription as error:
            await answer(event, talk, _fault(error))
        return None

    async def _talk(self, chat: Chat, user: User | None, bot: Bot, thread: int | None) -> Talk:
        view = await self._hub.enrolment.own_address.view(CHANNEL, str(chat.id))
        language = view.language if view is not None else (user.language_code if user is not None else None) or "en"
        return Talk(bot, self._hub, self._words, chat.id, chat.type, language, view, thread)


def _chat_of(event: TelegramObject) -> Chat | None:
    if isinstance(event, Message | ChatMemberUpdated):
        return event.chat
    if isinstance(event, CallbackQuery) and event.message is not None:
        return event.message.chat
    return None


def _thread_of(event: TelegramObject) -> int | None:
    """The topic of a forum in which something was said; an answer elsewhere would lie in the general one."""
    message = event.message if isinstance(event, CallbackQuery) else event
    return message.message_thread_id if isinstance(message, Message) and message.is_topic_message else None


async def may_change(event: TelegramObject, chat: Chat, bot: Bot) -> bool:
    """A person in their own chat; elsewhere who administers it. Whoever posts to a channel, or as the group itself, does."""
    if chat.type == ChatType.PRIVATE:
        return True
    if isinstance(event, Message):
        if chat.type == ChatType.CHANNEL or (event.sender_chat is not None and event.sender_chat.id == chat.id):
            return True
        user = event.from_user
    else:
        user = event.from_user if isinstance(event, CallbackQuery | ChatMemberUpdated) else None
    if user is None:
        return False
    return (await bot.get_chat_member(chat.id, user.id)).status in ADMINISTRATORS


async def answer(event: TelegramObject, talk: Talk, message: str, **values: str) -> None:
    """Say a sentence where it is seen: over the button that was pressed, else in the chat."""
    if isinstance(event, CallbackQuery):
        await event.answer(talk.plain(message) % values if values else talk.plain(message), show_alert=True)
    else:
        await talk.send(talk.say(message, **values))


def _fault(error: InvalidSubscription) -> str:
    for fault in error.errors:
        for part in reversed(fault.pointer.split("/")):
            if part in FAULTS:
                return FAULTS[part]
    return N_("This can't be done. Please start again: /help")
