"""A sender that can't reach its SMS centre: whoever waits in it goes back at once, and it says so before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

import msgspec

from channels.breaker import FAILURES, FIRST_S
from hub.delivery.sending import frames
from hub.delivery.sending.frames import Row
from hub.delivery.sending.outcome import Outcome
from tests.hub.delivery.sender_process import SETTINGS, SenderProcess
from tests.peers.smsc import Smsc

PEOPLE = 150


@asynccontextmanager
async def away() -> AsyncIterator[tuple[Smsc, SenderProcess, range]]:
    """A sender with two batches, and credits for only as many as it takes until its centre is left alone."""
    async with Smsc() as smsc:
        smsc.most_transmitters = 0
        async with SenderProcess(msgspec.structs.replace(SETTINGS, sms=smsc.url, sms_from="62262")) as sender:
            people = [give(sender, PEOPLE, batch) for batch in (1, 2)]
            sender.say(frames.Credits("sms", FAILURES, "sms"))
            yield smsc, sender, range(people[0].start, people[1].stop)


def give(sender: SenderProcess, people: int, batch: int) -> range:
    return sender.give([f"+1718555{number:04}" for number in range(people)], batch=batch, channel="sms", limited=True)


async def test_whoever_waits_for_a_channel_that_is_left_alone_is_turned_back_without_a_credit() -> None:
    async with away() as (smsc, sender, people):
        rows = await sender.until_reported(people)
        assert {row.outcome for row in rows} == {Outcome.WAITING}
        assert sum(row.away for row in rows) > 2 * PEOPLE - FAILURES
        assert sender.finished == {1, 2}
        assert not smsc.submits


async def test_that_a_channel_is_away_is_said_before_anybody_is_turned_back() -> None:
    async with away() as (_, sender, people):
        await sender.until_reported(people)
        said = next(at for at, frame in enumerate(sender.heard) if isinstance(frame, frames.Doing) and frame.away)
        turned = next(at for at, frame in enumerate(sender.heard) if isinstance(frame, frames.Receipts) and any(r.away for r in frame.rows))
        assert said < turned


async def test_a_batch_that_was_on_its_way_is_turned_back_too() -> None:
    async with away() as (_, sender, people):
        await sender.until(lambda: sender.doing.away)
        late = give(sender, 3, 3)
        rows = await sender.until_reported(late)
        assert all(row.away and row.after for row in rows)
        await sender.until_reported(people)


async def test_one_person_is_enough_to_find_that_it_is_back_and_that_is_said_before_they_are_reported() -> None:
    async with away() as (smsc, sender, people):
        await sender.until_reported(people)
        until = sender.doing.away["sms"]
        smsc.most_transmitters = 1
        await sender.until(lambda: 0 < sender.doing.away["sms"] - until < 2 * FIRST_S)  # a second later its rest is over

        async def one(batch: int) -> Row:
            given = give(sender, 1, batch)
            sender.say(frames.Credits("sms", 1, "sms"))
            return (await sender.until_reported(given))[0]

        batches = count(3)
        while (row := await one(next(batches))).away:  # it came some milliseconds too soon
            assert row.after is not None
            assert row.after < FIRST_S
        assert row.outcome == Outcome.HANDED_OVER
        assert sender.doing.away == {}
