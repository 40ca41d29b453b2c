"""Every text message that reaches the hub, by whatever way: heard once, acted on, answered once or not at all.

In this order: is it from a phone that we may write to → is it whole → was it answered before → do what it asks for → answer. A STOP without
an id is obeyed even when it was answered before. What a message asks for may be done again when a crash comes between the last two; the
answer and the mark that it was given are one transaction.
"""

from __future__ import annotations

import asyncio
import re

import msgspec
import structlog

from hub.sms.dialog import CHANNEL, Dialog
from subscriptions.addresses import NewAddress
from subscriptions.answering import Answering, Part, Written

log = structlog.get_logger("sms")

_SHORTEST_NUMBER = 7
"""Digits; what has fewer is a short code, behind which is a machine."""
_LANES = 16


class Inbound(msgspec.Struct, frozen=True):
    """One message, or one part, as a provider gave it. `id` is the provider's own, "" where it has none."""

    sender: str
    text: str
    id: str = ""
    part: Part | None = None
    answered: bool = False
    """The provider has answered it itself; it is obeyed all the same."""

    def __repr__(self) -> str:
        return "<Inbound>"


class Inbox:
    """Takes messages. `own` is the number that the hub writes from, which it never answers."""

    def __init__(self, answering: Answering, dialog: Dialog, own: str) -> None:
        self._answering, self._dialog = answering, dialog
        self._own = _digits(own)
        # What one number writes is served in turn; the bill of memory does not grow with the city.
        self._turns = tuple(asyncio.Lock() for _ in range(_LANES))

    async def receive(self, message: Inbound) -> None:
        """Serve one message to the end. When it raises, nothing was answered, and the same message may come again."""
        sender = self._sender(message.sender)
        if sender is None:
            log.info("sms_ignored", why="no phone that this hub may write to")
            return
        async with self._turns[sender.lookup[0] % _LANES]:
            written = await self._whole(sender, message)
            if written is None:
                return
            if await self._answering.is_repeat(written):
                if not written.id:
                    # Words alone do not tell a repeat from somebody who has come back and says STOP once more.
                    await self._dialog.obey_stop(sender, written.text)
                return
            answer = await self._dialog.answer(sender, written.text)
            said = await self._answering.answer(written, None if message.answered else answer)
            log.info("sms_received", kind=answer.kind, answered=said)

    def _sender(self, raw: str) -> NewAddress | None:
        digits = _digits(raw)
        if not re.fullmatch(r"\+?[0-9]+", raw) or len(digits) < _SHORTEST_NUMBER or digits == self._own:
            return None
        return self._answering.sender(CHANNEL, raw) or self._answering.sender(CHANNEL, f"+{digits}")

    async def _whole(self, sender: NewAddress, message: Inbound) -> Written | None:
        if message.part is None:
            return Written(sender, message.text, message.id)
        return await self._answering.join(sender, message.part, message.text)


def _digits(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii() and letter.isdigit())
