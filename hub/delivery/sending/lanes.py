"""The work of one sender, in a lane for each channel: the most urgent person next, no slow host in anybody's way."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from heapq import heapify, heappop, heappush

from channels.contract import Channel, Draft, Hosted, Paced, Purpose, TryAgain
from hub.delivery.sending.frames import Row, To, Work
from hub.delivery.sending.hosts import QUICK_S, Host
from hub.delivery.sending.pace import PATIENCE_S, Pace
from hub.delivery.sending.purse import Purse
from hub.durations import Durations

FEW = 4
"""Workers of a lane that go on while another has something more urgent: that gets nearly all of the process, and nothing stands still."""

AT_ONCE = 8
"""Workers that are woken in one turn of the event loop: answers to the first requests are read while the next are written."""

MOST_WORKERS = 512
MOST_HOSTS = 4096
MANY_PACES = 1024
LEAST = 1_000
"""A priority below all others."""


class Job:
    """One batch on its way through this sender."""

    __slots__ = ("channel", "draft", "first_at", "handed_over", "last_at", "left", "next", "priority", "rows", "unsaid", "work")

    def __init__(self, work: Work, channel: Channel, draft: Draft) -> None:
        self.work, self.channel, self.draft = work, channel, draft
        self.priority = work.priority
        self.next = 0
        self.left = len(work.recipients)
        self.handed_over: list[int] = []
        self.first_at = self.last_at = 0.0
        self.rows: list[Row] = []
        self.unsaid = 0


Turn = tuple[int, int, float, Job, To, int]
"""Priority, number, since when it waits, whose turn it is and by which provider's rate: one that found its host full."""


class Precedence:
    """Which lanes have something that must not wait for the others."""

    def __init__(self) -> None:
        self.most_urgent = LEAST
        self._lanes: dict[Lane, int] = {}
        self._changed: asyncio.Future[None] | None = None

    def note(self, lane: Lane, priority: int) -> None:
        """The most urgent thing that a lane could begin at once; LEAST for nothing."""
        self._lanes[lane] = priority
        most_urgent = min(self._lanes.values())
        if most_urgent != self.most_urgent:
            self.most_urgent = most_urgent
            if self._changed is not None:
                self._changed.set_result(None)
                self._changed = None

    async def change(self) -> None:
        """Wait until something else is the most urgent."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._changed)


class Lane:
    """All jobs of one channel: its workers always take the most urgent person next, so an urgent batch overtakes in mid-batch."""

    def __init__(
        self,
        channel: Channel,
        precedence: Precedence,
        hand_over: Callable[[Lane, Job, To, int], Awaitable[None]],
        per_second_each: float | None = None,
        key_of: Callable[[str], str] = str,
        purse: Purse | None = None,
    ) -> None:
        """Each receiver takes `per_second_each`, and is called by its `key_of` outside of this process. `purse` holds the credits that came
        before."""
        self._jobs: list[Job] = []
        self._ready: list[Turn] = []
        self._parked: dict[Host | Pace, list[Turn]] = {}
        self._turns = 0
        self._idle: list[asyncio.Future[None]] = []
        self._precedence, self._hand_over = precedence, hand_over
        self._purse = purse or Purse()
        self._credited: asyncio.Future[None] | None = None
        self.provider = 0
        """Place of the provider that the credits are for; 0 where they are for all of the channel's."""
        self.took = Durations()
        """How long providers have taken since somebody asked."""
        self._top = LEAST
        self._concurrency = channel.limits.concurrency
        self._hosts: dict[str, Host] = {}
        self.host_of = channel.host_of if isinstance(channel, Hosted) else None
        self._rate_is_of = channel.host_of if isinstance(channel, Hosted) and channel.one_rate_a_host else str
        self._share_of = channel.share_of if isinstance(channel, Paced) else None
        self._per_second_each, self._key_of = per_second_each, key_of
        self.paces: dict[str, Pace] = {}
        self._many_paces = MANY_PACES
        self._busy_since: list[float] = []
        self._wanted = self._concurrency
        self.workers: list[asyncio.Task[None]] = []
        self._hire()

    @property
    def resting(self) -> int:
        """Hosts that are left alone after failures."""
        return sum(1 for host in self._hosts.values() if host.rests_s)

    @property
    def has_idle(self) -> bool:
        """Whether a worker has nothing to do."""
        return bool(self._idle)

    def put(self, job: Job) -> None:
        """Queue a batch by its priority, behind those that came before: they come by their turns. There is somebody in it."""
        self._jobs.append(job)
        self._jobs.sort(key=lambda waiting: waiting.priority)
        self._note()
        self._wake(job.left)

    def drop(self, keep: Callable[[Job], bool]) -> list[tuple[Job, list[To]]]:
        """Take out the jobs that `keep` refuses; returns each with the people not yet begun."""
        dropped = [(job, job.work.recipients[job.next :]) for job in self._jobs if not keep(job)]
        dropped += [
            (job, [to]) for *_, job, to, _ in (*self._ready, *(turn for turns in self._parked.values() for turn in turns)) if not keep(job)
        ]
        self._jobs = [job for job in self._jobs if keep(job)]
        for turns in (self._ready, *self._parked.values()):
            turns[:] = [turn for turn in turns if keep(turn[3])]
            heapify(turns)
        self._note()
        return dropped

    def host(self, address: str) -> Host | None:
        """Who must answer for an address; None when all of the channel's addresses have one provider, which looks after itself."""
        if self.host_of is None:
            return None
        name = self.host_of(address)
        host = self._hosts.get(name)
        if host is None:
            if len(self._hosts) >= MOST_HOSTS:
                self._hosts = {known: host for known, host in self._hosts.items() if host.under_way or host in self._parked}
            host = self._hosts[name] = Host(self._concurrency)
        return host

    def pace(self, purpose: Purpose, address: str) -> Pace | None:
        """Whose rate counts for an address beside the channel's; None for nobody's."""
        if self._per_second_each is None:
            return None
        share = 1.0 if self._share_of is None else self._share_of(purpose, address)
        if not share:
            return None
        key = self._key_of(self._rate_is_of(address))
        pace = self.paces.get(key)
        if pace is None:
            if len(self.paces) >= self._many_paces:
                self.paces = {known: pace for known, pace in self.paces.items() if pace in self._parked or not pace.is_idle}
                self._many_paces = max(MANY_PACES, 2 * len(self.paces))
            pace = self.paces[key] = Pace(key, self._per_second_each * share)
        return pace

    def crowd(self, pace: Pace) -> int:
        """How many turns wait for a receiver's rate."""
        return len(self._parked.get(pace, ()))

    def waits(self, pace: Pace, priority: int = LEAST) -> tuple[int, int]:
        """(priority of the most urgent turn that waits for a receiver's rate, how many turns of this priority and above do)."""
        turns = self._parked.get(pace, [])
        return turns[0][0] if turns else LEAST, sum(1 for turn in turns if turn[0] <= priority)

    def park(self, gate: Host | Pace, job: Job, to: To, provider: int) -> None:
        """Its host is full, or its receiver takes no more now: it comes again when there is room, with the credit that it has."""
        self._turns += 1
        heappush(self._parked.setdefault(gate, []), (job.priority, self._turns, time.monotonic(), job, to, provider))

    def left(self, host: Host) -> None:
        """A hand-over at this host has ended: the next ones may come, all of them when it rests, since it refuses at once."""
        turns = self._parked.get(host)
        if not turns:
            return
        self._release(host, len(turns) if host.rests_s else host.places - host.under_way)

    def granted(self, pace: Pace, count: int) -> None:
        """So many more of a receiver's turns may begin."""
        pace.credit(count)
        pace.told = max(0, pace.told - count)
        self._release(pace, count)

    def _release(self, gate: Host | Pace, count: int) -> None:
        turns = self._parked.get(gate, [])
        for _ in range(min(count, len(turns))):
            heappush(self._ready, heappop(turns))
        if not turns:
            self._parked.pop(gate, None)
        self._wake(len(self._ready))

    def look_after(self) -> list[tuple[Job, To, TryAgain]]:
        """Each second: whoever has waited too long for a slow host or a receiver's rate is returned, with when to come again, and what
        hangs at a host gets a stand-in. Whoever waits for a place that is free comes: the last one released may never have taken it."""
        for host in [gate for gate in self._parked if isinstance(gate, Host) and not gate.is_full]:
            self.left(host)
        now, late = time.monotonic(), []
        for gate, turns in self._parked.items():
            if gate.is_slow:
                late += [(job, to, gate.put_off(job.priority)) for _, _, since, job, to, _ in sorted(turns) if now - since > PATIENCE_S]
                turns[:] = [turn for turn in turns if now - turn[2] <= PATIENCE_S]
                heapify(turns)
        self._parked = {gate: turns for gate, turns in self._parked.items() if turns}
        if self.host_of is not None:
            stuck = sum(1 for since in self._busy_since if since and now - since > QUICK_S)
            self._wanted = min(self._concurrency + stuck, MOST_WORKERS)
            self._hire()
        return late

    def _hire(self) -> None:
        self.workers = [worker for worker in self.workers if not worker.done()]
        for number in range(len(self._busy_since), self._wanted):
            self._busy_since.append(0.0)
            self.workers.append(asyncio.create_task(self._run(number)))

    def _wake(self, count: int) -> None:
        last = count - AT_ONCE
        while count > max(0, last) and self._idle:
            idle = self._idle.pop()
            if not idle.done():
                idle.set_result(None)
                count -= 1
        if count > 0 and self._idle:
            asyncio.get_running_loop().call_soon(self._wake, count)

    async def _nothing_to_do(self) -> None:
        idle = asyncio.get_running_loop().create_future()
        self._idle.append(idle)
        await idle

    def _note(self) -> None:
        first = self._jobs[0] if self._jobs else None
        self._top = first.priority if first else LEAST
        # What is limited leaves the process idle between two turns: nobody has to make room for it.
        self._precedence.note(self, self._top if first and not first.work.limited else LEAST)

    def _take(self) -> tuple[Job, To, int] | None:
        waits = bool(self._jobs) and self._jobs[0].work.limited and self._purse.is_empty
        if self._ready and (waits or self._ready[0][0] <= self._top):
            *_, job, to, provider = heappop(self._ready)
            return job, to, provider
        if waits or not self._jobs:
            return None
        job = self._jobs[0]
        to = job.work.recipients[job.next]
        job.next += 1
        if job.work.limited:
            self._purse.take()
        if job.next == len(job.work.recipients):
            del self._jobs[0]
            self._note()
        return job, to, self.provider

    def credit(self, count: int) -> None:
        """So many more of what is limited may begin, soon."""
        self._purse.put(count)
        self._tell_credited()

    def credit_back(self) -> None:
        """Nobody was begun with the last one: somebody else may be, as long as it holds."""
        self._purse.put_back()
        self._tell_credited()

    def _tell_credited(self) -> None:
        if self._credited is not None:
            self._credited.set_result(None)
            self._credited = None

    def void_credits(self) -> int:
        """Each second: with how many credits nobody was begun in time."""
        return self._purse.void()

    def drop_credits(self) -> int:
        """Nobody may begin any more. Returns for how many there was a credit."""
        return self._purse.drop()

    async def _more_credit(self) -> None:
        if self._credited is None:
            self._credited = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._credited)

    async def _run(self, number: int) -> None:
        busy_since = self._busy_since
        while number < self._wanted or number + 1 < len(busy_since):
            if self._jobs and self._jobs[0].work.limited and self._purse.is_empty and not self._ready:
                await self._more_credit()  # first the credit, then whose it is: an urgent batch or a stop may come meanwhile
                continue
            if self._top > self._precedence.most_urgent and number >= FEW:
                await self._precedence.change()
                continue
            turn = self._take()
            if turn is None:
                await self._nothing_to_do()
                continue
            busy_since[number] = time.monotonic()
            await self._hand_over(self, *turn)
            busy_since[number] = 0.0
        busy_since.pop()
