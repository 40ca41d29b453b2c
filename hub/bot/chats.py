"""The bot's own place in a chat: added, removed, blocked, and groups that become supergroups."""

from __future__ import annotations

from aiogram.enums import ChatMemberStatus
from aiogram.types import ChatMemberUpdated, Message

from hub.bot.parts import CHANNEL
from hub.bot.talk import Talk
from hub.bot.words import N_

GONE = frozenset({ChatMemberStatus.LEFT, ChatMemberStatus.KICKED})
"""The bot was removed, or a person has blocked it."""


async def removed(event: ChatMemberUpdated, talk: Talk) -> None:
    """Nothing can go there any more; who comes back within a week finds everything as it was."""
    await talk.own.stop(CHANNEL, talk.address, source=f"{CHANNEL}: removed")


async def added(event: ChatMemberUpdated, talk: Talk) -> None:
    """A group is told what it may expect; a channel is not written to unasked."""
    await talk.send(
        talk.nobody(
            N_("Administrators can choose what this chat gets, for instance with /subscribe 11201 or /subscribe Brooklyn. More: /help")
        )
    )


async def migrated(message: Message, talk: Talk) -> None:
    """A group has become a supergroup, with another number."""
    await talk.own.move(CHANNEL, talk.address, str(message.migrate_to_chat_id))
