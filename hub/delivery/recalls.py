"""Whoever changes something about a subscription, or ends it, while their message waits in a sender is looked at anew.

A batch holds who was owed it when it was leased, and behind a slow provider its last people wait for long. So whoever of them has changed
since is taken back from the sender, unless they were begun, and is leased again: there it is decided, as for everybody.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence

from hub.delivery.handle import Handle

TOGETHER_S = 0.1
"""Changes that come within this are looked for at once: each look goes through everybody in hand."""


class Recalls:
    """`note` changes; `run` until cancelled."""

    def __init__(self, feeding: asyncio.Lock, handles: Callable[[], Sequence[Handle]]) -> None:
        """`feeding` is held while batches are on their way from the ledger to a sender."""
        self._feeding, self._handles = feeding, handles
        self._changed: dict[int, float] = {}
        self._news = asyncio.Event()

    def note(self, subscribers: Collection[int]) -> None:
        """These have changed, and that is in the tables."""
        self._changed.update(dict.fromkeys(subscribers, time.monotonic()))
        self._news.set()

    async def run(self) -> None:
        """Take back."""
        while True:
            await self._news.wait()
            self._news.clear()
            await asyncio.sleep(TOGETHER_S)
            async with self._feeding:
                changed, self._changed = self._changed, {}
                for handle in self._handles():
                    handle.recall(changed)
