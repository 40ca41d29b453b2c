"""How a hand-over ended. Only the transport's answer sets HANDED_OVER."""

from __future__ import annotations

from enum import IntEnum


class Outcome(IntEnum):
    """Stored in the ledger; a row exists only once something is known about one address."""

    WAITING = 0
    """Moved to a later batch, which owns it now; may still change."""
    HANDED_OVER = 1
    SIMULATED = 2
    """Kept in the outbox; nothing left this hub."""
    FAILED = 3
    UNCERTAIN = 4
    """Sent, and no answer came on the last try either."""
    EXPIRED = 5
    WITHHELD = 6
    """Unsubscribed, stopped or replaced before it was sent."""

    DOUBTFUL = 7
    """As WAITING, but an earlier try may have arrived: whatever comes of the next one, it is never called unsent."""

    HELD_EXPIRED = 8
    """Ran out while quiet hours held it back; its reader is told so when they end (S8)."""

    @property
    def label(self) -> str:
        """The name in counters and progress: ``handed_over``."""
        return self.name.lower()


OPEN = (Outcome.WAITING, Outcome.DOUBTFUL)
"""May still change; every other row is final."""

REACHED = (Outcome.HANDED_OVER, Outcome.SIMULATED, Outcome.UNCERTAIN)
"""Whoever may have seen the message, and so is owed its correction."""
