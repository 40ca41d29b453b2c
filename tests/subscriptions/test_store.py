"""What the audience is filled from: only active people, each with confirmed addresses, the same all at once and one by one."""

from __future__ import annotations

from subscriptions.audience import Audience
from subscriptions.columns import AddressRow, Person, PlaceRow
from subscriptions.store import audience_rows, sql
from tests.subscriptions.residents import Residents, request

EMAIL, SMS = {"kind": "email", "address": "a@example.org"}, {"kind": "sms", "address": "+17185550100"}
POINT = {"lat": 40.68, "lon": -73.97, "radius_m": 800, "label": "home"}


async def people(residents: Residents, *numbers: int) -> list[Person]:
    async with residents.database.read() as connection:
        return await audience_rows.people(connection, numbers)


async def test_a_person_comes_with_places_and_confirmed_addresses_only(residents: Residents) -> None:
    sign_up = request(channels=[EMAIL, SMS], places=[{"zip": "11201"}, POINT], topics=["fire"], language="es", drills=True)
    await residents.enrolment.subscribe(sign_up, client="c", source="test")
    assert await people(residents, 1) == []
    await residents.confirm_newest("sms")
    assert await people(residents, 1) == [
        Person(1, 1, 0b10, 1, True, (PlaceRow("zip:11201"), PlaceRow(None, 40.68, -73.97, 800.0)), (AddressRow(2, "sms", False),))
    ]


async def test_who_has_no_living_address_or_has_ended_is_not_there(residents: Residents) -> None:
    await residents.resident("dead@example.org")
    await residents.close([1])
    await residents.enrolment.end(await residents.resident("ended@example.org"), source="test")
    await residents.subscribe("pending@example.org")
    assert await people(residents, 1, 2, 3, 4) == []


async def test_filling_at_once_finds_the_same_people_as_asking_one_by_one(residents: Residents) -> None:
    await residents.resident("a@example.org", places=[POINT, {"citywide": True}])
    await residents.resident("b@example.org", places=[{"borough": "Bronx"}], topics=["fire", "test"], language="es", drills=True)
    await residents.subscribe("pending@example.org")
    assert await same_in_columns(residents, None, 1, 2) == 2


async def test_only_those_who_changed_come_when_only_they_are_asked_for(residents: Residents) -> None:
    await residents.resident("a@example.org", places=[POINT])
    position = await position_of(residents)
    await residents.resident("b@example.org", places=[POINT, {"borough": "Bronx"}])
    await residents.resident("c@example.org", places=[{"citywide": True}])
    between = await position_of(residents)
    await residents.resident("d@example.org")
    assert await same_in_columns(residents, (position, between), 2, 3) == 2
    assert await same_in_columns(residents, (between, between)) == 0


async def position_of(residents: Residents) -> int:
    async with residents.database.read() as connection:
        return await sql.audience_position(connection)


async def same_in_columns(residents: Residents, changed: tuple[int, int] | None, *numbers: int) -> int:
    """How many people the columns have; each of these is checked to be as `people` has them."""
    audience = Audience(residents.catalog)
    async with residents.database.read(long=True) as connection:
        columns = await audience_rows.columns(connection, residents.catalog, audience.kinds, changed)
    audience.exchange(audience.prepared(columns))
    for person in await people(residents, *numbers):
        kept = audience.get(person.id)
        assert kept is not None
        assert kept[:5] == person[:5]
        assert {place.area for place in kept.places} == {place.area for place in person.places}
        assert kept.addresses == person.addresses
    return audience.people_count


async def test_the_log_of_changes_names_everyone_from_a_position_on(residents: Residents) -> None:
    first = await residents.resident("a@example.org")
    async with residents.database.read(long=True) as connection:
        position = await sql.audience_position(connection)
    await residents.resident("b@example.org")
    await residents.enrolment.end(first, source="test")
    await residents.close([2])
    async with residents.database.read(long=True) as connection:
        lines = await sql.changes_from(connection, position)
        assert [subscriber for _, subscriber in lines[1:]] == [2, 1, 2]
        assert await sql.changes_from(connection, await sql.audience_position(connection)) == lines[-1:]
