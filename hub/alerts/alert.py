"""The alert as its author writes it, in the terms of CAP 1.2 (OASIS, 1 July 2010). Values only: `hub.alerts.validation` checks them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Status = Literal["Actual", "Exercise", "Test"]
MsgType = Literal["Alert", "Update", "Cancel"]
Category = Literal["Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE", "Other"]
Urgency = Literal["Immediate", "Expected", "Future", "Past", "Unknown"]
Severity = Literal["Extreme", "Severe", "Moderate", "Minor", "Unknown"]
Certainty = Literal["Observed", "Likely", "Possible", "Unlikely", "Unknown"]

TOPICS_BY_CATEGORY = {
    "Met": "weather",
    "Fire": "fire",
    "Security": "crime",
    "Safety": "crime",
    "Geo": "emergency",
    "Rescue": "emergency",
    "CBRNE": "emergency",
    "Env": "emergency",
    "Health": "health",
    "Transport": "transit",
    "Infra": "utilities",
    "Other": "emergency",
}


class Info(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The words in one language (CAP `info`)."""

    language: str
    headline: str
    description: str = ""
    instruction: str = ""
    web: str | None = None


class Circle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A point in degrees and a radius in metres."""

    lat: float
    lon: float
    radius_m: float


class Area(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Where it holds: the union of what is named; `citywide` stands alone."""

    zips: tuple[str, ...] = ()
    neighborhoods: tuple[str, ...] = ()
    boroughs: tuple[str, ...] = ()
    polygon: dict[str, Any] | None = None
    """GeoJSON Polygon or MultiPolygon, lon/lat."""
    circle: Circle | None = None
    citywide: bool = False


class Alert(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One alert, checked. `topics` is never empty: it defaults by `category`."""

    status: Status = "Actual"
    msgType: MsgType = "Alert"  # noqa: N815 - CAP's own spelling, on the wire and in the field's language
    category: Category
    event: str
    urgency: Urgency
    severity: Severity
    certainty: Certainty
    onset: datetime | None = None
    expires: datetime
    infos: tuple[Info, ...]
    area: Area
    known_since: datetime | None = None
    topics: tuple[str, ...] = ()
    incident: str | None = None
    references: tuple[str, ...] = ()
    send_at: datetime | None = None
    audience_languages: tuple[str, ...] | None = None
    """Only readers of these get it, None for everyone: set for a source that sends one alert per language, never by an author."""
