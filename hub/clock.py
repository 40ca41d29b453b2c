"""What time it is, injected everywhere so that a test or a demonstration can live on another day."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], float]
"""Seconds since 1970, UTC."""


JUMP_S = 1.0
"""Less than this between two looks is no jump: so clocks are kept right."""


class Jumps:
    """Whether a clock was set since the last look, by the one that nobody sets."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._ahead = clock() - time.monotonic()

    def look(self) -> float:
        """By how many seconds; below 0 when it was put back, and 0 when it only went on."""
        before, self._ahead = self._ahead, self._clock() - time.monotonic()
        by = self._ahead - before
        return by if abs(by) > JUMP_S else 0.0


def parse_clock(text: str) -> Clock:
    """A clock from TOCSIN_CLOCK: an RFC 3339 instant (time starts there and runs on) or a shift such as ``+3600`` or ``-86400`` seconds.

    Raises ValueError with what was expected.
    """
    text = text.strip()
    if text[:1] in "+-" and text[1:].replace(".", "", 1).isdigit():
        shift = float(text)
    else:
        try:
            start = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError(f"{text!r} is neither an RFC 3339 instant nor a shift in seconds such as +3600") from None
        if start.tzinfo is None:
            raise ValueError(f"{text!r} has no offset: write 2026-10-02T15:00:00-04:00")
        shift = start.timestamp() - time.time()
    return lambda: time.time() + shift


def instant(seconds: float) -> datetime:
    """Seconds since 1970 as an aware datetime in UTC."""
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=seconds)


def milliseconds(clock: Clock) -> int:
    """Now, as the database stores it."""
    return int(clock() * 1000)
