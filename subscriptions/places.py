"""Places: what a resident writes, checked against the city, and how a place may be named to others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol

import msgspec
import shapely
from shapely.geometry import Polygon
from shapely.geometry.base import BaseGeometry

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
SHAPE_CORNERS = 200
LEAST_SHAPE_M2 = 400.0
LEAST_SHARE_INSIDE = 0.5
"""Of a drawn shape, in the city: streets along its border are drawn over it."""
NAMES_SHOWN = 3

_WORDS = {"zip": "ZIP", "neighborhood": "neighborhood", "borough": "borough"}
KINDS = "zip, neighborhood, borough, citywide, address, polygon, or lat with lon and radius_m"


def read_places(requests: tuple[PlaceRequest, ...], catalog: AreaCatalog, faults: Faults, at_most: int = PLACES_AT_MOST) -> list[PlaceRow]:
    """The places as they are kept, each once; faults are noted under ``/places``."""
    if not 1 <= len(requests) <= at_most:
        faults.add("/places", f"name from 1 to {at_most} places: {KINDS}")
    reader = PlaceReader(catalog, faults)
    read = (reader.read(request, f"/places/{index}") for index, request in enumerate(requests[:at_most]))
    return without_repeats([], [place for place in read if place is not None])


class PlaceReader:
    """Reads places one by one, noting faults."""

    def __init__(self, catalog: AreaCatalog, faults: Faults) -> None:
        self._catalog = catalog
        self._faults = faults

    def read(self, request: PlaceRequest, pointer: str) -> PlaceRow | None:
        """One place, or None with its faults noted."""
        kinds = [
            name for name in ("zip", "neighborhood", "borough", "address", "polygon", "citywide") if getattr(request, name) is not None
        ]
        kinds += ["point"] if request.lat is not None or request.lon is not None else []
        if len(kinds) != 1:
            found = f"; here stand {' and '.join(kinds)}" if kinds else ""
            self._faults.add(pointer, f"name exactly one kind of place: {KINDS}{found}")
            return None
        kind = kinds[0]
        if kind not in {"point", "address"} and request.radius_m is not None:
            self._faults.add(f"{pointer}/radius_m", f"goes with lat and lon, or an address: leave it out beside {kind}")
        place = self._place(kind, request, pointer)
        label = self._label(request.label, pointer)
        return msgspec.structs.replace(place, label=label) if place is not None else None

    def _place(self, kind: str, request: PlaceRequest, pointer: str) -> PlaceRow | None:
        match kind:
            case "point":
                return self._point(request, pointer)
            case "polygon":
                return self._shape(request.polygon or {}, f"{pointer}/polygon")
            case "address":
                self._faults.add(f"{pointer}/address", "can't be looked up here: give a ZIP, or a point as lat, lon and radius_m")
                return None
            case _:
                return self._named(kind, request, pointer)

    def _named(self, kind: str, request: PlaceRequest, pointer: str) -> PlaceRow | None:
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

    def _shape(self, drawn: dict[str, Any], pointer: str) -> PlaceRow | None:
        """A GeoJSON Polygon (RFC 7946 §3.1.6), kept no finer than a metre."""
        polygon = _polygon(drawn)
        if polygon is None:
            self._faults.add(pointer, f"expected a GeoJSON Polygon of [longitude, latitude] pairs, with up to {SHAPE_CORNERS} corners")
            return None
        if not polygon.is_valid:
            self._faults.add(pointer, "its border crosses or touches itself: draw it anew")
            return None
        fault = _out_of_bounds(polygon, self._catalog)
        if fault:
            self._faults.add(pointer, fault)
            return None
        return PlaceRow(None, shape=shapely.to_geojson(polygon))

    def _label(self, label: str | None, pointer: str) -> str | None:
        if label is not None and (len(label) > LABEL_CHARACTERS or not label.isprintable()):
            self._faults.add(f"{pointer}/label", f"expected up to {LABEL_CHARACTERS} printable characters")
        return label.strip() or None if label else None


def _inside(lat: float, lon: float, catalog: AreaCatalog) -> bool:
    if not (math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180):
        return False
    return bool(shapely.intersects_xy(catalog.outline, *catalog.projection.xy(lon, lat)))


def _polygon(drawn: dict[str, Any]) -> Polygon | None:
    """None for whatever is no polygon of a reasonable size."""
    rings = drawn.get("coordinates")
    if drawn.get("type") != "Polygon" or set(drawn) - {"type", "coordinates", "bbox"} or not isinstance(rings, list) or not rings:
        return None
    try:
        read = [[(round(float(lon), DECIMALS), round(float(lat), DECIMALS)) for lon, lat, *_ in ring] for ring in rings]
        if sum(map(len, read)) > SHAPE_CORNERS or any(ring[0] != ring[-1] for ring in read):
            return None
        if not all(abs(lon) <= 180 and abs(lat) <= 90 for ring in read for lon, lat in ring):
            return None
        return shapely.orient_polygons(Polygon(read[0], read[1:]))
    except (ValueError, TypeError, IndexError, OverflowError, shapely.errors.ShapelyError):
        return None


def _out_of_bounds(polygon: Polygon, catalog: AreaCatalog) -> str:
    """Why a valid polygon can be no place of the city, "" when it can."""
    west, south, east, north = polygon.bounds
    if not (_inside_frame(south, west, catalog) and _inside_frame(north, east, catalog)):
        turned = _inside_frame(west, south, catalog) and _inside_frame(east, north, catalog)
        return "lies outside the city" + (": lat and lon look swapped" if turned else "")
    metric: BaseGeometry = catalog.projection.to_metric(polygon)
    if metric.area < LEAST_SHAPE_M2:
        return f"is smaller than {LEAST_SHAPE_M2:.0f} square metres: draw it larger"
    if shapely.intersection(metric, catalog.outline).area < LEAST_SHARE_INSIDE * metric.area:
        return "lies for the most part outside the city: draw what is inside"
    return ""


def _inside_frame(lat: float, lon: float, catalog: AreaCatalog) -> bool:
    """Whether a point is near enough to the city for its projection."""
    west, south, east, north = catalog.outline.bounds
    (west, east), (south, north) = catalog.projection.lonlat([west, east], [south, north])
    return bool(west - 1 <= lon <= east + 1 and south - 1 <= lat <= north + 1)


def without_repeats(known: list[PlaceRow], added: list[PlaceRow]) -> list[PlaceRow]:
    """Those of `added` that are not among the known and not twice among themselves; labels make no difference."""
    seen = {_spot(place) for place in known}
    return [place for place in added if not (_spot(place) in seen or seen.add(_spot(place)))]  # type: ignore[func-returns-value]  # add is None


def fitting(known: list[PlaceRow], added: list[PlaceRow]) -> list[PlaceRow]:
    """Those of `added` that are new, as many as a subscription still has room for."""
    return without_repeats(known, added)[: max(0, PLACES_AT_MOST - len(known))]


def _spot(place: PlaceRow) -> tuple[str | None, float | None, float | None, float | None, str | None]:
    return place.area, place.lat, place.lon, place.radius_m, place.shape


class Spot(Protocol):
    """What tells where a place is, in a row of the database or of the audience."""

    @property
    def area(self) -> str | None: ...
    @property
    def lat(self) -> float | None: ...
    @property
    def lon(self) -> float | None: ...
    @property
    def shape(self) -> str | None: ...


def middle(place: Spot) -> tuple[float, float]:
    """(lon, lat) of a point, or of a point well inside a shape."""
    if place.shape is not None:
        inside = shapely.from_geojson(place.shape).representative_point()
        return float(inside.x), float(inside.y)
    return place.lon or 0.0, place.lat or 0.0


def public_name(place: Spot, catalog: AreaCatalog) -> str:
    """How a place may stand in a message or behind its links (safeguard S26): a point or a shape only by the ZIP that covers it.

    "" for the whole city, and for a point that no ZIP covers.
    """
    area = catalog.get(place.area) if place.area is not None else catalog.covering(*middle(place), "zip")
    if area is None:
        return ""
    return area.id if area.layer == "zip" else area.name


def public_names(places: Sequence[Spot], catalog: AreaCatalog) -> tuple[str, ...]:
    """The names of all places, each once; CITY_KEY alone when one of them is the whole city, and empty when none of them has a name."""
    if any(place.area == CITY_KEY for place in places):
        return (CITY_KEY,)
    return tuple(dict.fromkeys(name for place in places if (name := public_name(place, catalog))))


def in_a_few_words(names: tuple[str, ...]) -> str:
    """The first names and how many more there are: a letter must fit into an SMS. "" when no place has a name."""
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (f" +{more}" if more > 0 else "")
