"""Places in a chat: what is typed, what may have been meant, and how a place is called."""

from __future__ import annotations

import re
from hashlib import blake2b

import msgspec
import shapely

from hub.bot.talk import Talk
from hub.bot.words import N_
from hub.sms.keywords import keywords
from hub.sms.places import PlaceReader
from subscriptions.areas import Area, AreaCatalog
from subscriptions.errors import UnknownArea
from subscriptions.subscriber import PlaceRequest

LAYERS = ("zip", "borough", "neighborhood")
LONGEST = 80
"""Characters of a place's name that are looked at."""
NEAR_AT_MOST = 3
RADII = ((400, N_("a quarter mile")), (800, N_("half a mile")), (1600, N_("1 mile")), (4800, N_("3 miles")))
"""Metres, and how a New Yorker says them."""

_BETWEEN = re.compile(r"[,;،、，\n]+")
LONGEST_LIST = 1000
"""Characters; nothing is looked for in what goes on longer."""
_PAYLOAD = re.compile(r"(zip|borough|neighborhood)-([A-Za-z0-9_]{1,50})")


class Read(msgspec.Struct, frozen=True):
    """What was typed: the areas, or the first word that is none and what it may have meant."""

    areas: tuple[Area, ...] = ()
    unknown: str = ""
    near: tuple[Area, ...] = ()


def read(text: str, catalog: AreaCatalog) -> Read:
    """One place or several, among words that change nothing, as in a text message: "zip 11201", "11201 11205", "Brooklyn and Queens"."""
    whole = find(text, catalog)
    if whole is not None:
        return Read((whole,))
    if len(text) > LONGEST_LIST:
        return Read(unknown=text[:LONGEST])
    reader = PlaceReader(keywords(), catalog)
    about = reader.read(text)
    if about.unknown and not about.free:
        said = about.unknown[0].said
        return Read(unknown=said, near=near(said, catalog))
    areas = dict(about.found)
    for part in _BETWEEN.split(text) if about.free or not about.found else ():
        area, among = find(part, catalog), reader.read(part)
        if area is None and among.free:
            unknown = part.strip()[:LONGEST]
            return Read(unknown=unknown, near=near(unknown, catalog))
        areas |= among.found if area is None else {area.key: area}
    return Read(tuple(areas.values()))


def find(text: str, catalog: AreaCatalog) -> Area | None:
    """The one area of this name: ZIP, borough or neighborhood."""
    if not text.strip() or len(text) > LONGEST:
        return None
    return next((area for layer in LAYERS if (area := catalog.find(layer, text)) is not None), None)


def near(text: str, catalog: AreaCatalog) -> tuple[Area, ...]:
    """What may have been meant: names that hold the text, then names that look like it."""
    found = {area.key: area for area in catalog.search(text, NEAR_AT_MOST) if area.layer in LAYERS}
    for layer in LAYERS:
        for name in _suggested(layer, text, catalog):
            area = catalog.find(layer, name)
            if area is not None:
                found.setdefault(area.key, area)
    return tuple(found.values())[:NEAR_AT_MOST]


def _suggested(layer: str, text: str, catalog: AreaCatalog) -> tuple[str, ...]:
    try:
        return (catalog.resolve(layer, text).name,)
    except UnknownArea as unknown:
        return unknown.suggestions


def of_payload(payload: str, catalog: AreaCatalog) -> Area | None:
    """The area of a poster's link: ``11201``, ``borough-3``, ``neighborhood-BK0101``, ``park-slope``."""
    named = _PAYLOAD.fullmatch(payload)
    by_key = catalog.get(f"{named[1]}:{named[2]}") if named else None
    return by_key or find(payload.replace("-", " ").replace("_", " "), catalog)


def as_request(area: Area) -> PlaceRequest:
    """The area by its id, which can't be mistaken for another of the same name."""
    return msgspec.convert({area.layer: area.id}, PlaceRequest)


def area_name(area: Area, talk: Talk) -> str:
    """``ZIP 11201``, ``Brooklyn``; as plain text."""
    return talk.phrases.say("ZIP %(zip)s", zip=area.name) if area.layer == "zip" else area.name


def place_name(place: PlaceRequest, talk: Talk) -> str:
    """A place as plain text, with the person's own word for it in front."""
    name = _name(place, talk)
    return f"{place.label}: {name}" if place.label and talk.private else name


def _name(place: PlaceRequest, talk: Talk) -> str:
    if place.citywide:
        return talk.plain(N_("the whole city"))
    if place.polygon is not None:
        return talk.plain(N_("an area drawn on the map"))
    if place.lat is not None:
        around = talk.hub.catalog.covering(place.lon or 0.0, place.lat, "zip")
        return talk.plain(N_("%(radius)s around a point in %(zip)s")) % {
            "radius": radius_name(place.radius_m or 0.0, talk),
            "zip": around.name if around else talk.hub.settings.city_name,
        }
    asked = (("zip", place.zip), ("borough", place.borough), ("neighborhood", place.neighborhood))
    layer, text = next((layer, text) for layer, text in asked if text is not None)
    area = talk.hub.catalog.find(layer, text)
    return area_name(area, talk) if area is not None else text


def radius_name(radius_m: float, talk: Talk) -> str:
    """In the words of the nearest radius that can be chosen here, else in metres."""
    known = dict(RADII).get(round(radius_m))
    return talk.plain(known) if known else talk.plain(N_("%(meters)s meters")) % {"meters": round(radius_m)}


def mark(place: PlaceRequest) -> str:
    """Tells a place from a person's others, in a button."""
    return blake2b(msgspec.json.encode(place), digest_size=8).hexdigest()


def with_radius(place: PlaceRequest, radius_m: float) -> PlaceRequest:
    """The same point with another radius."""
    return msgspec.structs.replace(place, radius_m=float(radius_m))


def in_city(lat: float, lon: float, catalog: AreaCatalog) -> bool:
    """Whether a point of the globe is one that this hub alerts."""
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):
        return False
    return bool(shapely.intersects_xy(catalog.outline, *catalog.projection.xy(lon, lat)))
