"""One connection writes, and whoever has it has it alone: the crowd of writers and the ledger's thread, whoever gives up in the middle."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from hub.delivery.ledger.ledger import Ledger
from hub.delivery.ledger.statements import Statements
from hub.store.database import Database, connect, database_url
from hub.store.inline_sqlite import BUSY_TIMEOUT_MS
from hub.store.migrate import upgrade
from tests import databases
from tests.hub.store.things import add, names

PATIENCE_S = 30


@pytest.fixture
async def ledger(database: Database) -> AsyncIterator[Ledger]:
    ledger = Ledger(database)
    ledger.join(1)
    yield ledger
    await ledger.aclose()


async def note(ledger: Ledger, *names: str) -> None:
    def insert(statements: Statements) -> None:
        for name in names:
            statements.connection.execute("INSERT INTO thing(name) VALUES (?)", (name,))

    await ledger._write(insert)


async def test_a_transaction_of_the_ledger_whose_caller_gives_up_is_kept_whole_and_nobody_writes_into_it(
    database: Database, ledger: Ledger
) -> None:
    begun, go_on = threading.Event(), threading.Event()

    def insert(statements: Statements) -> None:
        statements.connection.execute("INSERT INTO thing(name) VALUES ('first')")
        begun.set()
        assert go_on.wait(PATIENCE_S)
        statements.connection.execute("INSERT INTO thing(name) VALUES ('second')")

    given_up = asyncio.create_task(ledger._write(insert))
    assert await asyncio.to_thread(begun.wait, PATIENCE_S)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    other = asyncio.create_task(add(database, "other"))
    for _ in range(100):
        await asyncio.sleep(0)
    assert database.shared or database.write_lock.locked()
    go_on.set()
    await other
    await note(ledger, "third")
    assert names(database) == ["first", "other", "second", "third"]


async def test_what_fails_in_the_one_leaves_the_other_a_clean_connection(database: Database, ledger: Ledger) -> None:
    await add(database, "known")
    with pytest.raises(IntegrityError):
        await add(database, "known")
    await note(ledger, "a")
    with pytest.raises(Exception, match=r"(?i)unique"):
        await note(ledger, "b", "known")
    await add(database, "c")
    assert names(database) == ["a", "c", "known"]


async def test_a_commit_that_fails_leaves_the_ledger_a_clean_connection(database: Database, ledger: Ledger) -> None:
    databases.write(database.url, "CREATE TABLE other(name TEXT REFERENCES thing DEFERRABLE INITIALLY DEFERRED)")

    async def owe() -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO other VALUES ('nobody')"))

    with pytest.raises(DBAPIError):
        await owe()
    await note(ledger, "a")
    assert names(database) == ["a"]


async def test_the_ledger_goes_on_over_a_new_connection_when_the_pool_has_closed_the_one(tmp_path: Path) -> None:
    """As it does when a writer is cancelled who waits for another process."""
    upgrade(database_url("", tmp_path))
    async with Database(database_url("", tmp_path)) as database:
        ledger = Ledger(database)
        ledger.join(1)
        await ledger.end([1])
        before = database.writer
        with closing(connect(database.path)) as other:
            other.execute("BEGIN IMMEDIATE")
            waiting = asyncio.create_task(database.write().__aenter__())
            for _ in range(10):
                await asyncio.sleep(0)
            waiting.cancel()
            other.execute("COMMIT")
            with pytest.raises(asyncio.CancelledError):
                await waiting
        assert before.closed  # type: ignore[attr-defined]  # as sqlite3's own has no such word
        assert await ledger.end([1]) == []
        assert database.writer is not before
        assert database.writer.execute("PRAGMA busy_timeout").fetchone() == (BUSY_TIMEOUT_MS,)
        await ledger.aclose()


async def test_whoever_begins_at_once_leaves_the_patience_as_it_was(tmp_path: Path) -> None:
    upgrade(database_url("", tmp_path))
    async with Database(database_url("", tmp_path)) as database:
        async with database.write():
            """Nothing else has the file."""
        assert database.writer.execute("PRAGMA busy_timeout").fetchone() == (BUSY_TIMEOUT_MS,)
