"""Places as people give them: typed in one field, as a street address, a point, the corners of a shape, or the whole city.

Whatever the map or the browser's location fills in stands in a field that can be typed too, so nothing needs a map, a mouse or JavaScript.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec

from hub.web.language import Words
from hub.web.residents.forms import Data, Faulty, text
from subscriptions.errors import FieldError
from subscriptions.geocoding import AWAY
from subscriptions.subscriber import PlaceRequest

if TYPE_CHECKING:
    from subscriptions.areas import Area, AreaCatalog

LAYERS = ("zip", "borough", "neighborhood")
HALF_A_MILE_M = 800
CORNERS_AT_LEAST = 3

_SEPARATORS = re.compile(r"[,;،؛，；、\n]|(?<=\b\d{5})\s+(?=\S)|(?<=\S)\s+(?=\d{5}\b)")
"""Commas of all scripts, lines, and the space beside a ZIP code: "11201 Astoria" is two places."""
_POINT = re.compile(r"(-?\d{1,3}(?:\.\d+)?)\s*[,\s]\s*(-?\d{1,3}(?:\.\d+)?)")


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
    found = _POINT.fullmatch(form.point)
    if found is None:
        errors["point"] = said.text("Write latitude and longitude with a comma between, like 40.693, -73.987.")
        return []
    return [PlaceRequest(lat=float(found[1]), lon=float(found[2]), radius_m=form.radius_m)]


def _shape(form: PlaceForm, said: Words, errors: dict[str, str]) -> list[PlaceRequest]:
    if not form.corners:
        return []
    found = [_POINT.fullmatch(line.strip()) for line in re.split(r"[\n;]", form.corners) if line.strip()]
    ring = [[float(match[2]), float(match[1])] for match in found if match is not None]
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
    return "place", said.text("We can't follow this place: %(why)s", why=fault.detail)


def read_places(typed: str, catalog: AreaCatalog, words: Words) -> list[PlaceRequest]:
    """The places of one field. Raises UnknownPlace."""
    whole = _find(typed.strip(), catalog)
    if whole is not None:
        return [as_request(whole)]
    parts = [part.strip() for part in _SEPARATORS.split(typed) if part.strip()]
    found = {area.key: area for area in (_known(part, catalog, words) for part in parts)}
    return [as_request(area) for area in found.values()]


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
