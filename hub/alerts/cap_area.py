"""The `area` elements of a CAP document as an area of this city.

Codes and shapes only: `areaDesc` is words for people and is never guessed from. What lies outside the city is left out and said so; when
nothing is left, the document is refused. A foreign shape is repaired where that changes nothing (an unclosed ring, a crossing that moves
less than a hundredth of its area), never where it would widen it, and every repair is told.

Within one `area`, CAP has codes and shapes add up, but senders use the codes to name the counties that their shape lies in. So a coded area
that a shape of the same `area` touches is not added to it; one that is nearly equal to the shape takes its place; one apart is added.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

import msgspec
import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry

from hub.alerts.alert import Area, Circle
from hub.alerts.area import LAYERS, disk, in_metres, share_inside
from hub.alerts.cap_xml import Node
from hub.alerts.faults import Faults, shown
from hub.alerts.limits import LEAST_SHARE_INSIDE, POINTS
from hub.alerts.shapes import as_geojson, swapped
from subscriptions import areas
from subscriptions.areas import AreaCatalog

AREA_CODE = "tocsin:area"
"""`valueName` of our own geocode, whose `value` is a key of the area catalogue, or `CITYWIDE`."""
CITYWIDE = "city"
SAME_CODES = frozenset({"SAME", "FIPS6"})
ZIP_CODES = frozenset({"ZIP", "ZIPCODE"})

LARGEST_RADIUS_KM = 500
"""A wider circle is no place any more, and distances in the city's projection would be wrong."""

_NUMBER = r"[-+]?\d{1,3}(?:\.\d{0,20})?"
_POINT = re.compile(rf"({_NUMBER}),({_NUMBER})")
_CIRCLE = re.compile(rf"({_NUMBER}),({_NUMBER})\s+(\d{{1,7}}(?:\.\d{{0,20}})?)")
_SAME_PLACE = 0.9
"""Common share of a shape and a coded area from which on they are the same place."""
_REASONS = 3
_REPAIR_MOVES = 0.01


class _Place(msgspec.Struct):
    """What one `area` element came to."""

    citywide: bool
    named: list[areas.Area]
    shapes: list[BaseGeometry]
    """In degrees, lon/lat."""
    circles: list[Circle]


def read_area(info: Node, catalog: AreaCatalog, faults: Faults, warnings: list[str]) -> Area:
    """The union of an `info`'s areas, which means something only when no fault was added."""
    before, told = len(faults), len(warnings)
    if info.child("area") is None:
        faults.add(f"{info.path}/area", "is missing: this hub sends nothing without a place")
        return Area()
    places = [_place(node, catalog, faults, warnings) for node in info.children("area")]
    area = _together(places, catalog)
    if area == Area() and len(faults) == before:
        why = "; ".join(warnings[told : told + _REASONS]) or "it has neither codes nor shapes, and areaDesc is not guessed from"
        faults.add(f"{info.path}/area", f"lies outside the city of this hub, {catalog.name} ({why})")
    return area


def _place(node: Node, catalog: AreaCatalog, faults: Faults, warnings: list[str]) -> _Place:
    citywide, named = _named(node, catalog, warnings)
    circles = [circle for child in node.children("circle") if (circle := _circle(child, catalog, faults, warnings))]
    shapes = [shape for child in node.children("polygon") if (shape := _polygon(child, catalog, faults, warnings))]
    drawn = shapely.union_all([*(in_metres(shape, catalog) for shape in shapes), *(disk(circle, catalog) for circle in circles)])
    kept = [place for place in named if not place.metric.intersects(drawn)]
    for place in named:
        if _alike(place.metric, drawn):
            return _Place(citywide, [*kept, place], [], [])
    if len(kept) < len(named):
        warnings.append(f"{node.path}: the drawn shape counts, not the larger areas that the codes name around it")
    return _Place(citywide, kept, shapes, circles)


def _alike(one: BaseGeometry, other: BaseGeometry) -> bool:
    union = shapely.union(one, other).area
    return bool(union) and shapely.intersection(one, other).area / union >= _SAME_PLACE


def _named(node: Node, catalog: AreaCatalog, warnings: list[str]) -> tuple[bool, list[areas.Area]]:
    citywide, unknown = False, []
    named: dict[str, areas.Area] = {}
    for _, kind, value in node.named_values("geocode"):
        if (kind, value) == (AREA_CODE, CITYWIDE):
            citywide = True
        elif place := _by_code(kind, value, catalog):
            named[place.key] = place
        else:
            unknown.append(f"{kind} {value}")
    if unknown:
        warnings.append(f"{node.path}: not known here and left out: {shown(', '.join(unknown), 120)}")
    return citywide, list(named.values())


def _by_code(kind: str, value: str, catalog: AreaCatalog) -> areas.Area | None:
    if kind in SAME_CODES:
        return catalog.by_same(value)
    if kind in ZIP_CODES:
        return catalog.find("zip", value)
    return catalog.get(value) if kind == AREA_CODE else None


def _circle(node: Node, catalog: AreaCatalog, faults: Faults, warnings: list[str]) -> Circle | None:
    match = _CIRCLE.fullmatch(node.text.strip())
    if match is None:
        faults.add(node.path, f"“{shown(node.text)}” is not a circle: write latitude,longitude, a space and the radius in kilometres")
        return None
    circle = Circle(lat=float(match[1]), lon=float(match[2]), radius_m=float(match[3]) * 1000)
    if abs(circle.lat) > 90 or abs(circle.lon) > 180 or circle.radius_m > LARGEST_RADIUS_KM * 1000:
        faults.add(node.path, f"is no place: latitude from -90 to 90, longitude from -180 to 180, radius up to {LARGEST_RADIUS_KM} km")
        return None
    if not disk(circle, catalog).intersects(catalog.outline):
        warnings.append(f"{node.path}: lies outside the city and was left out")
        return None
    return circle


def _polygon(node: Node, catalog: AreaCatalog, faults: Faults, warnings: list[str]) -> BaseGeometry | None:
    ring = _ring(node, faults, warnings)
    if ring is None:
        return None
    drawn = _repaired(Polygon(ring), node.path, faults, warnings)
    if drawn is None:
        return None
    if share_inside(in_metres(drawn, catalog), catalog):
        return drawn
    if share_inside(in_metres(swapped(drawn), catalog), catalog):
        faults.add(node.path, "has latitude and longitude swapped: CAP writes latitude,longitude")
    else:
        warnings.append(f"{node.path}: lies outside the city and was left out")
    return None


def _ring(node: Node, faults: Faults, warnings: list[str]) -> list[tuple[float, float]] | None:
    """Points in lon/lat, closed; None after noting a fault."""
    words = node.text.split()
    if len(words) > POINTS.imported:
        faults.add(node.path, f"has {len(words):,} points; at most {POINTS.imported:,} are allowed: simplify the shape")
        return None
    ring = []
    for number, word in enumerate(words, 1):
        match = _POINT.fullmatch(word)
        lat, lon = (float(match[1]), float(match[2])) if match else (999.0, 999.0)
        if abs(lat) > 90 or abs(lon) > 180:
            faults.add(node.path, f"point {number}, “{shown(word)}”, is not latitude,longitude in degrees without a space between")
            return None
        ring.append((lon, lat))
    if ring and ring[0] != ring[-1]:
        warnings.append(f"{node.path}: was not closed, and is now")
        ring.append(ring[0])
    if len(ring) < 4:
        faults.add(node.path, f"has {len(ring)} points; a closed ring has at least 4")
        return None
    return _across_the_date_line(ring)


def _across_the_date_line(ring: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """A ring that steps over 180° east goes on beyond it, instead of round the whole Earth."""
    if any(abs(one[0] - other[0]) > 180 for one, other in pairwise(ring)):
        return [(lon + 360 if lon < 0 else lon, lat) for lon, lat in ring]
    return ring


def _repaired(polygon: Polygon, path: str, faults: Faults, warnings: list[str]) -> BaseGeometry | None:
    if polygon.is_valid and polygon.area:
        return polygon
    # The area that make_valid finds is that of all loops; the signed area of the ring is smaller when loops are passed in two directions.
    valid = MultiPolygon(list(polygons_of(shapely.make_valid(polygon))))
    if not valid.area:
        faults.add(path, "encloses nothing")
        return None
    if abs(valid.area - abs(_signed_area(polygon))) > _REPAIR_MOVES * valid.area:
        faults.add(path, "crosses itself, so that it can't be told what it encloses")
        return None
    warnings.append(f"{path}: touched or crossed itself and was repaired; its area is the same")
    return valid


def _signed_area(polygon: Polygon) -> float:
    points = list(polygon.exterior.coords)
    return sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in pairwise(points)) / 2


def polygons_of(geometry: BaseGeometry) -> Iterator[Polygon]:
    """The polygons in a geometry of any kind."""
    for part in shapely.get_parts(geometry):
        if isinstance(part, Polygon):
            yield part
        elif isinstance(part, MultiPolygon):
            yield from part.geoms


def _together(places: list[_Place], catalog: AreaCatalog) -> Area:
    if any(place.citywide for place in places):
        return Area(citywide=True)
    circles = [circle for place in places for circle in place.circles]
    shapes = [shape for place in places for shape in place.shapes]
    one = circles[0] if len(circles) == 1 and share_inside(disk(circles[0], catalog), catalog) >= LEAST_SHARE_INSIDE else None
    if one is None:
        shapes += [catalog.to_lonlat(disk(circle, catalog)) for circle in circles]
    named = {place.key: place for read in places for place in read.named}
    ids = {layer: tuple(place.id for place in named.values() if place.layer == layer) for layer in LAYERS.values()}
    return Area(zips=ids["zip"], neighborhoods=ids["neighborhood"], boroughs=ids["borough"], polygon=_drawn(shapes, catalog), circle=one)


def _drawn(shapes: list[BaseGeometry], catalog: AreaCatalog) -> dict[str, object] | None:
    """All shapes as one GeoJSON geometry; what lies for the most part outside the city is cut to it."""
    if not shapes:
        return None
    union = shapely.union_all(shapes) if len(shapes) > 1 else shapes[0]
    metric = in_metres(union, catalog)
    if share_inside(metric, catalog) < LEAST_SHARE_INSIDE:
        union = shapely.make_valid(catalog.to_lonlat(shapely.intersection(metric, catalog.outline)))
    parts = [part for part in polygons_of(union) if part.area]
    return as_geojson(MultiPolygon(parts) if len(parts) > 1 else parts[0]) if parts else None
