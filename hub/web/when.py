"""Times and numbers as pages need them, in the city's own time. How people say a time is `hub.delivery.phrases`' business."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_time
from babel.numbers import format_decimal

from hub.clock import instant

CITY_TIME = ZoneInfo("America/New_York")
"""The city that this release knows. A city folder will bring its own."""


def local(moment: float) -> datetime:
    """Seconds since 1970 as the city's wall clock."""
    return instant(moment).astimezone(CITY_TIME)


def clock_time(moment: float, language: str) -> str:
    """``9:00 PM`` or ``21:00``."""
    return (
        format_time(local(moment), format="short", locale=f"{language}_US", tzinfo=CITY_TIME).replace("\u202f", " ").replace("\u00a0", " ")
    )


def rfc3339(moment: float) -> str:
    """For `<time datetime>`."""
    return local(moment).isoformat(timespec="seconds")


def number(value: float, language: str) -> str:
    """``12,345``."""
    return format_decimal(value, locale=f"{language}_US")
