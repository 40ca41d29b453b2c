"""A sender whose channel has two providers with rates of their own: each hand-over goes out by the rate of the one that it goes through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

import msgspec

from channels.breaker import FAILURES
from channels.contract import Channel, Message, Recipient
from channels.failover import IDLE_S, Failover
from channels.smtp_email import SmtpEmail
from hub.delivery.sending import frames
from hub.delivery.sending.lanes import Lane, Precedence
from hub.delivery.sending.outcome import Outcome
from hub.delivery.sending.provider_rates import ProviderRates
from tests.hub.delivery.sender_process import SETTINGS, SenderProcess
from tests.peers.smtp import MailServer, mail_server

RATES: dict[str, float | None] = {"email": 100.0, "email:2": 5.0}
LINKS = {"unsubscribe": "https://alerts.example/u/1"}
MESSAGE = Message(
    purpose="alert", topic="t", language="en", parts={"subject": "s", "text": "t"}, link="http://hub.invalid/a", sent_at=0.0, expires_at=9e9
)


@asynccontextmanager
async def two_servers(**options: Any) -> AsyncIterator[tuple[MailServer, MailServer, SenderProcess]]:
    async with mail_server() as first, mail_server() as second:
        settings = msgspec.structs.replace(SETTINGS, smtp=f"{first.url} {second.url}")
        async with SenderProcess(settings, provider_rates=RATES, **options) as sender:
            yield first, second, sender


def people(sender: SenderProcess, count: int, batch: int) -> range:
    return sender.give([f"p{number}@example.org" for number in range(count)], batch=batch, channel="email", limited=True)


async def left(first: MailServer, sender: SenderProcess) -> None:
    """The first server goes, and the sender finds out by people for whom the second has no room."""
    await first.refuse()
    sender.say(frames.Credits("email", FAILURES, "email"))
    rows = await sender.until_reported(people(sender, FAILURES, 1))
    assert {row.outcome for row in rows} == {Outcome.WAITING}
    assert all(row.after and not row.maybe_sent for row in rows)
    await sender.until(lambda: sender.doing.in_use == {"email": 2})


async def test_who_was_begun_by_the_firsts_rate_waits_for_the_seconds_before_it_is_given_to_that() -> None:
    async with two_servers() as (first, second, sender):
        await first.refuse()
        begun = people(sender, FAILURES + 2, 1)
        sender.say(frames.Credits("email", len(begun), "email"))
        wanted = await sender.until_wanted(len(begun), priority=0)
        assert (wanted.key, wanted.per_second) == ("email:2", 5.0)
        sender.say(frames.Granted(wanted.key, 3))
        rows = await sender.until_reported(begun)
        outcomes = sorted(row.outcome for row in rows)
        assert outcomes == sorted([Outcome.HANDED_OVER] * 3 + [Outcome.WAITING] * (len(begun) - 3))
        assert len(second.sent) == 3
        await sender.until(lambda: sender.wanted["email:2"].count == 0)


async def test_who_waits_for_the_seconds_rate_when_the_alert_is_stopped_is_given_to_nobody() -> None:
    async with two_servers() as (first, second, sender):
        await first.refuse()
        begun = people(sender, 2, 1)
        sender.say(frames.Credits("email", len(begun), "email"))
        wanted = await sender.until_wanted(len(begun), priority=0)
        sender.say(frames.Halt(1))
        sender.say(frames.Granted(wanted.key, len(begun)))
        assert {row.outcome for row in await sender.until_reported(begun)} == {Outcome.WITHHELD}
        assert second.sent == []


async def test_who_waits_for_a_receivers_rate_while_another_provider_takes_over_goes_by_the_rate_of_that() -> None:
    async with two_servers(each={"email": 100.0}) as (first, second, sender):
        waiting = people(sender, FAILURES + 3, 1)
        sender.say(frames.Credits("email", len(waiting), "email"))

        def receivers() -> list[str]:
            return [key for key, wanted in sender.wanted.items() if key not in RATES and wanted.count]

        await sender.until(lambda: len(receivers()) == len(waiting))
        await first.refuse()
        fail, parked = receivers()[:FAILURES], receivers()[FAILURES:]
        for key in fail:
            sender.say(frames.Granted(key, 1))
        await sender.until(lambda: sender.doing.in_use == {"email": 2})
        for key in parked:
            sender.say(frames.Granted(key, 1))
        rows = await sender.until_reported(waiting)
        assert {(row.outcome, row.maybe_sent) for row in rows} == {(Outcome.WAITING, False)}
        assert second.sent == []


async def test_credits_of_the_provider_that_was_left_are_given_back_and_those_of_the_next_are_used() -> None:
    async with two_servers() as (first, second, sender):
        await left(first, sender)
        waiting = people(sender, 2, 2)
        sender.say(frames.Credits("email", 7, "email"))
        await sender.until(lambda: frames.Unused("email", 7) in sender.heard)
        assert second.sent == []
        sender.say(frames.Credits("email", 2, "email:2"))
        assert {row.outcome for row in await sender.until_reported(waiting)} == {Outcome.HANDED_OVER}
        assert len(second.sent) == 2


async def test_credits_that_it_holds_when_another_takes_over_are_given_back_once_that_is_said() -> None:
    async with two_servers() as (first, second, sender):
        sender.say(frames.Credits("email", 1, "email"))
        await sender.until_reported(people(sender, 1, 9))
        assert len(first.sent) == 1
        sender.say(frames.Credits("email", 20, "email"))  # for more than there are
        await left(first, sender)
        moved = next(at for at, frame in enumerate(sender.heard) if isinstance(frame, frames.Doing) and frame.in_use)
        assert sender.heard[moved + 1] == frames.Unused("email", 20)
        assert second.sent == []


async def test_the_first_is_asked_again_by_its_own_rate_and_when_it_works_it_is_in_use() -> None:
    async with two_servers() as (first, second, sender):
        await left(first, sender)
        await first.listen()
        sender.grants, batch = "email", 1
        while not first.sent:  # the breaker lets one ask, at its own time
            batch += 1
            sender.say(frames.Credits("email", 1, "email:2"))
            await sender.until_reported(people(sender, 1, batch))
        assert frames.Wanted("email", 100.0, 0, 1) in sender.heard
        await sender.until(lambda: sender.doing.in_use == {})
        before = len(second.sent)
        sender.say(frames.Credits("email", 1, "email"))
        await sender.until_reported(people(sender, 1, batch + 1))
        assert (len(first.sent), len(second.sent)) == (2, before)


class Told:
    """What a coordinator would hear."""

    def __init__(self) -> None:
        self.frames: list[frames.Unused | frames.Wanted | str] = []

    def in_use(self) -> None:
        self.frames.append("in use")


async def test_a_provider_that_nobody_has_asked_for_a_while_is_in_use_again_and_that_is_said() -> None:
    now, told = [0.0], Told()
    async with mail_server() as first, mail_server() as second:
        channel = Failover([SmtpEmail(msgspec.structs.replace(SETTINGS, smtp=server.url)) for server in (first, second)], lambda: now[0])
        lane = Lane(cast("Channel", channel), Precedence(), lambda *_: asyncio.sleep(0))
        rates = ProviderRates(RATES, told.frames.append, told.in_use)
        rates.watch("email", cast("Channel", channel), lane)
        await first.refuse()
        draft = channel.compose(MESSAGE)
        for number in range(FAILURES):
            await channel.deliver(draft, Recipient(delivery_id="d", address=f"p{number}@example.org", links=LINKS))
        assert (rates.in_use, told.frames) == ({"email": 2}, ["in use"])
        lane.credit(3)
        now[0] += 1.0 + IDLE_S
        rates.look_after()
        assert (rates.in_use, told.frames) == ({"email": 2}, ["in use"])
        now[0] += 1.0
        rates.look_after()
        assert (rates.in_use, told.frames) == ({}, ["in use", "in use", frames.Unused("email", 3)])
        for worker in lane.workers:
            worker.cancel()
        await asyncio.gather(*lane.workers, return_exceptions=True)
        await channel.aclose()
