"""What the rows of senders come to in the ledger."""

from __future__ import annotations

import msgspec
import pytest

from hub.delivery.ledger.batches import Leased
from hub.delivery.sending.frames import Receipts, Row
from hub.delivery.sending.outcome import Outcome
from hub.delivery.settlements import group

NOW = 1000.0
BATCH = Leased(
    batch=1, mailing=1, purpose="alert", alert=1, parameters="{}", channel="email", language="en", simulated=0, discreet=0, priority=9,
    turn=0, attempt=99, created_at=0, expires_at=int((NOW + 60) * 1000), recipients=[],
)  # fmt: skip


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        (Row(1, Outcome.WAITING, 0, "later", after=30.0), Outcome.WAITING),
        (Row(1, Outcome.WAITING, 0, "the receiver's host is slow", after=90.0), Outcome.EXPIRED),
        (Row(1, Outcome.WAITING, 0, "refused"), Outcome.FAILED),
        (Row(1, Outcome.WAITING, 0, "no answer", maybe_sent=True), Outcome.UNCERTAIN),
        (Row(1, Outcome.WAITING, 0, "no answer", after=90.0, maybe_sent=True), Outcome.UNCERTAIN),
    ],
)
def test_when_no_try_is_left_before_its_end_it_is_said_why(row: Row, outcome: Outcome) -> None:
    (settlement,) = group([(None, BATCH, Receipts(BATCH.batch, [row]))], NOW)
    assert (settlement.outcome, settlement.reason) == (outcome, row.reason)


@pytest.mark.parametrize(
    ("row", "reached", "waits"),
    [
        (Row(1, Outcome.WAITING, 0, "away", after=40.0, away=True), True, (0.1, 0.11)),
        (Row(1, Outcome.WAITING, 0, "away", after=40.0, away=True), False, (40.0, 44.0)),
        (Row(1, Outcome.WAITING, 0, "later", after=40.0), True, (40.0, 44.0)),
    ],
)
def test_whom_a_sender_turned_back_is_due_at_once_only_where_another_may_reach_them_and_no_try_is_used_up(
    row: Row, reached: bool, waits: tuple[float, float]
) -> None:
    (settlement,) = group([(None, BATCH, Receipts(BATCH.batch, [row]))], NOW, lambda channel: reached and channel == BATCH.channel)
    assert int((NOW + waits[0]) * 1000) <= settlement.due_at <= (NOW + waits[1]) * 1000
    assert settlement.next_attempt == BATCH.attempt


def test_what_ended_alike_is_written_together() -> None:
    rows = [Row(number, Outcome.WAITING, number, "later", after=number / 10) for number in range(1, 60)]
    settlements = group([(None, msgspec.structs.replace(BATCH, expires_at=10**9), Receipts(BATCH.batch, rows))], NOW)
    assert sorted(len(settlement.addresses) for settlement in settlements) == [9, 50]


def test_who_was_simply_handed_over_is_written_with_those_who_have_a_row_of_their_own() -> None:
    told = Receipts(BATCH.batch, [Row(9, Outcome.HANDED_OVER, 40, copy="what it said"), Row(8, Outcome.FAILED, 10, "gone")], [5, 7], 30, 50)
    before = Receipts(BATCH.batch, [], [3], 20, 20)
    reached, failed = group([(None, BATCH, before), (None, BATCH, told)], NOW)
    assert (reached.outcome, reached.addresses) == (Outcome.HANDED_OVER, [3, 5, 7, 9])
    assert (reached.first_at, reached.at, reached.copies) == (20, 50, ((9, "what it said"),))
    assert (failed.outcome, failed.addresses, failed.first_at, failed.at) == (Outcome.FAILED, [8], 10, 10)
