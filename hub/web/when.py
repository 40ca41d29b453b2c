"""Times as pages need them, in the city's own time. How people say a time is `hub.delivery.words.phrases`' business."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from hub.clock import instant

CITY_TIME = ZoneInfo("America/New_York")
"""The city that this release knows. A city folder will bring its own."""


def local(moment: float) -> datetime:
    """Seconds since 1970 as the city's wall clock."""
    return instant(moment).astimezone(CITY_TIME)


def rfc3339(moment: float) -> str:
    """For `<time datetime>`."""
    return local(moment).isoformat(timespec="seconds")
