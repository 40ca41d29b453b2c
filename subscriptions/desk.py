"""What everyone who serves residents works with: the database, the keys, the city and the post, and the shape of one piece of work."""

from __future__ import annotations

import base64
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec
from msgspec import UNSET
from sqlalchemy.ext.asyncio import AsyncConnection

from subscriptions.addresses import AddressBook, NewAddress
from subscriptions.areas import AreaCatalog
from subscriptions.documents import Faults
from subscriptions.geocoding import Geocoder, located
from subscriptions.limits import LOOK_UPS_OF_CLIENT, Limits
from subscriptions.links import Links
from subscriptions.places import in_a_few_words, public_names, read_places
from subscriptions.post import Letter, LetterPurpose, Post
from subscriptions.store import sql
from subscriptions.store.contract import Transactions
from subscriptions.store.sql import AddressRow, PlaceRow, SubscriberRow
from subscriptions.subscriber import (
    PLACES_AT_MOST,
    Choices,
    PlaceRequest,
    SubscriptionChange,
    SubscriptionRequest,
    check_pause,
    choices,
)
from subscriptions.vault import hash_token, new_token

POLICY = "2026-11"
"""Version of the privacy policy that a consent receipt names."""

SOURCE_CHARACTERS = 120
TOGETHER_MS = 100
"""Public ids of so long begin alike."""
MANAGE_LIFE_MS = 30 * 24 * 3_600_000

AudienceHook = Callable[[], Awaitable[None]]
"""Called after a commit that changed the audience; what changed stands in its log."""


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The parts, and the few steps that all services share."""

    transactions: Transactions
    links: Links
    catalog: AreaCatalog
    addresses: AddressBook
    limits: Limits
    post: Post
    audience_changed: AudienceHook
    clock: Callable[[], float]
    geocoder: Geocoder | None = None

    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(self.clock() * 1000)

    @asynccontextmanager
    async def work(self) -> AsyncIterator[Work]:
        """One write transaction; when it has committed, the audience and the post are told."""
        async with self.transactions.write() as connection:
            work = Work(connection, self.now())
            yield work
            if work.changed:
                # Last, because it locks the row that every other writer needs.
                await sql.note_changes(connection, sorted(work.changed))
        if work.changed:
            await self.audience_changed()
        if work.letters:
            self.post.wake(live=work.live)

    def read_choices(self, request: SubscriptionRequest | SubscriptionChange, faults: Faults) -> Choices:
        """The choices of a request, with faults noted."""
        chosen = choices(request, faults)
        check_pause(chosen.paused_until, self.now(), faults)
        return chosen

    async def read_places(
        self, requests: tuple[PlaceRequest, ...], faults: Faults, *, client: str, at_most: int = PLACES_AT_MOST
    ) -> list[PlaceRow]:
        """The places of a request, with faults noted; addresses are looked up, so often an hour for one client. Raises TooManyRequests."""
        addresses = sum(request.address is not None for request in requests)
        if addresses and self.geocoder is not None:
            async with self.work() as work:
                for _ in range(addresses):
                    await self.limits.count(work.connection, LOOK_UPS_OF_CLIENT, client, work.now)
        return read_places(await located(requests, self.geocoder, faults), self.catalog, faults, at_most)

    async def choose(self, work: Work, number: int, chosen: Choices) -> None:
        """Set a subscription's choices."""
        await sql.change_subscriber(work.connection, number, **chosen.columns())
        if chosen.quiet_hours is not UNSET:
            rule = None if chosen.quiet_hours is None else msgspec.json.encode(chosen.quiet_hours).decode()
            await sql.set_quiet(work.connection, number, rule)

    async def send(self, work: Work, purpose: LetterPurpose, to: AddressRow, reader: SubscriberRow, parameters: dict[str, str]) -> None:
        """Queue a letter to an address of a subscription."""
        letter = Letter(
            purpose=purpose,
            subscriber=to.subscriber,
            address=to.id,
            channel=to.channel,
            language=reader.language,
            simulated=bool(to.simulated),
            discreet=bool(reader.discreet),
            parameters=parameters,
        )
        await self.post.enqueue(work.connection, letter)
        work.letters = True

    def new_public_id(self, now: int) -> str:
        """An id that tells nothing but, to whoever has two, that they are of one moment: those begin alike, with what the key makes of it,
        so that they lie side by side in an index, and many who sign up at once change few pages of it."""
        near = self.addresses.keyring.lookup("public id", str(now // TOGETHER_MS))[:3]
        return f"sub_{base64.urlsafe_b64encode(near + os.urandom(9)).decode()}"

    async def tell_what_is_live(self, work: Work, subscriber: int) -> None:
        """Safeguard S28: who joins or moves during an emergency is sent what is still on there."""
        await self.post.live_for(work.connection, subscriber)
        work.letters = work.live = True

    async def new_manage_token(self, work: Work, subscriber: int) -> str:
        """A random token that gives control; only its hash is kept."""
        token = new_token()
        await sql.add_access(work.connection, hash_token(token), subscriber, "manage", work.now + MANAGE_LIFE_MS)
        return token

    async def add_unconfirmed(
        self, work: Work, subscriber: int, new: NewAddress, *, asked: int = 0, asked_at: int | None = None
    ) -> AddressRow:
        """Keep an address that has yet to prove itself."""
        key_id, sealed = (0, b"") if new.canonical is None else self.addresses.keyring.seal(new.channel, new.canonical)
        number = await sql.add_address(
            work.connection,
            subscriber=subscriber,
            channel=new.channel,
            state="unconfirmed",
            lookup=new.lookup,
            sealed=sealed,
            key_id=key_id,
            created_at=work.now,
            asked=asked,
            asked_at=asked_at,
        )
        return AddressRow(number, subscriber, new.channel, "unconfirmed", new.lookup, sealed, key_id, 0, asked, work.now, None)

    def places_in_words(self, places: list[PlaceRow]) -> str:
        """For a letter; "" where none of them has a name."""
        return in_a_few_words(public_names(places, self.catalog))


@dataclass
class Work:
    """One write transaction under way."""

    connection: AsyncConnection
    now: int
    changed: set[int] = field(default_factory=set)
    letters: bool = False
    live: bool = False
    """Somebody is owed what is live."""

    async def consent(self, subscriber: SubscriberRow, action: str, channel: str | None, source: str) -> None:
        """Write a receipt."""
        await sql.add_consent(
            self.connection,
            subscriber_public_id=subscriber.public_id,
            action=action,
            channel=channel,
            source=source[:SOURCE_CHARACTERS],
            policy=POLICY,
            at=self.now,
        )
