"""Places: what a resident writes, checked against the city, and how a place may be named to others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import msgspec
import shapely

from subscriptions.areas import AreaCatalog
from subscriptions.columns import CITY_KEY
from subscriptions.documents import Faults
from subscriptions.errors import UnknownArea
from subscriptions.store.sql import PlaceRow
from subscriptions.subscriber import PLACES_AT_MOST, PlaceRequest

RADIUS_M = (50.0, 20_000.0)
LABEL_CHARACTERS = 80
DECIMALS = 5
"""Of a degree, about a metre: no finer than a person can mean it."""
NAMES_SHOWN = 3

_WORDS = {"zip": "ZIP", "neighborhood": "neighborhood", "borough": "borough"}
KINDS = "zip, neighborhood, borough, citywide, or lat with lon and radius_m"


def read_places(requests: tuple[PlaceRequest, ...], catalog: AreaCatalog, faults: Faults) -> list[PlaceRow]:
    """The places as they are kept, each once; faults are noted under ``/places``."""
    if not 1 <= len(requests) <= PLACES_AT_MOST:
        faults.add("/places", f"name from 1 to {PLACES_AT_MOST} places: {KINDS}")
    reader = PlaceReader(catalog, faults)
    read = (reader.read(request, f"/places/{index}") for index, request in enumerate(requests[:PLACES_AT_MOST]))
    return without_repeats([], [place for place in read if place is not None])


class PlaceReader:
    """Reads places one by one, noting faults."""

    def __init__(self, catalog: AreaCatalog, faults: Faults) -> None:
        self._catalog = catalog
        self._faults = faults

    def read(self, request: PlaceRequest, pointer: str) -> PlaceRow | None:
        """One place, or None with its faults noted."""
        kinds = [name for name in ("zip", "neighborhood", "borough", "address", "citywide") if getattr(request, name) is not None]
        kinds += ["point"] if request.lat is not None or request.lon is not None else []
        if len(kinds) != 1:
            found = f"; here stand {' and '.join(kinds)}" if kinds else ""
            self._faults.add(pointer, f"name exactly one kind of place: {KINDS}{found}")
            return None
        kind = kinds[0]
        if kind not in {"point", "address"} and request.radius_m is not None:
            self._faults.add(f"{pointer}/radius_m", f"goes with lat and lon only: leave it out beside {kind}")
        place = self._point(request, pointer) if kind == "point" else self._named(kind, request, pointer)
        label = self._label(request.label, pointer)
        return msgspec.structs.replace(place, label=label) if place is not None else None

    def _named(self, kind: str, request: PlaceRequest, pointer: str) -> PlaceRow | None:
        if kind == "address":
            self._faults.add(f"{pointer}/address", "not yet supported: give a ZIP, or a point as lat, lon and radius_m")
            return None
        if kind != "citywide":
            return self._area(kind, getattr(request, kind), pointer)
        if not request.citywide:
            self._faults.add(f"{pointer}/citywide", "expected true: leave the place out instead of saying false")
            return None
        return PlaceRow(CITY_KEY)

    def _area(self, layer: str, text: str, pointer: str) -> PlaceRow | None:
        try:
            return PlaceRow(self._catalog.resolve(layer, text).key)
        except UnknownArea as error:
            meant = f" Did you mean {' or '.join(error.suggestions)}?" if error.suggestions else ""
            self._faults.add(f"{pointer}/{layer}", f"{text[:40]} is not a {_WORDS[layer]} of this city.{meant}")
            return None

    def _point(self, request: PlaceRequest, pointer: str) -> PlaceRow | None:
        lat, lon, radius_m = request.lat, request.lon, request.radius_m
        if lat is None or lon is None:
            self._faults.add(f"{pointer}/{'lat' if lat is None else 'lon'}", "missing: a point has both lat and lon")
            return None
        low, high = RADIUS_M
        if radius_m is None or not low <= radius_m <= high:
            self._faults.add(f"{pointer}/radius_m", f"expected metres around the point, from {low:.0f} to {high:.0f}")
            return None
        if not _inside(lat, lon, self._catalog):
            swapped = ": lat and lon look swapped" if _inside(lon, lat, self._catalog) else ""
            self._faults.add(f"{pointer}/lat", f"this point is not in the city{swapped}")
            return None
        return PlaceRow(None, round(lat, DECIMALS), round(lon, DECIMALS), float(radius_m))

    def _label(self, label: str | None, pointer: str) -> str | None:
        if label is not None and (len(label) > LABEL_CHARACTERS or not label.isprintable()):
            self._faults.add(f"{pointer}/label", f"expected up to {LABEL_CHARACTERS} printable characters")
        return label.strip() or None if label else None


def _inside(lat: float, lon: float, catalog: AreaCatalog) -> bool:
    if not (math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180):
        return False
    return bool(shapely.intersects_xy(catalog.outline, *catalog.projection.xy(lon, lat)))


def without_repeats(known: list[PlaceRow], added: list[PlaceRow]) -> list[PlaceRow]:
    """Those of `added` that are not among the known and not twice among themselves; labels make no difference."""
    seen = {_spot(place) for place in known}
    return [place for place in added if not (_spot(place) in seen or seen.add(_spot(place)))]  # type: ignore[func-returns-value]  # add is None


def _spot(place: PlaceRow) -> tuple[str | None, float | None, float | None, float | None]:
    return place.area, place.lat, place.lon, place.radius_m


class Spot(Protocol):
    """What tells where a place is, in a row of the database or of the audience."""

    @property
    def area(self) -> str | None: ...
    @property
    def lat(self) -> float | None: ...
    @property
    def lon(self) -> float | None: ...


def public_name(place: Spot, catalog: AreaCatalog) -> str:
    """How a place may stand in a message or behind its links (safeguard S26): a point only by the ZIP that covers it.

    "" for the whole city, and for a point that no ZIP covers.
    """
    area = catalog.get(place.area) if place.area is not None else catalog.covering(place.lon or 0.0, place.lat or 0.0, "zip")
    if area is None:
        return ""
    return area.id if area.layer == "zip" else area.name


def public_names(places: Sequence[Spot], catalog: AreaCatalog) -> tuple[str, ...]:
    """The names of all places, each once; empty when one of them is the whole city."""
    if any(place.area == CITY_KEY for place in places):
        return ()
    return tuple(dict.fromkeys(name for place in places if (name := public_name(place, catalog))))


def in_a_few_words(names: tuple[str, ...]) -> str:
    """The first names and how many more there are: a letter must fit into an SMS."""
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" +{more}" if more > 0 else "")
