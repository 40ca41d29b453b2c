"""The live stream is a tail of the table: what one node publishes every node tells, once, with the same id, also after a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import msgspec
import pytest
from sqlalchemy import URL, insert, update

from hub.feeds.news import LOOK_BACK_MS, News
from hub.live import Live, event
from hub.store.database import Database
from hub.store.tables import alert as table
from subscriptions.areas import AreaCatalog
from tests.hub.alerts.documents import NOW, minimal
from tests.hub.alerts.stored import stored


class Watcher:
    """A reader that takes everything."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.ids: list[int] = []
        self.ended = False

    def tell(self, wire: bytes) -> bool:
        fields = dict(line.split(": ", 1) for line in wire.decode().strip().splitlines())
        self.ids.append(int(fields["id"]))
        self.heard.append(f"{fields['event']} {msgspec.json.decode(fields['data'])['id']}")
        return True

    def end(self) -> None:
        self.ended = True


class Node:
    """One node's stream over the shared table."""

    def __init__(self, database: Database, city: City) -> None:
        self.live, self.watcher = Live(), Watcher()
        self.news = News(database, self.live, lambda: city.now / 1000, data=lambda alert: msgspec.json.encode({"id": alert.id}))

    async def start(self) -> Node:
        await self.news.recall()
        self.live.join(self.watcher)
        return self

    async def look(self) -> list[str]:
        """What is new."""
        before = len(self.watcher.heard)
        await self.news.look()
        return self.watcher.heard[before:]


class City:
    """Writes the table as nodes do, `now` in milliseconds."""

    def __init__(self, database: Database, catalog: AreaCatalog) -> None:
        self._database, self._catalog, self.now = database, catalog, int(NOW * 1000)

    async def node(self) -> Node:
        return await Node(self._database, self).start()

    async def add(self, name: str, **changes: Any) -> None:
        kind = changes.pop("kind", "Alert")
        alert = stored(self._catalog, minimal(), id=name, chain=changes.pop("chain", name), live_at=self.now, created_at=self.now)
        alert = msgspec.structs.replace(alert, document=msgspec.structs.replace(alert.document, msgType=kind), **changes)
        row = msgspec.structs.asdict(alert) | {"document": encode_text(alert.document), "area": encode_text(alert.area), "warnings": "[]"}
        row.pop("number")
        async with self._database.write() as connection:
            await connection.execute(insert(table).values(row))

    async def end(self, name: str, status: str = "ended") -> None:
        async with self._database.write() as connection:
            await connection.execute(update(table).where(table.c.id == name).values(status=status, ended_at=self.now))


def encode_text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


@pytest.fixture
async def city(store: URL, catalog: AreaCatalog) -> AsyncIterator[City]:
    async with Database(store) as database:
        yield City(database, catalog)


async def test_every_node_tells_what_one_published_once_and_with_the_same_id(city: City) -> None:
    one, other = await city.node(), await city.node()
    await city.add("al_1")
    assert await one.look() == await other.look() == ["alert al_1"]
    assert await one.look() == await other.look() == []
    city.now += 5
    await city.end("al_1", "stopped")
    assert await one.look() == await other.look() == ["end al_1"]
    assert one.watcher.ids == other.watcher.ids
    assert one.watcher.ids == sorted(set(one.watcher.ids))


async def test_a_reader_goes_on_at_another_node_and_after_a_restart(city: City) -> None:
    one = await city.node()
    await city.add("al_1")
    await one.look()
    last = one.watcher.ids[-1]
    city.now += 1000
    await city.add("al_2")
    await city.end("al_1")
    restarted, resumed = await city.node(), Watcher()
    restarted.live.join(resumed, last)
    assert resumed.heard == ["alert al_2", "end al_1"] or resumed.heard == ["end al_1", "alert al_2"]
    assert await one.look() == resumed.heard
    assert resumed.ids == one.watcher.ids[1:]
    assert await restarted.look() == []


async def test_a_commit_that_is_seen_late_is_still_told(city: City) -> None:
    node = await city.node()
    await city.add("al_2")
    assert await node.look() == ["alert al_2"]
    await city.add("al_1", live_at=city.now - LOOK_BACK_MS + 1000)
    assert await node.look() == ["alert al_1"]
    assert await node.look() == []


async def test_what_came_while_the_database_was_away_is_told_when_it_is_back(city: City) -> None:
    node = await city.node()
    city.now += 10 * LOOK_BACK_MS
    await city.add("al_1", live_at=city.now - 5 * LOOK_BACK_MS)
    assert await node.look() == ["alert al_1"]
    assert await node.look() == []


async def test_what_an_update_replaces_is_not_told_as_over(city: City) -> None:
    node = await city.node()
    await city.add("al_1")
    await node.look()
    city.now += 5000
    await city.end("al_1")
    await city.add("al_2", kind="Update", chain="al_1")
    assert await node.look() == ["update al_2"]
    city.now += 5000
    await city.end("al_2")
    await city.add("al_3", kind="Cancel", chain="al_1")
    assert await node.look() == ["cancel al_3"]
    assert (await city.node()).live.readers == 1


async def test_what_came_and_went_between_two_looks_is_told_in_order(city: City) -> None:
    node = await city.node()
    await city.add("al_1")
    city.now += 10
    await city.end("al_1")
    assert await node.look() == ["alert al_1", "end al_1"]


async def test_what_was_never_public_is_told_to_nobody(city: City) -> None:
    node = await city.node()
    await city.add("al_1", live_at=None, status="awaiting_approval")
    assert await node.look() == []
    await city.end("al_1")
    assert await node.look() == []
    resumed = Watcher()
    (await city.node()).live.join(resumed, 0)
    assert resumed.heard == []


async def test_the_version_moves_with_each_change_and_with_each_hint(city: City) -> None:
    node = await city.node()
    await node.look()
    quiet = node.news.version
    await node.look()
    assert node.news.version == quiet
    await city.add("al_1")
    await node.look()
    assert node.news.version > quiet
    told = node.news.version
    node.news.hint()
    assert node.news.version > told


async def test_a_hint_is_looked_at_without_waiting_for_the_next_second(city: City) -> None:
    node = await city.node()
    async with node.news.watching():
        await city.add("al_1")
        node.news.hint()
        while not node.watcher.heard:
            await asyncio.sleep(0)
    assert node.watcher.heard == ["alert al_1"]


@pytest.fixture
def crowd() -> Iterator[tuple[Live, list[Watcher]]]:
    live, watchers = Live(), [Watcher() for _ in range(1000)]
    for watcher in watchers:
        live.join(watcher)
    yield live, watchers
    live.close()
    assert all(watcher.ended for watcher in watchers)


async def test_a_crowd_is_told_in_slices_in_order_and_who_joins_meanwhile_hears_everything_once(crowd: Any) -> None:
    live, watchers = crowd
    for number in (1, 2):
        live.publish(event(1_795_000_000_000, number, "alert", b'{"id":"al_%d"}' % number))
    late = Watcher()
    live.join(late, 1)
    watchers.append(late)
    assert not watchers[-2].heard
    for _ in range(20):
        await asyncio.sleep(0)
    assert all(watcher.heard == ["alert al_1", "alert al_2"] for watcher in watchers)
    live.publish(event(1_795_000_000_001, 1, "end", b'{"id":"al_1"}'))
    for _ in range(20):
        await asyncio.sleep(0)
    assert all(watcher.heard[-1] == "end al_1" and len(watcher.heard) == 3 for watcher in watchers)
