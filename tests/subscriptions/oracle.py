"""Matching again, the slow way: plain loops, geodesic distances on the ellipsoid, and areas measured on the ellipsoid.

Nothing of the product's geometry is used but the shapes in degrees, so that a wrong projection, table, grid or shortcut shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry
from shapely.ops import nearest_points

from subscriptions.areas import AreaCatalog
from subscriptions.columns import Person, PlaceRow
from subscriptions.matching import Target
from subscriptions.severity import rank

GEOD = Geod(ellps="WGS84")
EDGE_M = 0.5
"""A place whose distance is this close to its radius is left out of comparisons: on 20 km the projection may differ by that much."""


@dataclass
class Undecided(Exception):
    """Too close to call for an oracle on another surface."""


def metres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Geodesic distance of two (lon, lat)."""
    return float(GEOD.inv(one[0], one[1], other[0], other[1])[2])


@lru_cache(1024)  # a city has some hundred areas, and each is asked for thousands of times
def square_metres(shape: BaseGeometry) -> float:
    """Area on the ellipsoid."""
    if shape.is_empty or shape.area == 0:
        return 0.0
    polygons = [part for part in getattr(shape, "geoms", [shape]) if part.geom_type in {"Polygon", "MultiPolygon"}]
    return float(sum(abs(GEOD.geometry_area_perimeter(shapely.normalize(part))[0]) for part in polygons))


def distance(shape: BaseGeometry, lon: float, lat: float) -> float:
    """Metres from a point to a shape, 0 inside.

    Which point of the border is nearest is asked in degrees scaled to be locally true, then measured on the ellipsoid; a few neighbours of
    it are tried as well, since the scaling is only nearly right.
    """
    point = shapely.Point(lon, lat)
    if shape.intersects(point):
        return 0.0
    east, north = metres((lon - 0.005, lat), (lon + 0.005, lat)), metres((lon, lat - 0.005), (lon, lat + 0.005))
    squeeze = east / north
    scaled = shapely.transform(shape, lambda corners: (corners - (lon, lat)) * (squeeze, 1.0))
    near = nearest_points(scaled, shapely.Point(0, 0))[0]
    return metres((lon, lat), (lon + near.x / squeeze, lat + near.y))


def reached(person: Person, target: Target, catalog: AreaCatalog) -> bool:
    """Whether the person gets the alert: the rules of matching, read aloud."""
    if target.drill and not person.drills:
        return False
    if not person.topics & target.topics or person.minimum_severity > max(target.severity, rank("Minor")):
        return False
    if target.languages is not None and person.language not in target.languages:
        return False
    if not person.addresses:
        return False
    return target.citywide or any(touched(place, target, catalog) for place in person.places)


def touched(place: PlaceRow, target: Target, catalog: AreaCatalog) -> bool:
    """Whether one place is reached. Raises Undecided at an edge, unless another part of the target reaches it clearly."""
    if target.citywide or place.area == "city":
        return True
    tests = _named(place, target, catalog) if place.area is not None else _point(place, target, catalog)
    doubt = False
    for test in tests:
        try:
            if test():
                return True
        except Undecided:
            doubt = True
    if doubt:
        raise Undecided
    return False


def _named(place: PlaceRow, target: Target, catalog: AreaCatalog):
    area = catalog.get(place.area or "")
    if area is None:
        return []
    named = [lambda other=catalog.areas[index].geometry: _belong_together(area.geometry, other) for index in target.areas]
    drawn = [lambda other=polygon: _really_overlap(area.geometry, other) for polygon in target.polygons]
    circles = [lambda at=circle: _less(distance(area.geometry, at[0], at[1]), at[2]) for circle in target.circles]
    return [*named, *drawn, *circles]


def _point(place: PlaceRow, target: Target, catalog: AreaCatalog):
    lon, lat, radius = place.lon, place.lat, place.radius_m
    shapes = [*(catalog.areas[index].geometry for index in target.areas), *target.polygons]
    return [
        *(lambda shape=shape: _less(distance(shape, lon, lat), radius) for shape in shapes),
        *(lambda at=circle: _less(metres((lon, lat), (at[0], at[1])), radius + at[2]) for circle in target.circles),
    ]


def _less(value: float, limit: float, edge: float = EDGE_M) -> bool:
    if abs(value - limit) < edge:
        raise Undecided
    return value < limit


@lru_cache(4096)
def _belong_together(one: BaseGeometry, other: BaseGeometry) -> bool:
    if one is other:
        return True
    if not one.intersects(other):
        return False
    return _more(square_metres(one.intersection(other)), min(20_000.0, 0.05 * min(square_metres(one), square_metres(other))))


def _really_overlap(one: BaseGeometry, drawn: BaseGeometry) -> bool:
    if not one.intersects(drawn):
        return False
    return _more(square_metres(one.intersection(drawn)), min(100.0, 0.05 * min(square_metres(one), square_metres(drawn))))


def _more(common: float, limit: float) -> bool:
    if abs(common - limit) < 0.02 * limit:
        raise Undecided
    return common > limit
