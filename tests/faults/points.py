"""Points of a fault: what is done to the hub, and at which moment of an alert. Each is told from a seed, so that it can be tried again."""

from __future__ import annotations

import asyncio
import resource
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from hub.delivery.coordinator import SILENCE_S, WINDOW
from hub.delivery.handle import HUNG_S
from tests.faults.folder_events import FolderEvents
from tests.faults.house import BOUND, TAKEN, House, Verdict, alert_of
from tests.faults.power_loss import cut_power
from tests.peers.moods import Moods
from tests.processes import gone, tell
from tests.waiting import until

MOST_EVENTS = 60
"""An alert to some thousand people opens and writes the files of the data folder about so often, and so does a start."""


@dataclass(frozen=True)
class Moment:
    """When so many of an alert's messages have arrived, or so many times a file of the data folder was opened or written."""

    arrivals: int = 0
    events: int = 0

    async def reached(self, house: House, before: int, events: FolderEvents) -> None:
        """Wait for it, or for the last arrival."""
        whole = asyncio.ensure_future(house.receiver.arrived(before + (self.arrivals or house.people)))
        await first(whole, *([] if self.arrivals else [asyncio.ensure_future(events.nth(self.events))]))

    def __str__(self) -> str:
        return f"arrival {self.arrivals}" if self.arrivals else f"file event {self.events}"


async def first(*waits: asyncio.Future[None]) -> None:
    """Wait for one of them, and let the others be."""
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    await asyncio.gather(*waits, return_exceptions=True)


def any_moment(random: Random, people: int, *, files: bool = True) -> Moment:
    """Half of them while messages go out, half while something is written to `files`; without these, all while messages go out."""
    arrivals, events = random.randint(1, people), random.randint(1, MOST_EVENTS)
    return Moment(events=events) if files and random.random() < 0.5 else Moment(arrivals=arrivals)


Fault = Callable[[House, Random], Awaitable[int]]
"""Do it and bring the hub back; returns how many messages may come twice by it."""


async def kill_everything(house: House, random: Random) -> int:
    """SIGKILL to the coordinator and its senders."""
    await house.hub.kill_all()
    await house.restart()
    return BOUND


async def kill_everything_twice(house: House, random: Random) -> int:
    """And again while it is back at work, or has just done it."""
    await house.hub.kill_all()
    with FolderEvents(house.hub.data) as events:
        await house.restart()
        over = asyncio.ensure_future(house.over())
        await first(over, asyncio.ensure_future(events.nth(events.count + random.randint(1, MOST_EVENTS))))
    await house.hub.kill_all()
    await house.restart()
    return 2 * BOUND


async def kill_at_start(house: House, random: Random) -> int:
    """SIGKILL while it starts after a SIGKILL: in recovery itself."""
    await house.hub.kill_all()
    with FolderEvents(house.hub.data) as events:
        house.hub.launch()
        up, moment = asyncio.ensure_future(house.hub.listening()), asyncio.ensure_future(events.nth(random.randint(1, MOST_EVENTS)))
        await asyncio.wait({up, moment}, return_when=asyncio.FIRST_COMPLETED)
        await house.hub.kill_all()
        moment.cancel()
        with suppress(AssertionError):
            await up
    await house.restart()
    return 2 * BOUND


async def kill_coordinator(house: House, random: Random) -> int:
    """SIGKILL to the coordinator alone: its senders end by themselves."""
    senders = house.hub.senders()
    await house.hub.end(signal.SIGKILL)
    if random.random() < 0.5:
        await house.restart()
    await asyncio.gather(*(gone(pid, HUNG_S) for pid in senders))
    if not house.hub.runs:
        await house.restart()
    return BOUND


async def kill_sender(house: House, random: Random) -> int:
    """SIGKILL to one sender: the coordinator starts another."""
    sender = random.choice(house.hub.senders())
    tell(sender, signal.SIGKILL)
    await gone(sender)
    house.restarted = time.monotonic()
    return WINDOW


async def cut_power_off(house: House, random: Random) -> int:
    """SIGKILL to everything, and of the files only what was synchronised is left for certain."""
    await house.hub.kill_all()
    house.say(cut_power(house.hub.data / "tocsin.db", random))
    await house.restart()
    return BOUND


async def terminate(house: House, random: Random) -> int:
    """SIGTERM: whatever was handed over is settled, nothing comes twice."""
    assert await house.hub.end(signal.SIGTERM) == 0
    await house.restart()
    return 0


async def hang_sender(house: House, random: Random) -> int:
    """SIGSTOP to one sender: the coordinator puts an end to it and starts another."""
    sender = random.choice(house.hub.senders())
    tell(sender, signal.SIGSTOP)
    await gone(sender)
    house.restarted = time.monotonic()
    return WINDOW


async def hang_coordinator(house: House, random: Random) -> int:
    """SIGSTOP to the coordinator for longer than its senders bear."""
    tell(house.hub.pid, signal.SIGSTOP)
    await asyncio.sleep(SILENCE_S + random.random())
    tell(house.hub.pid, signal.SIGCONT)
    house.restarted = time.monotonic()
    return BOUND


async def hang_everything(house: House, random: Random) -> int:
    """SIGSTOP to all of it, as when a virtual machine is paused: they go on where they stood, and when it was long, with other senders."""
    long = random.random() < 0.5
    house.hub.tell_all(signal.SIGSTOP)
    await asyncio.sleep((SILENCE_S if long else HUNG_S) + random.random())
    house.hub.tell_all(signal.SIGCONT)
    house.restarted = time.monotonic()
    return BOUND if long else 0


async def fill_disk(house: House, random: Random) -> int:
    """No file of the coordinator can be written any more, its log included, until there is room again."""
    await house.publishing
    resource.prlimit(house.hub.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
    answer, (status, said) = await house.refused(), await house.ready()
    resource.prlimit(house.hub.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert answer == (503, "application/problem+json", "database-unavailable"), f"publishing on a full disk was answered by {answer}"
    assert status == 503, f"a hub with a full disk says that it is ready: {said}"
    assert said.startswith("the database can't be written"), f"a hub with a full disk says of publishing: {said}"
    house.restarted = time.monotonic()
    await until(lambda: _is_ready(house))
    return 0


async def _is_ready(house: House) -> bool:
    return await house.ready() == (200, "ok")


async def moody_provider(house: House, random: Random) -> int:
    """Receivers answer 429 with Retry-After, 500, never, rubbish, half an answer, or hang up."""
    moods = Moods(random, key=lambda request: (alert_of(request), request.path), hangs=random.randint(0, 1))
    house.receiver.respond = moods
    await house.finished(await house.publishing)
    house.receiver.respond = lambda request: TAKEN
    assert not moods.too_early, f"{moods.too_early} requests came before the time that Retry-After had named"
    house.restarted = time.monotonic()
    return 0


async def bad_line(house: House, random: Random) -> int:
    """A proxy between senders and receivers cuts, delays and truncates."""
    async with house.receiver.behind_proxy(random) as proxy:
        await house.finished(await house.publishing)
        house.say(f"{proxy.cuts} connections cut")
    house.restarted = time.monotonic()
    return 0


async def wake_orphan(house: House, random: Random) -> int:
    """A sender hangs, its coordinator is killed, another hub takes over; then the sender wakes: it must not send."""
    sender = random.choice(house.hub.senders())
    tell(sender, signal.SIGSTOP)
    await house.hub.end(signal.SIGKILL)
    await house.restart()
    await house.finished(await house.publishing)
    before = house.receiver.count
    tell(sender, signal.SIGCONT)
    await gone(sender)
    await house.receiver.caught_up()
    assert house.receiver.count == before, "a sender sent after its batch was another's"
    return BOUND


KILLS: tuple[tuple[Fault, int], ...] = (
    (kill_everything, 5),
    (kill_coordinator, 4),
    (kill_sender, 3),
    (cut_power_off, 3),
    (kill_at_start, 2),
    (kill_everything_twice, 1),
    (wake_orphan, 1),
)
OTHERS: tuple[tuple[Fault, int], ...] = (
    (terminate, 1),
    (hang_sender, 1),
    (hang_coordinator, 1),
    (hang_everything, 1),
    (fill_disk, 1),
    (moody_provider, 1),
    (bad_line, 1),
)


def deck(random: Random, points: int, shares: Sequence[tuple[Fault, int]] = KILLS + OTHERS) -> list[Fault]:
    """So many faults, each kind in its share."""
    cards = [fault for fault, share in shares for _ in range(share)]
    drawn: list[Fault] = []
    while len(drawn) < points:
        drawn += random.sample(cards, len(cards))
    return drawn[:points]


async def strike(house: House, fault: Fault, moment: Moment, random: Random, key: str) -> Verdict:
    """Publish an alert, let the fault happen at its moment, judge what came of it, and start whatever does not run."""
    before = house.receiver.count
    with FolderEvents(house.hub.data) as events:
        house.publishing = asyncio.ensure_future(house.publish(key))
        await moment.reached(house, before, events)
        bound = await fault(house, random)
    verdict = await house.judge(await house.publishing, bound)
    await house.restart()
    return verdict
