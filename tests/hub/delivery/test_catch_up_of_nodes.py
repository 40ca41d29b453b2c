"""Somebody is offered what is live on one node in the very moment in which another hands it over to them (S9, S28)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np

from hub.delivery.ledger.batches import Leased, Offer, Planned, Settlement
from hub.delivery.ledger.ledger import Ledger
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
    """A connection on which another node settles what it has in hand, right after the first look at whom a mailing has."""

    def __init__(self, connection: Any, settle: Any) -> None:
        self._connection, self._settle = connection, settle

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def execute(self, query: str, values: Any = ()) -> Any:
        result = self._connection.execute(query, values)
        if self._settle is not None and (" FROM delivery WHERE" in query or " FROM batch WHERE" in query):
            settle, self._settle = self._settle, None
            settle()
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
