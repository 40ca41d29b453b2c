"""Writers who come together share a commit, and nothing else: neither each other's failures nor each other's views of time."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from hub.store.database import Database
from tests import databases
from tests.hub.store.things import add, names


@pytest.fixture
def commits(database: Database) -> list[int]:
    """Grows with each commit."""
    seen: list[int] = []
    event.listen(database.writing.sync_engine, "commit", lambda _: seen.append(1))
    return seen


async def test_a_writer_alone_has_a_commit_of_its_own(database: Database, commits: list[int]) -> None:
    for name in "abc":
        await add(database, name)
        assert names(database)[-1] == name
    assert len(commits) == 3


async def test_a_crowd_of_writers_has_few_commits_and_each_is_told_when_it_is_kept(database: Database, commits: list[int]) -> None:
    async def add_and_look(number: int) -> None:
        await add(database, f"{number:03}")
        assert f"{number:03}" in names(database)

    await asyncio.gather(*(add_and_look(number) for number in range(200)))
    assert len(names(database)) == 200
    assert len(commits) <= 10


async def test_who_fails_takes_back_only_what_is_theirs(database: Database) -> None:
    await add(database, "known")
    ends = await asyncio.gather(*(add(database, name) for name in ("a", "known", "b", "known", "c")), return_exceptions=True)
    assert [type(end) for end in ends] == [type(None), IntegrityError, type(None), IntegrityError, type(None)]
    assert names(database) == ["a", "b", "c", "known"]


async def test_who_is_cancelled_in_the_middle_or_at_the_end_costs_nobody_else_anything(database: Database) -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    async def add_and_hang() -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO thing VALUES ('hanging')"))
            begun.set()
            await never.wait()

    hanging, others = asyncio.create_task(add_and_hang()), [asyncio.create_task(add(database, name)) for name in "abc"]
    await begun.wait()
    hanging.cancel()
    others[1].cancel()
    ends = await asyncio.gather(hanging, *others, return_exceptions=True)
    assert [type(end) for end in ends] == [asyncio.CancelledError, type(None), asyncio.CancelledError, type(None)]
    assert names(database) == ["a", "c"]


async def test_whoever_waits_and_gives_up_leaves_nobody_waiting_for_a_commit(database: Database) -> None:
    """Also at the very moment when the turn was theirs."""
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def add_slowly() -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO thing VALUES ('slow')"))
            begun.set()
            await go_on.wait()

    slow = asyncio.create_task(add_slowly())
    waiting = asyncio.create_task(add(database, "waiting"))
    await begun.wait()
    go_on.set()
    await asyncio.sleep(0)  # the slow one goes on, and the turn is the other's who waits for it
    waiting.cancel()
    async with asyncio.timeout(30):
        await slow
    assert names(database) == ["slow"]


async def test_a_commit_that_fails_fails_for_everyone_in_it_and_for_nobody_after(database: Database) -> None:
    databases.write(database.url, "CREATE TABLE other(name TEXT REFERENCES thing DEFERRABLE INITIALLY DEFERRED)")

    async def owe(name: str) -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO other VALUES (:name)"), {"name": name})

    ends = await asyncio.gather(add(database, "a"), owe("nobody"), add(database, "b"), return_exceptions=True)
    assert all(isinstance(end, DBAPIError) for end in ends)
    assert names(database) == []
    await add(database, "later")
    assert names(database) == ["later"]


async def test_whoever_waits_for_the_lock_outside_has_a_turn_before_the_crowd_is_through(database: Database) -> None:
    kept: list[int] = []

    async def ledger() -> None:
        async with database.write_lock:
            kept.append(len(names(database)))

    crowd = [asyncio.create_task(add(database, f"{number:03}")) for number in range(300)]
    await asyncio.gather(crowd[0], ledger())
    await asyncio.gather(*crowd)
    assert kept[0] < 300


async def test_other_processes_see_all_of_a_group_or_nothing(database: Database) -> None:
    if database.shared:
        return
    with closing(sqlite3.connect(database.path)) as other:
        crowd = [asyncio.create_task(add(database, f"{number:03}")) for number in range(60)]
        await crowd[0]
        (seen,) = other.execute("SELECT count(*) FROM thing").fetchone()
        await asyncio.gather(*crowd)
    assert seen in {1, 60}


async def test_what_writers_leave_to_the_end_is_written_once_for_all_of_them_but_for_who_is_taken_back(database: Database) -> None:
    written: list[list[str]] = []

    async def write(connection: AsyncConnection, left: list[str]) -> None:
        written.append(left)
        for name in left:
            await connection.execute(text("INSERT INTO thing VALUES (:name)"), {"name": f"left {name}"})

    async def leave(name: str) -> None:
        async with database.write() as connection:
            database.leave(connection, write, name)
            await connection.execute(text("INSERT INTO thing VALUES (:name)"), {"name": name})
        assert f"left {name}" in names(database)

    await add(database, "known")
    ends = await asyncio.gather(*(leave(name) for name in ("a", "known", "b")), return_exceptions=True)
    assert [type(end) for end in ends] == [type(None), IntegrityError, type(None)]
    await leave("c")
    assert written == [["a", "b"], ["c"]]
    assert names(database) == ["a", "b", "c", "known", "left a", "left b", "left c"]


async def test_what_was_left_and_can_not_be_written_fails_for_everyone_in_the_commit(database: Database) -> None:
    async def refuse(connection: AsyncConnection, left: list[str]) -> None:
        raise RuntimeError(*left)

    async def leave() -> None:
        async with database.write() as connection:
            database.leave(connection, refuse, "it")

    ends = await asyncio.gather(add(database, "a"), leave(), return_exceptions=True)
    assert [type(end) for end in ends] == [RuntimeError, RuntimeError]
    await add(database, "later")
    assert names(database) == ["later"]


async def test_nothing_is_left_outside_a_transaction(database: Database) -> None:
    async def write(connection: AsyncConnection, left: list[str]) -> None:
        """Never called."""

    async with database.write() as connection:
        """Over at once."""
    with pytest.raises(ValueError, match="inside a transaction"):
        database.leave(connection, write, "it")


async def test_an_error_of_the_database_in_what_was_left_fails_for_everyone_and_frees_the_lock(database: Database) -> None:
    async def refuse(connection: AsyncConnection, left: list[str]) -> None:
        await connection.execute(text("INSERT INTO no_such_table VALUES (1)"))

    async def leave() -> None:
        async with database.write() as connection:
            database.leave(connection, refuse, "it")

    ends = await asyncio.gather(add(database, "a"), leave(), return_exceptions=True)
    assert all(isinstance(end, DBAPIError) for end in ends)
    async with asyncio.timeout(30), Database(database.url) as other:
        await add(other, "later")
    assert names(database) == ["later"]
