"""Quiet hours that begin after an alert was planned: whoever's turn comes then waits for their end (S11)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import msgspec
import numpy as np
import pytest
from sqlalchemy import URL

from hub.delivery.ledger.batches import Leased, Planned
from hub.delivery.ledger.ledger import Ledger
from hub.delivery.sending.outcome import Outcome
from hub.store.database import Database
from subscriptions.quiet_hours import QuietHours, WaitsFor
from subscriptions.vault import Keyring
from tests.databases import connected, rows, run, write
from tests.hub.delivery.people import NOW, add_mailing, filled
from tests.hub.delivery.test_ledger import House, alert_row, of

MINUTE, HOUR = 60_000, 3_600_000
EVENING = QuietHours(start="14:14", end="20:00", timezone="UTC")
"""They begin less than a minute after `NOW`."""
STRICT = msgspec.structs.replace(EVENING, severe=False)
LONGER = msgspec.structs.replace(EVENING, end="22:00")
BEGUN, OVER = NOW + MINUTE, 1_790_020_800_000


class Evening(House):
    """Person 2 has quiet hours that a Severe and Immediate alert may break, person 3 such as it may not, person 1 none."""

    async def planned_waiting(self, waits: WaitsFor, *, expires_at: int = NOW + 48 * HOUR, alert: int | None = None) -> int:
        number = add_mailing(self.store, expires_at=expires_at, alert=alert)
        part = Planned("email", "en", False, np.array([1, 2, 3], dtype=np.int64))
        assert await self.ledger.plan(number, 3, [part], NOW, waits)
        return number

    async def missed(self) -> None:
        """An alert waits for the evening's end at persons 2 and 3, and has run out by then."""
        alert_row(self.store, 7, "al_7", chain="al_7")
        await self.planned_waiting(WaitsFor.EVERYBODY, expires_at=OVER - HOUR, alert=7)
        await self.reach(await self.lease(now=BEGUN))

    async def told(self, now: int) -> list[list[int]]:
        """Who is told at this moment what they missed, and has it then."""
        await self.ledger.waiting_channels(now)
        batches = await self.lease(now=now)
        assert [batch.parameters for batch in batches] == ['{"notice":"held","alerts":"7"}'] * len(batches)
        await self.reach(batches)
        return [of(batch) for batch in batches]

    def notice(self) -> int:
        ((number,),) = rows(self.store, "SELECT id FROM mailing WHERE purpose='notice'")
        return int(number)

    async def reach(self, batches: list[Leased]) -> None:
        for batch in batches:
            await self.settle(batch, Outcome.HANDED_OVER, of(batch), finish=True)

    def state(self, mailing: int) -> str:
        return str(rows(self.store, "SELECT state FROM mailing WHERE id=?", mailing)[0][0])


@pytest.fixture
async def house(store: URL) -> AsyncIterator[Evening]:
    filled(store, Keyring.generate(), [("email", f"a{number}@example.org") for number in range(1, 4)])
    with connected(store) as connection:
        for person, rule in ((2, EVENING), (3, STRICT)):
            (number,) = run(connection, "INSERT INTO quiet_rule(rule) VALUES (?) RETURNING id", msgspec.json.encode(rule).decode()).one()
            run(connection, "UPDATE subscriber SET quiet=? WHERE id=?", number, person)
    async with Database(store) as database:
        ledger = Ledger(database)
        ledger.join(1)
        yield Evening(store, ledger)
        await ledger.aclose()


@pytest.mark.parametrize(
    ("waits", "at_once"), [(WaitsFor.EVERYBODY, [1]), (WaitsFor.STRICT, [1, 2]), (WaitsFor.NOBODY, [1, 2, 3])], ids=str
)
async def test_whose_quiet_hours_have_begun_gets_it_when_they_end(house: Evening, waits: WaitsFor, at_once: list[int]) -> None:
    mailing = await house.planned_waiting(waits)
    late = [person for person in (1, 2, 3) if person not in at_once]
    batches = await house.lease(now=BEGUN)
    assert [of(batch) for batch in batches] == [at_once]
    assert house.counters(mailing).get("held", 0) == len(late)
    await house.reach(batches)
    assert await house.lease(now=OVER - 1) == []
    assert house.state(mailing) == ("planned" if late else "done")
    batches = await house.lease(now=OVER)
    assert sorted(person for batch in batches for person in of(batch)) == late
    await house.reach(batches)
    assert house.counters(mailing) == {"planned": 3, "handed_over": 3} | ({"held": 0} if late else {})
    assert house.state(mailing) == "done"


async def test_a_lease_that_put_people_off_and_was_given_back_does_not_put_them_off_twice(house: Evening) -> None:
    """S9."""
    mailing = await house.planned_waiting(WaitsFor.EVERYBODY)
    for _ in range(2):
        (batch,) = await house.lease(now=BEGUN)
        assert of(batch) == [1]
        await house.ledger.give_back([batch.batch])
    await house.reach(await house.lease(now=BEGUN))
    assert house.counters(mailing) == {"planned": 3, "handed_over": 1, "held": 2}
    assert sorted(person for batch in await house.lease(now=OVER) for person in of(batch)) == [2, 3]


async def test_before_they_begin_nobody_waits(house: Evening) -> None:
    await house.planned_waiting(WaitsFor.EVERYBODY)
    assert [of(batch) for batch in await house.lease(now=NOW)] == [[1, 2, 3]]


async def test_another_try_waits_too_and_is_still_the_second(house: Evening) -> None:
    mailing = await house.planned_waiting(WaitsFor.EVERYBODY)
    (batch,) = await house.lease(now=NOW)
    await house.settle(batch, Outcome.HANDED_OVER, [1, 3])
    await house.settle(batch, Outcome.DOUBTFUL, [2], finish=True, due_at=NOW + 2 * MINUTE, next_attempt=2)
    assert await house.lease(now=NOW + 2 * MINUTE) == []
    assert house.counters(mailing)["held"] == 1
    (again,) = await house.lease(now=OVER)
    assert (of(again), again.attempt) == ([2], 2)
    await house.reach([again])
    assert house.outcomes(mailing) == dict.fromkeys((1, 2, 3), int(Outcome.HANDED_OVER))
    assert house.state(mailing) == "done"


async def test_whoever_was_held_and_whose_turn_comes_only_the_next_evening_waits_again(house: Evening) -> None:
    mailing = await house.planned_waiting(WaitsFor.STRICT)
    await house.reach(await house.lease(now=BEGUN))
    assert await house.lease(now=BEGUN + 24 * HOUR) == []
    assert house.counters(mailing)["held"] == 1
    assert [of(batch) for batch in await house.lease(now=OVER + 24 * HOUR)] == [[3]]


async def test_what_is_stopped_or_has_run_out_meanwhile_is_closed_and_not_put_off(house: Evening) -> None:
    over = await house.planned_waiting(WaitsFor.EVERYBODY, expires_at=BEGUN)
    assert await house.lease(now=BEGUN) == []
    assert house.counters(over) == {"planned": 3, "expired": 3}
    assert house.state(over) == "done"


async def test_what_was_missed_is_told_when_quiet_hours_that_last_longer_by_now_end(house: Evening) -> None:
    await house.missed()
    with connected(house.store) as connection:
        (rule,) = run(connection, "INSERT INTO quiet_rule(rule) VALUES (?) RETURNING id", msgspec.json.encode(LONGER).decode()).one()
        run(connection, "UPDATE subscriber SET quiet=? WHERE id=2", rule)
    assert await house.told(OVER) == [[3]]
    assert await house.told(OVER + 2 * HOUR - 1) == []
    assert await house.told(OVER + 2 * HOUR) == [[2]]
    assert house.counters(house.notice()) == {"planned": 2, "held": 0, "handed_over": 2}
    assert house.state(house.notice()) == "done"


async def test_what_was_missed_while_the_hub_was_off_until_the_next_evening_wakes_nobody_in_it(house: Evening) -> None:
    await house.missed()
    assert await house.told(BEGUN + 24 * HOUR) == []
    assert await house.told(OVER + 24 * HOUR) == [[2, 3]]


async def test_another_try_to_tell_what_was_missed_waits_too_and_ends_when_that_is_too_long(house: Evening) -> None:
    await house.missed()
    await house.ledger.waiting_channels(OVER)
    (batch,) = await house.lease(now=OVER)
    await house.settle(batch, Outcome.HANDED_OVER, [2])
    await house.settle(batch, Outcome.WAITING, [3], finish=True, due_at=BEGUN + 24 * HOUR, next_attempt=2)
    assert await house.told(BEGUN + 24 * HOUR) == []
    assert house.counters(house.notice())["held"] == 1
    assert await house.told(OVER + 24 * HOUR) == []
    assert house.outcomes(house.notice()) == {2: Outcome.HANDED_OVER, 3: Outcome.EXPIRED}
    assert house.state(house.notice()) == "done"


async def test_whoever_has_paused_meanwhile_is_not_told_what_they_missed(house: Evening) -> None:
    await house.missed()
    write(house.store, "UPDATE subscriber SET paused_until=? WHERE id=2", OVER + HOUR)
    assert await house.told(OVER) == [[3]]
    assert house.outcomes(house.notice()) == {2: Outcome.WITHHELD, 3: Outcome.HANDED_OVER}
