"""What time it is, injected everywhere so that a test or a demonstration can live on another day."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], float]
"""Seconds since 1970, UTC."""


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
