"""Who changes something while their message waits in a sender is looked at anew: who left gets nothing more, others what they chose."""

from __future__ import annotations

import time

from sqlalchemy import URL

from hub.delivery.sending import frames
from hub.delivery.sending.outcome import Outcome
from tests.databases import write
from tests.hub.delivery.sender_process import SenderProcess
from tests.hub.delivery.test_coordinator import ON_ONE, node
from tests.hub.delivery.test_ledger import House, house, of
from tests.hub.delivery.test_stops import hears_nothing_more
from tests.peers.http_sink import HttpSink
from tests.peers.slow import Slow
from tests.processes import PATIENCE_S

__all__ = ["house"]


async def test_who_is_recalled_is_not_begun_and_comes_back_at_once() -> None:
    async with HttpSink() as sink, SenderProcess() as sender:
        hears_nothing_more(sender)
        people = sender.give([f"{sink.url}/{number}" for number in range(6)])
        sender.say(frames.Recall(1, [people[1], people[5]]))
        sender.say(frames.Alive(time.monotonic() + 10 * PATIENCE_S))
        rows = await sender.until_reported(people)
        assert [row.address for row in rows if row.outcome == Outcome.HANDED_OVER] == [people[0], *people[2:5]]
        assert {(row.outcome, row.after, row.maybe_sent) for row in (rows[1], rows[5])} == {(Outcome.WAITING, 0.0, False)}
        assert len(sink.requests) == 4
        again = sender.give([f"{sink.url}/again"], batch=1)  # of a later batch with its number
        assert [row.outcome for row in await sender.until_reported(again)] == [Outcome.HANDED_OVER]


async def test_who_leaves_while_a_slow_receiver_holds_up_the_batch_gets_nothing_more(store: URL) -> None:
    slow = Slow()
    async with node(store, 600, slow) as house, house.running() as coordinator:
        mailing = await house.launch(coordinator, 600)
        await house.sink.arrived(8)
        write(store, "UPDATE address SET state='unsubscribed' WHERE id BETWEEN 201 AND 250 OR id>500")
        coordinator.changed([*range(201, 251), *range(501, 601)])
        await house.until(lambda: not coordinator._recalls._changed)
        slow.go_on.set()
        await house.until(lambda: house.state(mailing) == "done")
        assert set(house.reached()) == {f"/{number}" for number in [*range(1, 201), *range(251, 501)]}
        assert set(house.reached().values()) == {1}
        assert house.counters(mailing) == {"planned": 600, "handed_over": 450, "withheld": 150}


@ON_ONE
async def test_what_was_chosen_before_the_lease_takes_nobody_back(store: URL) -> None:
    slow = Slow()
    async with node(store, 40, slow) as house, house.running(senders=1) as coordinator:
        before = time.monotonic()
        mailing = await house.launch(coordinator, 40)
        await house.sink.arrived(8)
        (leased,) = coordinator.handles[0].held.values()
        said = list[object]()
        coordinator.handles[0].send = said.append  # type: ignore[method-assign]
        coordinator.handles[0].recall(dict.fromkeys(range(1, 41), before) | {40: leased.since + 1})
        assert said == [frames.Recall(leased.batch, [40])]
        del coordinator.handles[0].send
        slow.go_on.set()
        await house.until(lambda: house.state(mailing) == "done")


async def test_a_language_and_discreet_words_that_were_chosen_since_are_heeded(house: House) -> None:
    mailing = await house.planned([1, 2, 3, 4])
    write(house.store, "UPDATE subscriber SET language=1 WHERE id=2")
    write(house.store, "UPDATE subscriber SET discreet=1 WHERE id IN (3, 4)")
    (batch,) = await house.lease()
    assert of(batch) == [1]
    await house.settle(batch, Outcome.HANDED_OVER, [1], finish=True)
    apart = {(leased.language, leased.discreet): leased for leased in await house.lease()}
    assert {kind: of(leased) for kind, leased in apart.items()} == {("es", 0): [2], ("en", 1): [3, 4]}
    for leased in apart.values():
        await house.settle(leased, Outcome.HANDED_OVER, of(leased), finish=True)
    assert house.counters(mailing) == {"planned": 4, "handed_over": 4}


async def test_a_retry_goes_by_what_was_chosen_since_and_keeps_what_is_known_of_it(house: House) -> None:
    mailing = await house.planned([1, 2])
    (batch,) = await house.lease()
    await house.settle(batch, Outcome.DOUBTFUL, [1, 2], finish=True, due_at=0, next_attempt=2)
    write(house.store, "UPDATE subscriber SET discreet=1 WHERE id=2")
    (same,) = await house.lease()
    (other,) = await house.lease()
    assert ((of(same), same.discreet), (of(other), other.discreet, other.attempt)) == (([1], 0), ([2], 1, 2))
    await house.ledger.halt(mailing, 0)
    await house.settle(other, Outcome.WITHHELD, [2], finish=True)
    assert house.outcomes(mailing)[2] == Outcome.UNCERTAIN


async def test_what_is_stopped_is_not_told_in_other_words_first(house: House) -> None:
    mailing = await house.planned([1], expires_at=1)
    write(house.store, "UPDATE subscriber SET language=1")
    assert await house.lease() == []
    assert house.outcomes(mailing) == {1: Outcome.EXPIRED}
