"""The residents' service on a real database, with a post that keeps its letters in a table beside the people."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from sqlalchemy import URL, Column, Integer, MetaData, Table, Text, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from channels.addresses import parse_chat, parse_email, parse_phone
from channels.push_subscription import parse_subscription
from hub.store.database import Database
from subscriptions.areas import AreaCatalog
from subscriptions.enrolment import Enrolment
from subscriptions.geocoding import Geocoder
from subscriptions.links import Links
from subscriptions.opting_out import Matched, close_addresses
from subscriptions.post import Letter
from subscriptions.store.tables import metadata
from subscriptions.subscriber import SubscriptionRequest, read_subscription
from subscriptions.vault import Keyring
from subscriptions.views import Confirmed, Subscribed

START = 1_790_000_000.0
"""Seconds since 1970: the moment at which these tests begin."""
HOUR, DAY = 3600.0, 86_400.0

_tables = MetaData()
_letter = Table("test_letter", _tables, Column("id", Integer, primary_key=True), Column("body", Text))
_live = Table("test_live", _tables, Column("id", Integer, primary_key=True), Column("subscriber", Integer))
_moved = Table("test_moved", _tables, Column("id", Integer, primary_key=True), Column("address", Integer))


class TestClock:
    """A clock that moves when told."""

    __test__ = False

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


class Mailbox:
    """Satisfies `Post`: letters are rows, so they commit or vanish with the caller's transaction."""

    def __init__(self) -> None:
        self.wakes = 0

    async def enqueue(self, connection: AsyncConnection, letter: Letter) -> None:
        await connection.execute(insert(_letter).values(body=msgspec.json.encode(letter).decode()))

    async def live_for(self, connection: AsyncConnection, subscriber: int) -> None:
        await connection.execute(insert(_live).values(subscriber=subscriber))

    async def moved(self, connection: AsyncConnection, address: int) -> None:
        await connection.execute(insert(_moved).values(address=address))

    def wake(self, *, live: bool) -> None:
        self.wakes += 1


class Residents:
    """What a test needs: the service, and what came of it."""

    def __init__(self, database: Database, catalog: AreaCatalog, *, limits: bool, geocoder: Geocoder | None = None) -> None:
        self.database = database
        self.clock = TestClock()
        self.keyring = Keyring.generate()
        self.links = Links(self.keyring.link_key, "https://alerts.example")
        self.post = Mailbox()
        self.audience_calls = 0
        self.bot: str | None = "tocsin_test_bot"
        self.matched: Matched | None = Matched()
        self.parsers = {
            "email": parse_email,
            "sms": parse_phone,
            "web_push": parse_subscription,
            "telegram": parse_chat,
            "webhook": _parse_webhook,
        }
        self.catalog = catalog
        self.enrolment = Enrolment(
            database,
            keyring=self.keyring,
            links=self.links,
            catalog=catalog,
            audience=self._audience_changed,
            post=self.post,
            clock=self.clock,
            parsers=self.parsers,
            available=lambda: frozenset(self.parsers),
            limits=limits,
            sms_countries=("US",),
            bot_name=lambda: self.bot,
            find_matched=self._find_matched,
            geocoder=geocoder,
        )

    async def _audience_changed(self) -> None:
        self.audience_calls += 1

    async def _find_matched(self, _subscriber: int, _mailing: int) -> Matched | None:
        return self.matched

    async def subscribe(self, *addresses: str, client: str = "198.51.100.7", **fields: Any) -> Subscribed:
        """Sign up with e-mail addresses, by default for 11201."""
        channels = [{"kind": "email", "address": address} for address in addresses]
        return await self.enrolment.subscribe(request(channels=channels, **fields), client=client, source="test")

    async def confirm_newest(self, channel: str = "email") -> Confirmed:
        """Press the button in the newest letter."""
        return await self.enrolment.confirm(self.token("confirm", (await self.letters(channel))[-1]))

    async def resident(self, address: str = "a@example.org", **fields: Any) -> str:
        """Sign up and confirm; returns the manage token."""
        await self.subscribe(address, **fields)
        confirmed = await self.confirm_newest()
        assert confirmed.manage is not None
        return confirmed.manage

    async def close(self, numbers: Sequence[int], state: str = "dead") -> None:
        """Nothing goes to these addresses any more."""
        async with self.enrolment._desk.work() as work:
            await close_addresses(work, numbers, state, action=state, source="transport")

    def token(self, purpose: Any, letter: Letter) -> str:
        """The token that the letter's link carries when it is stamped."""
        serial = {"confirm": 1, "access": int(letter.parameters.get("serial", "0"))}[purpose]
        return self.links.token(purpose, letter.subscriber, letter.address, serial)

    async def letters(self, channel: str | None = None) -> list[Letter]:
        """All letters so far, oldest first."""
        bodies = await self.column(select(_letter.c.body).order_by(_letter.c.id))
        letters = [msgspec.json.decode(body, type=Letter) for body in bodies]
        return [letter for letter in letters if channel in {None, letter.channel}]

    async def caught_up(self) -> list[int]:
        """Whom the post was asked to tell what is live, in order."""
        return await self.column(select(_live.c.subscriber).order_by(_live.c.id))

    async def moved(self) -> list[int]:
        """Addresses that the post was told are other chats now, in order."""
        return await self.column(select(_moved.c.address).order_by(_moved.c.id))

    async def column(self, statement: Any) -> list[Any]:
        """The first column of a query."""
        async with self.database.read() as connection:
            return list(await connection.scalars(text(statement) if isinstance(statement, str) else statement))

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        async with self.database.read() as connection:
            return [tuple(row) for row in await connection.execute(text(statement))]

    async def on_disk(self) -> bytes:
        """Whatever whoever steals the database would see."""
        if self.database.shared:
            return repr(await self.everything()).encode()
        wal = self.database.path.with_name(self.database.path.name + "-wal")
        return self.database.path.read_bytes() + wal.read_bytes()

    async def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every table, to show that nothing has changed."""
        return {name: await self.rows(f"SELECT * FROM {name}") for name in (*metadata.tables, *_tables.tables)}


def request(**fields: Any) -> SubscriptionRequest:
    """A sign-up document, by default for 11201 by e-mail."""
    document = {"places": [{"zip": "11201"}], "channels": [{"kind": "email", "address": "a@example.org"}]} | fields
    return read_subscription(json.dumps(document).encode())


@asynccontextmanager
async def opened(store: URL, catalog: AreaCatalog, *, limits: bool = False) -> AsyncIterator[Residents]:
    """A service on a database of its own."""
    async with Database(store) as database:
        yield await service_on(database, catalog, limits=limits)


async def service_on(database: Database, catalog: AreaCatalog, *, limits: bool = False, geocoder: Geocoder | None = None) -> Residents:
    """A service on a database that is open already; tables that are there stay as they are."""
    async with database.write() as connection:
        await connection.run_sync(_tables.create_all)
    return Residents(database, catalog, limits=limits, geocoder=geocoder)


def _parse_webhook(raw: str) -> str:
    if not raw.startswith("https://"):
        raise ValueError("a webhook starts with https://")
    return raw
