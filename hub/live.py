"""What happens now, to everyone who watches: Server-Sent Events with ids, so that a reader who lost the line misses nothing recent."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

import msgspec

KEPT = 256
QUEUE = 64


class Event(msgspec.Struct, frozen=True):
    """One event; `wire` is the finished text of it, made once for all readers."""

    id: int
    name: str
    wire: bytes


class Live:
    """Fans events out to any number of readers. A reader that falls behind is let go and resumes by its Last-Event-ID."""

    def __init__(self, first_id: int = 1) -> None:
        self._next = first_id
        self._recent: deque[Event] = deque(maxlen=KEPT)
        self._queues: set[asyncio.Queue[Event | None]] = set()

    @property
    def readers(self) -> int:
        """Open streams."""
        return len(self._queues)

    def publish(self, name: str, data: bytes) -> None:
        """Tell everyone. `data` is one line of JSON."""
        wire = b"id: %d\nevent: %s\ndata: %s\n\n" % (self._next, name.encode(), data)
        event = Event(self._next, name, wire)
        self._next += 1
        self._recent.append(event)
        for queue in list(self._queues):
            if queue.full():
                self._queues.discard(queue)
                queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)

    async def subscribe(self, last_event_id: int | None = None) -> AsyncIterator[Event]:
        """Events after `last_event_id` that are still kept, then each as it happens, until `close`."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE)
        missed = [event for event in self._recent if last_event_id is not None and event.id > last_event_id]
        self._queues.add(queue)
        try:
            for event in missed:
                yield event
            while (event_or_end := await queue.get()) is not None:
                yield event_or_end
        finally:
            self._queues.discard(queue)

    def close(self) -> None:
        """End every stream, at shutdown."""
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)
        self._queues.clear()
