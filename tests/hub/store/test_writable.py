"""Whether the database takes what is written is found out by writing: a full disk refuses that, and nothing less."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import URL

from hub.delivery.membership import Membership
from hub.store.database import Database
from hub.store.writable import KEPT_S, Writable
from tests.databases import rows, write

SQLITE, POSTGRESQL = (pytest.mark.parametrize("store", [kind], indirect=True) for kind in ("sqlite", "postgresql"))


class Watched:
    """A node's database, and a clock that stands until it is moved."""

    def __init__(self, database: Database) -> None:
        self.database, self.now = database, 0.0
        self.node = Membership(database, "all", signals=True, joined=lambda _: None, freed=lambda: None, lost=lambda: None)
        self.writable = Writable(database, self.node.touch, lambda: self.now)

    async def later(self) -> str:
        """What it says when its last answer holds no longer."""
        self.now += KEPT_S
        return await self.writable.look()


@pytest.fixture
async def watched(store: URL) -> AsyncIterator[Watched]:
    async with Database(store) as database:
        await (found := Watched(database)).node.join()
        yield found


@contextmanager
def full_disk() -> Iterator[None]:
    """This process can write no file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@SQLITE
async def test_a_full_disk_is_named_until_there_is_room(watched: Watched) -> None:
    assert await watched.later() == "ok"
    with full_disk():
        said = await watched.later()
    assert said == "the database can't be written (SQLITE_IOERR_WRITE)"
    assert await watched.later() == "ok"


@SQLITE
async def test_a_disk_is_full_that_has_room_left_in_the_log_of_the_database_alone(watched: Watched) -> None:
    async def fits(_: object) -> None:
        """As a small write does."""

    look = Writable(watched.database, fits).look
    with full_disk():
        said = await look()
    assert said == "the database can't be written (File too large)"


@POSTGRESQL
async def test_a_server_that_only_reads_is_named(store: URL) -> None:
    """As a replica does, or a hosted one whose disk is full."""
    async with Database(store.update_query_dict({"options": "-c default_transaction_read_only=on"})) as database:
        assert await Watched(database).writable.look() == "the database can't be written (ReadOnlySqlTransaction)"


@SQLITE
async def test_however_many_ask_it_is_written_once_a_second(watched: Watched) -> None:
    await watched.later()
    before = watched.database.writer.total_changes
    watched.now += KEPT_S
    assert await asyncio.gather(*(watched.writable.look() for _ in range(50))) == ["ok"] * 50
    watched.now += KEPT_S / 2
    await watched.writable.look()
    assert watched.database.writer.total_changes == before + 1
    await watched.later()
    assert watched.database.writer.total_changes == before + 2


async def test_what_is_written_makes_nobody_take_a_node_for_alive(watched: Watched, store: URL) -> None:
    version = "xmin" if watched.database.shared else "beat_at"
    write(store, "UPDATE node SET beat_at=1")
    before = rows(store, f"SELECT {version} FROM node")
    assert await watched.later() == "ok"
    assert rows(store, f"SELECT {version} FROM node") != before
    assert not watched.database.shared or rows(store, "SELECT beat_at FROM node") == [(1,)]
