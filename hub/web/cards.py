"""An alert as a person reads it on a page: what to do first, then where, until when and who says so."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup

from hub.delivery.words.alert_words import choose_info
from hub.delivery.words.phrases import tone
from hub.delivery.words.shortening import sentence
from hub.languages.glossary import known_event
from hub.web.language import Words
from hub.web.when import rfc3339
from subscriptions.languages import RIGHT_TO_LEFT, nearest
from subscriptions.severity import SEVERITIES

if TYPE_CHECKING:
    from hub.alerts.alert import Alert
    from hub.alerts.store import StoredAlert

NAMED_PLACES = 8
"""How many places a card names before it says how many more there are."""


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """What the templates show of one alert. `tone` picks the word, the shape and the colour together: now | ready | aware | over."""

    id: str
    chain: str
    """Of all versions of one alert."""
    path: str
    extreme: bool
    """Real and of the gravest grade: a screen reader says it at once."""
    tone: str
    word: str
    mark: str
    """ "Test" or "Drill" with what it means, or nothing."""
    event: str
    """Its kind; empty when there is no word for it in the page's language."""
    severity: str
    """How serious and how urgent it is, in plain words."""
    headline: str
    what_to_do: str
    """The standard instruction in the page's language, when the author's words are in another."""
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
    cap: str
    """Path of its CAP document; empty for an imported one that never went out here, which has none."""


def card(stored: StoredAlert, words: Words, now: float, *, city_name: str) -> Card:
    """One alert in the page's language. `now` in seconds since 1970."""
    alert, phrases, expires_at = stored.document, words.phrases, stored.expires_at / 1000
    info = choose_info(alert.infos, words.language)
    cancelled, foreign = alert.msgType == "Cancel", nearest(info.language) != words.language
    over = cancelled or stored.status in {"ended", "stopped"} or expires_at <= now
    ended_at = min(now, expires_at if stored.ended_at is None else stored.ended_at / 1000)
    return Card(
        id=stored.id,
        chain=stored.chain,
        extreme=SEVERITIES[stored.grade] == "Extreme" and alert.status == "Actual" and not over,
        path=f"/alerts/{stored.id}",
        tone="over" if over else tone(stored.grade, alert.urgency),
        word=words.text("Over") if over else phrases.act(stored.grade, alert.urgency),
        mark=mark(alert.status, words),
        event=event_name(alert, words) or (phrases.glossary.category(alert.category) if foreign else ""),
        severity=seriousness(stored, words),
        headline=info.headline,
        what_to_do=phrases.glossary.what_to_do(alert, tone(stored.grade, alert.urgency)) if foreign and not over else "",
        description=info.description,
        instruction=info.instruction,
        web=info.web if info.web and info.web.startswith(("https://", "http://")) else None,
        lang=lang(info.language, words.language),
        only_in=phrases.only_in(info.language) if foreign else "",
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
        cap=f"/feeds/cap/{stored.id}.xml" if stored.live_at is not None else "",
    )


def event_name(alert: Alert, words: Words) -> str:
    """The kind of event in the page's language. Authors write it once, in the language of their first words."""
    if known_event(alert.event) is not None:
        return words.phrases.glossary.event(alert.event) or ""
    return alert.event if nearest(alert.infos[0].language) == words.language else ""


def seriousness(stored: StoredAlert, words: Words) -> str:
    """What our own grade and the alert's urgency mean, as sentences."""
    glossary = words.phrases.glossary
    said = (glossary.severity(SEVERITIES[stored.grade]), glossary.urgency(stored.document.urgency))
    return " ".join(sentence(one) for one in said if one)


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
    """Who said it, where that is known, and when it went out."""
    moment = (stored.live_at or stored.created_at) / 1000
    sent = Markup('<time datetime="{}">{}</time>').format(rfc3339(moment), words.phrases.moment(moment, now))
    if not stored.agency:
        return sent
    agency = Markup("<bdi>{}</bdi>").format(stored.agency)  # else a time after it changes sides in Arabic
    return words.text("From %(agency)s, %(sent)s", agency=agency, sent=sent)


def shape(stored: StoredAlert) -> str:
    """A FeatureCollection of the drawn polygon and of the circle, as a Point with its radius in metres; empty when neither was drawn."""
    polygon, circle = stored.area.polygon, stored.area.circle
    features: list[dict[str, Any]] = []
    if polygon is not None:
        features.append({"type": "Feature", "geometry": polygon, "properties": {}})
    if circle is not None:
        point = {"type": "Point", "coordinates": [circle.lon, circle.lat]}
        features.append({"type": "Feature", "geometry": point, "properties": {"radius_m": circle.radius_m}})
    return json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":")) if features else ""
