"""How often one key may do something: token buckets in memory, never more than a fixed number of them."""

from __future__ import annotations

import math
from collections import OrderedDict

from hub.clock import Clock

CAPACITY = 20_000
"""Buckets kept at once; the one unused for longest goes first, and it is the one that has refilled most."""


class Buckets:
    """`burst` at once, then one every `seconds` per key."""

    def __init__(self, clock: Clock, *, burst: int, seconds: float, capacity: int = CAPACITY) -> None:
        self._clock = clock
        self._burst = burst
        self._seconds = seconds
        self._capacity = capacity
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key → (tokens left, when that was)

    def take(self, key: str) -> float:
        """0 when the key may go ahead; else after how many seconds it may, and nothing is taken."""
        now = self._clock()
        level = self._level(key, now)
        if level < 1:
            return math.ceil((1 - level) * self._seconds)
        self._keep(key, level - 1, now)
        return 0

    def give_back(self, key: str) -> None:
        """Undo a `take`, for tries that turned out to be right."""
        now = self._clock()
        self._keep(key, min(self._burst, self._level(key, now) + 1), now)

    def __len__(self) -> int:
        return len(self._levels)

    def _level(self, key: str, now: float) -> float:
        level, at = self._levels.get(key, (float(self._burst), now))
        return min(float(self._burst), level + max(0.0, now - at) / self._seconds)

    def _keep(self, key: str, level: float, now: float) -> None:
        self._levels[key] = (level, now)
        self._levels.move_to_end(key)
        if len(self._levels) > self._capacity:
            self._levels.popitem(last=False)
