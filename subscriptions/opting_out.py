"""Ending: by the link in a message, by a transport's final no, by the end of a pause; and forgetting what nobody confirmed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from subscriptions import languages, topics
from subscriptions.columns import CITY_KEY
from subscriptions.confirmation import CONFIRMATION_LIFE_MS
from subscriptions.desk import Desk, Work
from subscriptions.errors import LinkExpired, LinkInvalid
from subscriptions.limits import DAY_MS
from subscriptions.links import LinkClaims
from subscriptions.places import Spot, public_names
from subscriptions.store import forgetting, heard, sql
from subscriptions.store.sql import AddressRow, ConsentRow, SubscriberRow
from subscriptions.views import WAYS, Way, WhyView, month

TOKENS_KEPT_MS = 30 * DAY_MS
"""So long an expired token is still told from one that never existed."""

PASSING_MS = 22 * 3_600_000
"""So long the number of somebody who is not subscribed is kept after an answer; with the hour between two purges it is less than a day."""


class Matched(msgspec.Struct, frozen=True):
    """What ties an alert to a person: those of their places that it touches, and what it is about."""

    places: Sequence[Spot] = ()
    topics: tuple[str, ...] = ()


class Tried(msgspec.Struct, frozen=True):
    """An address of which a provider said that nothing reaches it any more, as it was sealed when it was chosen, `at` milliseconds since
    1970; with `opted_out` its owner had told the provider so."""

    address: int
    sealed: bytes
    at: int
    opted_out: bool = False


FindMatched = Callable[[int, int], Awaitable[Matched | None]]
"""(subscriber, mailing) → why its alert matched; None when the mailing is no alert, but a letter about the subscription itself."""


class OptingOut:
    """Serves the links of messages, and whoever learns that an address has ended."""

    def __init__(self, desk: Desk, find_matched: FindMatched) -> None:
        self._desk = desk
        self._find_matched = find_matched

    async def unsubscribe(self, token: str) -> None:
        """End the address that the link was sent to; again and again with the same answer (RFC 8058). Raises LinkInvalid, LinkExpired.

        A link that was sent to a Telegram group or channel ends nothing, and nobody is told that it has: all who read there hold it, and
        only its administrators may end what the chat gets.
        """
        claims = self._desk.links.read("unsubscribe", token)
        async with self._desk.work() as work:
            found = await _find(work, claims)
            if found is None:
                return
            subscriber, address = found
            if self._is_of_many(address):
                raise LinkInvalid("whoever administers this chat ends its alerts there, with /stop")
            await _end(work, subscriber, address, "link")
            anew = await sql.active_address(work.connection, address.lookup)
            if anew is not None:  # it had ended before and was signed up again; whoever asks for an end by an old message means that, too
                await _end(work, await sql.existing_subscriber(work.connection, anew.subscriber), anew, "link")

    def _is_of_many(self, address: AddressRow) -> bool:
        """A Telegram group or channel, whose number is negative. Another channel's address stays sealed."""
        if address.channel != "telegram" or not address.sealed:
            return False
        return self._desk.addresses.keyring.open(address.channel, address.key_id, address.sealed).startswith("-")

    async def end_address(self, channel: str, canonical: str, source: str) -> bool:
        """End a confirmed address whose owner said so on the channel itself. False when there was none."""
        async with self._desk.work() as work:
            address = await sql.active_address(work.connection, self._desk.addresses.lookup(channel, canonical))
            subscriber = await sql.subscriber_by_id(work.connection, address.subscriber) if address is not None else None
            if address is None or subscriber is None:
                return False
            await _end(work, subscriber, address, source)
            return True

    async def close_tried(self, tried: Sequence[Tried]) -> None:
        """Nothing goes to these addresses any more. Where another has come since, or the owner has come back, it is that one's turn (S28).

        Whoever opted out has stopped, and can come back; who did so before they confirmed is still waited for.
        """
        async with self._desk.work() as work:
            for one in tried:
                address = await sql.address_by_id(work.connection, one.address)
                if address is None:
                    continue
                if address.sealed != one.sealed or one.at <= (address.stopped_at or 0):
                    if address.state == "active":
                        await self._desk.tell_what_is_live(work, address.subscriber)
                elif not one.opted_out:
                    await close_addresses(work, [address.id], "dead", action="dead", source="transport")
                elif address.state == "active":
                    await stop_address(work, address, "transport")

    async def why(self, token: str) -> WhyView:
        """Why the message with this link came. Raises LinkInvalid, LinkExpired."""
        claims = self._desk.links.read("why", token)
        async with self._desk.transactions.read() as connection:
            found = await _find(Work(connection, self._desk.now()), claims)
            if found is None or found[0].id != claims.subscriber:
                raise LinkExpired("this subscription has ended")
            subscriber, address = found
            receipts = await sql.consents_of(connection, subscriber.public_id)
        matched = await self._find_matched(subscriber.id, claims.subject)
        followed = topics.names(subscriber.topics)
        return WhyView(
            mailing=claims.subject,
            about="subscription" if matched is None else "alert",
            places=public_names(matched.places, self._desk.catalog) if matched else (),
            citywide=matched is not None and any(place.area == CITY_KEY for place in matched.places),
            topics=tuple(topic for topic in followed if matched is None or not matched.topics or topic in matched.topics),
            asked=_way(receipts, address),
            since=month(address.confirmed_at or address.created_at),
            language=languages.tag(subscriber.language),
        )

    async def resume(self) -> None:
        """Whoever had made a pause until now is alerted again, and told what is live."""
        async with self._desk.work() as work:
            for number in await sql.resume(work.connection, work.now):
                await self._desk.tell_what_is_live(work, number)
                work.changed.add(number)

    async def purge(self, now: int) -> None:
        """Forget sign-ups that nobody confirmed in seven days, passers-by after a day, old tokens and full limits."""
        async with self._desk.transactions.read(long=True) as connection:
            found = await forgetting.stale(connection, now - CONFIRMATION_LIFE_MS, now - PASSING_MS)
        async with self._desk.work() as work:
            await forgetting.forget(work.connection, found)
            await forgetting.delete_over(work.connection, now - TOKENS_KEPT_MS, now)
            await heard.forget_expired(work.connection, now)


def _way(receipts: Sequence[ConsentRow], address: AddressRow) -> Way:
    """How this address was signed up: by the receipt that was written with it."""
    of_address = [one.source for one in receipts if one.channel == address.channel and one.action in {"asked", "confirmed", "imported"}]
    at_once = [one.source for one in receipts if one.channel == address.channel and one.at == address.created_at]
    source = next(iter([*at_once, *of_address]), "").partition(":")[0]
    return next((way for way in WAYS if way == source), "other")


async def stop_address(work: Work, address: AddressRow, source: str) -> None:
    """Nothing more goes to an active address, whose owner said so. For a week they may come back, then all of it is forgotten."""
    owner = await sql.existing_subscriber(work.connection, address.subscriber)
    await sql.change_address(work.connection, address.id, state="stopped", stopped_at=work.now)
    await work.consent(owner, "stopped", address.channel, source)
    if any(other.state == "active" for other in await sql.addresses_of(work.connection, owner.id)):
        await sql.delete_access(work.connection, owner.id, but=b"")  # as with an address that is removed
    work.changed.add(owner.id)


async def close_addresses(work: Work, numbers: Sequence[int], state: str, *, action: str, source: str) -> None:
    """Nothing goes to these addresses any more; those that had ended already stay as they are."""
    for number in numbers:
        address = await sql.address_by_id(work.connection, number)
        subscriber = await sql.subscriber_by_id(work.connection, address.subscriber) if address is not None else None
        if address is None or subscriber is None or address.state not in {"active", "unconfirmed"}:
            continue
        await sql.change_address(work.connection, number, state=state)
        await work.consent(subscriber, action, address.channel, source)
        work.changed.add(subscriber.id)


async def _find(work: Work, claims: LinkClaims) -> tuple[SubscriberRow, AddressRow] | None:
    """The address of a link, and whose it is: another subscription's by now, where it was signed up anew after a STOP."""
    address = await sql.address_by_id(work.connection, claims.address)
    subscriber = await sql.subscriber_by_id(work.connection, address.subscriber) if address is not None else None
    if address is None or subscriber is None:
        return None
    if subscriber.id == claims.subscriber and claims.epoch != subscriber.epoch:
        raise LinkExpired("this link is too old")
    return subscriber, address


async def _end(work: Work, subscriber: SubscriberRow, address: AddressRow, source: str) -> None:
    """Delete the address, and with the last confirmed one the whole subscription; the receipts stay."""
    await work.consent(subscriber, "stopped", address.channel, source)
    others = [other for other in await sql.addresses_of(work.connection, subscriber.id) if other.id != address.id]
    if any(other.state == "active" for other in others):
        await sql.delete_address(work.connection, address.id)
        await sql.delete_access(work.connection, subscriber.id, but=b"")  # nothing tells which control was sent to this address
    else:
        await work.consent(subscriber, "deleted", None, source)
        await sql.delete_subscriber(work.connection, subscriber.id)
    work.changed.add(subscriber.id)
