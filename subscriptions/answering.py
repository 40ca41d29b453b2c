"""Answering whoever writes to the hub, subscribed or not: one message comes in, at most one goes back, and a repeat of it gets none.

An answer is a letter to the address that it came from. An address of nobody's subscription is kept for it, sealed, for less than a day
after its last message, by a subscription of status `passing` that has no places and is never alerted.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions import languages, limits
from subscriptions.addresses import NewAddress
from subscriptions.desk import Desk, Work
from subscriptions.errors import TooManyRequests
from subscriptions.limits import DAY_MS, MINUTE_MS, Limit
from subscriptions.store import heard, sql
from subscriptions.store.heard import Heard
from subscriptions.store.sql import AddressRow, SubscriberRow

REPEATED_MS = 5 * MINUTE_MS
"""The same words from the same address within this are a repeat by its provider, where messages have no id of their own."""
NAMED_MS = DAY_MS
"""So long an id is remembered."""
PARTS_MS = 10 * MINUTE_MS
"""How long a part waits for the others of its message."""

Kind = Literal["command", "nobody", "stopped", "already stopped"]
_LIMITS: dict[Kind, tuple[Limit, ...]] = {
    "command": limits.ANSWERS,
    "nobody": limits.ANSWERS_THAT_NOBODY_READS,
    "stopped": limits.ANSWERS_TO_STOP,
    "already stopped": limits.ANSWERS_TO_STOPPED,
}


class Answer(msgspec.Struct, frozen=True):
    """What goes back; which limits it counts against depends on its kind."""

    text: str
    language: str
    kind: Kind = "command"


class Part(msgspec.Struct, frozen=True):
    """One of several that make a message: `number` of `total`, from 1, joined by `reference`."""

    reference: int
    total: int
    number: int


class Written(msgspec.Struct, frozen=True):
    """A whole message as it came. `id` is its provider's, "" for none; then the words themselves tell it from the last one."""

    sender: NewAddress
    text: str
    id: str = ""
    parts: tuple[bytes, ...] = ()
    """Keys of the parts that it was made of."""


class Answering:
    """Keeps what was heard, and sends what is to be said."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def sender(self, channel: str, raw: str) -> NewAddress | None:
        """Who wrote, None when it can't be one of the people whom this hub may write to."""
        try:
            return self._desk.addresses.parse(channel, raw)
        except ValueError:
            return None

    async def join(self, sender: NewAddress, part: Part, text: str) -> Written | None:
        """Keep a part; the whole message with its last one."""
        keyring = self._desk.addresses.keyring
        keys = tuple(self._key(f"part {part.reference} {number} of {part.total}", sender) for number in range(1, part.total + 1))
        key_id, sealed = keyring.seal(sender.channel, text)
        async with self._desk.work() as work:
            await heard.remember(work.connection, Heard(keys[part.number - 1], sealed, key_id), work.now + PARTS_MS)
            found = await heard.find(work.connection, keys, work.now)
        if len(found) < part.total:
            return None
        words = (keyring.open(sender.channel, found[key].key_id, found[key].content) for key in keys)
        return Written(sender, "".join(words), parts=keys)

    async def is_repeat(self, written: Written) -> bool:
        """Whether it was answered before, or had no answer then."""
        async with self._desk.transactions.read() as connection:
            return await self._is_repeat(connection, written, self._desk.now())

    async def language_of(self, sender: NewAddress) -> str | None:
        """In which an address was last written to, None when nothing is known of it."""
        async with self._desk.transactions.read() as connection:
            address = await _owned(connection, sender)
            owner = await sql.subscriber_by_id(connection, address.subscriber) if address is not None else None
        return languages.tag(owner.language) if owner is not None else None

    async def answer(self, written: Written, answer: Answer | None) -> bool:
        """Queue the answer and remember the message, in one transaction. False when nothing goes out: a repeat, no answer, a limit."""
        async with self._desk.work() as work:
            if await self._is_repeat(work.connection, written, work.now):
                return False
            mark = self._mark(written)
            await heard.remember(work.connection, mark, work.now + (NAMED_MS if written.id else REPEATED_MS))
            await heard.forget(work.connection, written.parts)
            if answer is None or not await self._may_answer(work, written.sender, answer.kind):
                return False
            to, reader = await self._reader(work, written.sender, answer.language)
            await self._desk.send(work, "answer", to, reader, {"text": answer.text})
            return True

    def _key(self, what: str, sender: NewAddress) -> bytes:
        return self._desk.addresses.keyring.lookup(f"heard {what}", sender.lookup.hex())

    def _mark(self, written: Written) -> Heard:
        if written.id:
            return Heard(self._key(f"id {written.id}", written.sender), b"")
        return Heard(self._key("last", written.sender), self._key(f"words {written.text}", written.sender))

    async def _is_repeat(self, connection: AsyncConnection, written: Written, now: int) -> bool:
        mark = self._mark(written)
        known = (await heard.find(connection, [mark.key], now)).get(mark.key)
        return known is not None and known.content == mark.content

    async def _may_answer(self, work: Work, sender: NewAddress, kind: Kind) -> bool:
        counted = self._desk.limits
        if not await counted.take_all(work.connection, _LIMITS[kind], sender.lookup, work.now):
            return False
        if kind == "stopped":
            await counted.take_all(work.connection, limits.ANSWERS_TO_STOPPED, sender.lookup, work.now)
        prefix = (sender.canonical or "")[: -limits.PREFIX_WITHOUT]
        try:
            await counted.count(work.connection, limits.ANSWERS_OF_PREFIX, prefix, work.now)
            await counted.count(work.connection, limits.ANSWERS_OF_ALL, "all", work.now)
        except TooManyRequests:
            return False
        return True

    async def _reader(self, work: Work, sender: NewAddress, language: str) -> tuple[AddressRow, SubscriberRow]:
        """The address to write to, and for whom; one that passes by is kept from now on."""
        address = await _owned(work.connection, sender)
        if address is not None:
            owner = await sql.existing_subscriber(work.connection, address.subscriber)
            if owner.status == "passing":
                await sql.change_subscriber(work.connection, owner.id, created_at=work.now, language=languages.number(language))
                owner = await sql.existing_subscriber(work.connection, owner.id)
            return address, owner
        values = {"language": languages.number(language), "topics": 0, "minimum_severity": 0, "created_at": work.now}
        reader = await sql.add_subscriber(work.connection, public_id=self._desk.new_public_id(work.now), status="passing", **values)
        added = await self._desk.add_unconfirmed(work, reader.id, sender)
        await sql.change_address(work.connection, added.id, state="answered")
        return added, reader


async def _owned(connection: AsyncConnection, sender: NewAddress) -> AddressRow | None:
    """The address that an answer may go to: a subscription's, one that has stopped, or a passer-by's."""
    active = await sql.active_address(connection, sender.lookup)
    if active is not None:
        return active
    for state in ("stopped", "answered"):
        if found := await sql.addresses_by_lookup(connection, sender.lookup, state):
            return found[0]
    return None
