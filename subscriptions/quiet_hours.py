"""Quiet hours: when a person wants to hear only of what can't wait, by the clock of their own time zone (safeguard S11).

Rules are few, and many people share each, so an alert asks once per rule and not once per person.
"""

from __future__ import annotations

import functools
import re
import zoneinfo
from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta
from enum import IntEnum
from types import MappingProxyType

import msgspec

from subscriptions.documents import Faults
from subscriptions.severity import rank

_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


class QuietHours(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, rename={"start": "from", "end": "to"}
):
    """From one time of day to another, over midnight when `from` is later, in an IANA time zone."""

    start: str
    end: str
    timezone: str
    severe: bool = True
    """Severe alerts that are immediate may break them; Extreme ones always do."""

    def check(self, faults: Faults, pointer: str) -> None:
        """Note what is wrong with them."""
        for name, value in (("from", self.start), ("to", self.end)):
            if not _TIME_OF_DAY.fullmatch(value):
                faults.add(f"{pointer}/{name}", "expected a time of day such as 22:00")
        if self.start == self.end:
            faults.add(f"{pointer}/to", "from and to are the same: leave quiet_hours out for none")
        if self.timezone not in _time_zones():
            faults.add(f"{pointer}/timezone", "expected an IANA time zone such as America/New_York")

    def until(self, now: float) -> float | None:
        """When the hours that `now` (seconds since 1970) lies in end, None when it lies in none."""
        zone = _zone(self.timezone)
        local = datetime.fromtimestamp(now, zone)
        start, end, moment = time.fromisoformat(self.start), time.fromisoformat(self.end), local.time()
        overnight = end < start
        if not (moment >= start or moment < end if overnight else start <= moment < end):
            return None
        day = local.date() + timedelta(days=1) if overnight and moment >= start else local.date()
        ends = datetime.combine(day, end, zone).timestamp()
        return ends if ends > now else None  # an hour that the clocks repeat


NOBODY: Mapping[int, int] = MappingProxyType({})


class WaitsFor(IntEnum):
    """For whose quiet hours an alert waits."""

    NOBODY = 0
    STRICT = 1
    """Theirs who want not even Severe and Immediate ones then."""
    EVERYBODY = 2


def waits_for(severity: int, urgency: str, *, actual: bool) -> WaitsFor:
    """A drill never breaks through. `severity` is our own grade, a rank of `subscriptions.severity`, never what a foreign source claims."""
    if actual and severity >= rank("Extreme"):
        return WaitsFor.NOBODY
    breaks = actual and severity >= rank("Severe") and urgency == "Immediate"
    return WaitsFor.STRICT if breaks else WaitsFor.EVERYBODY


class QuietRules:
    """All rules by their numbers. They never change, so whoever has read some need only ask for the newer ones."""

    def __init__(self) -> None:
        self._rules: dict[int, QuietHours] = {}
        self.newest = 0

    def add(self, rules: Iterable[tuple[int, str]]) -> None:
        """Take up rules as they are stored: number and JSON."""
        for number, written in rules:
            self._rules[number] = msgspec.json.decode(written, type=QuietHours)
            self.newest = max(self.newest, number)

    def holding(self, now: float, waits_for: WaitsFor) -> Mapping[int, int]:
        """Rules that hold such an alert back at `now` (seconds since 1970) → until when, in milliseconds since 1970."""
        if waits_for is WaitsFor.NOBODY:
            return NOBODY
        asked = ((number, rule) for number, rule in self._rules.items() if not (waits_for is WaitsFor.STRICT and rule.severe))
        ends = ((number, rule.until(now)) for number, rule in asked)
        return {number: int(end * 1000) for number, end in ends if end is not None}


@functools.cache
def _zone(name: str) -> zoneinfo.ZoneInfo:
    return zoneinfo.ZoneInfo(name)


@functools.cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())
