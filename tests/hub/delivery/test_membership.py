"""Nodes: who may hand over, who takes over from whom, and who is refused."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import URL

from hub.delivery.batches import Planned
from hub.delivery.ledger import Ledger
from hub.delivery.membership import LEASE_S, TAKEOVER_S, Membership
from hub.errors import SettingsError
from hub.store.database import Database, database_url
from subscriptions.vault import Keyring
from tests.databases import connected, rows, run
from tests.hub.delivery.people import NOW, add_mailing, filled
from tests.peers.postgres import PostgresServer


class Nodes:
    """Memberships of one database, and what each was told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.told: list[Any] = []

    def node(self, role: Any = "all", *, signals: bool = True) -> Membership:
        return Membership(
            self.database,
            role,
            signals=signals,
            joined=lambda number: self.told.append(("joined", number)),
            freed=lambda: self.told.append("freed"),
            lost=lambda: self.told.append("lost"),
        )


@pytest.fixture
async def nodes(postgres: PostgresServer, migrated_postgres: str) -> AsyncIterator[Nodes]:
    async with Database(database_url(postgres.new_database(migrated_postgres), Path())) as database:
        yield Nodes(database)


def beats(store: URL, node: int, seconds: float) -> None:
    """Its last beat was so long ago."""
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
    beats(nodes.database.url, dead.node, TAKEOVER_S - 2)
    await alive._beat()
    assert rows(nodes.database.url, "SELECT state FROM batch WHERE id=?", batch) == [(1,)]
    beats(nodes.database.url, dead.node, 3)
    await alive._beat()
    assert rows(nodes.database.url, "SELECT state FROM batch WHERE id=?", batch) == [(0,)]
    assert nodes.told[-1] == "freed"
    assert alive.others == ()


async def test_a_node_that_was_buried_loses_its_senders_and_joins_under_a_new_number(nodes: Nodes) -> None:
    slept, alive = nodes.node(), nodes.node()
    first = await slept.join()
    await alive.join()
    beats(nodes.database.url, slept.node, TAKEOVER_S + 1)
    await alive._beat()
    await slept._beat()
    assert "lost" in nodes.told
    assert slept.node != first
    assert nodes.told[-1] == ("joined", slept.node)


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


async def test_leaving_frees_at_once(nodes: Nodes) -> None:
    going, staying = nodes.node(), nodes.node()
    await going.join()
    await staying.join()
    batch = await leased(nodes, going.node)
    await going.leave()
    assert rows(nodes.database.url, "SELECT state FROM batch WHERE id=?", batch) == [(0,)]
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
        assert rows(database.url, "SELECT state FROM batch WHERE id=?", batch) == [(0,)]
