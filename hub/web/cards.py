"""An alert as a person reads it on a page: what to do first, then where, until when and who says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec
from markupsafe import Markup

from hub.delivery.phrases import tone
from hub.delivery.rendering import choose_info
from hub.web.language import Words
from hub.web.when import rfc3339
from subscriptions.languages import RIGHT_TO_LEFT, nearest

if TYPE_CHECKING:
    from hub.alerts.alert import Alert
    from hub.alerts.store import StoredAlert

KNOWN_EVENTS = (
    *("Air Quality Alert", "All Clear", "Blizzard Warning", "Boil Water Notice", "Building Collapse", "Coastal Flood Warning"),
    *("Evacuation Order", "Excessive Heat Warning", "Flash Flood Warning", "Flood Advisory", "Flood Warning", "Gas Leak", "Heat Advisory"),
    *("High Wind Warning", "Missing Person", "Police Activity", "Power Outage", "Road Closure", "Severe Thunderstorm Warning"),
    *("Siren Test", "Street Closure", "Structure Fire", "Tornado Warning", "Winter Storm Warning"),
)
"""Kinds of events that pages can name in every page language; those of the U.S. National Weather Service as it says them in Spanish."""

NAMED_PLACES = 4
"""How many places a card names before it says how many more there are."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What the templates show of one alert. `tone` picks the word, the shape and the colour together: now | ready | aware | over."""

    id: str
    path: str
    tone: str
    word: str
    mark: str
    """ "Test" or "Drill" with what it means, or nothing."""
    event: str
    """Its kind; empty when nobody has a word for it in the page's language."""
    headline: str
    description: str
    instruction: str
    web: str | None
    lang: Markup
    """``lang`` and ``dir`` when the words are in another language than the page."""
    only_in: str
    where: str
    places: tuple[str, ...]
    until: str
    ended: str
    expires_at: float
    issued: Markup
    over: bool
    cancelled: bool
    keys: str
    """Area keys, separated by commas, ``city`` for everywhere: what the map paints."""
    shape: str
    """GeoJSON of what was drawn by hand, or empty."""


def card(stored: StoredAlert, words: Words, now: float, *, city_name: str) -> Card:
    """One alert in the page's language. `now` in seconds since 1970."""
    alert, phrases, expires_at = stored.document, words.phrases, stored.expires_at / 1000
    info = choose_info(alert.infos, words.language)
    cancelled = alert.msgType == "Cancel"
    over = cancelled or stored.status in {"ended", "stopped"} or expires_at <= now
    ended_at = min(now, expires_at if stored.ended_at is None else stored.ended_at / 1000)
    return Card(
        id=stored.id,
        path=f"/alerts/{stored.id}",
        tone="over" if over else tone(stored.grade, alert.urgency),
        word=words.text("Over") if over else phrases.act(stored.grade, alert.urgency),
        mark=mark(alert.status, words),
        event=event_name(alert, words),
        headline=info.headline,
        description=info.description,
        instruction=info.instruction,
        web=info.web if info.web and info.web.startswith(("https://", "http://")) else None,
        lang=lang(info.language, words.language),
        only_in="" if nearest(info.language) == words.language else phrases.only_in(info.language),
        where=where(stored.area.names, words, city_name=city_name if stored.area.citywide else None),
        places=tuple(stored.area.names),
        until=phrases.end(expires_at, now),
        ended=phrases.moment(ended_at, now),
        expires_at=expires_at,
        issued=issued(stored, now, words),
        over=over,
        cancelled=cancelled,
        keys="city" if stored.area.citywide else ",".join(stored.area.keys),
        shape=shape(stored),
    )


def event_name(alert: Alert, words: Words) -> str:
    """The kind of event in the page's language. Authors write it once, in the language of their first words."""
    if alert.event in KNOWN_EVENTS:
        return words.name(alert.event) or ""
    return alert.event if nearest(alert.infos[0].language) == words.language else ""


def lang(tag: str, page: str) -> Markup:
    """Attributes for text in a language of its own, so that screen readers pronounce it and Arabic runs the right way."""
    known = nearest(tag)
    if known == page:
        return Markup()
    return Markup(' lang="{}" dir="{}"').format(tag, "rtl" if known in RIGHT_TO_LEFT else "ltr")


def mark(status: str, words: Words) -> str:
    """What stands before everything else when the alert is not real (S2)."""
    marks = {"Test": words.text("Test. This is not real."), "Exercise": words.text("Drill. This is not real.")}
    return marks.get(status, "")


def where(names: Sequence[str], words: Words, *, city_name: str | None = None) -> str:
    """``ZIP code 11201, ZIP code 11205 and 12 more``; the whole city by its name."""
    if city_name:
        return words.text("All of %(city)s", city=words.phrases.gettext(city_name))
    return words.phrases.places(names, NAMED_PLACES) if names else words.text("The area drawn on the map")


def issued(stored: StoredAlert, now: float, words: Words) -> Markup:
    """Who said it and when it went out."""
    moment = (stored.live_at or stored.created_at) / 1000
    sent = Markup('<time datetime="{}">{}</time>').format(rfc3339(moment), words.phrases.moment(moment, now))
    return words.text("From %(agency)s, %(sent)s", agency=stored.agency, sent=sent)


def shape(stored: StoredAlert) -> str:
    """The drawn polygon, or the circle as a Point with its radius in metres, as GeoJSON."""
    area = stored.area
    if area.polygon is not None:
        return json.dumps(area.polygon, separators=(",", ":"))
    if area.circle is not None:
        point = {"type": "Point", "coordinates": [area.circle.lon, area.circle.lat]}
        return json.dumps({"type": "Feature", "geometry": point, "properties": {"radius_m": area.circle.radius_m}}, separators=(",", ":"))
    return ""
