"""Confirming: whoever holds the letter's link, or presses Start in the bot, proves that an address is theirs.

It proves that address and no other. A sign-up that names further ones may be a stranger's, who has control through one of those: whoever
confirms is told so, and can have a subscription of their own instead.

An address belongs to one subscription only. When it is confirmed from a second sign-up, that sign-up's places and choices go over to the
subscription that had it, and nothing else: the other addresses of the sign-up may be a stranger's and stay where they are.

A link says that its address is confirmed only while alerts go there: not after a STOP, and not when the transport called it gone.
"""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions import topics
from subscriptions.desk import Desk, Work
from subscriptions.errors import LinkExpired, LinkInvalid
from subscriptions.limits import DAY_MS, LETTER_OF_DAY
from subscriptions.links import LinkClaims
from subscriptions.places import fitting
from subscriptions.store import sql
from subscriptions.store.sql import AddressRow, SubscriberRow
from subscriptions.views import Confirmed, PendingView, pending_view

_COPIED = ("language", "topics", "minimum_severity", "severities", "drills", "discreet", "quiet")
"""Choices of a sign-up that an address takes with it. No pause: who answers now wants alerts now."""

_ALIVE = frozenset({"active", "unconfirmed", "stopped"})
"""Addresses for which a subscription is kept."""

CONFIRMATION_LIFE_MS = 7 * DAY_MS
"""After so long an unconfirmed address is deleted, and a used link no longer answers."""


class Confirmation:
    """Takes confirmations."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def look(self, token: str) -> PendingView:
        """What the link would confirm; changes nothing. Raises LinkInvalid, LinkExpired."""
        claims = self._desk.links.read("confirm", token)
        async with self._desk.transactions.read() as connection:
            subscriber, address = await _find(Work(connection, self._desk.now()), claims)
            await _check_in_force(connection, address)
            shared = await sql.active_address(connection, address.lookup) is None and not await self.is_alone(connection, address)
            return pending_view(self._desk, subscriber, address, await sql.places_of(connection, subscriber.id), shared=shared)

    async def confirm(self, token: str, *, alone: bool = False) -> Confirmed:
        """Confirm the address, with `alone` into a subscription of its own. Raises LinkInvalid, LinkExpired."""
        claims = self._desk.links.read("confirm", token)
        async with self._desk.work() as work:
            subscriber, address = await _find(work, claims)
            await _check_in_force(work.connection, address)
            places = await sql.places_of(work.connection, subscriber.id)
            manage = None
            if address.state == "unconfirmed":
                accept = self.accept_alone if alone else self.accept
                owner = await accept(work, subscriber, address, "link")
                manage = await self._desk.new_manage_token(work, owner)
                address = await sql.address_by_id(work.connection, address.id) or address
            return Confirmed(manage=manage, view=pending_view(self._desk, subscriber, address, places))

    async def attach_telegram(self, token: str, chat: str) -> bool:
        """Tie a chat to the sign-up whose deep link was opened; opened again after /stop, it starts the alerts again.

        False when the link is not ours, too old, or another chat's by now.
        """
        try:
            claims = self._desk.links.read("start", token)
            async with self._desk.work() as work:
                return await self._attach(work, claims, chat)
        except (LinkInvalid, LinkExpired):
            return False

    async def _attach(self, work: Work, claims: LinkClaims, chat: str) -> bool:
        subscriber, address = await _find(work, claims)
        lookup = self._desk.addresses.lookup("telegram", chat)
        if address.state != "unconfirmed":
            return address.lookup == lookup and await self.bring_back(work, "telegram", lookup, "telegram") is not None
        key_id, sealed = self._desk.addresses.keyring.seal("telegram", chat)
        await sql.change_address(work.connection, address.id, lookup=lookup, key_id=key_id, sealed=sealed)
        address = await sql.address_by_id(work.connection, address.id) or address
        await self.accept(work, subscriber, address, "telegram")
        return True

    async def accept(self, work: Work, subscriber: SubscriberRow, address: AddressRow, source: str) -> int:
        """Make the address active where it belongs; returns the number of that subscription."""
        existing = await sql.active_address(work.connection, address.lookup) or await self._after_stop(work, subscriber, address)
        state = "active" if existing is None else "merged"
        await sql.change_address(work.connection, address.id, state=state, confirmed_at=work.now)
        # Whoever can read the letter was not pestered by it: if they leave, and want to come back the same day, they may be asked again.
        await self._desk.limits.give_back(work.connection, LETTER_OF_DAY, address.lookup, work.now)
        owner = existing.subscriber if existing is not None else subscriber.id
        if owner != subscriber.id:
            await self._add_to(work, owner, subscriber, address.channel)
        else:
            if subscriber.status == "pending":
                await sql.change_subscriber(work.connection, owner, status="active", confirmed_at=work.now)
            await work.consent(subscriber, "confirmed", address.channel, source)
        work.changed.add(owner)
        await self._desk.tell_what_is_live(work, owner)
        return owner

    async def accept_alone(self, work: Work, sign_up: SubscriberRow, address: AddressRow, source: str) -> int:
        """The same into a subscription that no other address of the sign-up has a part in; what was asked for goes with it."""
        if await sql.active_address(work.connection, address.lookup) is None and not await self.is_alone(work.connection, address):
            copied = {name: getattr(sign_up, name) for name in _COPIED}
            values = {"public_id": self._desk.new_public_id(work.now), "status": "pending", "created_at": work.now, **copied}
            own = await sql.add_subscriber(work.connection, **values)
            await sql.add_places(work.connection, own.id, await sql.places_of(work.connection, sign_up.id))
            await sql.change_address(work.connection, address.id, subscriber=own.id)
            return await self.accept(work, own, address, source)
        return await self.accept(work, sign_up, address, source)

    async def is_alone(self, connection: AsyncConnection, address: AddressRow) -> bool:
        """Whether a sign-up never had another address; one that is active had, and its tokens may be about."""
        sign_up = await sql.existing_subscriber(connection, address.subscriber)
        return sign_up.status == "pending" and len(await sql.addresses_of(connection, sign_up.id)) == 1

    async def bring_back(self, work: Work, channel: str, lookup: bytes, source: str) -> SubscriberRow | None:
        """The subscription whose alerts go to this address, or went there until a STOP: from now on they come, and no pause holds them.

        None when there is neither. To be called only for whoever wrote from the address.
        """
        stopped = None
        address = await sql.active_address(work.connection, lookup)
        if address is None:
            address = stopped = next(iter(await sql.addresses_by_lookup(work.connection, lookup, "stopped")), None)
        if address is None:
            return None
        owner = await sql.existing_subscriber(work.connection, address.subscriber)
        if stopped is None and owner.paused_until is None:
            return owner
        if stopped is not None:
            await sql.change_address(work.connection, stopped.id, state="active")
            await work.consent(owner, "confirmed", channel, source)
        await sql.change_subscriber(work.connection, owner.id, paused_until=None)
        await self._desk.tell_what_is_live(work, owner.id)
        work.changed.add(owner.id)
        return await sql.existing_subscriber(work.connection, owner.id)

    async def _after_stop(self, work: Work, sign_up: SubscriberRow, signed_up: AddressRow) -> AddressRow | None:
        """The address that ended by a STOP within the week, now the sign-up's: alerts know it, so none comes twice, and call-offs find it.

        Nothing else comes with it. The number may be another person's by now, who must not see what the one before had asked for; nor must
        that one, by a link or a token that they still have, reach what is asked for now.
        """
        stopped = next(iter(await sql.addresses_by_lookup(work.connection, signed_up.lookup, "stopped")), None)
        if stopped is None:
            return None
        begun = max(signed_up.created_at, stopped.stopped_at or 0)
        new = {"subscriber": sign_up.id, "created_at": begun, "confirmed_at": work.now}
        await sql.change_address(work.connection, stopped.id, state="active", **new)
        if stopped.subscriber != sign_up.id:
            if not any(other.state in _ALIVE for other in await sql.addresses_of(work.connection, stopped.subscriber)):
                await sql.delete_subscriber(work.connection, stopped.subscriber)
            work.changed.add(stopped.subscriber)
        return await sql.active_address(work.connection, signed_up.lookup)

    async def _add_to(self, work: Work, number: int, sign_up: SubscriberRow, channel: str) -> None:
        """Nothing that the person had asked for before is lost: topics are joined, the milder severity holds, and places that find no room
        are left out, since a subscription with too many could hardly be changed any more. A pause ends: who confirms wants alerts now."""
        owner = await sql.existing_subscriber(work.connection, number)
        known, asked = [await sql.places_of(work.connection, row.id) for row in (owner, sign_up)]
        await sql.add_places(work.connection, owner.id, fitting(known, asked))
        least = min(owner.minimum_severity, sign_up.minimum_severity)
        await sql.change_subscriber(
            work.connection,
            owner.id,
            topics=owner.topics | sign_up.topics,
            minimum_severity=least,
            severities=topics.joined_levels(least, *((one.topics, one.severities) for one in (owner, sign_up))),
            drills=max(owner.drills, sign_up.drills),
            discreet=max(owner.discreet, sign_up.discreet),
            paused_until=None,
        )
        await work.consent(owner, "changed", channel, f"confirmed sign-up {sign_up.public_id}")


async def _find(work: Work, claims: LinkClaims) -> tuple[SubscriberRow, AddressRow]:
    """The sign-up that an authentic link is about; LinkExpired when it is gone or too old."""
    address = await sql.address_by_id(work.connection, claims.address)
    subscriber = await sql.subscriber_by_id(work.connection, claims.subscriber)
    if address is None or subscriber is None or address.created_at + CONFIRMATION_LIFE_MS <= work.now:
        raise LinkExpired("this link is too old: sign up again to get a new one")
    return subscriber, address


async def _check_in_force(connection: AsyncConnection, address: AddressRow) -> None:
    """Whoever reads "you are subscribed" must be. Raises LinkExpired where nothing waits any more and nothing comes."""
    merged = address.state == "merged" and await sql.active_address(connection, address.lookup) is not None
    if address.state not in {"unconfirmed", "active"} and not merged:
        raise LinkExpired("nothing goes to this address any more: sign up again to get a new link")
