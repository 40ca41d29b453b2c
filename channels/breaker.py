"""When to leave a failing provider alone, and when to ask it again: a circuit breaker.

::

    closed ──N failures in a row──▶ open ──its time is over──▶ half-open: one hand-over is the probe
       ▲                              ▲                            │      │
       └──────────it worked───────────┼────────────────────────────┘      │
                                      └──it failed: open for twice as long┘

It only counts and watches the clock; it never waits and never sends. What counts as a failure of the provider is its user's to say: a
provider that answers, even with a no or with 429, works.
"""

from __future__ import annotations

import time
from collections.abc import Callable

FAILURES = 5
"""In a row, until it opens."""
FIRST_S = 1.0
LONGEST_S = 60.0


class Breaker:
    """For one provider or one host, in one process. Ask `allows` before each hand-over and tell how it ended.

    Every hand-over that was allowed is followed by exactly one of `worked`, `failed` and `abandoned`.
    """

    __slots__ = ("_clock", "_failures", "_first_s", "_in_a_row", "_longest_s", "_open_for_s", "_opens_at", "_probing")

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        *,
        failures: int = FAILURES,
        first_s: float = FIRST_S,
        longest_s: float = LONGEST_S,
    ) -> None:
        """Opens after so many `failures` in a row for `first_s`, then twice that, up to `longest_s`. `clock` gives seconds."""
        self._clock = clock
        self._failures, self._first_s, self._longest_s = failures, first_s, longest_s
        self._in_a_row = 0
        self._open_for_s = 0.0
        self._opens_at: float | None = None
        self._probing = False

    def allows(self) -> bool:
        """Whether a hand-over may be tried now. When the time is over, True once: that one is the probe."""
        if self._opens_at is None:
            return True
        if self._probing or self._clock() < self._opens_at:
            return False
        self._probing = True
        return True

    def worked(self) -> None:
        """The provider answered. Closes it, whoever brings the news: the probe or a hand-over from before."""
        self._in_a_row, self._open_for_s, self._opens_at, self._probing = 0, 0.0, None, False

    def failed(self) -> bool:
        """The provider could not be reached or did not answer. Returns whether this opened it, the first time or again."""
        if self._opens_at is None:
            self._in_a_row += 1
            opens = self._in_a_row >= self._failures
        else:
            opens = self._probing  # while nobody probes, this is the end of an older hand-over and says nothing new
        if opens:
            self._open()
        return opens

    def abandoned(self) -> None:
        """The hand-over ended without a word about the provider, for instance cancelled. The next one may be the probe."""
        self._probing = False

    @property
    def is_closed(self) -> bool:
        """Nothing is known against the provider."""
        return self._opens_at is None

    @property
    def wait_s(self) -> float:
        """Seconds until it is worth asking again; 0 when `allows` would say yes."""
        if self._opens_at is None:
            return 0.0
        left = self._opens_at - self._clock()
        if left > 0:
            return left
        return self._first_s if self._probing else 0.0

    @property
    def overdue_s(self) -> float:
        """Seconds since it was worth asking again and nobody did."""
        return 0.0 if self._opens_at is None or self._probing else max(0.0, self._clock() - self._opens_at)

    def _open(self) -> None:
        self._open_for_s = min(self._open_for_s * 2 or self._first_s, self._longest_s)
        self._opens_at, self._probing = self._clock() + self._open_for_s, False
