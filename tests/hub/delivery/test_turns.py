"""Whose turn it is: nobody whom a provider refuses again and again goes before those whom nobody has tried."""

from __future__ import annotations

from hub.delivery.sending.outcome import Outcome
from tests.hub.delivery.people import NOW
from tests.hub.delivery.test_ledger import LOWEST, House, house, of

__all__ = ["house"]


async def test_whoever_was_put_off_has_every_other_turn_at_most_while_others_were_never_tried(house: House) -> None:
    await house.planned(list(range(1, 13)), size=2)
    for due in (40, 30):  # two batches are refused, the second for less long
        (batch,) = await house.lease(1)
        await house.settle(batch, Outcome.WAITING, of(batch), finish=True, due_at=NOW + due, next_attempt=1)
    turns = [of(batch) for _ in range(6) for batch in await house.lease(1, now=NOW + 100)]
    assert turns == [[3, 4], [5, 6], [1, 2], [7, 8], [9, 10], [11, 12]]


async def test_a_group_that_is_refused_over_and_over_holds_up_neither_its_alert_nor_another(house: House) -> None:
    refused, other = await house.planned([1, 2, 3, 4], size=1), await house.planned([11, 12, 13, 14], size=1)
    reached, now = [], NOW
    while len(reached) < 5:
        now += 1000
        (batch,) = await house.lease(1, now=now)
        if of(batch)[0] < 4:
            await house.settle(batch, Outcome.WAITING, of(batch), finish=True, due_at=now, next_attempt=1)
        else:
            await house.settle(batch, Outcome.HANDED_OVER, of(batch), finish=True)
            reached += of(batch)
    assert now < NOW + 20_000
    assert house.counters(refused) == {"planned": 4, "handed_over": 1}
    assert house.counters(other) == {"planned": 4, "handed_over": 4}


async def test_whoever_is_more_urgent_goes_first_also_when_they_were_put_off(house: House) -> None:
    extreme, minor = await house.planned([1], priority=0), await house.planned([2, 3], size=1, priority=3)
    (batch,) = await house.lease(1)
    await house.settle(batch, Outcome.WAITING, [1], finish=True, due_at=NOW + 10, next_attempt=2)
    assert [batch.mailing for batch in await house.lease(3, now=NOW + 10)] == [extreme, minor, minor]


async def test_a_newcomer_joins_where_those_stand_who_were_not_put_off(house: House) -> None:
    await house.planned(list(range(1, 5)), size=1)
    (batch,) = await house.lease(1)
    await house.settle(batch, Outcome.WAITING, [1], finish=True, due_at=NOW + 10, next_attempt=2)
    assert of((await house.lease(1))[0]) == [2]
    late = await house.planned([11], size=1)
    assert late in [batch.mailing for batch in await house.lease(2)]


async def test_a_sender_that_has_no_room_changes_nobodys_turn(house: House) -> None:
    await house.planned(list(range(1, 9)), size=2)
    (batch,) = await house.lease(1)
    await house.settle(batch, Outcome.WAITING, of(batch), finish=True, due_at=NOW + 10, next_attempt=1)
    turns = []
    for _ in range(4):
        assert await house.ledger.lease("email", 1, 0, NOW + 100) == []
        turns += [of(batch) for batch in await house.lease(1, now=NOW + 100)]
    assert turns == [[1, 2], [3, 4], [5, 6], [7, 8]]


async def test_small_batches_that_go_along_are_of_those_whose_turn_it_is_and_no_more_people_than_the_others_were(house: House) -> None:
    await house.planned(list(range(1, 17)), size=4)
    (batch,) = await house.lease(1)
    for number in of(batch):
        await house.settle(batch, Outcome.WAITING, [number], due_at=NOW + number, next_attempt=1)
    await house.settle(batch, Outcome.HANDED_OVER, [], finish=True)
    turns = [sorted(n for batch in await house.ledger.lease("email", 1, LOWEST, NOW + 100, 64) for n in of(batch)) for _ in range(3)]
    assert turns == [[1, 2, 3, 4], list(range(5, 17)), []]
