"""Only who is really in a sender's hands counts as that: most of a leased batch may be long done."""

from __future__ import annotations

from hub.delivery.sending.outcome import Outcome
from tests.hub.delivery.people import NOW
from tests.hub.delivery.test_ledger import House, alert_row, house, of

__all__ = ["house"]


async def test_who_was_withheld_from_a_batch_that_is_still_in_hand_gets_no_correction(house: House) -> None:
    mailing = await house.planned([1, 2, 3, 4])
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.HANDED_OVER, [1])
    await house.ledger.halt(mailing, NOW)
    assert await house.ledger.in_hand([mailing]) == 3
    await house.settle(batch, Outcome.WITHHELD, [3, 4])
    assert await house.ledger.in_hand([mailing]) == 1
    assert {row.address for row in await house.ledger.reached([mailing])} == {1, 2}
    await house.settle(batch, Outcome.HANDED_OVER, [2], finish=True)
    assert await house.ledger.in_hand([mailing]) == 0


async def test_who_was_put_off_from_a_batch_in_hand_waits_in_nobodys_hands(house: House) -> None:
    mailing = await house.planned([1, 2])
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.WAITING, [1], due_at=NOW + 9, next_attempt=2)
    assert await house.ledger.in_hand([mailing]) == 1


async def test_an_update_does_not_wait_behind_a_slow_receiver_where_it_is_known_what_became_of_the_alert(house: House) -> None:
    alert_row(house.store, 1, "al_1", chain="al_1")
    alert_row(house.store, 2, "al_2", chain="al_1")
    first = await house.planned([1, 2, 3], alert=1)
    (in_hand,) = await house.lease()
    await house.settle(in_hand, Outcome.HANDED_OVER, [1, 3])
    await house.ledger.halt(first, NOW)
    await house.planned([1, 2, 3], alert=2)
    (update,) = await house.lease()
    assert of(update) == [1, 3]
    await house.settle(in_hand, Outcome.HANDED_OVER, [2], finish=True)
    assert [of(batch) for batch in await house.lease(now=NOW + 10_000)] == [[2]]
