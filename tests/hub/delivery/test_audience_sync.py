"""The audience follows the tables: at start, after each change, and after so many at once that they come as columns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
from sqlalchemy import URL, delete, select, update
from structlog.testing import capture_logs

from hub.delivery.audience_sync import FEW, AudienceSync
from hub.store.database import Database
from subscriptions import topics
from subscriptions.areas import AreaCatalog, open_city
from subscriptions.audience import Audience
from subscriptions.csv_import import import_csv
from subscriptions.matching import Target
from subscriptions.store import sql
from subscriptions.store.tables import address, audience_change, audience_counter, subscriber
from subscriptions.vault import Keyring

EVERYONE = Target(citywide=True, topics=topics.mask(topics.TOPICS), severity=4)


@pytest.fixture(scope="module")
def catalog() -> AreaCatalog:
    return open_city("nyc")


@dataclass(slots=True)
class House:
    database: Database
    catalog: AreaCatalog
    keyring: Keyring
    audience: Audience
    sync: AudienceSync

    async def people_come(self, first: int, count: int) -> None:
        lines = ["person,zip,language,channel,address,consent_source"]
        lines += [f"{n},11201,en,email,p{n}@example.org,test" for n in range(first, first + count)]
        report = await import_csv(self.database, self.keyring, {"email": str}, self.catalog, lines)
        assert report.people == count

    async def address_dies(self, number: int) -> None:
        async with self.database.write() as connection:
            await connection.execute(update(address).where(address.c.subscriber == number).values(state="dead"))
            await sql.note_changes(connection, [number])

    async def in_tables(self) -> list[int]:
        living = select(subscriber.c.id).join(address, address.c.subscriber == subscriber.c.id).where(address.c.state == "active")
        async with self.database.read() as connection:
            return sorted(await connection.scalars(living))

    def matched(self) -> list[int]:
        return sorted(self.audience.match(EVERYONE).subscribers.tolist())


@pytest.fixture
async def house(store: URL, catalog: AreaCatalog) -> AsyncIterator[House]:
    async with Database(store) as database:
        audience = Audience(catalog)
        yield House(database, catalog, Keyring.generate(), audience, AudienceSync(database, audience, catalog))


async def test_one_node_hears_of_what_another_wrote_whether_few_or_many_changed(house: House) -> None:
    await house.people_come(1, 3)
    await house.sync.load()
    assert house.matched() == await house.in_tables()
    await house.people_come(10, FEW + 1)
    await house.address_dies(1)
    assert len(house.matched()) == 3, "not before it looks"
    await house.sync.catch_up()
    assert len(house.matched()) == FEW + 3
    assert house.matched() == await house.in_tables()
    await house.address_dies(2)
    await house.people_come(2_000, 2)
    await house.sync.catch_up()
    assert house.matched() == await house.in_tables()
    await house.sync.tidy()
    assert house.matched() == await house.in_tables()


async def test_people_are_found_although_a_replica_took_over_that_had_not_heard_of_all_changes(house: House) -> None:
    """The log of changes goes back, and grows again past where it was read."""
    await house.people_come(1, 3)
    await house.sync.load()
    async with house.database.write() as connection:
        await connection.execute(delete(address).where(address.c.subscriber > 1))
        await connection.execute(delete(audience_change).where(audience_change.c.seq > 1))
        await connection.execute(update(audience_counter).values(seq=1))
    with capture_logs() as logs:
        await house.sync.catch_up()
        assert house.matched() == await house.in_tables() == [1]
        await house.sync.load()
        async with house.database.write() as connection:
            await connection.execute(delete(audience_change))
            await connection.execute(update(audience_counter).values(seq=0))
        await house.people_come(10, 4)
        await house.sync.catch_up()
    assert house.matched() == await house.in_tables()
    assert len(house.matched()) == 5
    assert [line["event"] for line in logs] == ["audience_went_back"] * 2


async def test_it_tells_who_has_changed_once_that_is_in_force(house: House) -> None:
    await house.sync.load()
    told = list[tuple[list[int], list[int]]]()
    house.sync.changed = lambda people: told.append((sorted(people), house.matched()))
    await house.people_come(1, 3)
    await house.sync.catch_up()
    await house.sync.catch_up()
    await house.address_dies(2)
    await house.sync.catch_up()
    assert told == [([1, 2, 3], [1, 2, 3]), ([2], [1, 3])]
    await house.people_come(4, FEW + 1)
    await house.sync.catch_up()
    assert len(told[-1][0]) == FEW + 1
