"""A subscription in plain words: "You will get: crime and weather alerts, moderate or worse, within half a mile of home"."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time
from babel.units import format_unit
from markupsafe import Markup, escape

from hub.web.language import Words
from hub.web.residents.choices import TOPIC_WORDS
from hub.web.residents.places import area_of
from subscriptions.places import middle
from subscriptions.store.sql import PlaceRow

if TYPE_CHECKING:
    from subscriptions.areas import AreaCatalog
    from subscriptions.subscriber import PlaceRequest
    from subscriptions.views import SubscriptionView

TOPIC_SHORT = {
    "emergency": "emergency",
    "weather": "weather",
    "fire": "fire",
    "crime": "crime",
    "missing": "missing-person",
    "health": "health",
    "utilities": "power, water and gas",
    "transit": "transit",
    "schools": "school",
    "events": "event",
}
"""Topic → the word before "alerts"."""

SEVERITY_SHORT = {
    "Unknown": "of any severity",
    "Minor": "of any severity",
    "Moderate": "moderate or worse",
    "Severe": "severe or worse",
    "Extreme": "only when lives are in danger",
}
"""Minimum severity → how it goes on after the topics."""

WITHIN = {
    400: "within a quarter mile of %(what)s",
    800: "within half a mile of %(what)s",
    1600: "within 1 mile of %(what)s",
    4800: "within 3 miles of %(what)s",
}
"""Metres → how it is said; other distances are said in miles with a decimal."""

MILE_M = 1609.344
PLACES_SAID = 6


def where(place: PlaceRequest, catalog: AreaCatalog, said: Words, city: str) -> str:
    """``within half a mile of home``, ``in ZIP code 11201``. With the person's own label, so only for their own eyes."""
    if place.lat is not None and place.lon is not None:
        return _within(place.radius_m or 0, place.label or _unnamed(place.lat, place.lon, catalog, said), said)
    if place.citywide:
        phrase = said.text("anywhere in %(city)s", city=city)
    elif place.polygon is not None:
        phrase = said.text("in the shape you drew")
    elif place.zip is not None:
        phrase = said.text("in ZIP code %(zip)s", zip=place.zip)
    else:
        area = area_of(place, catalog)
        name = area.name if area else place.borough or place.neighborhood or ""
        # The one name of the city that has an article.
        phrase = said.text("in the Bronx") if name == "Bronx" else said.text("in %(place)s", place=name)
    return phrase + (Markup(" ({})").format(place.label) if place.label else "")


def _within(radius_m: float, what: str, said: Words) -> str:
    known = WITHIN.get(round(radius_m))
    if known is not None:
        return said.text(known, what=what)
    miles = format_unit(round(radius_m / MILE_M, 1), "length-mile", locale=said.phrases.names)
    return said.text("within %(distance)s of %(what)s", distance=miles, what=what)


def _unnamed(lat: float, lon: float, catalog: AreaCatalog, said: Words) -> str:
    around = catalog.covering(*middle(PlaceRow(None, lat, lon)), "zip")
    return said.text("a point in %(zip)s", zip=around.id) if around is not None else said.text("a point on the map")


def topics(chosen: Collection[str], said: Words) -> str:
    """``crime and weather alerts``; ``drills and tests`` for who takes nothing else."""
    named = [said.text(TOPIC_SHORT[topic]) for topic in TOPIC_WORDS if topic in chosen]
    if not named:
        return said.text("drills and tests")
    return said.text("all alerts") if len(named) == len(TOPIC_WORDS) else said.text("%(topics)s alerts", topics=_list(named, said))


def severity(minimum: str, single: dict[str, str], chosen: Collection[str], said: Words) -> str:
    """``moderate or worse (weather: severe or worse)``."""
    return said.text(SEVERITY_SHORT[minimum]) + exceptions(minimum, single, chosen, said)


def exceptions(minimum: str, single: dict[str, str], chosen: Collection[str], said: Words) -> str:
    """`` (weather: severe or worse)``: topics with a least severity of their own."""
    others = [
        Markup("{}: {}").format(said.text(TOPIC_SHORT[topic]), said.text(SEVERITY_SHORT[least]))
        for topic, least in single.items()
        if topic in chosen and topic in TOPIC_SHORT and least != minimum
    ]
    return Markup(" ({})").format(Markup("; ").join(others)) if others else ""


def summary(view: SubscriptionView, catalog: AreaCatalog, said: Words, city: str) -> str:
    """The whole of it in a sentence."""
    places = [where(place, catalog, said, city) for place in view.places[:PLACES_SAID]]
    more = len(view.places) - len(places)
    places += [said.phrases.say("%(count)s more", count=str(more))] if more > 0 else []
    return said.text(
        "You will get: %(topics)s, %(severity)s, %(places)s.",
        topics=topics(view.topics, said),
        severity=severity(view.minimum_severity, view.severities, view.topics, said),
        places=_list(places, said),
    )


def times(view: SubscriptionView, said: Words) -> list[str]:
    """What holds messages back: the quiet hours, and the pause."""
    sentences: list[str] = []
    locale = said.phrases.names
    if view.quiet_hours is not None:
        start, end = (format_time(time.fromisoformat(at), "short", locale=locale) for at in (view.quiet_hours.start, view.quiet_hours.end))
        sentences.append(said.text("From %(start)s to %(end)s you get only what can’t wait.", start=start, end=end))
    if view.paused_until is not None:
        zone = ZoneInfo(view.quiet_hours.timezone) if view.quiet_hours else said.phrases.zone
        day = format_date(view.paused_until.astimezone(zone), "long", locale=locale)
        sentences.append(said.text("You have paused all alerts until %(day)s.", day=day))
    return sentences


def _list(parts: Sequence[str], said: Words) -> Markup:
    return Markup(said.phrases.listed([str(escape(part)) for part in parts]))  # noqa: S704 - each is escaped
