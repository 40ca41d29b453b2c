"""Credits of a channel in one sender: so many hand-overs may begin, soon. What is kept for long would go out in a burst."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

USED_WITHIN_S = 0.25
"""A credit that nobody was begun with for so long is void, each by its own age: a provider that stood still for a while gets no more in the
first moment than its rate allows in this."""


class Purse:
    """The oldest credits are used first."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._credits: deque[tuple[float, int]] = deque()
        self._void = 0
        self._taken_until = 0.0

    def put(self, count: int) -> None:
        """So many more."""
        if count > 0:
            self._credits.append((self._clock() + USED_WITHIN_S, count))

    @property
    def is_empty(self) -> bool:
        """Whether there is none that holds."""
        now = self._clock()
        while self._credits and self._credits[0][0] < now:
            self._void += self._credits.popleft()[1]
        return not self._credits

    def take(self) -> None:
        """Use one, of a purse that is not empty."""
        until, count = self._credits.popleft()
        self._taken_until = until
        if count > 1:
            self._credits.appendleft((until, count - 1))

    def put_back(self) -> None:
        """Nobody was begun with the one that was taken just now: it is as old as it was."""
        self._credits.appendleft((self._taken_until, 1))

    def void(self) -> int:
        """How many became void since this was asked last."""
        _ = self.is_empty
        void, self._void = self._void, 0
        return void

    def drop(self) -> int:
        """All become void. Returns how many that were."""
        dropped = self.void() + sum(count for _, count in self._credits)
        self._credits.clear()
        return dropped
