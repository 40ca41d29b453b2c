"""A sender process as the coordinator sees it: its frames, what it holds, and how much of that it may begin."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence

from hub.delivery.ledger.batches import Leased
from hub.delivery.sending import frames

HELD_PER_CHANNEL = 2
"""Batches of one channel that a sender holds: one being handed over and one ready behind it."""
LOWEST = 1_000
HUNG_S = 5.0
ENDING_S = 5.0
"""For a sender that has said its last word, to end by itself."""
STARTING_S = 60.0
"""Until a sender's first word: on a busy machine it loads for long, and killing it would only begin that anew."""


class Handle:
    """Made by `start`."""

    def __init__(self, process: asyncio.subprocess.Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.process, self.reader, self.writer = process, reader, writer
        self.held: dict[int, Leased] = {}
        self.heard = time.monotonic() + STARTING_S - HUNG_S
        self.ended = asyncio.Event()
        self.doing = frames.Doing()
        self._draining = False
        self._limited: set[int] = set()
        self._waiting = Counter[str]()
        self._granted = Counter[str]()

    def send(self, frame: frames.ToSender) -> None:
        """Queue a frame; a sender that has gone is noticed by its reader. Nothing follows a `Drain`: it would meet a sender that has ended,
        and that failure would throw away receipts which wait here to be read."""
        if self.writer.is_closing() or self._draining:
            return
        self.writer.write(frames.encode(frame))
        self._draining = isinstance(frame, frames.Drain)

    @property
    def hangs(self) -> bool:
        """It has said nothing for too long."""
        return time.monotonic() - self.heard > HUNG_S

    def room(self, channel: str) -> tuple[int, int]:
        """(batches it can take, only those of priority below this): an urgent one may always join lesser ones.

        What is away from it gets one try at a time, each when its rest is over.
        """
        priorities = [leased.priority for leased in self.held.values() if leased.channel == channel]
        if channel in self.doing.away:
            return (0, 0) if priorities or self.rests(channel) else (1, LOWEST)
        if not priorities:
            return 1, LOWEST  # only one at first: its people need not wait until the next batch was read, too
        if len(priorities) < HELD_PER_CHANNEL:
            return HELD_PER_CHANNEL - len(priorities), LOWEST
        return 1, min(priorities)

    def rests(self, channel: str) -> bool:
        """Whether it has just found that no provider of this channel can be reached, and asks none for a while."""
        return self.doing.away.get(channel, 0.0) > time.monotonic()

    def take(self, leased: Leased, *, limited: bool) -> None:
        """It is given a batch; `limited` when its provider allows only so many a second."""
        self.held[leased.batch] = leased
        if limited:
            self._limited.add(leased.batch)
            self._waiting[leased.channel] += len(leased.recipients)

    def reported(self, leased: Leased, count: int) -> None:
        """So many people of a batch are accounted for."""
        if leased.batch in self._limited:
            self._waiting[leased.channel] -= count
            self._granted[leased.channel] = max(0, self._granted[leased.channel] - count)

    def unused(self, channel: str, count: int) -> None:
        """So many credits were void before it could begin anybody with them."""
        self._granted[channel] = max(0, self._granted[channel] - count)

    def recall(self, changed: Mapping[int, float]) -> None:
        """These subscribers have changed, at these times: whoever of them it was given before and has not begun is to be leased anew."""
        for batch, leased in self.held.items():
            addresses = [to.address for to in leased.recipients if changed.get(to.subscriber, 0.0) > leased.since]
            if addresses:
                self.send(frames.Recall(batch, addresses))

    def committed(self, receipts: Sequence[frames.Receipts]) -> None:
        """All of these are on disk."""
        for each in receipts:
            if each.finished:
                self.drop(each.batch)
        self.send(frames.Committed(sum(each.count for each in receipts)))

    def drop(self, batch: int) -> None:
        """It holds a batch no more."""
        self.held.pop(batch, None)
        self._limited.discard(batch)

    def kill(self) -> None:
        """At once; whoever waits for its end sees it."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def end(self) -> None:
        """Its process is gone: by itself if it has said its last word, else it is killed."""
        with contextlib.suppress(TimeoutError):
            if self.ended.is_set():
                await asyncio.wait_for(self.process.wait(), ENDING_S)
        if self.process.returncode is None:
            self.kill()
            await self.process.wait()
        self.writer.close()

    @property
    def limited_channels(self) -> set[str]:
        """Those of which it holds people for whom it needs credits."""
        return {channel for channel, count in self._waiting.items() if count > self._granted[channel]}

    def wants(self, channel: str) -> tuple[int, int]:
        """(priority of the most urgent batch, people for whom it has no credit yet)."""
        priorities = [leased.priority for batch, leased in self.held.items() if batch in self._limited and leased.channel == channel]
        return min(priorities, default=LOWEST), self._waiting[channel] - self._granted[channel]

    def credit(self, channel: str, count: int, key: str) -> None:
        """It may begin so many, by the rate of the provider that is called so."""
        self._granted[channel] += count
        self.send(frames.Credits(channel, count, key))


async def start(configure: frames.Configure, alive: frames.Alive) -> Handle:
    """A process of its own over a socket pair, never a fork: its ends close with the coordinator's."""
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            process = await sender_process(theirs)
    except BaseException:
        ours.close()
        raise
    reader, writer = await asyncio.open_connection(sock=ours, limit=2**20)
    handle = Handle(process, reader, writer)
    handle.send(configure)
    handle.send(alive)
    return handle


async def sender_process(theirs: socket.socket) -> asyncio.subprocess.Process:
    """Start one at the other end of a socket pair."""
    command = (sys.executable, "-m", "hub.delivery.sending.sender", str(theirs.fileno()))
    return await asyncio.create_subprocess_exec(*command, pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL)
