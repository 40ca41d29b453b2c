"""Nobody is begun by a sender whose coordinator has long not said what is stopped; a coordinator says only what it has read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import msgspec
import pytest
from sqlalchemy import URL

from hub.delivery import stops
from hub.delivery.sending import frames
from hub.delivery.sending.outcome import Outcome
from hub.delivery.sending.sender import UNWRITTEN_S
from hub.delivery.stops import HEED_S, Stops
from tests.hub.delivery.people import NOW
from tests.hub.delivery.sender_process import SETTINGS, SenderProcess
from tests.hub.delivery.test_coordinator import node
from tests.hub.delivery.test_ledger import House, house
from tests.peers.http_sink import HttpSink
from tests.processes import PATIENCE_S

__all__ = ["house"]


def hears_nothing_more(sender: SenderProcess) -> None:
    now = time.monotonic()
    sender.say(frames.Alive(now + 10 * PATIENCE_S, now))


async def has_read_all(sender: SenderProcess) -> None:
    await sender.until_reported(sender.give(["someone"], batch=99, channel="no such channel"))


async def test_a_sender_that_hears_nothing_begins_nobody_until_it_does() -> None:
    async with HttpSink() as sink, SenderProcess() as sender:
        hears_nothing_more(sender)
        people = sender.give([f"{sink.url}/{number}" for number in range(20)])
        await sender.until(lambda: sender.waits)
        assert not sink.requests
        sender.say(frames.Alive(time.monotonic() + 10 * PATIENCE_S))
        assert {row.outcome for row in await sender.until_reported(people)} == {Outcome.HANDED_OVER}


async def test_what_was_stopped_meanwhile_is_withheld_from_all() -> None:
    async with HttpSink() as sink, SenderProcess() as sender:
        hears_nothing_more(sender)
        people = sender.give([f"{sink.url}/{number}" for number in range(20)])
        await sender.until(lambda: sender.waits)
        sender.say(frames.Halt(1))
        sender.say(frames.Alive(time.monotonic() + 10 * PATIENCE_S))
        assert {row.outcome for row in await sender.until_reported(people)} == {Outcome.WITHHELD}
        assert not sink.requests


async def test_what_was_stopped_and_could_not_be_written_is_put_off_and_withheld_once_it_is() -> None:
    async with HttpSink() as sink, SenderProcess() as sender:
        sender.say(frames.Halt(1, written=False))
        rows = await sender.until_reported(sender.give([f"{sink.url}/{number}" for number in range(20)], batch=1))
        assert {(row.outcome, row.after, row.maybe_sent) for row in rows} == {(Outcome.WAITING, UNWRITTEN_S, False)}
        sender.say(frames.Halt(1))
        sender.say(frames.Halt(1, written=False))
        rows = await sender.until_reported(sender.give([f"{sink.url}/{number}" for number in range(20)], batch=2, mailing=1))
        assert {row.outcome for row in rows} == {Outcome.WITHHELD}
        assert not sink.requests


async def test_a_sender_that_starts_later_knows_of_a_stop_that_could_not_be_written(store: URL) -> None:
    async with node(store, 20) as house, house.running(senders=1) as coordinator:
        gone = coordinator.handles[0]
        coordinator.hold(1, written=False)
        gone.kill()
        await house.until(lambda: gone not in coordinator.handles and coordinator.alive == 1)
        assert await house.launch(coordinator, 20) == 1
        await house.until(lambda: house.postponed(1) == 20)
        await coordinator.halt(1)
        assert house.counters(1) == {"planned": 20, "withheld": 20}
        assert not house.sink.requests


async def test_who_waits_inside_a_channel_is_not_begun_either_and_comes_again() -> None:
    heard, greet, said = asyncio.Event(), asyncio.Event(), bytearray()

    async def slow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set()
        await greet.wait()
        writer.write(b"220 mail.example\r\n")
        while line := await reader.readline():
            said.extend(line)
            writer.write(b"250 ok\r\n")
        writer.close()

    server = await asyncio.start_server(slow, "127.0.0.1", 0)
    url = f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server, SenderProcess(msgspec.structs.replace(SETTINGS, smtp=url)) as sender:
        people = sender.give(["p@example.org"], channel="email")
        await heard.wait()
        hears_nothing_more(sender)
        await has_read_all(sender)
        greet.set()
        (row,) = await sender.until_reported(people)
        assert (row.outcome, row.maybe_sent) == (Outcome.WAITING, False)
    assert b"MAIL" not in said


async def looked(looks: Stops, times: Callable[[], int], count: int) -> None:
    task = asyncio.create_task(looks.run())
    async with asyncio.timeout(PATIENCE_S):
        while times() < count:
            await asyncio.wait([task], timeout=0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_another_node_has_stopped_is_held(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stops, "LOOK_S", 0.0)
    stopped, goes_on = await house.planned([1]), await house.planned([2])
    await house.lease()
    await house.ledger.halt(stopped, NOW)
    held, seen = set[int](), list[float]()
    looks = Stops(house.ledger, lambda: {stopped, goes_on}, held.add, lambda: seen.append(looks.known_until))
    await looked(looks, lambda: len(seen), 2)
    assert held == {stopped}
    assert seen[1] > seen[0]


async def test_a_look_that_failed_prolongs_nothing_where_others_write_to_the_database(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stops, "LOOK_S", 0.0)
    mailing, seen = await house.planned([1]), list[float]()
    looks = Stops(house.ledger, lambda: {mailing}, lambda _: None, lambda: seen.append(looks.known_until))
    began = looks.known_until - HEED_S

    async def away(_: object) -> list[int]:
        raise ConnectionError

    monkeypatch.setattr(house.ledger, "stopped", away)
    await looked(looks, lambda: len(seen), 3)
    if house.ledger.is_shared:
        assert set(seen) == {looks.known_until}
    else:
        assert sorted(seen) == seen
        assert seen[0] > began + HEED_S
