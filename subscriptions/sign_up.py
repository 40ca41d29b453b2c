"""Signing up: a request becomes a pending subscription, and each of its addresses is asked once (safeguard S25).

Whether an address is known makes no difference to what is written or answered here, so nobody can probe for subscribers.
"""

from __future__ import annotations

from subscriptions.addresses import NewAddress
from subscriptions.desk import Desk, Work
from subscriptions.documents import Faults
from subscriptions.limits import (
    LETTERS_TO_KNOWN,
    LETTERS_TO_STRANGER,
    OWN_SIGN_UPS_OF_CLIENT,
    PREFIX_WITHOUT,
    SIGN_UPS_OF_ADDRESS,
    SIGN_UPS_OF_CLIENT,
    SIGN_UPS_OF_PREFIX,
    SMS_SIGN_UPS,
)
from subscriptions.store import sql
from subscriptions.store.sql import AddressRow, PlaceRow, SubscriberRow
from subscriptions.subscriber import Choices, SubscriptionRequest
from subscriptions.views import Subscribed, telegram_link

OWN = frozenset({"web_push", "telegram"})
"""Channels that reach whoever signs up and nobody else."""
FIRST_LETTER = 1
"""What stands as `asked` in an address whose letter was sent, and as the epoch of the token in it."""


class SignUp:
    """Takes sign-ups."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def subscribe(self, request: SubscriptionRequest, *, client: str, source: str) -> Subscribed:
        """Keep a pending subscription and ask its addresses. Raises InvalidSubscription, TooManyRequests."""
        faults = Faults()
        chosen = self._desk.read_choices(request, faults)
        places = await self._desk.read_places(request.places, faults, client=client)
        wanted = self._desk.addresses.read_all(request.channels, "/channels", faults)
        faults.check()
        async with self._desk.work() as work:
            limit = OWN_SIGN_UPS_OF_CLIENT if all(new.channel in OWN for new in wanted) else SIGN_UPS_OF_CLIENT
            await self._desk.limits.count(work.connection, limit, client, work.now)
            values = {"public_id": self._desk.new_public_id(work.now), "status": "pending", "created_at": work.now, **chosen.columns()}
            subscriber = await sql.add_subscriber(work.connection, **values)
            if chosen.quiet_hours:
                await self._desk.choose(work, subscriber.id, Choices(quiet_hours=chosen.quiet_hours))
            await sql.add_places(work.connection, subscriber.id, places)
            asked = await ask_all(self._desk, work, subscriber, wanted, places, source=source)
        telegram = next((telegram_link(self._desk, address) for address in asked if address.channel == "telegram"), None)
        return Subscribed(id=subscriber.public_id, status="awaiting_confirmation", telegram=telegram)


async def ask_all(
    desk: Desk, work: Work, subscriber: SubscriberRow, wanted: list[NewAddress], places: list[PlaceRow], *, source: str
) -> list[AddressRow]:
    """Keep addresses that have yet to prove themselves, and ask each, naming the places. Raises TooManyRequests."""
    words = desk.places_in_words(places)
    for new in wanted:
        await _check_limits(desk, work, new)
    return [await _ask(desk, work, subscriber, new, source=source, parameters={"places": words}) for new in wanted]


async def _check_limits(desk: Desk, work: Work, new: NewAddress) -> None:
    await desk.limits.count(work.connection, SIGN_UPS_OF_ADDRESS, new.lookup.hex(), work.now)
    if new.channel == "sms" and new.canonical:
        await desk.limits.count(work.connection, SIGN_UPS_OF_PREFIX, new.canonical[:-PREFIX_WITHOUT], work.now)
        await desk.limits.count(work.connection, SMS_SIGN_UPS, "all", work.now)


async def _ask(
    desk: Desk, work: Work, subscriber: SubscriberRow, new: NewAddress, *, source: str, parameters: dict[str, str]
) -> AddressRow:
    """Send the letter with the link that confirms, unless the address has had its share of letters."""
    asks = new.canonical is not None and await _may_write(desk, work, new)
    address = await desk.add_unconfirmed(work, subscriber.id, new, **{"asked": FIRST_LETTER, "asked_at": work.now} if asks else {})
    await work.consent(subscriber, "asked", new.channel, source)
    if asks:
        await desk.send(work, "confirm", address, subscriber, parameters)
    return address


async def _may_write(desk: Desk, work: Work, new: NewAddress) -> bool:
    known = await sql.active_address(work.connection, new.lookup) is not None
    return await desk.limits.take_all(work.connection, LETTERS_TO_KNOWN if known else LETTERS_TO_STRANGER, new.lookup, work.now)
