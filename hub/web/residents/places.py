"""Places as people type them: ZIP codes, neighborhoods and boroughs in one field, separated by commas."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hub.web.language import Words
from subscriptions.subscriber import PlaceRequest

if TYPE_CHECKING:
    from subscriptions.areas import Area, AreaCatalog

LAYERS = ("zip", "borough", "neighborhood")

_SEPARATORS = re.compile(r"[,;،؛，；、\n]|(?<=\b\d{5})\s+(?=\S)|(?<=\S)\s+(?=\d{5}\b)")
"""Commas of all scripts, lines, and the space beside a ZIP code: "11201 Astoria" is two places."""


class UnknownPlace(Exception):
    """A place that nobody knows; says which and what may have been meant."""


def read_places(text: str, catalog: AreaCatalog, words: Words) -> list[PlaceRequest]:
    """The places of one field. Raises UnknownPlace."""
    whole = _find(text.strip(), catalog)
    if whole is not None:
        return [as_request(whole)]
    parts = [part.strip() for part in _SEPARATORS.split(text) if part.strip()]
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


def place_name(place: PlaceRequest, catalog: AreaCatalog, words: Words) -> str:
    """A place in words. The person's own label is shown to nobody else, so it stands here only for them."""
    name: str
    if place.citywide:
        name = words.text("The whole city")
    elif place.zip is not None:
        name = words.text("ZIP code %(zip)s", zip=place.zip)
    elif place.lat is not None:
        name = words.text("A circle of %(meters)s meters on the map", meters=round(place.radius_m or 0))
    else:
        layer, text = ("borough", place.borough) if place.borough is not None else ("neighborhood", place.neighborhood)
        area = catalog.find(layer, text or "")
        name = area.name if area else text or ""
    return f"{place.label}: {name}" if place.label else name


def _find(text: str, catalog: AreaCatalog) -> Area | None:
    return next((area for layer in LAYERS if (area := catalog.find(layer, text)) is not None), None)


def _known(text: str, catalog: AreaCatalog, words: Words) -> Area:
    found = _find(text, catalog)
    if found is not None:
        return found
    near = [area.name for area in catalog.search(text, 3)]
    if near:
        raise UnknownPlace(words.text("We do not know “%(place)s”. Did you mean %(near)s?", place=text[:40], near=" / ".join(near)))
    raise UnknownPlace(
        words.text("We do not know “%(place)s”. Give a ZIP code, a neighborhood or a borough of this city.", place=text[:40])
    )
