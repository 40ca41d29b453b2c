"""Coordinator and real sender processes over a real ledger, handing over to a real HTTP server."""

from __future__ import annotations

import asyncio
import errno
import math
import os
import signal
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import msgspec
import numpy as np
import pytest
from sqlalchemy import URL
from sqlalchemy.exc import OperationalError

from channels.contract import ChannelSettings, Message
from hub.clock import Clock
from hub.delivery import coordinator as coordinator_module
from hub.delivery import handle
from hub.delivery.coordinator import WINDOW, Coordinator
from hub.delivery.ledger.batches import Finished, Leased, Planned
from hub.delivery.ledger.ledger import Ledger
from hub.delivery.rate_limit import LocalRateLimit
from hub.delivery.sending import frames
from hub.store.database import Database
from subscriptions.opting_out import Tried
from subscriptions.vault import Keyring
from tests.databases import rows
from tests.hub.delivery.people import add_mailing, filled
from tests.peers.http_sink import CLOSE, HANG, HttpSink, Reply, Request, Responder

PATIENCE_S = 60.0
HOUR_MS = 3_600_000
ON_ONE = pytest.mark.parametrize("store", ["sqlite"], indirect=True)
"""Of what happens in processes alone."""
LOOK_S = 0.2
"""Not everything that is written is settled: how often to look all the same."""


class Counted(LocalRateLimit):
    """Keeps what it granted."""

    def __init__(self) -> None:
        super().__init__()
        self.granted = Counter[str]()

    async def take(self, key: str, per_second: float, wanted: int) -> int:
        granted = await super().take(key, per_second, wanted)
        self.granted[key] += granted
        return granted


class Hanging(Counted):
    """Is asked and never answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    async def take(self, key: str, per_second: float, wanted: int) -> int:
        self.asked.set()
        return await asyncio.get_running_loop().create_future()


class Node:
    """One coordinator with its senders over a database of webhook addresses at a sink."""

    def __init__(self, store: URL, keyring: Keyring, sink: HttpSink) -> None:
        self.store, self.keyring, self.sink = store, keyring, sink
        self.dead: list[Tried] = []
        self.written = asyncio.Event()
        self.asked = False
        self.trouble: dict[int, str] = {}
        """Mailing → what is wrong with its text."""
        self.rate_limit: Counted = Counted()

    @asynccontextmanager
    async def running(
        self, *, senders: int = 2, rate: float | None = None, each: dict[str, float] | None = None, clock: Clock = time.time
    ) -> AsyncIterator[Coordinator]:
        async def render(leased: Leased) -> Message:
            if self.trouble.get(leased.mailing) == "broken":
                raise LookupError("no such words")
            if self.trouble.get(leased.mailing) == "away" and not self.asked:
                self.asked = True
                raise OperationalError("SELECT", None, ConnectionError())
            now = time.time()
            return Message(
                purpose="alert", topic="t", language="en", parts={}, link="http://hub.invalid/a", sent_at=now, data='{"id":"al_1"}',
                expires_at=leased.expires_at / 1000,
            )  # fmt: skip

        def settled(_: object, dead: object) -> None:
            self.dead.extend(dead)  # type: ignore[arg-type]
            self.written.set()

        host = urlsplit(self.sink.url).netloc
        settings = ChannelSettings(public_url="http://hub.invalid", webhook_key=b"k" * 32, webhook_hosts=(host,), allow_private=True)
        async with Database(self.store) as database:
            ledger = Ledger(database)
            ledger.join(1)
            configure = frames.Configure(settings, self.keyring.to_bytes(), WINDOW, 0.0, each or {})
            coordinator = Coordinator(
                ledger,
                configure,
                clock,
                senders=senders,
                until=lambda: math.inf,
                render=render,
                rate_of=lambda _, simulated: None if simulated else rate,
                rate_limit=self.rate_limit,
                settled=settled,
            )
            try:
                async with coordinator:
                    yield coordinator
            finally:
                await ledger.aclose()

    async def launch(
        self,
        coordinator: Coordinator,
        count: int,
        *,
        trouble: str = "",
        priority: int = 2,
        ends_ms: int = HOUR_MS,
        simulated: bool = False,
    ) -> int:
        mailing = add_mailing(self.store, priority=priority, expires_at=int(time.time() * 1000) + ends_ms)
        self.trouble[mailing] = trouble
        part = Planned("webhook", "en", simulated, np.arange(1, count + 1, dtype=np.int64), 250)
        assert await coordinator._ledger.plan(mailing, count, [part], int(time.time() * 1000))
        coordinator.wake()
        return mailing

    def counters(self, mailing: int) -> dict[str, int]:
        return dict(rows(self.store, "SELECT outcome, count FROM counter WHERE mailing=?", mailing))  # type: ignore[arg-type]

    def postponed(self, mailing: int) -> int:
        """People of whom something is known and who wait for another try."""
        return int(rows(self.store, "SELECT count(*) FROM delivery WHERE mailing=? AND outcome IN (0, 7)", mailing)[0][0])

    def state(self, mailing: int) -> str:
        return str(rows(self.store, "SELECT state FROM mailing WHERE id=?", mailing)[0][0])

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for something that is written; the limit is for a broken product, not part of any expectation."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self.written.clear()
                await asyncio.wait([asyncio.ensure_future(self.written.wait())], timeout=LOOK_S)

    def reached(self) -> Counter[str]:
        return Counter(request.path for request in self.sink.requests)


@asynccontextmanager
async def node(store: URL, people: int, respond: Responder | None = None) -> AsyncIterator[Node]:
    async with HttpSink(respond) as sink:
        keyring = Keyring.generate()
        addresses = [("webhook", f"{sink.url}/{number}") for number in range(1, people + 1)]
        yield Node(filled(store, keyring, addresses), keyring, sink)


async def test_everyone_is_reached_once_and_the_mailing_ends(store: URL) -> None:
    async with node(store, 2000) as house, house.running() as coordinator:
        mailing = await house.launch(coordinator, 2000)
        await house.until(lambda: house.state(mailing) == "done")
        assert house.counters(mailing) == {"planned": 2000, "handed_over": 2000}
        assert house.reached() == {f"/{number}": 1 for number in range(1, 2001)}


async def test_a_passing_fault_is_tried_again_and_a_dead_address_is_closed(store: URL) -> None:
    tries: Counter[str] = Counter()

    def respond(request: Request) -> Reply:
        tries[request.path] += 1
        if request.path == "/3":
            return Reply(410)
        return Reply(503, {"Retry-After": "0"}) if request.path == "/2" and tries["/2"] == 1 else Reply(200)

    async with node(store, 4, respond) as house, house.running() as coordinator:
        mailing = await house.launch(coordinator, 4, priority=0)
        await house.until(lambda: house.state(mailing) == "done")
        assert house.counters(mailing) == {"planned": 4, "handed_over": 3, "failed": 1}
        assert tries == {"/1": 1, "/2": 2, "/3": 1, "/4": 1}
        assert [tried.address for tried in house.dead] == [3]


async def test_sent_without_an_answer_is_retried_and_counted_as_a_possible_duplicate(store: URL) -> None:
    seen: Counter[str] = Counter()

    def respond(request: Request) -> object:
        seen[request.path] += 1
        return CLOSE if seen[request.path] == 1 else Reply(200)

    async with node(store, 1, respond) as house, house.running() as coordinator:  # type: ignore[arg-type]
        mailing = await house.launch(coordinator, 1, priority=0)
        await house.until(lambda: house.state(mailing) == "done")
        assert house.counters(mailing) == {"planned": 1, "possible_duplicate": 1, "handed_over": 1}


async def test_a_killed_sender_is_replaced_and_nobody_is_lost(store: URL) -> None:
    async with node(store, 3000) as house, house.running() as coordinator:
        mailing = await house.launch(coordinator, 3000)
        await house.sink.arrived(500)
        coordinator.handles[0].process.send_signal(signal.SIGKILL)
        await house.until(lambda: house.state(mailing) == "done")
        assert house.counters(mailing) == {"planned": 3000, "handed_over": 3000}
        reached = house.reached()
        assert len(reached) == 3000
        assert sum(reached.values()) - 3000 <= WINDOW
        await house.until(lambda: coordinator.alive == 2)


async def test_a_sender_that_hangs_is_replaced_and_sends_nothing_when_it_wakes(store: URL) -> None:
    async with node(store, 2000) as house, house.running() as coordinator:
        # Until its first word it may be loading still, and is given a minute for it.
        await house.until(lambda: coordinator.handles[0].heard <= time.monotonic())
        mailing = await house.launch(coordinator, 2000)
        await house.sink.arrived(300)
        hung = coordinator.handles[0].process
        hung.send_signal(signal.SIGSTOP)
        await house.until(lambda: house.state(mailing) == "done")
        assert hung.returncode == -signal.SIGKILL
        assert house.counters(mailing) == {"planned": 2000, "handed_over": 2000}
        assert sum(house.reached().values()) - 2000 <= WINDOW


@ON_ONE
async def test_a_sender_that_can_not_be_started_is_started_later(store: URL, monkeypatch: pytest.MonkeyPatch) -> None:
    async with node(store, 500) as house, house.running(senders=1) as coordinator:
        failures, start = 0, handle.sender_process

        async def short_of_memory(theirs: socket.socket) -> asyncio.subprocess.Process:
            nonlocal failures
            failures += 1
            if failures < 3:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
            return await start(theirs)

        monkeypatch.setattr(handle, "sender_process", short_of_memory)
        coordinator.handles[0].process.kill()
        mailing = await house.launch(coordinator, 500)
        await house.until(lambda: house.state(mailing) == "done")
        assert failures == 3


async def test_a_coordinator_that_ends_settles_what_was_handed_over(store: URL) -> None:
    async with node(store, 5000) as house:
        async with house.running() as coordinator:
            mailing = await house.launch(coordinator, 5000)
            await house.sink.arrived(1000)
        settled = house.counters(mailing)["handed_over"]
        assert settled == len(house.sink.requests) == len(house.reached())
        async with house.running() as coordinator:
            coordinator.wake()
            await house.until(lambda: house.state(mailing) == "done")
        assert house.reached() == {f"/{number}": 1 for number in range(1, 5001)}


async def test_a_stop_ends_hand_overs_and_says_how_many_had_gone(store: URL) -> None:
    async with node(store, 4000) as house, house.running() as coordinator:
        mailing = await house.launch(coordinator, 4000)
        await house.sink.arrived(200)
        await coordinator.halt(mailing)
        await house.until(lambda: sum(count for name, count in house.counters(mailing).items() if name != "planned") == 4000)
        counters = house.counters(mailing)
        assert counters["handed_over"] == len(house.sink.requests)
        assert counters["withheld"] == 4000 - counters["handed_over"] > 0


async def test_a_new_alert_is_not_held_up_by_what_is_closed_before_it(store: URL) -> None:
    async with node(store, 100) as house:
        async with house.running(senders=1) as coordinator:
            dead = [add_mailing(house.store, expires_at=1) for _ in range(40)]
            for mailing in dead:
                await coordinator._ledger.plan(mailing, 1, [Planned("webhook", "en", False, np.array([1], dtype=np.int64))], 0)
            fresh = await house.launch(coordinator, 100)
            await house.until(lambda: house.state(fresh) == "done")
        assert all(house.counters(mailing) == {"planned": 1, "expired": 1} for mailing in dead)


async def test_a_drain_with_a_shut_window_settles_what_is_in_flight(store: URL) -> None:
    async with node(store, 3000) as house:
        async with house.running(senders=1) as coordinator:
            await house.launch(coordinator, 3000)
            await house.sink.arrived(200)
            sender = coordinator.handles[0].process
        assert sender.returncode == 0


@pytest.mark.parametrize("away", [True, False])
@ON_ONE
async def test_a_coordinator_that_ends_while_the_database_is_away_says_that_some_are_in_doubt(
    store: URL, away: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coordinator_module, "LAST_COMMITS_S", 0.2 if away else 60)

    async def stalls(*_: object) -> list[Finished]:
        return await asyncio.get_running_loop().create_future()

    async with node(store, 20) as house:
        async with house.running(senders=1) as coordinator:
            if away:
                monkeypatch.setattr(coordinator._ledger, "settle", stalls)
            await house.launch(coordinator, 20)
            await house.sink.arrived(20)
        assert coordinator.in_doubt is away


@ON_ONE
async def test_what_a_slow_receiver_has_not_answered_when_the_hub_stops_is_counted_as_a_possible_duplicate(store: URL) -> None:
    async with node(store, 20, lambda _: HANG) as house:
        async with house.running(senders=1) as coordinator:
            mailing = await house.launch(coordinator, 20)
            await house.sink.arrived(8)
            sender = coordinator.handles[0].process
        assert sender.returncode == 0
        assert house.counters(mailing) == {"planned": 20, "possible_duplicate": len(house.sink.requests)}


async def test_nothing_is_handed_over_after_it_expires(store: URL) -> None:
    async with node(store, 50) as house, house.running(rate=50.0) as coordinator:
        mailing = await house.launch(coordinator, 50, ends_ms=400)
        await house.until(lambda: house.state(mailing) == "done")
        counters = house.counters(mailing)
        assert counters["expired"] == 50 - counters.get("handed_over", 0) > 0
        assert len(house.sink.requests) == counters.get("handed_over", 0)


async def test_a_text_that_fails_in_one_language_fails_alone(store: URL) -> None:
    async with node(store, 10) as house, house.running() as coordinator:
        broken = await house.launch(coordinator, 10, trouble="broken")
        fine = await house.launch(coordinator, 10)
        await house.until(lambda: house.state(broken) == "done" and house.state(fine) == "done")
        assert house.counters(broken) == {"planned": 10, "failed": 10}
        assert house.counters(fine) == {"planned": 10, "handed_over": 10}


async def test_a_database_that_is_away_while_a_text_is_made_costs_nobody_the_alert(store: URL) -> None:
    async with node(store, 10) as house, house.running() as coordinator:
        mailing = await house.launch(coordinator, 10, trouble="away")
        await house.until(lambda: house.state(mailing) == "done")
        assert house.asked
        assert house.counters(mailing) == {"planned": 10, "handed_over": 10}


async def test_an_urgent_alert_overtakes_a_large_one(store: URL) -> None:
    async with node(store, 6000) as house, house.running() as coordinator:
        minor = await house.launch(coordinator, 6000, priority=3)
        await house.sink.arrived(300)
        extreme = await house.launch(coordinator, 50, priority=0)
        await house.until(lambda: house.state(extreme) == "done")
        assert house.counters(minor)["handed_over"] < 6000
        await house.until(lambda: house.state(minor) == "done")


@ON_ONE
async def test_a_limit_that_does_not_answer_holds_up_nobody_but_those_it_is_for(store: URL) -> None:
    async with node(store, 20) as house:
        house.rate_limit = hanging = Hanging()
        async with house.running(rate=10.0) as coordinator:
            limited = await house.launch(coordinator, 10)
            await hanging.asked.wait()
            free = await house.launch(coordinator, 20, simulated=True)
            await house.until(lambda: house.state(free) == "done")
            assert house.counters(limited) == {"planned": 10}


async def test_a_wire_frame_survives_the_round_trip() -> None:
    row = frames.Row(5, 1, 7, "why", 2.5, True, False, "copy")
    frame = frames.Receipts(3, [row], finished=True)
    assert frames.to_coordinator.decode(frames.encode(frame)[4:]) == frame
    assert msgspec.msgpack.decode(frames.encode(frame)[4:], type=dict)["type"] == "receipts"


async def test_a_receivers_rate_is_asked_for_by_all_senders_together_and_everybody_gets_it_once(store: URL) -> None:
    async with node(store, 150) as house, house.running(each={"webhook": 60.0}) as coordinator:
        mailing = await house.launch(coordinator, 150)
        await house.until(lambda: house.state(mailing) == "done")
        assert house.counters(mailing) == {"planned": 150, "handed_over": 150}
        assert set(house.reached().values()) == {1}
        ((key, granted),) = house.rate_limit.granted.items()
        assert key.startswith("each ")
        assert granted >= 150
