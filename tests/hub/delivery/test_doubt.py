"""Whoever had a batch ends without a last word: nobody of it is called unsent, and all are told when the alert is called off."""

from __future__ import annotations

import numpy as np
import pytest

from hub.delivery.ledger.batches import Finished, Settlement
from hub.delivery.sending.outcome import Outcome
from tests.databases import connected, rows, run
from tests.hub.delivery.people import NOW
from tests.hub.delivery.test_ledger import House, alert_row, house, of

__all__ = ["house"]


async def lost(house: House, addresses: list[int], **mailing: int) -> int:
    """A mailing whose only batch was leased, and then lost."""
    number = await house.planned(addresses, **mailing)
    (batch,) = await house.lease()
    await house.ledger.lose([batch.batch])
    return number


async def test_a_lost_batch_is_tried_again(house: House) -> None:
    mailing = await lost(house, [1, 2])
    assert await house.lease() == []
    assert await house.ledger.waiting_channels(NOW) == ["email"]
    (again,) = await house.lease()
    assert of(again) == [1, 2]
    assert await house.settle(again, Outcome.HANDED_OVER, [1, 2], finish=True) == [Finished(mailing)]
    assert house.counters(mailing) == {"planned": 2, "handed_over": 2}


async def test_what_was_settled_or_put_off_before_is_not_in_doubt(house: House) -> None:
    mailing = await house.planned([1, 2, 3])
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.FAILED, [1])
    await house.settle(batch, Outcome.WAITING, [2], due_at=NOW + 5000, next_attempt=2)
    await house.ledger.lose([batch.batch])
    await house.ledger.waiting_channels(NOW)
    assert house.outcomes(mailing) == {1: Outcome.FAILED, 2: Outcome.WAITING, 3: Outcome.DOUBTFUL}
    (again,) = await house.lease()
    assert of(again) == [3]


@pytest.mark.parametrize("known", [True, False], ids=["after the doubt was noted", "before"])
async def test_a_stop_calls_nobody_of_a_lost_batch_withheld(house: House, known: bool) -> None:
    mailing = await lost(house, [1, 2])
    if known:
        await house.ledger.waiting_channels(NOW)
    assert await house.ledger.halt(mailing, NOW) == 0
    await house.ledger.waiting_channels(NOW)
    assert await house.lease() == []
    assert house.outcomes(mailing) == {1: Outcome.UNCERTAIN, 2: Outcome.UNCERTAIN}
    assert house.counters(mailing) == {"planned": 2, "uncertain": 2}
    assert rows(house.store, "SELECT state FROM mailing WHERE id=?", mailing) == [("stopped",)]


async def test_a_refusal_of_the_next_try_and_the_end_of_its_time_say_nothing_of_the_lost_one(house: House) -> None:
    refused, late = await lost(house, [1]), await lost(house, [2], expires_at=NOW + 10)
    await house.ledger.waiting_channels(NOW)
    (again,) = [batch for batch in await house.lease(now=NOW + 10) if batch.mailing == refused]
    await house.settle(again, Outcome.FAILED, [1], finish=True)
    assert house.outcomes(refused) == {1: Outcome.UNCERTAIN}
    assert house.outcomes(late) == {2: Outcome.UNCERTAIN}


async def test_whoever_may_have_been_reached_is_owed_the_call_off_at_any_moment(house: House) -> None:
    alert_row(house.store, 7, "first", chain="first")
    mailing = await house.planned([1, 2], alert=7)
    (batch,) = await house.lease()

    async def owed() -> list[int]:
        return sorted(reached.address for reached in await house.ledger.reached([mailing]))

    assert await owed() == [1, 2]
    await house.ledger.lose([batch.batch])
    assert await owed() == [1, 2]
    await house.ledger.halt(mailing, NOW)
    assert await owed() == [1, 2]
    await house.ledger.waiting_channels(NOW)
    assert await owed() == [1, 2]
    assert await house.lease() == []
    assert await owed() == [1, 2]
    assert rows(house.store, "SELECT count(*) FROM batch") == [(0,)]


async def test_who_has_lost_a_batch_queues_nobody_of_it_again(house: House) -> None:
    """It hung; another took the batch over and tries them now."""
    mailing = await house.planned([1, 2, 3])
    (batch,) = await house.lease()
    await house.ledger.lose([batch.batch])
    house.ledger.join(2)
    await house.ledger.waiting_channels(NOW)
    (taken,) = await house.lease()
    await house.settle(taken, Outcome.HANDED_OVER, [3])
    house.ledger.join(1)
    await house.settle(batch, Outcome.WAITING, [1, 3], due_at=NOW + 10, next_attempt=2)
    await house.settle(batch, Outcome.DOUBTFUL, [2], finish=True, due_at=NOW + 10, next_attempt=2)
    assert rows(house.store, "SELECT count(*) FROM batch") == [(1,)]
    assert house.outcomes(mailing) == {1: Outcome.DOUBTFUL, 2: Outcome.DOUBTFUL, 3: Outcome.HANDED_OVER}
    house.ledger.join(2)
    assert await house.settle(taken, Outcome.HANDED_OVER, [1, 2], finish=True) == [Finished(mailing)]
    assert house.counters(mailing) == {"planned": 3, "handed_over": 3}


async def test_a_clock_moves_nothing_that_another_living_node_has_put_off(house: House) -> None:
    with connected(house.store) as connection:
        for number in (1, 2):
            run(connection, "INSERT INTO node(id, name, role, signals, started_at, beat_at) VALUES (?, 'n', 'all', 1, 0, 0)", number)
    await house.planned([1])
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.WAITING, [1], finish=True, due_at=NOW + 5000, next_attempt=2)
    house.ledger.join(2)
    assert await house.ledger.bring_forward(5000, NOW) == 0
    house.ledger.join(1)
    assert await house.ledger.bring_forward(5000, NOW) == 1


async def test_a_settlement_that_is_repeated_since_its_answer_was_lost_takes_nobody_from_where_they_wait(house: House) -> None:
    mailing = await house.planned([1, 2, 3])
    (batch,) = await house.lease()
    taken = [
        Settlement(batch, Outcome.HANDED_OVER, [1], NOW + 50),
        Settlement(batch, Outcome.DOUBTFUL, [2, 3], NOW + 50, due_at=NOW + 100, next_attempt=2),
    ]
    for _ in range(2):
        assert await house.ledger.settle(taken, [batch]) == []
    (again,) = await house.lease(now=NOW + 100)
    assert of(again) == [2, 3]
    assert await house.settle(again, Outcome.HANDED_OVER, [2, 3], finish=True) == [Finished(mailing)]
    assert house.counters(mailing) == {"planned": 3, "handed_over": 3, "possible_duplicate": 2}


async def test_whom_another_tries_by_now_is_in_doubt_where_they_wait(house: House) -> None:
    mailing = await house.planned([1, 2, 3])
    (batch,) = await house.lease()
    await house.ledger.give_back([batch.batch])  # this node hangs, and another takes over
    (others,) = await house.lease()
    await house.settle(others, Outcome.WAITING, [1], due_at=NOW + 100, next_attempt=2)
    with connected(house.store) as connection:
        run(connection, "UPDATE batch SET node=2 WHERE id=?", others.batch)
    await house.settle(batch, Outcome.DOUBTFUL, [1, 2, 3], finish=True, due_at=NOW + 60, next_attempt=2)
    assert house.outcomes(mailing) == dict.fromkeys((1, 2, 3), Outcome.DOUBTFUL)
    (retry,) = await house.lease(now=NOW + 100)
    assert of(retry) == [1]
    with connected(house.store) as connection:
        run(connection, "UPDATE batch SET state=0 WHERE id=?", others.batch)
    (rest,) = await house.lease(now=NOW + 100)
    assert of(rest) == [2, 3]


async def test_a_settlement_of_a_batch_that_is_in_hand_still_counts_once_however_often_it_is_repeated(house: House) -> None:
    alert_row(house.store, 1, "al_1", chain="al_1")
    mailing = await house.planned([1, 2, 3], alert=1)
    (batch,) = await house.lease()
    taken = [
        Settlement(batch, Outcome.SIMULATED, [1], NOW + 50, copies=((1, "what it said"),)),
        Settlement(batch, Outcome.DOUBTFUL, [2], NOW + 50, due_at=NOW + 100, next_attempt=2),
    ]
    for _ in range(2):
        await house.ledger.settle(taken, [])
    assert house.counters(mailing) == {"planned": 3, "simulated": 1, "possible_duplicate": 1}
    assert rows(house.store, "SELECT address, copy FROM outbox") == [(1, "what it said")]
    assert rows(house.store, "SELECT count(*) FROM batch") == [(2,)]
    ((latencies,),) = rows(house.store, "SELECT latencies FROM pace")
    assert sum(np.frombuffer(latencies, dtype="<u4")) == 1


@pytest.mark.parametrize("settled", [False, True], ids=["before the doubt was noted", "after"])
async def test_a_node_that_wakes_finishes_nothing_that_was_taken_from_it(house: House, settled: bool) -> None:
    mailing = await house.planned([1, 2, 3])
    (batch,) = await house.lease()
    with connected(house.store) as connection:  # it hung, and another node struck it out
        run(connection, "UPDATE batch SET state=2 WHERE state=1")
    if settled:
        await house.ledger.waiting_channels(NOW)
    late = [
        Settlement(batch, Outcome.HANDED_OVER, [1], NOW + 50),
        Settlement(batch, Outcome.WAITING, [2, 3], NOW + 50, due_at=NOW + 60, next_attempt=2),
    ]
    assert await house.ledger.settle(late, [batch]) == []
    await house.ledger.waiting_channels(NOW)
    (again,) = await house.lease(now=NOW + 60)
    assert of(again) == [2, 3]
    assert await house.settle(again, Outcome.HANDED_OVER, [2, 3], finish=True) == [Finished(mailing)]


async def test_a_stop_calls_nobody_unsent_who_is_in_the_hands_of_a_later_try(house: House) -> None:
    mailing = await house.planned([1, 2])
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.WAITING, [2], due_at=NOW + 10, next_attempt=2)
    await house.ledger.lose([batch.batch])  # its sender was killed
    (retry,) = await house.lease(now=NOW + 20)
    await house.ledger.waiting_channels(NOW + 20)  # what was lost waits again, its list as it was
    await house.ledger.halt(mailing, NOW + 30)
    await house.settle(retry, Outcome.HANDED_OVER, [2], finish=True)
    assert house.outcomes(mailing) == {1: Outcome.UNCERTAIN, 2: Outcome.HANDED_OVER}
