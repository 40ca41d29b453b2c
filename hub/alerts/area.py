"""Where an alert holds: from what its author named to what is frozen, matched, shown and told (safeguard S5).

An area is resolved once, when it is written; what is matched later is exactly what was approved. Nothing is ever widened: a name that isn't
known, a shape that isn't right or that lies elsewhere is refused, with the nearest thing that could have been meant.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import msgspec
import shapely
from shapely.geometry import Point, Polygon, shape
from shapely.geometry.base import BaseGeometry

from hub.alerts.alert import Alert, Area, Circle
from hub.alerts.faults import Faults
from hub.alerts.limits import LEAST_SHARE_INSIDE
from hub.alerts.shapes import as_geojson, read_polygon, swapped
from subscriptions import areas, languages, topics
from subscriptions.areas import AreaCatalog
from subscriptions.errors import UnknownArea
from subscriptions.matching import Target

LAYERS = {"zips": "zip", "neighborhoods": "neighborhood", "boroughs": "borough"}
"""Field of the alert → layer of the catalogue."""

_WORDS = {"zip": "a ZIP code", "neighborhood": "a neighborhood", "borough": "a borough"}
_CIRCLE_QUARTER = 16
_NAMED_IN_SHAPE = 6
"""A drawn shape over more neighbourhoods than this is told by its boroughs."""
_TOUCHED = 0.05
"""Share of a neighbourhood, or of the shape, from which on the one is named for the other."""
_MAP_TOLERANCE_DEGREES = 0.0002
_MAP_GRID_DEGREES = 0.00001
_REACH_DEGREES = 6.0
"""How far around the city its projection is trusted for shapes and circles that reach into it."""


class ResolvedArea(msgspec.Struct, frozen=True, kw_only=True):
    """`keys` of the catalogue's areas, the drawn shapes as they were drawn, and `names` for people, the same in every language."""

    keys: tuple[str, ...] = ()
    polygon: dict[str, Any] | None = None
    """GeoJSON Polygon or MultiPolygon, lon/lat."""
    circle: Circle | None = None
    citywide: bool = False
    names: tuple[str, ...] = ()
    """Names of the areas, and of the neighbourhoods or boroughs that a drawn shape lies in; empty for the whole city."""


def resolve(area: Area, catalog: AreaCatalog, pointer: str = "/area") -> ResolvedArea:
    """Check against the catalogue. Raises InvalidInput with every fault."""
    faults = Faults()
    resolved = resolve_into(faults, area, catalog, pointer)
    faults.check()
    return resolved


def resolve_into(faults: Faults, area: Area, catalog: AreaCatalog, pointer: str = "/area") -> ResolvedArea:
    """As `resolve`, noting faults; the result means something only when there are none."""
    found = _named(faults, area, catalog, pointer)
    drawn = _drawn(faults, area, catalog, pointer)
    if area.citywide:
        if area != Area(citywide=True):
            faults.add(f"{pointer}/citywide", "stands alone: name the whole city or parts of it, not both")
        return ResolvedArea(citywide=True)
    if area == Area():
        faults.add(pointer, "names no place: give zips, neighborhoods, boroughs, a polygon, a circle or citywide")
    names = dict.fromkeys([place.name for place in found] + [name for part in drawn for name in _names_within(part, catalog)])
    return ResolvedArea(keys=tuple(place.key for place in found), polygon=area.polygon, circle=area.circle, names=tuple(names))


def _named(faults: Faults, area: Area, catalog: AreaCatalog, pointer: str) -> list[areas.Area]:
    found: dict[str, str] = {}
    places: list[areas.Area] = []
    for field, layer in LAYERS.items():
        for position, name in enumerate(getattr(area, field)):
            at = f"{pointer}/{field}/{position}"
            place = _find(faults, catalog, layer, name, at) if name else None
            if place is None:
                continue
            if place.key in found:
                faults.add(at, f"“{name}” is the same place as {found[place.key]}: keep one")
                continue
            found[place.key] = at
            places.append(place)
    return places


def _find(faults: Faults, catalog: AreaCatalog, layer: str, name: str, pointer: str) -> areas.Area | None:
    try:
        return catalog.resolve(layer, name)
    except UnknownArea as unknown:
        near = f" Did you mean {' or '.join(unknown.suggestions[:3])}?" if unknown.suggestions else ""
        faults.add(pointer, f"“{name}” is not {_WORDS[layer]} of {catalog.name}.{near}")
        return None


def _drawn(faults: Faults, area: Area, catalog: AreaCatalog, pointer: str) -> list[BaseGeometry]:
    """The shapes that lie in the city, in metres."""
    parts: list[BaseGeometry] = []
    if area.polygon is not None:
        drawn = read_polygon(area.polygon, f"{pointer}/polygon", faults)
        if drawn is not None and _inside(faults, drawn, catalog, f"{pointer}/polygon"):
            parts.append(in_metres(drawn, catalog))
    if area.circle is not None and _circle_inside(faults, area.circle, catalog, f"{pointer}/circle"):
        parts.append(disk(area.circle, catalog))
    return parts


def disk(circle: Circle, catalog: AreaCatalog) -> BaseGeometry:
    """The circle as a polygon in metres, drawn around it, so that nobody on the rim is missed; empty far from the city."""
    west, south, east, north = _around(catalog)
    if not (west <= circle.lon <= east and south <= circle.lat <= north):
        return Polygon()
    outer = circle.radius_m / math.cos(math.pi / (4 * _CIRCLE_QUARTER))
    return catalog.projection.to_metric(Point(circle.lon, circle.lat)).buffer(max(outer, 0.01), quad_segs=_CIRCLE_QUARTER)


def in_metres(drawn: BaseGeometry, catalog: AreaCatalog) -> BaseGeometry:
    """A lon/lat shape in metres. What lies in another part of the world is cut off first: the city's projection has no answer there."""
    return catalog.projection.to_metric(shapely.intersection(drawn, shapely.box(*_around(catalog))))


def _around(catalog: AreaCatalog) -> tuple[float, float, float, float]:
    west, south, east, north = catalog.outline.bounds
    (west, east), (south, north) = catalog.projection.lonlat([west, east], [south, north])
    return west - _REACH_DEGREES, south - _REACH_DEGREES, east + _REACH_DEGREES, north + _REACH_DEGREES


def share_inside(metric: BaseGeometry, catalog: AreaCatalog) -> float:
    """How much of a shape lies in the city, 0 to 1."""
    return float(shapely.intersection(metric, catalog.outline).area / metric.area) if metric.area else 0.0


def _inside(faults: Faults, drawn: BaseGeometry, catalog: AreaCatalog, pointer: str) -> bool:
    share = share_inside(in_metres(drawn, catalog), catalog)
    if share >= LEAST_SHARE_INSIDE:
        return True
    turned = share == 0 and share_inside(in_metres(swapped(drawn), catalog), catalog) > 0
    faults.add(pointer, "has latitude and longitude swapped: GeoJSON writes [longitude, latitude]" if turned else _outside(share))
    return False


def _circle_inside(faults: Faults, circle: Circle, catalog: AreaCatalog, pointer: str) -> bool:
    share = share_inside(disk(circle, catalog), catalog)
    if share >= LEAST_SHARE_INSIDE:
        return True
    other = Circle(lat=circle.lon, lon=circle.lat, radius_m=circle.radius_m)
    turned = share == 0 and share_inside(disk(other, catalog), catalog) > 0
    faults.add(pointer, "has latitude and longitude swapped" if turned else _outside(share))
    return False


def _outside(share: float) -> str:
    if share == 0:
        return "lies outside the city"
    return f"lies for the most part outside the city ({1 - share:.0%}): draw what is inside"


def _names_within(metric: BaseGeometry, catalog: AreaCatalog) -> list[str]:
    """Neighbourhoods that a shape lies in, largest share first; boroughs when these are many."""
    near = _touched(metric, catalog, "neighborhood")
    return near if 0 < len(near) <= _NAMED_IN_SHAPE else _touched(metric, catalog, "borough")


def _touched(metric: BaseGeometry, catalog: AreaCatalog, layer: str) -> list[str]:
    shares: list[tuple[float, str]] = []
    for area in catalog.areas:
        if area.layer != layer or not area.metric.intersects(metric):
            continue
        common = area.metric.intersection(metric).area
        if common > _TOUCHED * min(area.metric.area, metric.area):
            shares.append((common, area.name))
    return [name for _, name in sorted(shares, reverse=True)]


def target(resolved: ResolvedArea, alert: Alert, grade: int, catalog: AreaCatalog) -> Target:
    """What is matched: the area, and who wants this kind of alert. `grade` is a rank of `subscriptions.severity`."""
    readers = alert.audience_languages
    return Target(
        areas=tuple(place.index for place in _places(resolved, catalog)),
        polygons=(shape(resolved.polygon),) if resolved.polygon else (),
        circles=((resolved.circle.lon, resolved.circle.lat, resolved.circle.radius_m),) if resolved.circle else (),
        citywide=resolved.citywide,
        topics=topics.mask(alert.topics),
        severity=grade,
        languages=None if readers is None else frozenset(languages.number(tag) for tag in readers),
        drill=alert.status != "Actual",
    )


def _places(resolved: ResolvedArea, catalog: AreaCatalog) -> Iterator[areas.Area]:
    for key in resolved.keys:
        place = catalog.get(key)
        if place is None:
            raise LookupError(f"the area {key} is no longer in the catalogue")
        yield place


def shapes_of(resolved: ResolvedArea, catalog: AreaCatalog) -> list[BaseGeometry]:
    """What was drawn, in metres."""
    drawn = [in_metres(shape(resolved.polygon), catalog)] if resolved.polygon else []
    return drawn + ([disk(resolved.circle, catalog)] if resolved.circle else [])


def geojson(resolved: ResolvedArea, catalog: AreaCatalog) -> dict[str, Any]:
    """A FeatureCollection for a map: named areas simplified, drawn shapes as they were drawn, the whole city as its boroughs."""
    features = [_feature(_for_display(place.geometry), place.name, place.key) for place in _shown(resolved, catalog)]
    if resolved.polygon:
        features.append({"type": "Feature", "geometry": resolved.polygon, "properties": {"kind": "polygon"}})
    if resolved.circle:
        features.append(_feature(catalog.projection.to_lonlat(disk(resolved.circle, catalog)), "", "circle"))
    return {"type": "FeatureCollection", "features": features}


def _for_display(geometry: BaseGeometry) -> BaseGeometry:
    return shapely.set_precision(geometry.simplify(_MAP_TOLERANCE_DEGREES), _MAP_GRID_DEGREES, mode="pointwise")


def _shown(resolved: ResolvedArea, catalog: AreaCatalog) -> Iterator[areas.Area]:
    if resolved.citywide:
        yield from (area for area in catalog.areas if area.layer == "borough")
    yield from _places(resolved, catalog)


def _feature(geometry: BaseGeometry, name: str, kind: str) -> dict[str, Any]:
    return {"type": "Feature", "geometry": as_geojson(geometry), "properties": {"name": name, "kind": kind}}
