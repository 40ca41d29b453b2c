"""What one receiver bears: a push origin, a host or a chat that takes only so many messages a second, from all senders together."""

from __future__ import annotations

import time
from collections.abc import Callable

from channels.contract import TryAgain

PATIENCE_S = 2.0
"""A turn waits so long in a sender; waiting that takes longer is a row in the ledger."""
CREDIT_S = 1.0
"""A credit that was not used for so long is void: it would go out in a burst."""


class Pace:
    """One receiver's hand-overs a second, as a sender counts them: each needs a credit of the coordinator's."""

    __slots__ = ("_clock", "_credited_at", "_credits", "_due", "key", "per_second", "told")

    is_slow = True

    def __init__(self, key: str, per_second: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`key` is what all senders call it, and tells nobody whose it is."""
        self.key, self.per_second = key, per_second
        self.told = 0
        """How many turns the coordinator was told to wait here."""
        self._clock = clock
        self._credits, self._credited_at = 0, 0.0
        self._due: dict[int, float] = {}

    @property
    def room(self) -> int:
        """Turns that will get theirs while they are patient."""
        return max(1, int(self.per_second * PATIENCE_S))

    @property
    def is_idle(self) -> bool:
        """Whether nothing would be lost with it."""
        return not self.told and not self._fresh

    @property
    def _fresh(self) -> int:
        return self._credits if self._clock() - self._credited_at <= CREDIT_S else 0

    def credit(self, count: int) -> None:
        """So many more may begin, soon."""
        self._credits, self._credited_at = self._fresh + count, self._clock()

    def begin(self) -> bool:
        """Use a credit; False where there is none."""
        self._credits = self._fresh
        if not self._credits:
            return False
        self._credits -= 1
        return True

    def put_off(self, priority: int) -> TryAgain:
        """When one who found no room is to come again: each a little later than the one before."""
        now = self._clock()
        due = max(now + PATIENCE_S, self._due.get(priority, 0.0) + 1 / self.per_second)
        self._due[priority] = due
        return TryAgain("this receiver takes only so many a second", after=due - now)
