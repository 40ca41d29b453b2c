"""What happens now, to everyone who watches: Server-Sent Events with ids, so that a reader who lost the line misses nothing recent.

An event's id follows from its row in the table of alerts, so it is the same on every node and after a restart: a reader that lost one node
goes on at another. The text of an event is made once for all readers, and written to a few hundred of them at a time, so that thousands of
open streams never hold up the loop that delivers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from typing import Protocol

import msgspec

KEPT = 256
QUEUE = 64
SLICE = 250
"""Readers written to in one turn of the loop."""
RETRY = b"retry: 3000\n\n"
"""Milliseconds after which a browser that lost the line comes back."""
STILL_HERE = b": still here\n\n"

_NUMBERS = 500_000


class Event(msgspec.Struct, frozen=True):
    """One event; `wire` is the finished text of it, made once for all readers."""

    id: int
    name: str
    wire: bytes


def event(moment: int, number: int, name: str, data: bytes) -> Event:
    """`name` happened to alert `number` at `moment` (milliseconds since 1970). `data` is one line of JSON.

    The id grows with time and tells alerts of one millisecond apart, and an alert's end from its beginning.
    """
    identity = (moment * _NUMBERS + number % _NUMBERS) * 2 + (name == "end")
    return Event(identity, name, b"id: %d\nevent: %s\ndata: %s\n\n" % (identity, name.encode(), data))


class Reader(Protocol):
    """One open stream. Neither method waits or raises."""

    def tell(self, wire: bytes) -> bool:
        """Pass it on; False when this reader has gone or is too slow, and is let go."""

    def end(self) -> None:
        """The stream is over."""


class Live:
    """Fans events out to any number of readers. A reader that falls behind is let go and resumes by its Last-Event-ID."""

    def __init__(self) -> None:
        self._recent: deque[Event] = deque(maxlen=KEPT)
        self._readers: dict[Reader, None] = {}
        self._waves: deque[tuple[bytes, list[Reader]]] = deque()

    @property
    def readers(self) -> int:
        """Open streams."""
        return len(self._readers)

    def remember(self, happened: Event) -> None:
        """Keep an event of before this start for readers who resume."""
        self._recent.append(happened)

    def publish(self, happened: Event) -> None:
        """Tell everyone."""
        self._recent.append(happened)
        self._spread(happened.wire)

    def heartbeat(self) -> None:
        """A comment to everyone, so that proxies keep the lines open."""
        self._spread(STILL_HERE)

    def join(self, reader: Reader, last_event_id: int | None = None) -> None:
        """Tell `reader` what is kept and came after that event, then everything that happens, until it leaves or is let go."""
        self._readers[reader] = None
        for missed in self._since(last_event_id):
            if not reader.tell(missed.wire):
                self.leave(reader)
                return

    def leave(self, reader: Reader) -> None:
        """Nothing more to this one."""
        self._readers.pop(reader, None)

    def _since(self, last: int | None) -> list[Event]:
        """In the order in which this node told it. An id that is not kept here says at least the time."""
        if last is None:
            return []
        kept = list(self._recent)
        place = next((position for position, known in enumerate(kept) if known.id == last), None)
        return kept[place + 1 :] if place is not None else [known for known in kept if known.id > last]

    def _spread(self, wire: bytes) -> None:
        # Who joins from now on has been told by `join`, so the readers of this moment are the right ones.
        self._waves.append((wire, list(self._readers)))
        if len(self._waves) == 1:
            self._next_slice()

    def _next_slice(self) -> None:
        while self._waves:
            wire, waiting = self._waves[0]
            now, waiting[:] = waiting[:SLICE], waiting[SLICE:]
            for reader in now:
                if reader in self._readers and not reader.tell(wire):
                    self.leave(reader)
            if waiting:
                asyncio.get_running_loop().call_soon(self._next_slice)
                return
            self._waves.popleft()

    async def subscribe(self, last_event_id: int | None = None) -> AsyncGenerator[bytes]:
        """How soon to come back, the texts of events after `last_event_id` that are still kept, then each as it happens, until `close`.

        Listening begins before the first text is given: who has read that one misses nothing.
        """
        reader = _Queue()
        reader.tell(RETRY)
        self.join(reader, last_event_id)
        try:
            while (wire := await reader.queue.get()) is not None:
                yield wire
        finally:
            self.leave(reader)

    def close(self) -> None:
        """End every stream, at shutdown."""
        self._waves.clear()
        for reader in list(self._readers):
            self.leave(reader)
            reader.end()


class _Queue:
    """A reader that takes its time, up to a limit."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue(KEPT + QUEUE)

    def tell(self, wire: bytes) -> bool:
        if self.queue.qsize() >= self.queue.maxsize - 1:
            self.end()
            return False
        self.queue.put_nowait(wire)
        return True

    def end(self) -> None:
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait(None)
