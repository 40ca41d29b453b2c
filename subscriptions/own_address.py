"""Whoever writes from an address proves it by that: a text message from a number, a word in a chat. No letter is sent, no link needed.

It proves that address and no other. A sign-up that named it beside others may be a stranger's, who has control through one of those: so
whoever writes never joins that one, but gets a subscription of their own.
"""

from __future__ import annotations

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions import languages, narrowing
from subscriptions.addresses import NewAddress
from subscriptions.confirmation import Confirmation
from subscriptions.desk import Desk, Work
from subscriptions.documents import Faults
from subscriptions.errors import NotSubscribed
from subscriptions.limits import SIGN_UPS_OF_ADDRESS
from subscriptions.management import Management
from subscriptions.opting_out import stop_address
from subscriptions.places import without_repeats
from subscriptions.store import sql
from subscriptions.store.sql import SubscriberRow
from subscriptions.subscriber import PLACES_AT_MOST, PlaceRequest, SubscriptionChange, SubscriptionRequest
from subscriptions.views import SubscriptionView


class Owner(msgspec.Struct, frozen=True):
    """The numbers behind an address that gets alerts; `epoch` is of its links."""

    address: int
    subscriber: int
    epoch: int


class OwnAddress:
    """Serves the owner of an address by its channel and canonical form."""

    def __init__(self, desk: Desk, management: Management, confirmation: Confirmation) -> None:
        self._desk, self._management, self._confirmation = desk, management, confirmation

    async def view(self, channel: str, canonical: str) -> SubscriptionView | None:
        """What they are subscribed to, None when they are not, or have stopped."""
        async with self._desk.transactions.read() as connection:
            owner = await self._find(connection, channel, canonical)
            return await self._management.view_of(connection, owner) if owner is not None else None

    async def owner(self, channel: str, canonical: str) -> Owner | None:
        """Who they are in the hub's own tables, None when nothing goes there."""
        async with self._desk.transactions.read() as connection:
            address = await sql.active_address(connection, self._desk.addresses.lookup(channel, canonical))
            if address is None:
                return None
            subscriber = await sql.existing_subscriber(connection, address.subscriber)
            return Owner(address.id, subscriber.id, subscriber.epoch)

    async def move(self, channel: str, canonical: str, moved_to: str) -> bool:
        """The same chat has another address from now on. False when nothing goes to the old one, or something to the new one already."""
        async with self._desk.work() as work:
            lookup = self._desk.addresses.lookup(channel, moved_to)
            address = await sql.active_address(work.connection, self._desk.addresses.lookup(channel, canonical))
            if address is None or await sql.active_address(work.connection, lookup) is not None:
                return False
            key_id, sealed = self._desk.addresses.keyring.seal(channel, moved_to)
            await sql.change_address(work.connection, address.id, lookup=lookup, key_id=key_id, sealed=sealed)
            await self._desk.post.moved(work.connection, address.id)
            work.changed.add(address.subscriber)
            await self._desk.tell_what_is_live(work, address.subscriber)  # which the old one may have refused
            return True

    async def join(self, channel: str, canonical: str, places: tuple[PlaceRequest, ...], *, language: str, source: str) -> SubscriptionView:
        """Subscribe to these places, in addition to those there are; a new subscription has all everyday topics.

        `language` is any BCP 47 tag and counts only for a new one. It ends a pause, and what is still live there is sent (S28). Sign-ups
        that wait for this address are struck out: they are no part of what is asked for here. Raises InvalidSubscription, TooManyRequests.
        """
        faults = Faults()
        new = NewAddress(channel, canonical, self._desk.addresses.lookup(channel, canonical))
        asked = SubscriptionRequest(places=places, channels=(), language=languages.nearest(language) or "en")
        chosen = self._desk.read_choices(asked, faults)
        read = await self._desk.read_places(places, faults, client=f"{channel} {new.lookup.hex()}")
        faults.check()
        async with self._desk.work() as work:
            await self._desk.limits.count(work.connection, SIGN_UPS_OF_ADDRESS, new.lookup.hex(), work.now)
            await _strike_out_waiting(work, new.lookup)
            back = await self._confirmation.bring_back(work, channel, new.lookup, source)
            owner = back or await self._add(work, new, chosen.columns(), source)
            known = await sql.places_of(work.connection, owner.id)
            added = without_repeats(known, read)
            if added and len(known) + len(added) > PLACES_AT_MOST:
                faults.add("/places", f"a subscription has up to {PLACES_AT_MOST} places: remove some before you add more")
            faults.check()
            await sql.add_places(work.connection, owner.id, added)
            await work.consent(owner, "changed", channel, source)
            work.changed.add(owner.id)
            await self._desk.tell_what_is_live(work, owner.id)
            return await self._management.view_of(work.connection, owner)

    async def change(self, channel: str, canonical: str, change: SubscriptionChange, *, source: str) -> SubscriptionView:
        """As `Management.change`. Raises NotSubscribed too."""

        async def find(connection: AsyncConnection) -> SubscriberRow:
            owner = await self._find(connection, channel, canonical)
            if owner is None:
                raise NotSubscribed
            return owner

        return await self._management.change_of(find, change, source=source)

    async def stop(self, channel: str, canonical: str, *, source: str) -> bool:
        """Nothing more goes to it. For a week a word brings everything back, then all of it is forgotten. False when nothing went there."""
        async with self._desk.work() as work:
            lookup = self._desk.addresses.lookup(channel, canonical)
            await _strike_out_waiting(work, lookup)
            address = await sql.active_address(work.connection, lookup)
            if address is None:
                return False
            await stop_address(work, address, source)
            return True

    async def start(self, channel: str, canonical: str, *, source: str, only_extreme: bool = False) -> SubscriptionView | None:
        """Bring back what `stop` ended, or confirm a sign-up that waits for this address; None when there is neither. It ends a pause.

        With `only_extreme` only alerts of danger to life come from now on; without it, all that came before that again.
        """
        new = NewAddress(channel, canonical, self._desk.addresses.lookup(channel, canonical))
        async with self._desk.work() as work:
            await self._take_waiting(work, new, source)
            owner = await self._confirmation.bring_back(work, channel, new.lookup, source)
            if owner is None:
                return None
            if only_extreme:
                await narrowing.narrow(work, owner, channel, source)
            elif await narrowing.widen(work, owner, channel, source):
                await self._desk.tell_what_is_live(work, owner.id)
            work.changed.add(owner.id)
            return await self._management.view_of(work.connection, await sql.existing_subscriber(work.connection, owner.id))

    async def _find(self, connection: AsyncConnection, channel: str, canonical: str) -> SubscriberRow | None:
        address = await sql.active_address(connection, self._desk.addresses.lookup(channel, canonical))
        return await sql.existing_subscriber(connection, address.subscriber) if address is not None else None

    async def _take_waiting(self, work: Work, new: NewAddress, source: str) -> None:
        """Confirm the sign-ups that wait for this address: as they are where nobody else can have control of them, else as a copy.

        Those of this address alone come first, for theirs is the language and theirs are the places when there is not room for all.
        """
        found = await sql.addresses_by_lookup(work.connection, new.lookup, "unconfirmed")
        waiting = [(await self._confirmation.is_alone(work.connection, address), address) for address in found]
        for _, address in sorted(waiting, key=lambda one: not one[0]):
            sign_up = await sql.existing_subscriber(work.connection, address.subscriber)
            await self._confirmation.accept_alone(work, sign_up, address, source)

    async def _add(self, work: Work, new: NewAddress, chosen: dict[str, object], source: str) -> SubscriberRow:
        values = {
            "public_id": self._desk.new_public_id(work.now),
            "status": "active",
            "created_at": work.now,
            "confirmed_at": work.now,
            **chosen,
        }
        owner = await sql.add_subscriber(work.connection, **values)
        address = await self._desk.add_unconfirmed(work, owner.id, new)
        await sql.change_address(work.connection, address.id, state="active", confirmed_at=work.now)
        await work.consent(owner, "confirmed", new.channel, source)
        return owner


async def _strike_out_waiting(work: Work, lookup: bytes) -> None:
    for waiting in await sql.addresses_by_lookup(work.connection, lookup, "unconfirmed"):
        await sql.delete_address(work.connection, waiting.id)
