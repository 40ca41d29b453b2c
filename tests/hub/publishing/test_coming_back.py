"""Whoever wrote STOP and comes back is told what became of an alert that they had before they left (S3, S28)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from subscriptions import languages
from subscriptions.subscriber import read_subscription
from tests.hub.one_node import bring
from tests.hub.publishing.conftest import PUBLISHER, City, document
from tests.hub.publishing.test_quiet_nights import asleep, choose
from tests.waiting import until

ELSEWHERE = {"zips": ["10301"]}


class Home:
    """A city in which person 1 had an alert and left, and person 2 lives next door and had nothing of it."""

    def __init__(self, city: City, alert: str) -> None:
        self.city, self.alert = city, alert
        self.own = city.hub.enrolment.own_address

    async def leave(self) -> None:
        assert await self.own.stop("email", "p1@example.org", source="test")

    async def come_back(self, person: int = 1) -> None:
        """With a word; returns when everything that is owed for it is in the ledger."""
        assert await self.own.start("email", f"p{person}@example.org", source="test")
        await until(self._is_paid)

    async def sign_up_anew(self) -> None:
        """As if they had never been here, in English; and answer our letter."""
        wanted = {"places": [{"zip": "11201"}], "channels": [{"kind": "email", "address": "p1@example.org"}]}
        await self.city.hub.enrolment.subscribe(read_subscription(msgspec.json.encode(wanted)), client="c", source="test")
        await self.come_back()

    async def _is_paid(self) -> bool:
        return await self.city.table("SELECT 1 FROM catch_up") == []

    async def got(self, alert: str) -> list[tuple[int, str]]:
        """(address, copy) of everybody who has this alert, once nobody waits for it."""
        await self.city.finished(alert)
        joined = "outbox o JOIN mailing m ON m.id=o.mailing JOIN alert a ON a.number=m.alert"
        query = f"SELECT o.address, o.copy FROM {joined} WHERE a.id='{alert}'"
        return await self.city.table(query)  # type: ignore[return-value]

    async def who_got(self, alert: str) -> list[int]:
        return sorted(address for address, _ in await self.got(alert))


@pytest.fixture
async def home(city: City) -> Home:
    await bring(city.hub, "email", "p1@example.org")
    await choose(city, 1, language=languages.number("es"))
    alert = await city.publishing.submit(document(), PUBLISHER)
    await city.finished(alert.id)
    await bring(city.hub, "email", "p2@example.org")
    found = Home(city, alert.id)
    assert await found.who_got(alert.id) == [1]
    return found


async def test_that_it_was_called_off_meanwhile_once_and_in_their_language(home: Home) -> None:
    await home.leave()
    off = await home.city.publishing.call_off(home.alert, PUBLISHER)
    assert await home.who_got(off.id) == []
    await home.come_back()
    ((address, copy),) = await home.got(off.id)
    assert (address, msgspec.json.decode(copy)["language"]) == (1, "es")
    await home.leave()
    await home.come_back()
    assert await home.who_got(off.id) == [1]
    assert (await home.city.publishing.progress(off.id)).matched == 1


async def test_whoever_signs_up_anew_is_told_too_and_gets_nothing_twice(home: Home) -> None:
    other = await home.city.publishing.submit(document(event="Other"), PUBLISHER)
    assert await home.who_got(other.id) == [1, 2]
    await home.leave()
    off = await home.city.publishing.call_off(home.alert, PUBLISHER)
    assert await home.who_got(off.id) == []
    await home.sign_up_anew()
    ((address, copy),) = await home.got(off.id)
    assert (address, msgspec.json.decode(copy)["language"]) == (1, "en")
    assert await home.who_got(other.id) == [1, 2]


@pytest.mark.parametrize("area", [ELSEWHERE, {"zips": ["11201"]}], ids=["elsewhere", "still here"])
async def test_that_it_was_changed_meanwhile_also_where_it_is_not_at_their_places_any_more(home: Home, area: dict[str, Any]) -> None:
    await home.leave()
    update = await home.city.publishing.update(home.alert, document(area=area), PUBLISHER)
    assert 1 not in await home.who_got(update.id)
    await home.come_back()
    assert (await home.who_got(update.id)).count(1) == 1


async def test_only_the_newest_version_of_all_that_came_meanwhile(home: Home) -> None:
    await home.leave()
    update = await home.city.publishing.update(home.alert, document(area=ELSEWHERE), PUBLISHER)
    off = await home.city.publishing.call_off(update.id, PUBLISHER)
    assert await home.who_got(off.id) == []
    await home.come_back()
    assert (await home.who_got(update.id), await home.who_got(off.id)) == ([], [1])


async def test_nothing_of_it_where_nothing_of_it_had_come(home: Home) -> None:
    await home.own.stop("email", "p2@example.org", source="test")
    off = await home.city.publishing.call_off(home.alert, PUBLISHER)
    assert await home.who_got(off.id) == [1]
    await home.come_back(2)
    assert await home.who_got(off.id) == [1]


async def test_nothing_once_that_has_run_out(home: Home) -> None:
    await home.leave()
    off = await home.city.publishing.call_off(home.alert, PUBLISHER)
    assert await home.who_got(off.id) == []
    async with home.city.hub.database.write() as connection:
        await connection.exec_driver_sql(f"UPDATE alert SET expires_at=1 WHERE id='{off.id}'")
    await home.come_back()
    assert await home.who_got(off.id) == []


async def test_in_the_morning_where_quiet_hours_hold_such_an_alert(home: Home) -> None:
    await home.leave()
    off = await home.city.publishing.call_off(home.alert, PUBLISHER)
    assert await home.who_got(off.id) == []
    await choose(home.city, 1, quiet=asleep())
    await home.come_back()
    progress = await home.city.publishing.progress(off.id)
    assert (progress.held, progress.settled) == (1, 0)
