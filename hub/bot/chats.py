"""The bot's own place in a chat: added, removed, blocked, and groups that become supergroups."""

from __future__ import annotations

from aiogram.enums import ChatMemberStatus
from aiogram.types import ChatMemberUpdated, Message

from hub.bot.commands import tell_all
from hub.bot.parts import CHANNEL
from hub.bot.talk import HOW_ADMINISTRATORS_BEGIN, Talk
from hub.bot.talking import may_change
from hub.bot.words import N_

GONE = frozenset({ChatMemberStatus.LEFT, ChatMemberStatus.KICKED})
"""The bot was removed, or a person has blocked it."""


async def removed(event: ChatMemberUpdated, talk: Talk) -> None:
    """Nothing can go there any more; who comes back within a week finds everything as it was."""
    await talk.own.stop(CHANNEL, talk.address, source=f"{CHANNEL}: removed")


async def added(event: ChatMemberUpdated, talk: Talk) -> None:
    """What came before comes again, if it is an administrator who adds the bot. A group is told so, or what it may expect; a channel is not
    written to unasked."""
    back = None
    if talk.view is None and await may_change(event, event.chat, talk.bot):
        back = await talk.own.start(CHANNEL, talk.address, source=f"{CHANNEL}: added")
    if talk.channel:
        return
    if back is not None:
        await tell_all(await talk.again(), N_("Your alerts are on again."))
    else:
        await talk.send(talk.nobody(HOW_ADMINISTRATORS_BEGIN))


async def migrated(message: Message, talk: Talk) -> None:
    """A group has become a supergroup, with another number."""
    await talk.own.move(CHANNEL, talk.address, str(message.migrate_to_chat_id))
