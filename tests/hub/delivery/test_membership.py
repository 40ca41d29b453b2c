"""Nodes: who may hand over, who takes over from whom, and who is refused."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import URL, event

from hub.clock import Clock
from hub.delivery.ledger.batches import Planned
from hub.delivery.ledger.ledger import Ledger
from hub.delivery.membership import ANSWER_S, LEASE_S, TAKEOVER_S, Membership
from hub.errors import SettingsError
from hub.store.database import POOL, Database, database_url
from subscriptions.vault import Keyring
from tests.databases import connected, rows, run
from tests.hub.delivery.people import NOW, add_mailing, filled
from tests.peers.postgres import PostgresServer

WAITING, LEASED, LOST = 0, 1, 2
"""States of a batch; what was lost is its next lease's to doubt."""


class Nodes:
    """Memberships of one database, and what each was told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.told: list[Any] = []
        self.now = 0.0
        """Seconds, by which they notice that another is silent."""

    def node(self, role: Any = "all", *, signals: bool = True, clock: Clock = time.time) -> Membership:
        return Membership(
            self.database,
            role,
            signals=signals,
            joined=lambda number: self.told.append(("joined", number)),
            freed=lambda: self.told.append("freed"),
            lost=lambda: self.told.append("lost"),
            timer=lambda: self.now,
            clock=clock,
        )


@pytest.fixture
async def nodes(postgres: PostgresServer, migrated_postgres: str) -> AsyncIterator[Nodes]:
    async with Database(database_url(postgres.new_database(migrated_postgres), Path())) as database:
        yield Nodes(database)


def set_back(store: URL, node: int, seconds: float) -> None:
    """Its last beat was so long ago, by the database's clock."""
    with connected(store) as connection:
        run(connection, "UPDATE node SET beat_at=beat_at-? WHERE id=?", int(seconds * 1000), node)


async def leased(nodes: Nodes, node: int) -> int:
    """A batch in the hands of a node."""
    filled(nodes.database.url, Keyring.generate(), [("email", "a@example.org")])
    ledger = Ledger(nodes.database)
    ledger.join(node)
    await ledger.plan(add_mailing(nodes.database.url), 1, [Planned("email", "en", False, np.array([1], dtype=np.int64))], NOW)
    (batch,) = await ledger.lease("email", 1, 1000, NOW)
    await ledger.aclose()
    return batch.batch


async def test_a_node_may_hand_over_for_its_lease_and_no_longer(nodes: Nodes) -> None:
    node, before = nodes.node(), time.monotonic()
    number = await node.join()
    assert before + LEASE_S <= node.until <= time.monotonic() + LEASE_S
    assert LEASE_S < TAKEOVER_S
    assert nodes.told == [("joined", number)]


async def test_a_node_that_beats_no_more_is_buried_and_what_it_had_leased_is_free(nodes: Nodes) -> None:
    dead, alive = nodes.node(), nodes.node()
    await dead.join()
    await alive.join()
    batch = await leased(nodes, dead.node)
    for _ in range(2):
        await alive._beat()
        assert rows(nodes.database.url, "SELECT state FROM batch WHERE id=?", batch) == [(LEASED,)]
        nodes.now += TAKEOVER_S - 2
    await alive._beat()
    assert rows(nodes.database.url, "SELECT state FROM batch WHERE id=?", batch) == [(LOST,)]
    assert nodes.told[-1] == "freed"
    assert alive.others == ()


async def test_a_node_that_was_buried_loses_its_senders_and_joins_under_a_new_number(nodes: Nodes) -> None:
    slept, alive = nodes.node(), nodes.node()
    first = await slept.join()
    await alive.join()
    await alive._beat()
    nodes.now += TAKEOVER_S + 1
    await alive._beat()
    batch = await leased(nodes, first)  # it woke in the middle of leasing
    await slept._beat()
    assert "lost" in nodes.told
    assert slept.node != first
    assert nodes.told[-1] == ("joined", slept.node)
    assert rows(nodes.database.url, "SELECT state FROM batch WHERE id=?", batch) == [(LOST,)]


async def test_what_a_node_leases_after_it_was_buried_is_free_with_the_next_beat_of_any(nodes: Nodes) -> None:
    slept, alive = nodes.node(), nodes.node()
    first = await slept.join()
    await alive.join()
    await alive._beat()
    nodes.now += TAKEOVER_S + 1
    await alive._beat()
    await slept._beat()
    batch = await leased(nodes, first)
    await alive._beat()
    assert rows(nodes.database.url, "SELECT state FROM batch WHERE id=?", batch) == [(LOST,)]
    assert nodes.told[-1] == "freed"


async def test_a_database_whose_clock_is_set_buries_nobody_who_beats(nodes: Nodes) -> None:
    one, other = nodes.node(), nodes.node()
    for node in (one, other):
        await node.join()
    await one._beat()
    for _ in range(3):
        set_back(nodes.database.url, other.node, 100.0)
        nodes.now += TAKEOVER_S - 1
        await one._beat()
        assert [node.id for node in one.others] == [other.node]


async def test_who_joins_goes_by_the_databases_clock(nodes: Nodes) -> None:
    dead, fresh = nodes.node(), nodes.node()
    await dead.join()
    batch = await leased(nodes, dead.node)
    set_back(nodes.database.url, dead.node, TAKEOVER_S + 1)
    await fresh.join()
    assert fresh.others == ()
    assert rows(nodes.database.url, "SELECT state FROM batch WHERE id=?", batch) == [(LOST,)]


async def test_a_node_whose_lease_is_over_is_not_the_first(nodes: Nodes) -> None:
    node = nodes.node()
    await node.join()
    assert node.is_first
    node.until = time.monotonic()
    assert not node.is_first


async def test_a_node_whose_database_does_not_answer_stops_handing_over(nodes: Nodes) -> None:
    node = nodes.node()
    await node.join()
    node.until = time.monotonic()
    nodes.database.url = database_url("postgresql://nobody@127.0.0.1:1/none", Path())
    beating = asyncio.create_task(node.run())
    async with asyncio.timeout(60):
        while "lost" not in nodes.told:
            node.until = min(node.until, time.monotonic())
            await asyncio.sleep(0)
    beating.cancel()


@pytest.mark.parametrize(("in_doubt", "state"), [(False, WAITING), (True, LOST)])
async def test_leaving_frees_at_once(nodes: Nodes, in_doubt: bool, state: int) -> None:
    going, staying = nodes.node(), nodes.node()
    await going.join()
    await staying.join()
    batch = await leased(nodes, going.node)
    await going.leave(in_doubt=in_doubt)
    assert rows(nodes.database.url, "SELECT state FROM batch WHERE id=?", batch) == [(state,)]
    assert going.until <= time.monotonic()


async def test_a_second_node_that_can_not_hear_the_first_is_refused(nodes: Nodes) -> None:
    await nodes.node(signals=False).join()
    with pytest.raises(SettingsError, match="need TOCSIN_REDIS"):
        await nodes.node(signals=False).join()
    with pytest.raises(SettingsError, match="without TOCSIN_REDIS: set it there"):
        await nodes.node(signals=True).join()


@pytest.mark.parametrize("role", ["web", "deliver"])
async def test_a_part_of_a_hub_without_redis_is_refused(nodes: Nodes, role: str) -> None:
    with pytest.raises(SettingsError, match="TOCSIN_REDIS"):
        await nodes.node(role, signals=False).join()


async def test_one_node_is_the_first_and_the_next_one_after_it(nodes: Nodes) -> None:
    deliver, one, other = nodes.node("deliver"), nodes.node(), nodes.node("web")
    for node in (deliver, one, other):
        await node.join()
        await node._beat()
    await one._beat()
    assert (one.is_first, other.is_first) == (True, False)
    assert (deliver.delivering, other.delivering) == (1, 3)
    await one.leave()
    await other._beat()
    assert other.is_first


async def test_alone_on_a_file_every_old_lease_is_void_and_the_own_one_never_ends(tmp_path: Path, migrated_sqlite: Path) -> None:
    (tmp_path / "tocsin.db").write_bytes(migrated_sqlite.read_bytes())
    async with Database(database_url("", tmp_path)) as database:
        nodes = Nodes(database)
        crashed = nodes.node(signals=False)
        await crashed.join()
        batch = await leased(nodes, crashed.node)
        again = nodes.node(signals=False)
        assert await again.join() > crashed.node
        assert again.until == math.inf
        assert rows(database.url, "SELECT state FROM batch WHERE id=?", batch) == [(LOST,)]


async def test_a_node_beats_however_many_read(nodes: Nodes) -> None:
    node = nodes.node()
    await node.join()
    async with AsyncExitStack() as stack:
        for _ in range(2 * POOL):
            await stack.enter_async_context(nodes.database.read())
        async with asyncio.timeout(ANSWER_S):
            await node._beat()


async def test_a_beat_asks_little_so_that_a_slow_network_ends_no_lease(nodes: Nodes) -> None:
    node, other = nodes.node(), nodes.node()
    await node.join()
    await other.join()
    asked: list[str] = []
    event.listen(nodes.database._beating.sync_engine, "before_cursor_execute", lambda *said: asked.append(said[2].split()[0]))
    await node._beat()
    assert asked == ["UPDATE", "SELECT", "UPDATE"]


@pytest.mark.parametrize(("ahead_s", "said"), [(0.0, "ok"), (300.0, "+300 s beside"), (-60.0, "-60 s beside")])
async def test_a_clock_that_is_not_the_databases_is_told(nodes: Nodes, ahead_s: float, said: str) -> None:
    node = nodes.node(clock=lambda: time.time() + ahead_s)
    await node.join()
    await node._beat()
    assert node.clock_status["clock"].startswith(said)
