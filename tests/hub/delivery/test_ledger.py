"""The ledger: what is leased, what is written, and that nothing counts twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest
from sqlalchemy import URL

from hub.delivery.ledger.batches import Finished, Leased, Offer, Planned, Settlement
from hub.delivery.ledger.ledger import Ledger
from hub.delivery.sending.outcome import Outcome
from hub.store.database import Database
from subscriptions.vault import Keyring
from tests.databases import connected, rows, run
from tests.hub.delivery.people import NOW, add_mailing, filled

LOWEST = 1000
PATIENCE_S = 30.0
"""For a broken product."""


class House:
    """A ledger over a database of `count` e-mail addresses."""

    def __init__(self, store: URL, ledger: Ledger) -> None:
        self.store, self.ledger = store, ledger

    async def planned(self, addresses: list[int], *, size: int = 1000, **mailing: Any) -> int:
        number = add_mailing(self.store, **mailing)
        part = Planned("email", "en", False, np.array(addresses, dtype=np.int64), size)
        assert await self.ledger.plan(number, len(addresses), [part], NOW)
        return number

    async def lease(self, limit: int = 10, now: int = NOW) -> list[Leased]:
        return await self.ledger.lease("email", limit, LOWEST, now)

    async def settle(self, leased: Leased, outcome: Outcome, addresses: list[int], *, finish: bool = False, **more: int) -> list[Finished]:
        return await self.ledger.settle([Settlement(leased, outcome, addresses, NOW + 50, **more)], [leased] if finish else [])

    def counters(self, mailing: int) -> dict[str, int]:
        return dict(rows(self.store, "SELECT outcome, count FROM counter WHERE mailing=?", mailing))  # type: ignore[arg-type]

    def outcomes(self, mailing: int) -> dict[int, int]:
        return dict(rows(self.store, "SELECT address, outcome FROM delivery WHERE mailing=?", mailing))  # type: ignore[arg-type]


@pytest.fixture
async def house(store: URL) -> AsyncIterator[House]:
    filled(store, Keyring.generate(), [("email", f"a{number}@example.org") for number in range(1, 21)])
    async with Database(store) as database:
        ledger = Ledger(database)
        ledger.join(1)
        yield House(store, ledger)
        await ledger.aclose()


def alert_row(store: URL, number: int, name: str, *, chain: str, agency: str = "a") -> None:
    with connected(store) as connection:
        run(
            connection,
            "INSERT INTO alert(number, id, chain, status, agency, source, sent_at, grade, document, area, hash, author, created_at,"
            " expires_at) VALUES (?, ?, ?, 'live', ?, 'api', 0, 2, '{}', '{}', '', 'x', 0, ?)",
            *(number, name, chain, agency, NOW + 1000),
        )


def of(leased: Leased) -> list[int]:
    return [to.address for to in leased.recipients]


async def test_a_plan_is_cut_into_batches_and_counted_once(house: House) -> None:
    mailing = await house.planned(list(range(1, 11)), size=4)
    assert [of(batch) for batch in await house.lease()] == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    assert house.counters(mailing) == {"planned": 10}
    part = Planned("email", "en", False, np.array([11], dtype=np.int64))
    assert not await house.ledger.plan(mailing, 1, [part], NOW)
    assert house.counters(mailing) == {"planned": 10}


async def test_a_plan_for_nobody_is_done_at_once(house: House) -> None:
    mailing = await house.planned([])
    assert rows(house.store, "SELECT state FROM mailing WHERE id=?", mailing) == [("done",)]


async def test_the_most_urgent_batch_is_leased_first_and_none_twice(house: House) -> None:
    minor, extreme = await house.planned([1], priority=3), await house.planned([2], priority=0)
    assert [batch.mailing for batch in await house.lease()] == [extreme, minor]
    assert await house.lease() == []


async def test_only_more_urgent_batches_join_a_busy_sender(house: House) -> None:
    await house.planned([1], priority=3)
    extreme = await house.planned([2], priority=0)
    assert [batch.mailing for batch in await house.ledger.lease("email", 5, 3, NOW)] == [extreme]


async def test_an_outcome_counts_once_however_often_it_is_reported(house: House) -> None:
    mailing = await house.planned([1, 2])
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.HANDED_OVER, [1, 2])
    ended = await house.settle(batch, Outcome.HANDED_OVER, [1, 2], finish=True)
    assert house.counters(mailing) == {"planned": 2, "handed_over": 2}
    assert ended == [Finished(mailing)]


async def test_what_was_handed_over_stays_so_whatever_is_reported_later(house: House) -> None:
    mailing = await house.planned([1])
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.HANDED_OVER, [1])
    await house.settle(batch, Outcome.FAILED, [1], finish=True)
    assert house.outcomes(mailing) == {1: Outcome.HANDED_OVER}
    assert house.counters(mailing) == {"planned": 1, "handed_over": 1}


async def test_a_batch_that_is_given_back_holds_only_those_still_owed(house: House) -> None:
    await house.planned([1, 2, 3])
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.HANDED_OVER, [2])
    await house.ledger.give_back([batch.batch])
    (again,) = await house.lease()
    assert of(again) == [1, 3]


async def test_a_node_gives_back_and_finishes_only_what_it_has_leased_itself(house: House) -> None:
    mailing = await house.planned([1])
    (batch,) = await house.lease()
    house.ledger.join(2)
    await house.ledger.give_back([batch.batch])
    await house.ledger.reclaim([])
    assert await house.lease() == []
    assert await house.settle(batch, Outcome.HANDED_OVER, [1], finish=True) == []
    house.ledger.join(1)
    assert await house.settle(batch, Outcome.HANDED_OVER, [1], finish=True) == [Finished(mailing)]
    assert house.outcomes(mailing) == {1: Outcome.HANDED_OVER}


async def test_an_update_waits_at_each_address_where_its_alert_is_being_handed_over(house: House) -> None:
    alert_row(house.store, 1, "al_1", chain="al_1")
    alert_row(house.store, 2, "al_2", chain="al_1")
    first = await house.planned([1, 2], alert=1)
    (in_hand,) = await house.lease()
    await house.ledger.halt(first, NOW)
    await house.planned([1, 2, 3], alert=2)
    (update,) = await house.lease()
    assert of(update) == [3]
    assert await house.lease(now=NOW + 10_000) == []
    await house.settle(in_hand, Outcome.HANDED_OVER, [1, 2], finish=True)
    assert [of(batch) for batch in await house.lease(now=NOW + 20_000)] == [[1, 2]]


async def test_a_retried_update_that_must_wait_is_not_taken_for_settled(house: House) -> None:
    alert_row(house.store, 1, "al_1", chain="al_1")
    alert_row(house.store, 2, "al_2", chain="al_1")
    await house.planned([1], alert=1)
    second = await house.planned([1, 2], alert=2)
    (in_hand,) = await house.ledger.lease("email", 1, LOWEST, NOW)
    (update,) = await house.lease()
    await house.settle(update, Outcome.WAITING, [2], finish=True, due_at=NOW + 9, next_attempt=2)
    with connected(house.store) as connection:
        run(connection, "UPDATE batch SET addresses=? WHERE id=?", np.array([1, 2], dtype="<i8").tobytes(), in_hand.batch)
    assert await house.lease(now=NOW + 10) == []
    await house.settle(in_hand, Outcome.HANDED_OVER, [1], finish=True)
    assert [of(batch) for batch in await house.lease(now=NOW + 10_000)] == [[1], [2]]
    assert house.outcomes(second) == {2: Outcome.WAITING}


async def test_alerts_of_one_priority_take_turns_whichever_came_first(house: House) -> None:
    long = await house.planned(list(range(1, 11)), size=2)
    assert [batch.mailing for batch in await house.lease(2)] == [long, long]
    late = await house.planned([11, 12, 13, 14], size=2)
    assert [batch.mailing for batch in await house.lease(4)] == [late, long, late, long]


async def test_an_agency_with_many_alerts_gets_no_more_than_one_with_one(house: House) -> None:
    for number, agency in enumerate(("many", "many", "many", "one"), 1):
        alert_row(house.store, number, f"al_{number}", chain=f"al_{number}", agency=agency)
    for alert, addresses in ((1, range(1, 5)), (2, range(5, 9)), (3, range(9, 13)), (4, range(13, 17))):
        await house.planned(list(addresses), size=1, alert=alert)
    first_twelve = [batch.alert for batch in await house.lease(12)]
    assert first_twelve.count(4) == 4


async def test_the_first_batch_of_each_list_is_small_so_that_many_alerts_begin_at_once(house: House) -> None:
    with connected(house.store) as connection:
        run(connection, "UPDATE address SET state='stopped'")
    await house.planned(list(range(1, 2001)))
    lengths = [len(row[0]) // 8 for row in rows(house.store, "SELECT addresses FROM batch ORDER BY turn")]
    assert lengths == [64, 1000, 936]


async def test_a_receipt_that_the_database_refuses_does_not_hold_up_the_others(house: House) -> None:
    mailing = await house.planned([1, 2])
    (batch,) = await house.lease()
    settlements = [
        Settlement(batch, Outcome.FAILED, [1], NOW, "no such \ud800 mailbox"),
        Settlement(batch, Outcome.HANDED_OVER, [2], NOW),
    ]
    assert await house.ledger.settle(settlements, [batch]) == [Finished(mailing)]
    assert house.outcomes(mailing) == {1: Outcome.FAILED, 2: Outcome.HANDED_OVER}


async def test_a_retry_waits_for_its_time_and_belongs_to_the_new_batch_alone(house: House) -> None:
    mailing = await house.planned([1, 2])
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.WAITING, [1], due_at=NOW + 5000, next_attempt=2)
    await house.ledger.give_back([batch.batch])  # the sender died with 2 in flight
    (again,) = await house.lease()
    assert of(again) == [2]
    assert await house.settle(again, Outcome.HANDED_OVER, [2], finish=True) == []
    assert await house.lease(now=NOW + 4999) == []
    (retry,) = await house.lease(now=NOW + 5000)
    assert (of(retry), retry.attempt) == ([1], 2)
    assert await house.settle(retry, Outcome.HANDED_OVER, [1], finish=True) == [Finished(mailing)]
    assert house.counters(mailing) == {"planned": 2, "handed_over": 2}


async def test_what_may_have_arrived_is_never_called_unsent(house: House) -> None:
    mailing = await house.planned([1, 2])
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.DOUBTFUL, [1, 2], finish=True, due_at=NOW, next_attempt=2)
    (retry,) = await house.lease()
    await house.settle(retry, Outcome.FAILED, [1])
    await house.settle(retry, Outcome.HANDED_OVER, [2], finish=True)
    assert house.outcomes(mailing) == {1: Outcome.UNCERTAIN, 2: Outcome.HANDED_OVER}
    assert house.counters(mailing) == {"planned": 2, "possible_duplicate": 2, "uncertain": 1, "handed_over": 1}


async def test_an_unsubscribe_between_plan_and_lease_wins(house: House) -> None:
    mailing = await house.planned([1, 2, 3])
    with connected(house.store) as connection:
        run(connection, "UPDATE address SET state='stopped' WHERE id=1")
        run(connection, "DELETE FROM subscriber WHERE id=2")
    (batch,) = await house.lease()
    assert of(batch) == [3]
    assert house.counters(mailing) == {"planned": 3, "withheld": 2}


async def test_nothing_is_leased_after_it_has_expired(house: House) -> None:
    mailing = await house.planned([1, 2], expires_at=NOW + 10)
    assert await house.lease(now=NOW + 10) == []
    assert house.counters(mailing) == {"planned": 2, "expired": 2}
    assert rows(house.store, "SELECT state FROM mailing WHERE id=?", mailing) == [("done",)]


async def test_a_stop_withholds_everyone_not_yet_leased_and_then_the_rest(house: House) -> None:
    mailing = await house.planned(list(range(1, 7)), size=2)
    (batch,) = await house.lease(limit=1)
    assert await house.ledger.halt(mailing, NOW) == 4
    assert await house.lease() == []
    await house.settle(batch, Outcome.HANDED_OVER, [1])
    await house.ledger.give_back([batch.batch])
    assert await house.lease() == []
    assert house.counters(mailing) == {"planned": 6, "handed_over": 1, "withheld": 5}


async def test_what_would_be_tried_again_after_a_stop_is_withheld_at_once(house: House) -> None:
    mailing = await house.planned([1, 2])
    (batch,) = await house.lease()
    await house.ledger.halt(mailing, NOW)
    await house.settle(batch, Outcome.WAITING, [1], due_at=NOW + 600_000, next_attempt=2)
    await house.settle(batch, Outcome.DOUBTFUL, [2], finish=True, due_at=NOW + 600_000, next_attempt=2)
    assert house.counters(mailing) == {"planned": 2, "withheld": 1, "uncertain": 1}
    assert rows(house.store, "SELECT count(*) FROM batch") == [(0,)]


async def test_what_would_be_tried_again_after_others_finished_it_is_nobodys(house: House) -> None:
    """A node that hung and wakes reports a batch that another took over and brought to its end."""
    mailing = await house.planned([1])
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.HANDED_OVER, [1], finish=True)
    await house.settle(batch, Outcome.WAITING, [1], due_at=NOW + 9, next_attempt=2)
    assert house.outcomes(mailing) == {1: Outcome.HANDED_OVER}
    assert house.counters(mailing) == {"planned": 1, "handed_over": 1}
    assert rows(house.store, "SELECT count(*) FROM batch") == [(0,)]


async def test_a_lease_that_nobody_holds_is_free_again(house: House) -> None:
    await house.planned([1, 2], size=1)
    first, second = await house.lease()
    await house.ledger.reclaim([first.batch])
    assert [batch.batch for batch in await house.lease()] == [second.batch]


async def test_a_clock_that_jumps_back_delays_no_first_try(house: House) -> None:
    await house.planned([1])
    assert [of(batch) for batch in await house.lease(now=NOW - 3_600_000)] == [[1]]


async def test_a_correction_goes_to_those_who_were_or_may_have_been_reached(house: House) -> None:
    mailing = await house.planned([1, 2, 3, 4])
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.HANDED_OVER, [1])
    await house.settle(batch, Outcome.FAILED, [2])
    await house.settle(batch, Outcome.DOUBTFUL, [3], due_at=NOW + 9, next_attempt=2)
    await house.settle(batch, Outcome.WAITING, [4], finish=True, due_at=NOW + 9, next_attempt=2)
    await house.ledger.halt(mailing, NOW)
    assert {row.address for row in await house.ledger.reached([mailing])} == {1, 3}


async def test_somebody_who_joins_is_sent_what_is_live_once(house: House) -> None:
    alert_row(house.store, 7, "al_7", chain="al_7")
    with connected(house.store) as connection:
        run(
            connection,
            "INSERT INTO mailing(id, purpose, alert, priority, state, created_at, expires_at) VALUES (70, 'alert', 7, 2, 'launched', ?, ?)",
            *(NOW, NOW + 1000),
        )
    await house.ledger.plan(70, 2, [Planned("email", "en", False, np.array([1, 2], dtype=np.int64))], NOW)
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.HANDED_OVER, [1])
    offers = [Offer(7, "email", "en", False, [1, 2, 3])]
    assert await house.ledger.catch_up(1, offers, 1) == 1
    assert await house.ledger.catch_up(1, offers, 1) == 0
    await house.settle(batch, Outcome.HANDED_OVER, [2], finish=True)
    (late,) = await house.lease()
    assert of(late) == [3]
    assert await house.settle(late, Outcome.HANDED_OVER, [3], finish=True) == [Finished(70)]
    assert house.counters(70) == {"planned": 3, "handed_over": 3}


@pytest.mark.parametrize("outcome", [Outcome.WITHHELD, Outcome.FAILED])
async def test_whom_nothing_reached_and_who_is_owed_it_again_is_tried_again(house: House, outcome: Outcome) -> None:
    """They came back, or have another address now."""
    alert_row(house.store, 7, "al_7", chain="al_7")
    mailing = await house.planned([1, 2], alert=7)
    (batch,) = await house.lease()
    await house.settle(batch, outcome, [1])
    await house.settle(batch, Outcome.UNCERTAIN, [2], finish=True)
    assert await house.ledger.catch_up(1, [Offer(7, "email", "en", False, [1, 2])], 1) == 1
    (again,) = await house.lease()
    assert of(again) == [1]
    await house.settle(again, Outcome.HANDED_OVER, [1], finish=True)
    counters = {name: count for name, count in house.counters(mailing).items() if count}
    assert counters == {"planned": 2, "handed_over": 1, "uncertain": 1}


async def test_a_debt_stays_while_an_alert_is_still_to_be_planned(house: House) -> None:
    """Another node may be planning it for an audience in which this person is not."""
    alert_row(house.store, 7, "al_7", chain="al_7")
    mailing = add_mailing(house.store, alert=7)
    with connected(house.store) as connection:
        run(connection, "INSERT INTO catch_up(subscriber, asked) VALUES (1, 1)")
    offers = [Offer(7, "email", "en", False, [3])]
    assert await house.ledger.catch_up(1, offers, 1) == 0
    assert rows(house.store, "SELECT asked FROM catch_up") == [(1,)]
    await house.ledger.plan(mailing, 2, [Planned("email", "en", False, np.array([1, 2], dtype=np.int64))], NOW)
    assert await house.ledger.catch_up(1, offers, 1) == 1
    assert rows(house.store, "SELECT asked FROM catch_up") == []


async def test_a_debt_that_was_asked_for_again_while_it_was_paid_stays(house: House) -> None:
    with connected(house.store) as connection:
        run(connection, "INSERT INTO catch_up(subscriber, asked) VALUES (1, 2)")
    await house.ledger.catch_up(1, [], 1)
    assert rows(house.store, "SELECT asked FROM catch_up") == [(2,)]
    await house.ledger.catch_up(1, [], 2)
    assert rows(house.store, "SELECT asked FROM catch_up") == []


async def test_progress_knows_how_long_people_waited(house: House) -> None:
    alert_row(house.store, 1, "al_1", chain="al_1")
    mailing = await house.planned([1, 2], alert=1)
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.HANDED_OVER, [1, 2], finish=True)
    ((first, last, stored),) = rows(house.store, "SELECT first_at, last_at, latencies FROM pace WHERE mailing=?", mailing)
    assert (first, last) == (NOW + 50, NOW + 50)
    assert isinstance(stored, bytes)


async def test_when_the_clock_was_put_back_retries_come_as_soon_as_they_would_have(house: House) -> None:
    await house.planned([1, 2])
    (batch,) = await house.lease()
    hour = 3_600_000
    await house.settle(batch, Outcome.WAITING, [1], due_at=NOW + hour + 10, next_attempt=2)
    await house.settle(batch, Outcome.WAITING, [2], finish=True, due_at=NOW + 20, next_attempt=2)
    assert await house.ledger.bring_forward(hour, NOW) == 2
    assert [of(retry) for retry in await house.lease(now=NOW)] == [[2]]
    assert [of(retry) for retry in await house.lease(now=NOW + 10)] == [[1]]


async def test_small_batches_are_taken_together_up_to_a_handful_of_people(house: House) -> None:
    """Each of many letters is a batch of its own, and would else be a transaction of its own."""
    letters = [await house.planned([number]) for number in range(1, 8)]
    many = await house.planned(list(range(8, 21)))
    taken = await house.ledger.lease("email", 1, LOWEST, NOW, 5)
    assert [batch.mailing for batch in taken] == letters[:5]
    rest = await house.ledger.lease("email", 1, LOWEST, NOW, 500)
    assert [batch.mailing for batch in rest] == letters[5:]
    assert {batch.mailing for batch in await house.lease()} == {many}


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
async def test_a_node_that_hangs_as_it_puts_somebody_off_holds_up_no_other(house: House) -> None:
    mailing = await house.planned([1, 2], size=1)
    one, other = await house.lease()
    lost = await house.planned([3])
    (doubted,) = await house.lease()
    await house.ledger.lose([doubted.batch])
    with connected(house.store) as hung:
        run(hung, "SELECT state FROM mailing WHERE id=? FOR SHARE", mailing)
        run(hung, "SELECT id FROM batch WHERE state=2 FOR UPDATE")
        async with asyncio.timeout(PATIENCE_S):
            await house.settle(one, Outcome.WAITING, [1], finish=True, due_at=NOW + 9, next_attempt=2)
            assert await house.settle(other, Outcome.HANDED_OVER, [2], finish=True) == []
            (again,) = await house.lease(now=NOW + 9)
            assert await house.settle(again, Outcome.HANDED_OVER, [1], finish=True) == []  # it may put somebody off
            assert await house.ledger.waiting_channels(NOW) == []
    assert await house.ledger.end_all() == [Finished(mailing)]
    assert await house.ledger.waiting_channels(NOW) == ["email"]
    assert house.outcomes(lost) == {3: Outcome.DOUBTFUL}


@pytest.mark.parametrize("store", ["postgresql"], indirect=True)
async def test_what_a_ledger_holds_is_soon_free_when_it_hangs_in_the_midst_of_it(house: House) -> None:
    """A stop waits for it (S12)."""
    shown = await house.ledger._read(lambda s: s.connection.execute("SHOW idle_in_transaction_session_timeout").fetchone())
    assert shown == ("1s",)
