"""A real sender process, and what a coordinator says to it and hears from it."""

from __future__ import annotations

import asyncio
import socket
import time
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

from channels.contract import ChannelSettings, Message
from hub.delivery.coordinator import WINDOW
from hub.delivery.sending import frames
from hub.delivery.sending.frames import Row, To
from hub.delivery.sending.outcome import Outcome
from hub.durations import Durations
from subscriptions.vault import Keyring
from tests.warm import Warm, sender_process

PATIENCE_S = 60.0
SETTINGS = ChannelSettings(public_url="http://hub.invalid", webhook_key=b"k" * 32, allow_private=True)


class SenderProcess:
    """Start with ``async with``. `rows` holds what was reported by address; each receipt is committed at once unless `commits` is off."""

    def __init__(
        self,
        settings: ChannelSettings = SETTINGS,
        *,
        window: int = WINDOW,
        commits: bool = True,
        each: dict[str, float] | None = None,
        provider_rates: dict[str, float | None] | None = None,
        start: Callable[[socket.socket], Awaitable[Process | Warm]] = sender_process,
    ) -> None:
        """`each`: channel → messages a second that each receiver takes. `start`: a cold one writes its log where the tests do."""
        self._start = start
        self._keyring = Keyring.generate()
        self._configure = frames.Configure(settings, self._keyring.to_bytes(), window, 0.0, each or {}, provider_rates or {})
        self._commits = commits
        self.rows: dict[int, Row] = {}
        self.order: list[int] = []
        self.finished: set[int] = set()
        self.doing = frames.Doing()
        self.waits = 0
        self.said = 0
        """How often it has said what it does."""
        self.took: dict[str, Durations] = {}
        self.heard: list[frames.ToCoordinator] = []
        """Every frame in its order."""
        self.grants: str = ""
        """What it is granted as soon as it asks for that."""
        self.wanted: dict[str, frames.Wanted] = {}
        """What it said last of each receiver whose rate it waits for."""
        self._next = 0
        self._news = asyncio.Condition()

    async def __aenter__(self) -> Self:
        ours, theirs = socket.socketpair()
        self.process = await self._start(theirs)
        theirs.close()
        reader, self._writer = await asyncio.open_connection(sock=ours, limit=2**20)
        self.say(self._configure)
        self.say(frames.Alive(time.monotonic() + 10 * PATIENCE_S))
        self._listening = asyncio.create_task(self._listen(reader))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._writer.close()
        await self.process.wait()
        await self._listening

    def say(self, frame: frames.ToSender) -> None:
        """One frame to the sender."""
        self._writer.write(frames.encode(frame))

    def give(
        self,
        addresses: list[str],
        *,
        batch: int = 1,
        priority: int = 2,
        channel: str = "webhook",
        simulated: bool = False,
        mailing: int | None = None,
        title: str = "t",
        limited: bool = False,
    ) -> range:
        """A batch for these addresses, of a mailing of its own unless that is named; returns their numbers."""
        numbers = range(self._next, self._next + len(addresses))
        self._next += len(addresses)
        people = [To(number, number, 1, *self._keyring.seal(channel, address)) for number, address in zip(numbers, addresses, strict=True)]
        now = time.time()
        parts = {"title": title, "body": "b", "subject": title, "text": "b"}
        message = Message(
            purpose="alert", topic="t", language="en", parts=parts, link="http://hub.invalid/a", sent_at=now,
            expires_at=now + 3600, data='{"id":"al_1"}',
        )  # fmt: skip
        self.say(frames.Work(batch, mailing or batch, channel, "en", simulated, message, priority, limited, 0, people))
        return numbers

    async def until_reported(self, numbers: range) -> list[Row]:
        """Wait until each of these has ended; how they ended."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(lambda: self.rows.keys() >= set(numbers))
        return [self.rows[number] for number in numbers]

    async def until_wanted(self, count: int, *, priority: int = 2) -> frames.Wanted:
        """Wait until so many wait for some receiver's rate, the most urgent of this priority."""

        def found() -> list[frames.Wanted]:
            return [wanted for wanted in self.wanted.values() if (wanted.count, wanted.priority) == (count, priority)]

        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(found)
        return found()[0]

    async def until_ahead(self, count: int) -> None:
        """Wait until it says that so many hand-overs are ahead of what was committed."""
        await self.until(lambda: self.doing.ahead == count)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until what it has said makes this true."""
        async with asyncio.timeout(PATIENCE_S), self._news:
            await self._news.wait_for(condition)

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while (body := await frames.read(reader)) is not None:
            frame = frames.to_coordinator.decode(body)
            self.heard.append(frame)
            if isinstance(frame, frames.Receipts):
                await self._note(frame)
            elif isinstance(frame, frames.Wanted):
                if frame.key == self.grants:
                    self.say(frames.Granted(frame.key, frame.count))
                async with self._news:
                    self.wanted[frame.key] = frame
                    self._news.notify_all()
            elif isinstance(frame, frames.Doing):
                async with self._news:
                    self.doing, self.waits, self.said = frame, self.waits + frame.waits, self.said + 1
                    for channel, took in frame.took.items():
                        self.took.setdefault(channel, Durations()).add(took)
                    self._news.notify_all()
            elif isinstance(frame, frames.Unused):
                async with self._news:
                    self._news.notify_all()

    async def _note(self, receipts: frames.Receipts) -> None:
        async with self._news:
            rows = [Row(address, Outcome.HANDED_OVER, receipts.last_ms) for address in receipts.handed_over] + receipts.rows
            self.rows |= {row.address: row for row in rows}
            self.order += [row.address for row in rows]
            if receipts.finished:
                self.finished.add(receipts.batch)
            self._news.notify_all()
        if self._commits:
            self.say(frames.Committed(receipts.count))
