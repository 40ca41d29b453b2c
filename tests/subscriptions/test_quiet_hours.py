"""Quiet hours: when they hold an alert back, until when, and what breaks them (safeguard S11)."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest

from subscriptions.quiet_hours import QuietHours, QuietRules, waits_for
from subscriptions.severity import rank

CITY = ZoneInfo("America/New_York")
NIGHT = QuietHours(start="22:00", end="07:00", timezone="America/New_York")


def at(text: str) -> float:
    """A local moment as seconds since 1970."""
    return datetime.fromisoformat(text).replace(tzinfo=CITY).timestamp()


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-11-20T21:59:59", None),
        ("2026-11-20T22:00:00", "2026-11-21T07:00:00"),
        ("2026-11-20T23:59:59", "2026-11-21T07:00:00"),
        ("2026-11-21T00:00:00", "2026-11-21T07:00:00"),
        ("2026-11-21T06:59:59", "2026-11-21T07:00:00"),
        ("2026-11-21T07:00:00", None),
    ],
)
def test_a_night_holds_over_midnight_until_its_morning(now: str, end: str | None) -> None:
    assert NIGHT.until(at(now)) == (at(end) if end else None)


@pytest.mark.parametrize(("now", "end"), [("2026-11-20T12:59", None), ("2026-11-20T13:00", "2026-11-20T14:30"), ("2026-11-20T14:30", None)])
def test_a_rest_at_noon_ends_the_same_day(now: str, end: str | None) -> None:
    noon = QuietHours(start="13:00", end="14:30", timezone="America/New_York")
    assert noon.until(at(now)) == (at(end) if end else None)


def test_the_clock_of_the_person_counts_and_not_the_citys() -> None:
    tokyo = QuietHours(start="22:00", end="07:00", timezone="Asia/Tokyo")
    assert tokyo.until(at("2026-11-20T09:00")) == at("2026-11-20T17:00")
    assert tokyo.until(at("2026-11-20T23:00")) is None


@pytest.mark.parametrize("night", ["2026-03-07T23:00", "2026-10-31T23:00"])
def test_a_night_in_which_the_clocks_change_ends_at_the_hour_on_the_wall(night: str) -> None:
    end = NIGHT.until(at(night))
    assert end is not None
    assert datetime.fromtimestamp(end, CITY).strftime("%H:%M") == "07:00"
    assert end - at(night) in {7 * 3600, 9 * 3600}


def rules(*chosen: QuietHours) -> QuietRules:
    some = QuietRules()
    some.add([(number, msgspec.json.encode(rule).decode()) for number, rule in enumerate(chosen, 1)])
    return some


def holding(grade: str, urgency: str, *, actual: bool = True) -> set[int]:
    """Which of three rules hold an alert back at night: the usual one, one that Severe alerts may not break, and one by day."""
    strict, day = msgspec.structs.replace(NIGHT, severe=False), msgspec.structs.replace(NIGHT, start="08:00", end="12:00")
    some = rules(NIGHT, strict, day)
    return set(some.holding(at("2026-11-20T23:00"), waits_for(rank(grade), urgency, actual=actual)))


@pytest.mark.parametrize("urgency", ["Immediate", "Expected", "Unknown"])
def test_danger_to_life_breaks_through_whatever_was_chosen(urgency: str) -> None:
    assert holding("Extreme", urgency) == set()


def test_a_severe_alert_that_is_immediate_breaks_through_unless_the_person_said_no() -> None:
    assert holding("Severe", "Immediate") == {2}
    assert holding("Severe", "Expected") == {1, 2}


@pytest.mark.parametrize("grade", ["Unknown", "Minor", "Moderate"])
def test_everything_milder_waits(grade: str) -> None:
    assert holding(grade, "Immediate") == {1, 2}


def test_a_drill_never_breaks_through() -> None:
    assert holding("Extreme", "Immediate", actual=False) == {1, 2}


def test_only_newer_rules_need_be_read() -> None:
    some = rules(NIGHT, msgspec.structs.replace(NIGHT, end="08:00"))
    assert some.newest == 2
