"""What a sender knows of one host: how many hand-overs it may have at once, and whether it is worth asking at all.

A host starts with few and earns more by answering quickly, so that those which are slow or dead never hold the places of the others.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from channels.breaker import Breaker
from channels.contract import TryAgain

FIRST_PLACES = 8
QUICK_S = 1.0
"""An answer within this time earns a place. A later one costs one while others need the workers; else it earns one, too, so that a push
service which takes its time of an evening still gets what it can take."""
STEADY_S = 5.0
"""A host that takes longer than this is slow, whoever waits."""
AGAIN_S = 5.0
"""Whoever waited in vain for a place at a slow host is tried again after this."""


class Host:
    """Ask `enter` before a hand-over, and tell by one of `answered`, `failed` and `abandoned` how it ended."""

    __slots__ = ("_breaker", "_clock", "_most", "_places", "_quick_at", "_takes_s", "under_way")

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Never more than `most` at once."""
        self._breaker = Breaker(clock)
        self._clock, self._most = clock, most
        self._places = min(FIRST_PLACES, most)
        self._quick_at = self._takes_s = 0.0
        self.under_way = 0

    @property
    def places(self) -> int:
        """Hand-overs that it may have at once. One that has just failed gets no more than the one that asks whether it is back."""
        return self._places

    @property
    def is_full(self) -> bool:
        """Whether the next one has to wait for one that is under way."""
        return self.under_way >= self._places

    @property
    def is_slow(self) -> bool:
        """Whether hand-overs are under way and none was answered well of late: waiting here takes long."""
        return self.under_way > 0 and self._clock() - self._quick_at > QUICK_S + self._takes_s

    @property
    def rests_s(self) -> float:
        """Seconds until it is worth asking again."""
        return self._breaker.wait_s

    def put_off(self, _priority: int) -> TryAgain:
        """When one who waited in vain is to come again."""
        return TryAgain("the receiver's host is slow", after=AGAIN_S)

    def enter(self) -> bool:
        """Begin a hand-over; False while the host rests after failures. Only when it is not full."""
        if not self._breaker.allows():
            return False
        if not self.under_way:
            self._quick_at = self._clock()
        self.under_way += 1
        return True

    def answered(self, began: float, *, alone: bool = False) -> float:
        """It said something, whatever it was, to a hand-over that began then; `alone` when nobody else needs the workers.

        Returns the seconds that this took.
        """
        self.under_way -= 1
        self._breaker.worked()
        now = self._clock()
        took = now - began
        if took <= QUICK_S or (alone and took <= STEADY_S):
            self._quick_at, self._takes_s = now, took if took > QUICK_S else 0.0
            if self._places < self._most:
                self._places += 1
        elif self._places > 1:
            self._places -= 1
        return took

    def failed(self) -> None:
        """No connection stood, or no answer came."""
        self.under_way -= 1
        self._breaker.failed()
        self._places = max(1, self._places // 2)

    def abandoned(self) -> None:
        """It ended without a word about the host."""
        self.under_way -= 1
        self._breaker.abandoned()
