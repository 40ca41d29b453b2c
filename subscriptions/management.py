"""Managing a subscription with a token that gives control, and getting such a token again through a confirmed address (safeguard S26)."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence

from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions import languages
from subscriptions.desk import Desk, Work
from subscriptions.documents import Faults
from subscriptions.errors import LinkExpired, LinkInvalid
from subscriptions.limits import (
    ACCESS_LETTERS,
    ACCESS_OF_CLIENT,
    CHANGES_OF_SUBSCRIPTION,
    HOUR_MS,
    TESTS_OF_SUBSCRIPTION,
)
from subscriptions.links import LinkPurpose
from subscriptions.places import without_repeats
from subscriptions.sign_up import ask_all
from subscriptions.store import sql
from subscriptions.store.sql import AddressRow, PlaceRow, SubscriberRow
from subscriptions.subscriber import PLACES_AT_MOST, PlaceRequest, SubscriptionChange
from subscriptions.vault import hash_token
from subscriptions.views import Export, ExportedAddress, ExportedMessage, ExportedReceipt, SubscriptionView, instant, subscription_view

ONE_USE_LIFE_MS = HOUR_MS
SAME_PRESS_MS = 10_000
"""A second press so soon is the first one's: its answer is the one that a browser shows after a double click."""
_SERIALS = 1 << 31

FindOwner = Callable[[AsyncConnection], Awaitable[SubscriberRow]]
Messages = Callable[[Sequence[int]], Awaitable[Sequence[ExportedMessage]]]
"""Address ids → what was sent to them; the hub knows."""


class Management:
    """Serves whoever has, or asks for, control of a subscription."""

    def __init__(self, desk: Desk, messages: Messages) -> None:
        self._desk, self._messages = desk, messages

    async def view(self, token: str) -> SubscriptionView:
        """The whole subscription. Raises LinkInvalid, LinkExpired."""
        async with self._desk.transactions.read() as connection:
            return await self.view_of(connection, await self._owner(connection, token))

    async def change(self, token: str, change: SubscriptionChange, *, source: str) -> SubscriptionView:
        """Change what is named. Raises InvalidSubscription, LinkInvalid, LinkExpired, TooManyRequests; then nothing has changed."""

        async def owner(connection: AsyncConnection) -> SubscriberRow:
            return await self._owner(connection, token)

        return await self.change_of(owner, change, source=source, token=token)

    async def change_of(self, find: FindOwner, change: SubscriptionChange, *, source: str, token: str | None = None) -> SubscriptionView:
        """As `change`, for an owner who is known by other means; `find` is called inside the transaction and may refuse."""
        faults = Faults()
        chosen = self._desk.read_choices(change, faults)
        places = await self._read_places(find, change.places, faults)
        added = self._desk.addresses.read_all(change.add_channels, "/add_channels", faults) if change.add_channels else []
        async with self._desk.work() as work:
            owner = await find(work.connection)
            removed = await _to_remove(work, owner, change.remove_channels, faults)
            faults.check()
            await self._desk.limits.count(work.connection, CHANGES_OF_SUBSCRIPTION, owner.public_id, work.now)
            await self._desk.choose(work, owner.id, chosen)
            is_back = owner.paused_until is not None and chosen.paused_until is None
            # What other quiet hours hold back need not wait for their end.
            if is_back or owner.quiet not in {None, (await find(work.connection)).quiet}:
                await self._desk.tell_what_is_live(work, owner.id)
            if places:
                await self._replace_places(work, owner, places)
            await _remove(work, owner, removed, source, token)
            await ask_all(
                self._desk, work, await find(work.connection), added, await sql.places_of(work.connection, owner.id), source=source
            )
            await work.consent(owner, "changed", None, source)
            work.changed.add(owner.id)
            return await self.view_of(work.connection, await find(work.connection))

    async def _read_places(self, find: FindOwner, wanted: tuple[PlaceRequest, ...] | UnsetType, faults: Faults) -> list[PlaceRow]:
        """Whoever has more places than one may have by now can still name fewer, or name them otherwise."""
        async with self._desk.transactions.read() as connection:
            owner = await find(connection)
            known = 0 if wanted is UNSET else len(await sql.places_of(connection, owner.id))
        if wanted is UNSET:
            return []
        client = f"subscription {owner.public_id}"
        return await self._desk.read_places(wanted, faults, client=client, at_most=max(PLACES_AT_MOST, known))

    async def end(self, token: str, *, source: str) -> None:
        """Delete the subscription with its places, addresses and tokens. Raises LinkInvalid, LinkExpired."""
        async with self._desk.work() as work:
            owner = await self._owner(work.connection, token)
            await work.consent(owner, "deleted", None, source)
            await sql.delete_subscriber(work.connection, owner.id)
            work.changed.add(owner.id)

    async def request_access(self, text: str, *, client: str) -> None:
        """Send a one-use link to an address, if it is a confirmed one; nothing tells whether it was. Raises TooManyRequests."""
        wanted = self._desk.addresses.find(text)
        async with self._desk.work() as work:
            await self._desk.limits.count(work.connection, ACCESS_OF_CLIENT, client, work.now)
            if wanted is None or not await self._desk.limits.take_all(work.connection, ACCESS_LETTERS, wanted.lookup, work.now):
                return
            address = await sql.active_address(work.connection, wanted.lookup)
            if address is not None:
                await self._send_access(work, address)

    async def _send_access(self, work: Work, address: AddressRow) -> None:
        subscriber = await sql.existing_subscriber(work.connection, address.subscriber)
        serial = 1 + secrets.randbelow(_SERIALS)
        hashed = hash_token(self._desk.links.token("access", subscriber.id, address.id, serial))
        await sql.add_access(work.connection, hashed, subscriber.id, "one_use", work.now + ONE_USE_LIFE_MS)
        await self._desk.send(work, "access", address, subscriber, {"serial": str(serial)})

    async def look_at_access(self, token: str) -> None:
        """Whether a one-use link still works; changes nothing. Raises LinkInvalid, LinkExpired."""
        self._desk.links.read("access", token)
        async with self._desk.transactions.read() as connection:
            if (await self._openable(connection, token)).used_at is not None:
                raise LinkExpired("this link was used: ask for a new one")

    async def link_language(self, purpose: LinkPurpose, token: str) -> str | None:
        """The language of the subscription that an authentic link is about, None for any other."""
        try:
            claims = self._desk.links.read(purpose, token)
        except LinkInvalid:
            return None
        async with self._desk.transactions.read() as connection:
            subscriber = await sql.subscriber_by_id(connection, claims.subscriber)
        return languages.tag(subscriber.language) if subscriber is not None else None

    async def redeem(self, token: str) -> str:
        """Use up a one-use link for a manage token; a double press gives one each time. Raises LinkInvalid, LinkExpired."""
        self._desk.links.read("access", token)
        async with self._desk.work() as work:
            link = await self._openable(work.connection, token)
            if link.used_at is None:
                await sql.use_access(work.connection, hash_token(token), work.now)
            return await self._desk.new_manage_token(work, link.subscriber)

    async def _openable(self, connection: AsyncConnection, token: str) -> sql.AccessRow:
        row, now = await sql.access_by_hash(connection, hash_token(token), "one_use"), self._desk.now()
        if row is None or row.expires_at <= now or (row.used_at is not None and now >= row.used_at + SAME_PRESS_MS):
            raise LinkExpired("this link was used or is too old: ask for a new one")
        return row

    async def _owner(self, connection: AsyncConnection, token: str) -> SubscriberRow:
        row = await sql.access_by_hash(connection, hash_token(token), "manage")
        subscriber = await sql.subscriber_by_id(connection, row.subscriber) if row is not None else None
        if row is None or subscriber is None:
            raise LinkInvalid("this link is not one of ours")
        if row.expires_at <= self._desk.now():
            raise LinkExpired("this link is too old: ask for a new one")
        return subscriber

    async def view_of(self, connection: AsyncConnection, owner: SubscriberRow) -> SubscriptionView:
        """The whole of a subscription."""
        addresses = await sql.addresses_of(connection, owner.id)
        quiet = await sql.quiet_hours_of(connection, owner)
        return subscription_view(self._desk, owner, addresses, await sql.places_of(connection, owner.id), quiet)

    async def send_test(self, token: str) -> tuple[str, ...]:
        """Send a marked test to every confirmed address; returns their channels. Raises LinkInvalid, LinkExpired, TooManyRequests."""
        async with self._desk.work() as work:
            owner = await self._owner(work.connection, token)
            await self._desk.limits.count(work.connection, TESTS_OF_SUBSCRIPTION, owner.public_id, work.now)
            ready = [address for address in await sql.addresses_of(work.connection, owner.id) if address.state == "active"]
            for address in ready:
                await self._desk.send(work, "notice", address, owner, {"notice": "test"})
        return tuple(address.channel for address in ready)

    async def export(self, token: str) -> Export:
        """Everything that is kept of a subscription. Raises LinkInvalid, LinkExpired."""
        async with self._desk.transactions.read() as connection:
            owner = await self._owner(connection, token)
            view = await self.view_of(connection, owner)
            addresses = [address for address in await sql.addresses_of(connection, owner.id) if address.state != "merged"]
            receipts = await sql.consents_of(connection, owner.public_id)
        keyring = self._desk.addresses.keyring
        return Export(
            subscription=view,
            addresses=tuple(
                ExportedAddress(
                    id=str(row.id),
                    kind=row.channel,
                    address=keyring.open(row.channel, row.key_id, row.sealed) if row.sealed else "",
                    state=row.state,
                    added=instant(row.created_at),
                    confirmed=instant(row.confirmed_at),
                )
                for row in addresses
            ),
            receipts=tuple(
                ExportedReceipt(action=row.action, channel=row.channel, source=row.source, policy=row.policy, at=instant(row.at))
                for row in receipts
            ),
            messages=tuple(await self._messages([row.id for row in addresses])),
        )

    async def _replace_places(self, work: Work, owner: SubscriberRow, places: list[PlaceRow]) -> None:
        before = await sql.places_of(work.connection, owner.id)
        await sql.delete_places(work.connection, owner.id)
        await sql.add_places(work.connection, owner.id, places)
        if without_repeats(before, places):
            await self._desk.tell_what_is_live(work, owner.id)


async def _to_remove(work: Work, owner: SubscriberRow, ids: tuple[str, ...], faults: Faults) -> list[AddressRow]:
    addresses = {str(address.id): address for address in await sql.addresses_of(work.connection, owner.id)} if ids else {}
    for index, number in enumerate(ids):
        if number not in addresses or number in ids[:index]:
            faults.add(f"/remove_channels/{index}", "not the id of a channel of this subscription, or named twice")
    left = [address for number, address in addresses.items() if number not in ids and address.state == "active"]
    if ids and not left:
        faults.add("/remove_channels", "this would leave no confirmed channel: end the subscription instead")
    return [addresses[number] for number in dict.fromkeys(ids) if number in addresses]


async def _remove(work: Work, owner: SubscriberRow, addresses: list[AddressRow], source: str, token: str | None) -> None:
    """With an address goes the control that was sent to it. Nothing tells which token that was, so only the one in use stays."""
    for address in addresses:
        await sql.delete_address(work.connection, address.id)
        await work.consent(owner, "stopped", address.channel, source)
    if addresses:
        await sql.delete_access(work.connection, owner.id, but=hash_token(token) if token is not None else b"")
