"""Notices from the archive of Notify NYC (NYC Open Data 8vv7-7wx3, "Emergency Notifications"), a CSV of what the city sent from 2009 on.

A row has a time, a type, a title and mostly a body. It has no severity, no expiry and no area; this is what we put in their place:

- category, topic, urgency and how long it holds: by `NotificationType`, in the table `TYPES`.
- severity: by the words, as for every foreign document (`hub.alerts.grading`); an everyday type (`everyday`) is Minor whatever it says.
- area: "(CW)" or "(Citywide)" at the end of the title is the whole city. Else ZIP codes that the text calls ZIP codes. Else the boroughs in
  the brackets at the end of the title (BX, BK, MN, QN, SI; New Jersey and points of the compass are left out). Else the boroughs named in
  the title, else in the body. Else the whole city.
- a row without a body says its title again; what is longer than a headline is cut at a word, and the whole title goes before the body.

Times are New York's. Everything else is as in the row, after `hub.alerts.text.clean`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from hub.alerts import limits
from hub.alerts.alert import Alert
from hub.alerts.grading import grade
from hub.alerts.text import clean, clean_line
from hub.alerts.validation import read_alert
from hub.errors import InvalidInput
from subscriptions.areas import AreaCatalog
from subscriptions.errors import FieldError
from subscriptions.severity import SEVERITIES

TIME_ZONE = ZoneInfo("America/New_York")
COLUMNS = ("Record ID", "Date and Time", "NotificationType", "Notification Title", "Email Body")


class Kind(msgspec.Struct, frozen=True):
    """What a `NotificationType` stands for."""

    category: str
    topic: str
    hours: int
    urgency: str = "Immediate"
    everyday: bool = False


TYPES = {
    "Aerial (Fly-Over)": Kind("Safety", "events", 12, "Future", everyday=True),
    "Drills / Exercises": Kind("Safety", "events", 12, "Future", everyday=True),
    "Environmental": Kind("Env", "health", 24),
    "Fire": Kind("Fire", "fire", 4),
    "Infrastructure": Kind("Infra", "utilities", 8),
    "Mass Transit Disruption": Kind("Transport", "transit", 4, everyday=True),
    "Mass Transit Restoration": Kind("Transport", "transit", 2, "Past", everyday=True),
    "Parking": Kind("Transport", "transit", 24, "Expected", everyday=True),
    "Public Awareness": Kind("Other", "events", 24, "Future", everyday=True),
    "Public Health": Kind("Health", "health", 24, "Expected"),
    "Road Closure": Kind("Transport", "transit", 4, everyday=True),
    "School Notification": Kind("Other", "schools", 12, everyday=True),
    "Structural": Kind("Infra", "emergency", 8),
    "Utility": Kind("Infra", "utilities", 8),
    "Weather": Kind("Met", "weather", 24, "Expected"),
}
OTHER = Kind("Other", "emergency", 12, "Unknown")
"""A type that the table doesn't know."""

_BOROUGHS = {
    "Manhattan": r"MN|Manhattan",
    "Bronx": r"BX|(?:The )?Bronx",
    "Brooklyn": r"BK|Brooklyn",
    "Queens": r"QN|QU|QNS|Queens",
    "Staten Island": r"SI|Staten Island",
}
_CITYWIDE = re.compile(r"\((?:CW|city ?wide)\)?\s*$", re.IGNORECASE)
_BRACKETS = re.compile(r"\(?([^()]*)\)\s*$")
_ZIPS = re.compile(r"\bZIP(?: ?codes?)?:?\s+((?:1[01]\d{3}(?:\s*(?:,|;|&|and|or)+\s*)*)+)", re.IGNORECASE)
_ZIP = re.compile(r"\b1[01]\d{3}\b")


class ArchivedNotice(msgspec.Struct, frozen=True, kw_only=True):
    """One row: its own number, when the city sent it, and the alert that it is to us."""

    record: str
    sent: datetime
    alert: Alert


def read_row(row: Mapping[str, str], catalog: AreaCatalog) -> ArchivedNotice:
    """An alert from a row of the CSV. Raises InvalidInput naming the column."""
    for column in COLUMNS[:-1]:
        if not (row.get(column) or "").strip():
            raise InvalidInput((FieldError(f"/{column}", "is missing or empty"),))
    sent = _sent(row["Date and Time"])
    alert = read_alert(msgspec.json.encode(as_json(row, sent, catalog)), catalog, sent.timestamp(), archive=True)
    everyday = TYPES.get(row["NotificationType"].strip(), OTHER).everyday
    severity = "Minor" if everyday else SEVERITIES[grade(alert, imported=True)]
    return ArchivedNotice(record=row["Record ID"].strip(), sent=sent, alert=msgspec.structs.replace(alert, severity=severity))


def as_json(row: Mapping[str, str], sent: datetime, catalog: AreaCatalog) -> dict[str, Any]:
    """The row as the staff API would take it, with severity Unknown."""
    kind = TYPES.get(row["NotificationType"].strip(), OTHER)
    title, body = clean_line(row["Notification Title"]), clean(row.get("Email Body") or "")
    headline = title if len(title) <= limits.HEADLINE.authored else f"{title[: limits.HEADLINE.authored - 1].rsplit(' ', 1)[0]}…"
    description = body if headline == title else f"{title}\n\n{body}".strip()
    return {
        "category": kind.category,
        "event": clean_line(row["NotificationType"]),
        "urgency": kind.urgency,
        "severity": "Unknown",
        "certainty": "Observed" if kind.urgency in {"Immediate", "Past"} else "Likely",
        "expires": (sent + timedelta(hours=kind.hours)).isoformat(),
        "infos": [{"language": "en-US", "headline": headline, "description": description or title}],
        "topics": [kind.topic],
        "area": area_of(title, body, catalog),
    }


def area_of(title: str, body: str, catalog: AreaCatalog) -> dict[str, Any]:
    """The `area` of the alert, by the rule above."""
    if _CITYWIDE.search(title):
        return {"citywide": True}
    zips = _zips(f"{title}\n{body}", catalog)
    if zips:
        return {"zips": zips}
    bracketed = _BRACKETS.search(title)
    for text in (bracketed[1] if bracketed else "", title, body):
        boroughs = [name for name, pattern in _BOROUGHS.items() if re.search(rf"\b(?:{pattern})\b", text)]
        if boroughs:
            return {"boroughs": boroughs}
    return {"citywide": True}


def _zips(text: str, catalog: AreaCatalog) -> list[str]:
    codes = [code for named in _ZIPS.findall(text) for code in _ZIP.findall(named)]
    known = {area.key: code for code in codes if (area := catalog.find("zip", code)) is not None}
    return list(known.values())


def _sent(text: str) -> datetime:
    try:
        return datetime.strptime(text.strip(), "%m/%d/%Y %I:%M:%S %p").replace(tzinfo=TIME_ZONE)
    except ValueError:
        raise InvalidInput((FieldError("/Date and Time", f"“{text[:40]}” is not a time such as 11/09/2013 07:30:00 AM"),)) from None
