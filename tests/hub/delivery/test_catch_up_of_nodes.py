"""Somebody is offered what is live on one node in the very moment in which another hands it over to them (S9, S28)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import URL

from hub.delivery.ledger.batches import Leased, Offer, Planned, Settlement
from hub.delivery.ledger.ledger import Ledger
from hub.delivery.ledger.statements import IN_FLIGHT_MS
from hub.delivery.sending.outcome import Outcome
from hub.store.database import Database, database_url
from subscriptions.vault import Keyring
from tests.databases import connected, rows, run
from tests.hub.delivery.people import NOW, add_mailing, filled
from tests.hub.delivery.test_ledger import alert_row
from tests.peers.postgres import PostgresServer


@asynccontextmanager
async def node(database: Database, number: int) -> AsyncIterator[Ledger]:
    ledger = Ledger(database)
    ledger.join(number)
    yield ledger
    await ledger.aclose()


class Meddled:
    """A connection on which another node does what it has to do right after the first look of a kind: by default, at whom a mailing has."""

    def __init__(self, connection: Any, other: Any, *looks: str) -> None:
        self._connection, self._other, self._looks = connection, other, looks or (" FROM delivery WHERE", " FROM batch WHERE")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, query: str, values: Any = ()) -> Any:
        result = self._connection.execute(query, values)
        if self._other is not None and any(look in query for look in self._looks):
            other, self._other = self._other, None
            other()
        return result


async def test_who_is_reached_between_the_looks_is_not_queued_again(postgres: PostgresServer, migrated_postgres: str) -> None:
    async with Database(database_url(postgres.new_database(migrated_postgres), Path())) as database:
        filled(database.url, Keyring.generate(), [("email", "a@example.org"), ("email", "b@example.org")])
        alert_row(database.url, 7, "al_7", chain="al_7")
        with connected(database.url) as connection:
            run(connection, "INSERT INTO catch_up(subscriber) VALUES (1)")
            run(connection, "UPDATE subscriber SET language=1 WHERE id=1")
        mailing = add_mailing(database.url, alert=7)
        async with node(database, 1) as sending, node(database, 2) as planning:
            lists = [Planned("email", language, False, np.array([address], dtype=np.int64)) for address, language in ((2, "en"), (1, "es"))]
            await sending.plan(mailing, 2, lists, NOW)
            first, second = await sending.lease("email", 2, 1000, NOW)

            def settled(leased: Leased) -> Any:
                addresses = [to.address for to in leased.recipients]
                settlement = Settlement(leased, Outcome.HANDED_OVER, addresses, NOW)
                return sending._write(lambda statements: statements.settle([settlement], [leased]))

            await settled(first)
            loop, (_, statements) = asyncio.get_running_loop(), planning._opened()
            settle = lambda: asyncio.run_coroutine_threadsafe(settled(second), loop).result(30)  # noqa: E731
            statements.connection = Meddled(statements.connection, settle)
            assert await planning.catch_up(1, [Offer(7, "email", "es", False, [1])], 1) == 0
            assert await sending.lease("email", 2, 1000, NOW) == []
        assert rows(database.url, "SELECT address, outcome FROM delivery ORDER BY address") == [(1, 1), (2, 1)]


CHOICES = " FROM address a JOIN subscriber"
"""The look of a lease at what its people have chosen."""


class Returns:
    """An alert for persons 1 and 2, of whom 1 has paused; `sending` leases it, and in the midst of that `planning` does something."""

    def __init__(self, url: URL, mailing: int, sending: Ledger, planning: Ledger) -> None:
        self.url, self.mailing, self._sending, self._planning = url, mailing, sending, planning
        self._loop = asyncio.get_running_loop()

    def ends_pause(self) -> int:
        """Person 1, and what they are owed for it is looked for. Returns how much was queued."""
        with connected(self.url) as connection:
            run(connection, "UPDATE subscriber SET paused_until=NULL")
        looked = self._planning.catch_up(1, [Offer(7, "email", "en", False, [1])], 1)
        return asyncio.run_coroutine_threadsafe(looked, self._loop).result(30)

    async def lease(self, other: Callable[[], object], *looks: str) -> list[int]:
        """Addresses that are leased when `other` is done right after the first of these looks."""
        _, statements = self._sending._opened()
        plain = statements.connection
        statements.connection = Meddled(plain, other, *looks)
        try:
            return await self.leased(NOW)
        finally:
            statements.connection = plain

    async def leased(self, now: int) -> list[int]:
        return sorted(to.address for leased in await self._sending.lease("email", 5, 1000, now) for to in leased.recipients)

    def withheld(self) -> list[tuple[Any, ...]]:
        return rows(self.url, "SELECT address FROM delivery WHERE outcome=6")


@pytest.fixture
async def returns(postgres: PostgresServer, migrated_postgres: str) -> AsyncIterator[Returns]:
    async with Database(database_url(postgres.new_database(migrated_postgres), Path())) as database:
        filled(database.url, Keyring.generate(), [("email", "a@example.org"), ("email", "b@example.org")])
        alert_row(database.url, 7, "al_7", chain="al_7")
        mailing = add_mailing(database.url, alert=7)
        with connected(database.url) as connection:
            run(connection, "UPDATE subscriber SET paused_until=? WHERE id=1", NOW + 10**6)
        async with node(database, 1) as sending, node(database, 2) as planning:
            await sending.plan(mailing, 2, [Planned("email", "en", False, np.array([1, 2], dtype=np.int64))], NOW)
            yield Returns(database.url, mailing, sending, planning)


async def test_who_comes_back_right_after_a_lease_found_them_paused_is_leased(returns: Returns) -> None:
    queued = list[int]()
    assert await returns.lease(lambda: queued.append(returns.ends_pause()), CHOICES) == [1, 2]
    assert (queued, returns.withheld()) == ([0], [])


async def test_who_comes_back_later_is_looked_for_when_the_lease_has_withheld_them(returns: Returns) -> None:
    def look() -> None:
        with connected(returns.url) as connection:
            free.append(run(connection, "SELECT id FROM mailing FOR NO KEY UPDATE SKIP LOCKED").rowcount)

    free = list[int]()
    assert await returns.lease(look, "INSERT INTO delivery") == [2]
    assert (free, returns.withheld()) == ([0], [(1,)])


async def test_nobody_is_withheld_nor_waited_for_while_somebody_is_looked_for(returns: Returns) -> None:
    with contextlib.ExitStack() as looking:

        def look() -> None:
            run(looking.enter_context(connected(returns.url)), "SELECT id FROM mailing FOR NO KEY UPDATE")

        assert await returns.lease(look, CHOICES) == [2]
        assert returns.withheld() == []
    assert await returns.leased(NOW + IN_FLIGHT_MS) == []
    assert returns.withheld() == [(1,)]
    assert await asyncio.to_thread(returns.ends_pause) == 1
    assert await returns.leased(NOW) == [1]


async def test_a_debt_stays_while_a_node_leases_what_quiet_hours_held(returns: Returns) -> None:
    with connected(returns.url) as connection:
        run(connection, "INSERT INTO catch_up(subscriber) VALUES (1)")
        run(connection, "UPDATE batch SET held=1, due_at=?", NOW + 10**6)
    with connected(returns.url) as leasing:
        run(leasing, "SELECT id FROM batch FOR UPDATE")
        assert await asyncio.to_thread(returns.ends_pause) == 0
    assert rows(returns.url, "SELECT asked FROM catch_up") == [(1,)]
    assert await asyncio.to_thread(returns.ends_pause) == 1
    assert rows(returns.url, "SELECT asked FROM catch_up") == []
