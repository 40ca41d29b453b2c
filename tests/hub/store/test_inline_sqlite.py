"""Statements run in place; what may wait, for a lock or for the disk, holds up nobody else."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from hub.store.database import Database, connect, database_url


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    with closing(connect(tmp_path / "tocsin.db")) as connection:
        connection.execute("CREATE TABLE thing(name TEXT PRIMARY KEY)")
    async with Database(database_url("", tmp_path)) as opened:
        yield opened


async def add(database: Database, name: str) -> None:
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO thing VALUES (:name)"), {"name": name})


async def names(database: Database, *, long: bool = False) -> list[str]:
    async with database.read(long=long) as connection:
        return list(await connection.scalars(text("SELECT name FROM thing ORDER BY name")))


async def test_what_was_committed_is_there_for_everybody_and_what_failed_is_not(database: Database) -> None:
    await add(database, "a")
    with pytest.raises(IntegrityError):
        await add(database, "a")
    await add(database, "b")
    assert await names(database) == await names(database, long=True) == ["a", "b"]
    with closing(sqlite3.connect(database.path)) as other:
        assert other.execute("SELECT count(*) FROM thing").fetchone() == (2,)


async def test_a_reader_sees_one_moment_while_others_write(database: Database) -> None:
    await add(database, "a")
    async with database.read() as connection:
        before = list(await connection.scalars(text("SELECT name FROM thing")))
        await add(database, "b")
        assert list(await connection.scalars(text("SELECT name FROM thing"))) == before == ["a"]


async def test_a_writer_that_waits_for_another_process_holds_up_nobody(database: Database) -> None:
    with closing(connect(database.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(add(database, "a"))
        for _ in range(100):
            assert await names(database) == []
        assert not waiting.done()
        other.execute("COMMIT")
        await waiting
    assert await names(database) == ["a"]


async def test_a_writer_that_is_cancelled_while_it_waits_leaves_the_database_free(database: Database) -> None:
    with closing(connect(database.path)) as other:
        other.execute("BEGIN IMMEDIATE")
        waiting = asyncio.create_task(add(database, "a"))
        assert await names(database) == []
        waiting.cancel()
        other.execute("COMMIT")
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await add(database, "b")
    assert await names(database) == ["b"]


async def test_many_rows_and_many_statements_go_in_as_one(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("INSERT INTO thing VALUES (:name)"), [{"name": str(number)} for number in range(1000)])
        result = await connection.execute(text("SELECT name FROM thing"))
        assert len(result.all()) == 1000
    assert len(await names(database)) == 1000
