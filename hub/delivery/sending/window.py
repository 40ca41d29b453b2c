"""How far a sender may be ahead of the ledger, and who goes first when that is not far enough."""

from __future__ import annotations

import asyncio
import math
import time
from heapq import heappop, heappush


class Window:
    """How many hand-overs may be ahead of receipts that are on disk: the bound on duplicates after a crash.

    When it is shut, the most urgent of those who wait goes first, whatever channel it is on and however long the others have waited.
    """

    def __init__(self, size: int) -> None:
        self._size = self._free = size
        self._waits = 0
        self._closed = False
        self._until = math.inf
        self._waiting: list[tuple[int, int, asyncio.Future[bool]]] = []
        self._asked = 0

    @property
    def is_shut(self) -> bool:
        """Nobody may be begun now, however much room there is."""
        return time.monotonic() >= self._until

    def open(self, until: float) -> None:
        """Anybody may be begun until then, by `time.monotonic`; whoever is turned away after that waits for the next such word."""
        self._until = until
        self.give(0)

    def take_now(self) -> bool:
        """Room for one more, at once; False when there is none, or when others wait for it."""
        if self._free <= 0 or self._waiting or self._closed or self.is_shut:
            return False
        self._free -= 1
        return True

    async def take(self, priority: int) -> bool:
        """Wait for room for one more; False once the window is closed for good."""
        if self.take_now():
            return True
        if self._closed:
            return False
        self._asked += 1
        self._waits += 1
        turn: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (priority, self._asked, turn))
        return await turn

    @property
    def ahead(self) -> int:
        """Hand-overs that were begun and whose receipts are not on disk."""
        return self._size - self._free

    def waits(self) -> int:
        """How many had to wait for room since this was asked last."""
        waits, self._waits = self._waits, 0
        return waits

    def close(self) -> None:
        """Nothing more is begun; whoever waits is let go."""
        self._closed = True
        for _, _, turn in self._waiting:
            if not turn.done():
                turn.set_result(False)
        self._waiting.clear()

    def give(self, count: int) -> None:
        """So many were committed, or were never started."""
        self._free += count
        while self._free > 0 and self._waiting and not self.is_shut:
            turn = heappop(self._waiting)[2]
            if not turn.done():
                self._free -= 1
                turn.set_result(True)
