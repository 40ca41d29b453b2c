"""A second provider takes over while the first fails, and the first comes back: with real mail servers and SMS centres."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
import structlog

from channels import catalog
from channels.breaker import Breaker
from channels.contract import (
    Channel,
    ChannelSettings,
    Message,
    NotAsked,
    ProviderFault,
    Recipient,
    Rejected,
    TryAgain,
    Uncertain,
    slot,
)
from channels.failover import AGAIN_S, IDLE_S, Failover
from channels.smpp_sms import SmppSms
from channels.smtp_email import SmtpEmail
from tests.peers.http_sink import HttpSink, Reply
from tests.peers.smsc import RINVDSTADR, ROK, RTHROTTLED, Smsc
from tests.peers.smtp import MailServer, mail_server
from tests.processes import PATIENCE_S

BASE = ChannelSettings(public_url="https://alerts.example", mail_from="alerts@alerts.example", sms_from="62262")
MESSAGE = Message(
    purpose="alert",
    topic="alr_1",
    language="en",
    parts={"subject": "Boil water", "text": "Boil water."},
    link="https://alerts.example/a/1",
    sent_at=1_790_000_000.0,
    expires_at=1_790_003_600.0,
)


class Clock:
    """The breakers' seconds, which pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def settings(**changes: Any) -> ChannelSettings:
    return ChannelSettings(**({field: getattr(BASE, field) for field in BASE.__struct_fields__} | changes))


def person(number: int = 0) -> Recipient:
    return Recipient(
        delivery_id=f"d{number}", address=f"p{number}@example.org", links={"unsubscribe": f"https://alerts.example/u/{number}"}
    )


def phone(number: int = 0) -> Recipient:
    return Recipient(delivery_id=f"d{number}", address=f"+1718555{number:04}")


def breaker(clock: Clock) -> Breaker:
    return Breaker(clock, failures=3, first_s=10.0, longest_s=60.0)


@contextmanager
def words_of_the_log() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as entries:
        yield entries


class Mails:
    """Two mail servers behind one channel."""

    def __init__(self, first: MailServer, second: MailServer) -> None:
        self.first, self.second, self.clock = first, second, Clock()
        self.channel = Failover(
            [SmtpEmail(settings(smtp=server.url), timeout=5.0) for server in (first, second)], self.clock, breaker=breaker
        )
        self.draft = self.channel.compose(MESSAGE)

    async def send(self, *numbers: int) -> None:
        for number in numbers:
            await self.channel.deliver(self.draft, person(number))

    def reached(self) -> tuple[list[str], list[str]]:
        first, second = (
            [address.partition("@")[0] for envelope in server.sent for address in envelope.rcpt_tos] for server in (self.first, self.second)
        )
        return first, second


@pytest.fixture
async def mails() -> AsyncIterator[Mails]:
    async with mail_server(pipelining=True) as first, mail_server() as second:
        pair = Mails(first, second)
        yield pair
        await pair.channel.aclose()


async def test_while_the_first_works_the_second_gets_nothing(mails: Mails) -> None:
    await asyncio.gather(*(mails.send(number) for number in range(20)))
    first, second = mails.reached()
    assert sorted(first) == sorted(f"p{number}" for number in range(20))
    assert second == []


async def test_when_the_first_dies_everyone_is_reached_by_the_second_and_traffic_returns_when_it_is_back(mails: Mails) -> None:
    await mails.send(0)
    await mails.first.refuse()
    await mails.send(*range(1, 8))
    assert mails.reached() == (["p0"], [f"p{number}" for number in range(1, 8)])
    await mails.first.listen()
    await mails.send(8)
    assert mails.reached()[0] == ["p0"], "its time is not over"
    mails.clock.now += 10.0
    await mails.send(9, 10)
    assert mails.reached()[0] == ["p0", "p9", "p10"]


async def test_a_dead_provider_is_asked_by_one_hand_over_at_a_time(mails: Mails) -> None:
    await mails.first.refuse()
    await mails.send(0, 1, 2)
    mails.first.answers["MAIL"] = "421 4.3.2 not yet"
    await mails.first.listen()
    mails.clock.now += 10.0
    await asyncio.gather(*(mails.send(number) for number in range(3, 40)))
    assert len(mails.first.connections) == 1
    assert len(mails.second.sent) == 40


async def test_a_server_that_refuses_our_log_in_is_left_for_the_next() -> None:
    async with mail_server(log_in=("hub", "right")) as first, mail_server() as second:
        channel = catalog.open_channel("email", settings(smtp=f"smtp://hub:wrong@127.0.0.1:{first.port}\n {second.url}"))
        await channel.deliver(channel.compose(MESSAGE), person())
        await channel.aclose()
        assert (len(first.sent), len(second.sent)) == (0, 1)


@pytest.mark.parametrize("reply", ["450 4.2.1 mailbox busy", "452 4.2.2 mailbox full"])
async def test_a_later_for_one_person_is_no_fault_of_the_provider(reply: str, mails: Mails) -> None:
    mails.first.answers["p1@example.org"] = reply
    for _ in range(5):
        with pytest.raises(TryAgain):
            await mails.send(1)
    await mails.send(2)
    assert mails.reached() == (["p2"], [])


async def test_a_person_who_may_have_got_it_is_not_asked_of_the_second_but_a_provider_that_falls_silent_is_left(mails: Mails) -> None:
    mails.first.drop = "DOT"
    for number in range(3):
        with pytest.raises(Uncertain):
            await mails.send(number)
    assert mails.second.sent == []
    await mails.send(3)
    assert mails.reached()[1] == ["p3"]


async def test_a_final_no_is_final_whoever_is_next(mails: Mails) -> None:
    mails.first.answers["p1@example.org"] = "550 5.1.1 no such user"
    with pytest.raises(Rejected) as caught:
        await mails.send(1)
    assert caught.value.address_is_dead
    assert mails.second.sent == []


async def test_with_all_of_them_away_it_is_tried_when_the_first_is_asked_again_and_no_try_is_used_up(mails: Mails) -> None:
    await mails.first.refuse()
    await mails.second.refuse()
    for number in range(2):
        with pytest.raises(ProviderFault):
            await mails.send(number)
    with pytest.raises(TryAgain):
        await mails.send(2)
    mails.clock.now += 4.0
    with pytest.raises(TryAgain) as caught:
        await mails.send(3)
    assert caught.value.after == pytest.approx(6.0)


async def test_a_missing_link_says_nothing_about_a_provider(mails: Mails) -> None:
    draft = mails.channel.compose(MESSAGE)
    for _ in range(5):
        with pytest.raises(KeyError):
            await mails.channel.deliver(draft, Recipient(delivery_id="d", address="p1@example.org"))
    await mails.send(2)
    assert mails.reached() == (["p2"], [])


async def test_the_log_says_which_provider_was_left_and_when_it_is_back_without_naming_it(mails: Mails) -> None:
    with words_of_the_log() as entries:
        await mails.first.refuse()
        await mails.send(*range(4))
        await mails.first.listen()
        mails.clock.now += 10.0
        await mails.send(4)
    assert [(entry["event"], entry["channel"], entry["provider"]) for entry in entries] == [
        ("provider_left", "email", 1),
        ("provider_back", "email", 1),
    ]
    assert "127.0.0.1" not in str(entries)


async def test_sms_moves_to_the_second_centre_and_back() -> None:
    async with Smsc() as first, Smsc() as second:
        clock = Clock()
        channel = Failover([SmppSms(settings(sms=centre.url), timeout=5.0) for centre in (first, second)], clock, breaker=breaker)
        draft = channel.compose(MESSAGE)
        await channel.deliver(draft, phone(1))
        await first.refuse()
        await asyncio.gather(*(channel.deliver(draft, phone(number)) for number in range(2, 30)))
        await first.listen()
        clock.now += 10.0
        await channel.deliver(draft, phone(30))
        await channel.aclose()
        assert [number for number, _ in first.phones.messages] == ["17185550001", "17185550030"]
        assert len(second.phones.messages) == 28


@pytest.mark.parametrize(("status", "error"), [(RTHROTTLED, TryAgain), (RINVDSTADR, Rejected)])
async def test_an_sms_centre_that_answers_works_whatever_it_says(status: int, error: type[Exception]) -> None:
    async with Smsc() as first, Smsc() as second:
        channel = Failover([SmppSms(settings(sms=centre.url), timeout=5.0) for centre in (first, second)], Clock(), breaker=breaker)
        draft = channel.compose(MESSAGE)
        first.answer = lambda _: status
        for number in range(6):
            with pytest.raises(error):
                await channel.deliver(draft, phone(number))
        first.answer = lambda _: ROK
        await channel.deliver(draft, phone(7))
        await channel.aclose()
        assert (len(first.phones.messages), second.submits) == (1, [])


@pytest.mark.parametrize("status", [0x04, 0x0A])
async def test_an_sms_centre_that_refuses_us_and_not_the_person_is_left_for_the_next(status: int) -> None:
    async with Smsc() as first, Smsc() as second:
        channel = Failover([SmppSms(settings(sms=centre.url), timeout=5.0) for centre in (first, second)], Clock(), breaker=breaker)
        first.answer = lambda _: status
        draft = channel.compose(MESSAGE)
        for number in range(4):
            await channel.deliver(draft, phone(number))
        await channel.aclose()
        assert (len(first.submits), len(second.phones.messages)) == (3, 4)


async def test_providers_of_different_kinds_stand_in_for_each_other() -> None:
    async with Smsc() as centre, HttpSink(lambda _: Reply(201, body=b'{"sid": "SM1"}')) as api:
        urls = f"{centre.url} http://AC1:token@127.0.0.1:{api.port}"
        channel = catalog.open_channel("sms", settings(sms=urls))
        assert isinstance(channel, Channel)
        draft = channel.compose(MESSAGE)
        await centre.refuse()
        receipt = await channel.deliver(draft, phone(1))
        await channel.aclose()
        assert receipt.provider_id == "SM1"
        assert b"To=%2B17185550001" in api.requests[0].body


async def test_a_draft_names_the_links_of_all_its_providers(mails: Mails) -> None:
    draft = mails.channel.compose(
        Message(
            purpose="confirm",
            topic="t",
            language="en",
            parts={"subject": "Confirm", "text": slot("confirm")},
            link="https://alerts.example/",
            sent_at=0.0,
            expires_at=9e9,
        )
    )
    assert draft.slots == ("confirm",)


class Gate:
    """Lets so many through that were begun by another provider's rate, and keeps what it was asked."""

    def __init__(self, room: int) -> None:
        self.room, self.asked, self.moves = room, list[tuple[int, int]](), 0

    def moved(self) -> None:
        self.moves += 1

    async def admits(self, place: int, begun_by: int) -> bool:
        self.asked.append((place, begun_by))
        if place == begun_by:
            return True
        self.room -= 1
        return self.room >= 0


async def test_who_was_begun_by_the_firsts_rate_goes_through_the_second_only_if_that_one_has_room(mails: Mails) -> None:
    gate, draft = Gate(2), mails.channel.compose(MESSAGE)
    mails.channel.watch(gate.moved, gate.admits)
    await mails.first.refuse()

    async def send(number: int, provider: int) -> None:
        await mails.channel.deliver(draft, msgspec.structs.replace(person(number), provider=provider))

    for number in range(2):
        await send(number, 1)
    with pytest.raises(TryAgain) as caught:
        await send(2, 1)
    assert caught.value.after == AGAIN_S
    assert (mails.channel.in_use, gate.moves) == (2, 1)
    await send(3, 2)
    with pytest.raises(NotAsked):
        await send(4, 1)
    assert mails.reached() == ([], ["p0", "p1", "p3"])
    assert gate.asked == [(1, 1), (2, 1)] * 3 + [(2, 2), (2, 1)]


async def test_the_first_is_in_use_again_when_it_works_and_when_nobody_has_asked_it_for_a_while(mails: Mails) -> None:
    gate = Gate(0)
    mails.channel.watch(gate.moved, gate.admits)
    await mails.first.refuse()
    await mails.send(*range(3))
    mails.clock.now += 10.0
    assert mails.channel.in_use == 2
    mails.clock.now += IDLE_S + 1
    assert mails.channel.in_use == 1
    await mails.send(3)
    assert (mails.channel.in_use, gate.asked) == (2, [])  # it failed again; where all have one rate, nobody is asked for it
    await mails.first.listen()
    mails.clock.now += 20.0
    await mails.send(4)
    assert (mails.channel.in_use, mails.reached()[0]) == (1, ["p4"])
    assert gate.moves == 3


async def test_one_waits_for_the_rate_of_a_provider_that_is_asked_again_and_the_others_go_through_the_next(mails: Mails) -> None:
    gate, room = Gate(0), asyncio.get_running_loop().create_future()
    await mails.first.refuse()
    await mails.send(*range(3))
    await mails.first.listen()
    mails.clock.now += 20.0

    async def admits(place: int, begun_by: int) -> bool:
        return place == begun_by or bool(await room)

    mails.channel.watch(gate.moved, admits)
    draft = mails.channel.compose(MESSAGE)
    asks, *others = (
        asyncio.ensure_future(mails.channel.deliver(draft, msgspec.structs.replace(person(number), provider=2))) for number in range(3, 6)
    )
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*others)
    assert mails.reached() == ([], ["p0", "p1", "p2", "p4", "p5"])
    room.set_result(True)
    await asks
    assert mails.reached()[0] == ["p3"]


async def test_a_channel_is_away_while_all_are_left_alone_and_says_when_it_goes_when_it_stays_away_and_when_it_is_back(
    mails: Mails,
) -> None:
    told: list[float | None] = []
    mails.channel.when_moved(lambda: told.append(mails.channel.away_s))
    await mails.first.refuse()
    await mails.send(*range(3))
    assert (mails.channel.away_s, told) == (None, [None])
    await mails.second.refuse()
    failures: list[TryAgain] = []
    for number in range(3, 7):
        with pytest.raises(TryAgain) as caught:
            await mails.send(number)
        failures.append(caught.value)
    assert [(failure.away, failure.after) for failure in failures] == [(False, None), (False, None), (True, 10.0), (True, 10.0)]
    assert told == [None, 10.0]
    mails.clock.now += 10.0
    assert mails.channel.away_s == 0.0
    with pytest.raises(TryAgain):
        await mails.send(7)
    assert told == [None, 10.0, 0.0, 20.0]
    await mails.second.listen()
    mails.clock.now += 20.0
    await mails.send(8)
    assert (mails.channel.away_s, told[-1]) == (None, None)
