"""Places as people give them: typed in one field, as a street address, a point, the corners of a shape, or the whole city.

Whatever the map or the browser's location fills in stands in a field that can be typed too, so nothing needs a map, a mouse or JavaScript.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from hub.web.language import Words
from hub.web.residents.forms import Data, Faulty, text
from subscriptions.errors import FieldError
from subscriptions.geocoding import AWAY
from subscriptions.subscriber import PLACES_AT_MOST, PlaceRequest

if TYPE_CHECKING:
    from subscriptions.areas import Area, AreaCatalog

LAYERS = ("zip", "borough", "neighborhood")
HALF_A_MILE_M = 800
CORNERS_AT_LEAST = 3

PAIR_CHARACTERS = 100
"""Of latitude and longitude, as typed: more than anybody means."""

_AND_WORD = "(?:[&+]|and|y|e|и|এবং|ও|ak|epi|اور|et|i|oraz|און|ed|그리고)"
_AND = re.compile(rf"(?:^and|(?<=\S)\s+{_AND_WORD})(?:\s+|$)|(?<=\S)\s+و\s*|(?<=\S)\s*[和及与與와과및]\s*", re.IGNORECASE)
"""Between two names, in each language; Arabic has no space after the word, Chinese and Korean none before it."""
_SEPARATORS = re.compile(rf"[,;،؛，；、\n]|(?<=\b\d{{5}})\s+(?:{_AND_WORD}\s+)?(?=\S)|(?<=\S)\s+(?=\d{{5}}\b)", re.IGNORECASE)
"""Commas of all scripts, lines, and the space beside a ZIP code: "11201 Astoria" is two places."""
_ZIP = re.compile(r"\d{5}\b")
_STATE = (("ny",), ("n.y",), ("nyc",), ("new", "york"))
"""How postal addresses go on before their ZIP code."""
_POINT = re.compile(r"([-\u2212]?\d{1,3}(?:\.\d+)?)(?:\s*[,،，、]\s*|\s+)([-\u2212]?\d{1,3}(?:\.\d+)?)")
"""A run of spaces belongs to one part of it only: to try each of its ends for two parts takes the square of its length."""


class PlaceForm(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a place, as they were typed. Points are "latitude, longitude", corners one to a line."""

    place: str = ""
    address: str = ""
    point: str = ""
    corners: str = ""
    radius_m: int = HALF_A_MILE_M
    citywide: bool = False
    label: str = ""

    @property
    def elsewhere(self) -> bool:
        """Whether more than the one field was used."""
        return bool(self.address or self.point or self.corners or self.citywide)

    def __repr__(self) -> str:
        return "<PlaceForm>"


class UnknownPlace(Exception):
    """A place that nobody knows; says which and what may have been meant."""

    def __init__(self, sentence: str, typed: str, near: tuple[str, ...]) -> None:
        super().__init__(sentence)
        self.typed, self.near = typed, near


def mark(place: PlaceRequest) -> str:
    """Tells a place from a person's others in a form, whatever it is called: no two of theirs are at the same spot.

    Its position would not do, since an old tab or a second click may send the form after the list has changed.
    """
    return blake2b(msgspec.json.encode(msgspec.structs.replace(place, label=None)), digest_size=8).hexdigest()


def read_place_form(data: Data) -> PlaceForm:
    """The fields of a POST. A correction that was chosen (`fix` instead of `wrong`) is made."""
    radius, place = text(data, "radius_m"), text(data, "place")
    wrong, fix = text(data, "wrong"), text(data, "fix")
    return PlaceForm(
        place=place.replace(wrong, fix, 1) if wrong and fix else place,
        address=text(data, "address"),
        point=text(data, "point"),
        corners=text(data, "corners"),
        radius_m=int(radius) if radius.isascii() and radius.isdecimal() else HALF_A_MILE_M,
        citywide="citywide" in data,
        label=text(data, "label"),
    )


def requests_of(form: PlaceForm, catalog: AreaCatalog, said: Words) -> list[PlaceRequest]:
    """The places of a form; empty when it names none. Raises Faulty."""
    errors: dict[str, str] = {}
    places = [PlaceRequest(citywide=True)] if form.citywide else []
    places += [PlaceRequest(address=form.address, radius_m=form.radius_m)] if form.address else []
    places += _point(form, said, errors) + _shape(form, said, errors)
    try:
        places += read_places(form.place, catalog, said) if form.place else []
    except UnknownPlace as unknown:
        raise Faulty({"place": str(unknown)} | errors, wrong=unknown.typed, fixes=unknown.near) from None
    if errors:
        raise Faulty(errors)
    return [msgspec.structs.replace(place, label=form.label or None) for place in places]


def _point(form: PlaceForm, said: Words, errors: dict[str, str]) -> list[PlaceRequest]:
    if not form.point:
        return []
    found = _pair(form.point)
    if found is None:
        errors["point"] = said.text("Write latitude and longitude with a comma between, like 40.693, -73.987.")
        return []
    return [PlaceRequest(lat=found[0], lon=found[1], radius_m=form.radius_m)]


def _pair(typed: str) -> tuple[float, float] | None:
    """Latitude and longitude; None for what is none, or too long to be one."""
    found = _POINT.fullmatch(typed) if len(typed) <= PAIR_CHARACTERS else None
    if found is None:
        return None
    lat, lon = (float(number.replace("\u2212", "-")) for number in found.groups())
    return lat, lon


def _shape(form: PlaceForm, said: Words, errors: dict[str, str]) -> list[PlaceRequest]:
    if not form.corners:
        return []
    found = [_pair(line.strip()) for line in re.split(r"[\n;]", form.corners) if line.strip()]
    ring = [[pair[1], pair[0]] for pair in found if pair is not None]
    if None in found or len(ring) < CORNERS_AT_LEAST:
        errors["corners"] = said.text("A shape needs at least three corners. Write each on a line of its own, like 40.693, -73.987.")
        return []
    return [PlaceRequest(polygon={"type": "Polygon", "coordinates": [[*ring, ring[0]]]})]


def field_of(fault: FieldError, said: Words) -> tuple[str, str]:
    """The field that a fault of the service is about, and a sentence in the reader's language: its own are English."""
    name = fault.pointer.rsplit("/", 1)[-1]
    if name == "address" and fault.detail == AWAY:
        return "address", said.text("Addresses can’t be looked up just now. Try again in a few minutes, or give a ZIP code or a point.")
    if name == "address":
        return "address", said.text("This address was not found. Write number and street, like 350 5th Ave, or give a ZIP code.")
    if name in {"lat", "lon", "radius_m"}:
        return "point", said.text("This point is not in the city.")
    if name == "polygon":
        return "corners", said.text("This shape can’t be used. Its lines must not cross, and it must lie in the city.")
    if name == "label":
        return "label", said.text("Use a shorter name.")
    too_many = said.text("You can follow %(most)s places at most.", most=PLACES_AT_MOST)
    return "place", too_many if name == "places" else said.text("Give a ZIP code, a neighborhood or a borough.")


def read_places(typed: str, catalog: AreaCatalog, words: Words) -> list[PlaceRequest]:
    """The places of one field. Raises UnknownPlace."""
    whole = _find(typed.strip(), catalog)
    if whole is not None:
        return [as_request(whole)]
    named = [_known(name, catalog, words) for name in _names(typed, catalog)]
    found = {area.key: area for position, area in enumerate(named) if not _is_address_of(area, named[max(0, position - 1) : position + 2])}
    return [as_request(area) for area in found.values()]


def _names(typed: str, catalog: AreaCatalog) -> Iterator[str]:
    """The parts of what was typed, each a name; without the state where there is a ZIP code."""
    parts = [part.strip() for part in _SEPARATORS.split(typed) if part.strip()]
    postal = any(_ZIP.match(part) for part in parts)
    for part in parts:
        if _find(part, catalog) is not None:
            yield part
        else:
            names = _AND.split(_without_state(part) if postal else part)
            yield from (name.strip() for name in names if name.strip())


def _without_state(part: str) -> str:
    words = part.split()
    while state := next((state for state in _STATE if tuple(word.rstrip(".").casefold() for word in words[-len(state) :]) == state), None):
        del words[-len(state) :]
    return " ".join(words)


def _is_address_of(area: Area, beside: list[Area]) -> bool:
    """Whether a borough only says where the ZIP code beside it lies: "11201, Brooklyn"."""
    return area.layer == "borough" and any(other.layer == "zip" and other.borough == area.name for other in beside)


def as_request(area: Area) -> PlaceRequest:
    """The area by its id, which can't be mistaken for another of the same name."""
    match area.layer:
        case "zip":
            return PlaceRequest(zip=area.id)
        case "borough":
            return PlaceRequest(borough=area.id)
        case _:
            return PlaceRequest(neighborhood=area.id)


def area_of(place: PlaceRequest, catalog: AreaCatalog) -> Area | None:
    """The named area that a place is."""
    named = (("zip", place.zip), ("neighborhood", place.neighborhood), ("borough", place.borough))
    return next((catalog.find(layer, name) for layer, name in named if name is not None), None)


def _find(typed: str, catalog: AreaCatalog) -> Area | None:
    return next((area for layer in LAYERS if (area := catalog.find(layer, typed)) is not None), None)


def _known(typed: str, catalog: AreaCatalog, words: Words) -> Area:
    found = _find(typed, catalog)
    if found is not None:
        return found
    shown, near = typed[:40], tuple(area.name for area in catalog.near(typed))
    if near and shown.isdecimal():
        sentence = words.text("%(zip)s is not a ZIP code of this city. Did you mean %(near)s?", zip=shown, near=near[0])
    elif near:
        sentence = words.text("We do not know “%(place)s”. Did you mean %(near)s?", place=shown, near=" / ".join(near))
    else:
        sentence = words.text("We do not know “%(place)s”. Give a ZIP code, a neighborhood or a borough of this city.", place=shown)
    raise UnknownPlace(sentence, typed, near)
