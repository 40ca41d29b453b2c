"""A sender process: no host holds up another, and what is urgent goes first on every channel."""

from __future__ import annotations

import json
import socket
import sys
from asyncio.subprocess import Process, create_subprocess_exec
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec

from channels.contract import ChannelSettings
from hub.delivery.sending import frames
from hub.delivery.sending.hosts import FIRST_PLACES
from hub.delivery.sending.lanes import LEAST
from hub.delivery.sending.outcome import Outcome
from hub.durations import STEPS_S
from tests.hub.delivery.sender_process import SETTINGS, SenderProcess
from tests.peers.http_sink import HANG, HttpSink
from tests.peers.slow import Slow
from tests.peers.smtp import mail_server

EVERYBODY = 300
RESTS = "the receiver's host does not answer"


def at(sink: HttpSink, count: int = EVERYBODY) -> list[str]:
    return [f"{sink.url}/{number}" for number in range(count)]


async def test_a_host_that_never_answers_holds_up_nobody_else() -> None:
    async with HttpSink(lambda _: HANG) as hung, HttpSink() as sound, SenderProcess() as sender:
        waiting = sender.give(at(hung), batch=1)
        served = sender.give(at(sound), batch=2)
        assert {row.outcome for row in await sender.until_reported(served)} == {Outcome.HANDED_OVER}
        assert len(sound.requests) == EVERYBODY
        assert 0 < len(hung.requests) <= FIRST_PLACES
        rows = await sender.until_reported(waiting[FIRST_PLACES:])
        assert {(row.outcome, row.reason) for row in rows} == {(Outcome.WAITING, "the receiver's host is slow")}
        assert all(row.after and not row.maybe_sent for row in rows)
        assert len(hung.requests) <= FIRST_PLACES


async def test_a_host_that_refuses_connections_rests_and_its_people_wait_in_the_ledger() -> None:
    async with HttpSink() as dead, HttpSink() as sound, SenderProcess() as sender:
        await dead.refuse()
        waiting = sender.give(at(dead), batch=1)
        served = sender.give(at(sound), batch=2)
        assert {row.outcome for row in await sender.until_reported(served)} == {Outcome.HANDED_OVER}
        rows = await sender.until_reported(waiting)
        assert {row.outcome for row in rows} == {Outcome.WAITING}
        resting = [row for row in rows if row.reason == "the receiver's host does not answer"]
        assert len(rows) - len(resting) <= 2 * FIRST_PLACES
        assert all(row.after is not None for row in resting)
        assert sender.finished == {1, 2}


async def test_the_log_says_why_a_channel_has_no_provider_and_holds_no_password(tmp_path: Path) -> None:
    async def cold(theirs: socket.socket) -> Process:
        command = (sys.executable, "-m", "hub.delivery.sending.sender", str(theirs.fileno()))
        with (tmp_path / "log").open("w") as log:
            return await create_subprocess_exec(*command, pass_fds=[theirs.fileno()], stderr=log)

    settings = ChannelSettings(public_url="http://hub.invalid", smtp="smtp://mail.example.org smtp://u:hunter2@h?starttls=maybe")
    async with SenderProcess(settings, start=cold) as sender:
        await sender.until_reported(sender.give(["p@example.org"], channel="email"))
    said = (tmp_path / "log").read_text()
    (told,) = [told for told in map(json.loads, said.splitlines()) if told["event"] == "channel_not_configured"]
    assert told["reason"] == "TOCSIN_SMTP: the only option is ?starttls=never, for smtp:// alone"
    assert "hunter2" not in said


async def test_whoever_is_on_a_channel_that_has_lost_its_setting_waits_for_it() -> None:
    async with SenderProcess() as sender:
        rows = await sender.until_reported(sender.give(["p@example.org"], channel="email"))
        assert [(row.outcome, row.reason, row.after, row.maybe_sent) for row in rows] == [
            (Outcome.WAITING, "email has no provider: set TOCSIN_SMTP, or TOCSIN_OUTBOX=1 to try it out", 60.0, False)
        ]


async def test_a_host_that_comes_back_is_served_again() -> None:
    async with HttpSink() as sink, SenderProcess() as sender:
        await sink.refuse()
        await sender.until_reported(sender.give(at(sink, 50), batch=1))
        await sink.listen()
        batch, served = 1, False
        while not served:  # the breaker lets one ask, at its own time
            batch += 1
            (row,) = await sender.until_reported(sender.give(at(sink, 1), batch=batch))
            served = row.outcome == Outcome.HANDED_OVER
        rows = await sender.until_reported(sender.give(at(sink, 50), batch=batch + 1))
        assert {row.outcome for row in rows} == {Outcome.HANDED_OVER}


async def test_sixty_hosts_of_which_half_hang_serve_the_other_half() -> None:
    async with AsyncExitStack() as stack, SenderProcess() as sender:
        hung = [await stack.enter_async_context(HttpSink(lambda _: HANG)) for _ in range(30)]
        sound = [await stack.enter_async_context(HttpSink()) for _ in range(30)]
        sender.give([f"{sink.url}/{number}" for number in range(10) for sink in hung], batch=1)
        served = sender.give([f"{sink.url}/{number}" for number in range(10) for sink in sound], batch=2)
        assert {row.outcome for row in await sender.until_reported(served)} == {Outcome.HANDED_OVER}


async def test_an_urgent_batch_goes_first_through_a_shut_window_though_it_is_on_another_channel() -> None:
    """The outbox's lane is one channel and the webhooks' another; the window is shut until the urgent batch waits too."""
    async with HttpSink() as sink, SenderProcess(window=10, commits=False) as sender:
        minor = sender.give(at(sink), batch=1, priority=3)
        await sender.until_reported(minor[:10])
        extreme = sender.give(["someone"] * 40, batch=2, priority=0, simulated=True)
        await sender.until_reported(sender.give(["someone"], batch=3, priority=0, channel="no such channel"))
        before = len(sender.order)
        sender.say(frames.Committed(11 + len(extreme)))
        await sender.until_reported(extreme)
        assert set(sender.order[before:]) == set(extreme)


async def test_batches_of_one_mailing_say_each_what_was_written_for_them() -> None:
    """For discreet readers it is in other words; and a video that was withdrawn meanwhile is not in the next batch."""
    async with SenderProcess() as sender:
        said = dict[str, str | None]()
        for batch, title in enumerate(("Flood", "You have a new message", "Flood"), 1):
            (row,) = await sender.until_reported(
                sender.give(["someone"], batch=batch, mailing=7, channel="web_push", simulated=True, title=title)
            )
            said[f"{batch} {title}"] = row.copy
        assert all(title.split(" ", 1)[1] in (copy or "") for title, copy in said.items())


async def test_it_says_each_second_which_hosts_it_leaves_alone() -> None:
    async with HttpSink() as dead, SenderProcess() as sender:
        await dead.refuse()
        batch = 0
        while not sender.doing.resting:
            batch += 1
            await sender.until_reported(sender.give(at(dead, 10), batch=batch))
        assert sender.doing.resting == {"webhook": 1}


async def test_it_says_how_far_ahead_of_the_ledger_it_is_and_how_many_waited_for_that() -> None:
    async with HttpSink() as sink, SenderProcess(window=8, commits=False) as sender:
        sender.give(at(sink, 20))
        await sender.until_ahead(8)
        assert sender.waits > 0
        sender.say(frames.Committed(20))
        await sender.until_ahead(0)


async def test_whoever_was_taken_back_before_their_turn_costs_no_credit() -> None:
    async with HttpSink() as sink, SenderProcess() as sender:
        await sender.until_reported(sender.give(at(sink, 1), batch=1))
        people = sender.give(at(sink, 5), batch=2, limited=True)
        sender.say(frames.Recall(2, list(people[:3])))
        sender.say(frames.Credits("webhook", 2, "webhook"))
        rows = await sender.until_reported(people)
        assert [row.outcome for row in rows] == [Outcome.WAITING] * 3 + [Outcome.HANDED_OVER] * 2


async def test_those_at_a_host_that_is_left_alone_cost_no_credit() -> None:
    async with HttpSink() as dead, SenderProcess() as sender:
        await dead.refuse()
        people = sender.give(at(dead, 100), limited=True)
        for _ in range(2):
            sender.say(frames.Credits("webhook", 30, "webhook"))
        rows = await sender.until_reported(people)
        assert sum(1 for row in rows if row.reason == RESTS) > 60


async def test_a_receiver_with_a_rate_gets_no_more_than_is_granted_and_holds_up_nobody_else() -> None:
    async with HttpSink() as few, HttpSink() as others, SenderProcess(each={"webhook": 10.0}) as sender:
        limited = sender.give(at(few, 20), batch=1)
        wanted = await sender.until_wanted(20)
        assert wanted.per_second == 10.0
        assert few.url not in wanted.key
        sender.say(frames.Granted(wanted.key, 3))
        await few.arrived(3)
        served = sender.give(at(others, 5), batch=2)
        free = await sender.until_wanted(5)
        assert free.key != wanted.key
        sender.say(frames.Granted(free.key, 5))
        await sender.until_reported(served)
        rows = [row for row in await sender.until_reported(limited) if row.outcome == Outcome.WAITING]
        assert len(rows) == 17
        assert len(few.requests) == 3
        assert {row.reason for row in rows} == {"this receiver takes only so many a second"}
        assert not any(row.maybe_sent for row in rows)


async def test_those_a_receiver_has_no_room_for_come_again_one_by_one_at_its_rate() -> None:
    async with HttpSink() as few, SenderProcess(each={"webhook": 10.0}) as sender:
        late = sender.give(at(few, 60), batch=1)[20:]
        rows = await sender.until_reported(late)
        assert {row.outcome for row in rows} == {Outcome.WAITING}
        after = sorted(row.after or 0.0 for row in rows)
        assert after[0] >= 2.0
        assert 0.09 * len(late) <= after[-1] - after[0] <= 0.1 * len(late)
        assert not few.requests


async def test_whoever_is_more_urgent_gets_a_receivers_next_place() -> None:
    async with HttpSink() as few, SenderProcess(each={"webhook": 10.0}) as sender:
        minor = sender.give(at(few, 20), batch=1, priority=3)
        await sender.until_wanted(20, priority=3)
        extreme = sender.give([f"{few.url}/urgent"], batch=2, priority=0)
        wanted = await sender.until_wanted(21, priority=0)
        sender.say(frames.Granted(wanted.key, 1))
        await sender.until_reported(extreme)
        assert [request.path for request in few.requests] == ["/urgent"]
        await sender.until_reported(minor)


async def test_what_is_stopped_waits_for_no_receiver_any_more() -> None:
    async with HttpSink() as few, SenderProcess(each={"webhook": 10.0}) as sender:
        stopped = sender.give(at(few, 15), batch=1)
        await sender.until_wanted(15)
        sender.say(frames.Halt(1))
        assert {row.outcome for row in await sender.until_reported(stopped)} == {Outcome.WITHHELD}
        await sender.until_wanted(0, priority=LEAST)


async def test_a_turn_that_waits_for_a_place_at_its_host_uses_up_one_credit() -> None:
    async with HttpSink() as sink, SenderProcess(each={"webhook": 20.0}) as sender:
        people = sender.give(at(sink, 3 * FIRST_PLACES), batch=1)
        wanted = await sender.until_wanted(len(people))
        sender.say(frames.Granted(wanted.key, len(people)))
        assert {row.outcome for row in await sender.until_reported(people)} == {Outcome.HANDED_OVER}


async def test_how_long_receivers_take_is_counted_by_channel_for_those_who_were_asked() -> None:
    slow, asked = Slow(), FIRST_PLACES
    async with HttpSink(slow) as sink, HttpSink() as dead, SenderProcess() as sender:
        await dead.refuse()
        people = sender.give(at(sink, asked))
        await sender.until(lambda: sender.doing.in_flight == asked)
        seen = sender.said
        await sender.until(lambda: sender.said == seen + 2)  # it speaks once a second
        slow.go_on.set()
        await sender.until_reported(people)
        await sender.until(lambda: "webhook" in sender.took)
        took = sender.took["webhook"]
        assert (sum(took.counts), sum(took.counts[: STEPS_S.index(1) + 1])) == (asked, 0)
        assert took.seconds > asked
        rows = await sender.until_reported(sender.give(at(dead, 100), batch=2))
        refused = [row for row in rows if row.reason != RESTS]
        await sender.until(lambda: sum(took.counts) >= asked + len(refused))
        assert sum(took.counts) == asked + len(refused) < asked + len(rows)


async def test_how_long_a_provider_takes_is_counted_on_channels_without_hosts_too() -> None:
    async with mail_server() as mails, SenderProcess(msgspec.structs.replace(SETTINGS, smtp=mails.url)) as sender:
        mails.answers["p0@example.org"] = "550 5.1.1 no such user"
        await sender.until_reported(sender.give([f"p{number}@example.org" for number in range(20)], channel="email"))
        await sender.until(lambda: "email" in sender.took and sum(sender.took["email"].counts) >= 20)
        await mails.refuse()
        rows = await sender.until_reported(sender.give([f"p{number}@example.org" for number in range(100)], batch=2, channel="email"))
        asked = sum(1 for row in rows if row.reason != "no provider can be reached now")
        await sender.until(lambda: sum(sender.took["email"].counts) >= 20 + asked)
        assert sum(sender.took["email"].counts) == 20 + asked


async def test_no_provider_has_taken_any_time_for_what_the_outbox_keeps() -> None:
    async with SenderProcess(msgspec.structs.replace(SETTINGS, outbox=True)) as sender:
        await sender.until_reported(sender.give(["+17185550100"], batch=1, channel="sms", simulated=True))
        (row,) = await sender.until_reported(sender.give(["+17185550101"], batch=2, channel="sms"))
        assert row.outcome == Outcome.SIMULATED
        seen = sender.said
        await sender.until(lambda: sender.said > seen)
        assert sender.took == {}
