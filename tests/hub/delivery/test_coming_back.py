"""Whoever pauses or leaves gets nothing more of what is queued already; whoever comes back while it still holds gets it after all (S28)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import numpy as np
import pytest
from sqlalchemy import URL

from hub.commands import owed
from hub.delivery.ledger.batches import Finished, Leased, Offer, Planned, Settlement
from hub.delivery.ledger.ledger import Ledger
from hub.delivery.sending.outcome import Outcome
from hub.store.database import Database
from subscriptions.vault import Keyring
from tests.databases import connected, rows, run
from tests.hub.delivery.people import NOW, add_mailing, filled
from tests.hub.delivery.test_ledger import alert_row, of

HOUR_MS = 3_600_000


class House:
    """One alert, number 7, that is planned for addresses 1 to 3."""

    def __init__(self, store: URL, ledger: Ledger, mailing: int) -> None:
        self.store, self.ledger, self.mailing = store, ledger, mailing

    def write(self, statement: str, *values: object) -> None:
        with connected(self.store) as connection:
            run(connection, statement, *values)

    def counters(self) -> dict[str, int]:
        return {name: count for name, count in self._counted() if count}

    def people(self) -> int:
        ((matched,),) = rows(self.store, "SELECT matched FROM mailing WHERE id=?", self.mailing)
        return int(str(matched))

    def _counted(self) -> list[tuple[str, int]]:
        return rows(self.store, "SELECT outcome, count FROM counter WHERE mailing=?", self.mailing)  # type: ignore[return-value]

    async def lease(self) -> list[Leased]:
        return await self.ledger.lease("email", 10, 1000, NOW)

    async def broken(self) -> int:
        """Mailings in which somebody is lost or would come twice."""
        async with Database(self.store) as database, database.read(long=True) as connection:
            return (await owed.planned(connection)).count + (await owed.tried_again(connection)).count

    async def hand_over(self, leased: Leased) -> list[Finished]:
        return await self.ledger.settle([Settlement(leased, Outcome.HANDED_OVER, of(leased), NOW)], [leased])


@pytest.fixture
async def house(store: URL) -> AsyncIterator[House]:
    filled(store, Keyring.generate(), [("email", f"a{number}@example.org") for number in range(1, 4)])
    alert_row(store, 7, "al_7", chain="al_7")
    mailing = add_mailing(store, alert=7)
    async with Database(store) as database:
        ledger = Ledger(database)
        ledger.join(1)
        await ledger.plan(mailing, 3, [Planned("email", "en", False, np.array([1, 2, 3], dtype=np.int64))], NOW)
        yield House(store, ledger, mailing)
        await ledger.aclose()


async def test_a_pause_holds_for_what_is_queued_already(house: House) -> None:
    house.write("UPDATE subscriber SET paused_until=? WHERE id=2", NOW + 1)
    house.write("UPDATE subscriber SET paused_until=? WHERE id=3", NOW)
    (batch,) = await house.lease()
    assert of(batch) == [1, 3]
    await house.hand_over(batch)
    assert house.counters() == {"planned": 3, "handed_over": 2, "withheld": 1}


async def test_whoever_ends_the_pause_or_comes_back_while_it_holds_gets_it_once(house: House) -> None:
    house.write("UPDATE subscriber SET paused_until=? WHERE id=2", NOW + 1)
    house.write("UPDATE address SET state='stopped' WHERE id=3")
    (batch,) = await house.lease()
    await house.hand_over(batch)
    assert house.counters() == {"planned": 3, "handed_over": 1, "withheld": 2}
    house.write("UPDATE subscriber SET paused_until=NULL")
    house.write("UPDATE address SET state='active'")
    offers = [Offer(7, "email", "en", False, [1, 2, 3])]
    assert await house.ledger.catch_up(1, offers, 1) == 2
    assert await house.ledger.catch_up(1, offers, 1) == 0
    assert house.counters() == {"planned": 3, "handed_over": 1}
    (late,) = await house.lease()
    assert of(late) == [2, 3]
    assert await house.hand_over(late) == [Finished(house.mailing)]
    assert house.counters() == {"planned": 3, "handed_over": 3}
    assert await house.ledger.catch_up(1, offers, 1) == 0


async def test_whoever_is_served_late_is_counted_with_the_people_once(house: House) -> None:
    house.write(
        "INSERT INTO subscriber(id, public_id, status, language, topics, minimum_severity, created_at)"
        " SELECT 4, 'late', status, language, topics, minimum_severity, created_at FROM subscriber WHERE id=1"
    )
    for address, owner in ((4, 4), (5, 4), (6, 1)):
        house.write(
            "INSERT INTO address(id, subscriber, channel, state, lookup, sealed, key_id, simulated, created_at)"
            " SELECT ?, ?, channel, state, lookup, sealed, key_id, simulated, created_at FROM address WHERE id=1",
            *(address, owner),
        )
    house.write("UPDATE subscriber SET paused_until=? WHERE id=2", NOW + 1)
    (batch,) = await house.lease()
    await house.hand_over(batch)
    late = [Offer(7, "email", "en", False, [4]), Offer(7, "sms", "en", False, [5])]
    assert await house.ledger.catch_up(4, late, 1) == 2
    assert house.people() == 4
    (batch,) = await house.lease()
    await house.hand_over(batch)
    assert await house.ledger.catch_up(4, late, 1) == 0
    assert await house.ledger.catch_up(1, [Offer(7, "email", "en", False, [1, 6])], 1) == 1
    assert await house.ledger.catch_up(2, [Offer(7, "email", "en", False, [2])], 1) == 1
    assert house.people() == 4


async def test_a_correction_and_a_letter_come_in_spite_of_a_pause(house: House) -> None:
    """S3: whoever was told of danger before they paused learns that it is over."""
    (batch,) = await house.lease()
    await house.hand_over(batch)
    house.write("UPDATE subscriber SET paused_until=?", NOW + 1)
    alert_row(house.store, 8, "al_8", chain="al_7")
    correction, letter = add_mailing(house.store, alert=8), add_mailing(house.store, purpose="notice")
    for mailing in (correction, letter):
        await house.ledger.plan(mailing, 1, [Planned("email", "en", False, np.array([2], dtype=np.int64))], NOW)
    assert sorted((batch.mailing, of(batch)) for batch in await house.lease()) == sorted([(correction, [2]), (letter, [2])])


@pytest.mark.parametrize("given_back", [False, True])
async def test_whoever_comes_back_while_their_batch_is_in_hand_gets_it_once(house: House, given_back: bool) -> None:
    house.write("UPDATE subscriber SET paused_until=? WHERE id=2", NOW + 1)
    (batch,) = await house.lease()
    if given_back:
        await house.ledger.give_back([batch.batch])
    house.write("UPDATE subscriber SET paused_until=NULL")
    assert await house.ledger.catch_up(2, [Offer(7, "email", "en", False, [2])], 1) == 1
    leased = await house.lease() + ([] if given_back else [batch])
    assert sorted(address for one in leased for address in of(one)) == [1, 2, 3]
    for one in leased:
        await house.hand_over(one)
    assert house.counters() == {"planned": 3, "handed_over": 3}


@pytest.mark.parametrize("end", ["finish", "give back", "lose"])
@pytest.mark.parametrize("outcome", [Outcome.WITHHELD, Outcome.FAILED])
async def test_whoever_comes_back_while_the_rest_of_their_batch_is_in_hand_gets_it_once(house: House, outcome: Outcome, end: str) -> None:
    """Taken back from the sender and paused, or refused at an address that was exchanged since."""
    (batch,) = await house.lease()
    if outcome is Outcome.FAILED:
        await house.ledger.settle([Settlement(batch, outcome, [2], NOW)], [])
    else:
        await house.ledger.settle([Settlement(batch, Outcome.WAITING, [2], NOW, due_at=NOW, next_attempt=1)], [])
        house.write("UPDATE subscriber SET paused_until=? WHERE id=2", NOW + 1)
        assert await house.lease() == []
        house.write("UPDATE subscriber SET paused_until=NULL")
    assert house.counters() == {"planned": 3, outcome.label: 1}
    offers = [Offer(7, "email", "en", False, [2])]
    assert await house.ledger.catch_up(2, offers, 1) == 1
    assert await house.ledger.catch_up(2, offers, 1) == 0
    assert house.counters() == {"planned": 3}
    assert await house.broken() == 0
    if end == "finish":
        await house.ledger.settle([Settlement(batch, Outcome.HANDED_OVER, [1, 3], NOW)], [batch])
    elif end == "give back":
        await house.ledger.give_back([batch.batch])
    else:
        await house.ledger.lose([batch.batch])
        await house.ledger.waiting_channels(NOW)
    leased = await house.lease()
    assert sorted(address for one in leased for address in of(one)) == ([2] if end == "finish" else [1, 2, 3])
    for one in leased:
        await house.hand_over(one)
    assert house.counters() == {"planned": 3, "handed_over": 3}
    assert house.people() == 3


async def test_who_comes_back_again_and_again_before_their_batch_is_through_gets_it_once(house: House) -> None:
    (batch,) = await house.lease()
    await house.ledger.settle([Settlement(batch, Outcome.FAILED, [2], NOW)], [])
    for _ in range(3):
        assert await house.ledger.catch_up(2, [Offer(7, "email", "en", False, [2])], 1) == 1
        house.write("UPDATE subscriber SET paused_until=? WHERE id=2", NOW + 1)
        assert await house.lease() == []
        house.write("UPDATE subscriber SET paused_until=NULL")
        assert house.counters() == {"planned": 3, "withheld": 1}
    assert await house.ledger.catch_up(2, [Offer(7, "email", "en", False, [2])], 1) == 1
    (again,) = await house.lease()
    await house.ledger.give_back([again.batch])
    (again,) = await house.lease()
    assert of(again) == [2]
    await house.hand_over(again)
    await house.ledger.settle([Settlement(batch, Outcome.HANDED_OVER, [1, 3], NOW)], [batch])
    assert house.counters() == {"planned": 3, "handed_over": 3}


async def test_who_was_reached_after_all_by_whoever_hung_is_not_reached_by_the_batch_they_came_back_in(house: House) -> None:
    (batch,) = await house.lease()
    await house.ledger.settle([Settlement(batch, Outcome.FAILED, [2], NOW)], [])
    assert await house.ledger.catch_up(2, [Offer(7, "email", "en", False, [2])], 1) == 1
    await house.ledger.settle([Settlement(batch, Outcome.HANDED_OVER, [1, 2, 3], NOW)], [batch])
    assert await house.lease() == []
    assert house.counters() == {"planned": 3, "handed_over": 3}


async def held(house: House, *addresses: int) -> int:
    """Another alert, number 9, which the quiet hours of these hold back for an hour."""
    alert_row(house.store, 9, "al_9", chain="al_9")
    mailing = add_mailing(house.store, alert=9, expires_at=NOW + 2 * HOUR_MS)
    part = Planned("email", "en", False, np.array(addresses, dtype=np.int64), after=NOW + HOUR_MS)
    await house.ledger.plan(mailing, len(addresses), [part], NOW)
    return mailing


def held_counters(house: House, mailing: int) -> dict[str, int]:
    found = rows(house.store, "SELECT outcome, count FROM counter WHERE mailing=?", mailing)
    return {name: count for name, count in found if count}  # type: ignore[misc]


@pytest.mark.parametrize("after", [0, NOW + HOUR_MS // 2])
async def test_whose_quiet_hours_are_over_sooner_waits_no_longer(house: House, after: int) -> None:
    mailing = await held(house, 1, 2)
    await house.hand_over((await house.lease())[0])
    offers = [Offer(9, "email", "en", False, [1], after=after)]
    assert await house.ledger.catch_up(1, offers, 1) == 1
    assert await house.ledger.catch_up(1, offers, 1) == 0
    assert held_counters(house, mailing) == {"planned": 2, "held": 2 if after else 1}
    assert await house.broken() == 0
    (batch,) = await house.ledger.lease("email", 10, 1000, after or NOW)
    assert of(batch) == [1]
    await house.hand_over(batch)
    (batch,) = await house.ledger.lease("email", 10, 1000, NOW + HOUR_MS)
    assert of(batch) == [2]
    assert await house.hand_over(batch) == [Finished(mailing)]
    assert held_counters(house, mailing) == {"planned": 2, "handed_over": 2}


@pytest.mark.parametrize("later", [0, HOUR_MS])
async def test_whose_quiet_hours_last_as_long_as_they_did_or_longer_stays_where_they_wait(house: House, later: int) -> None:
    mailing = await held(house, 1, 2)
    assert await house.ledger.catch_up(1, [Offer(9, "email", "en", False, [1], after=NOW + HOUR_MS + later)], 1) == 0
    assert held_counters(house, mailing) == {"planned": 2, "held": 2}


async def test_who_may_have_had_it_is_as_doubtful_when_their_quiet_hours_are_over_sooner(house: House) -> None:
    mailing = await held(house, 1)
    house.write("INSERT INTO delivery(mailing, address, outcome, batch, attempt, at) SELECT ?, 1, 7, MAX(id), 1, 0 FROM batch", mailing)
    await house.hand_over((await house.lease())[0])
    assert await house.ledger.catch_up(1, [Offer(9, "email", "en", False, [1])], 1) == 1
    assert await house.broken() == 0
    assert held_counters(house, mailing) == {"planned": 1}
    await house.ledger.halt(mailing, NOW)
    assert held_counters(house, mailing) == {"planned": 1, "uncertain": 1}


async def test_who_was_reached_meanwhile_by_whoever_hung_is_not_freed(house: House) -> None:
    mailing = await held(house, 1)
    house.write("INSERT INTO delivery(mailing, address, outcome, batch, attempt, at) VALUES (?, 1, 1, 0, 1, 0)", mailing)
    assert await house.ledger.catch_up(1, [Offer(9, "email", "en", False, [1])], 1) == 0


async def test_an_update_does_not_reach_whoever_paused_and_was_never_told(house: House) -> None:
    (batch,) = await house.lease()
    await house.ledger.settle([Settlement(batch, Outcome.HANDED_OVER, [1, 2], NOW), Settlement(batch, Outcome.FAILED, [3], NOW)], [batch])
    house.write("UPDATE subscriber SET paused_until=?", NOW + 1)
    alert_row(house.store, 8, "al_8", chain="al_7")
    await house.ledger.plan(add_mailing(house.store, alert=8), 3, [Planned("email", "en", False, np.array([1, 2, 3], dtype=np.int64))], NOW)
    assert [of(batch) for batch in await house.lease()] == [[1, 2]]


async def test_an_update_that_waits_for_an_earlier_version_at_some_reaches_everybody_once_although_it_was_given_back(house: House) -> None:
    (earlier,) = await house.lease()
    alert_row(house.store, 8, "al_8", chain="al_7")
    house.write(
        "INSERT INTO subscriber(id, public_id, status, language, topics, minimum_severity, created_at) SELECT id + 3,"
        " public_id || '+', status, language, topics, minimum_severity, created_at FROM subscriber"
    )
    house.write(
        "INSERT INTO address(id, subscriber, channel, state, lookup, sealed, key_id, simulated, created_at) SELECT id + 3,"
        " subscriber + 3, channel, state, lookup, sealed, key_id, simulated, created_at FROM address"
    )
    everybody = np.array([1, 2, 3, 4, 5, 6], dtype=np.int64)
    await house.ledger.plan(add_mailing(house.store, alert=8), 6, [Planned("email", "en", False, everybody)], NOW)
    (update,) = await house.lease()
    assert of(update) == [4, 5, 6]
    await house.ledger.give_back([update.batch])
    await house.hand_over(earlier)
    later = await house.ledger.lease("email", 10, 1000, NOW + 1000)
    assert sorted(address for one in later for address in of(one)) == [1, 2, 3, 4, 5, 6]


async def test_whoever_had_or_may_have_had_an_earlier_version_is_known_when_they_come_back(house: House) -> None:
    alert_row(house.store, 8, "al_8", chain="al_7")
    alert_row(house.store, 9, "al_9", chain="al_9")

    async def known() -> list[tuple[int, int, int]]:
        found = await house.ledger.reached_before([7, 8, 9], [1, 2, 3])
        return [(*key, row.address) for key, rows in sorted(found.items()) for row in rows]

    assert await known() == []
    (batch,) = await house.lease()
    assert await known() == [(8, 1, 1), (8, 2, 2), (8, 3, 3)]
    doubtful = Settlement(batch, Outcome.DOUBTFUL, [2], NOW, due_at=NOW + 1, next_attempt=2)
    await house.ledger.settle(
        [Settlement(batch, Outcome.UNCERTAIN, [1], NOW), doubtful, Settlement(batch, Outcome.FAILED, [3], NOW)], [batch]
    )
    assert await known() == [(8, 1, 1), (8, 2, 2)]
    house.write("UPDATE address SET state='stopped' WHERE id=2")
    assert await known() == [(8, 1, 1)]
