"""Drawn shapes of an alert: what a GeoJSON polygon must be before anybody is told by it (safeguard S5).

What staff draw is refused when it isn't right, and never repaired or widened: a wrong shape once told a whole county to evacuate.
"""

from __future__ import annotations

import json
from typing import Any

import shapely
from shapely.geometry import MultiPolygon, Polygon
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from hub.alerts.faults import Faults, did_you_mean, shown, token
from hub.alerts.json_fields import kind
from hub.alerts.limits import PARTS, POINTS

_RING_MINIMUM = 4
_TOLD = 3
"""Bad points of one shape that are listed; the rest would only repeat them."""

Ring = list[tuple[float, float]]


def read_polygon(value: Any, pointer: str, faults: Faults) -> BaseGeometry | None:
    """A valid Polygon or MultiPolygon in lon/lat (RFC 7946 §3.1.6), or None after noting what is wrong."""
    parts = _parts(value, pointer, faults)
    if parts is None:
        return None
    before = len(faults)
    rings = [[_ring(ring, at, faults) for at, ring in part] for part in parts]
    if len(faults) > before:
        return None
    polygons = [Polygon(part[0], part[1:]) for part in rings]
    return _enclosing(polygons[0] if value["type"] == "Polygon" else MultiPolygon(polygons), pointer, faults)


def _parts(value: Any, pointer: str, faults: Faults) -> list[list[tuple[str, Any]]] | None:
    """Pointers and raw rings per part; None when the frame is wrong already."""
    if not isinstance(value, dict):
        faults.add(pointer, f"must be a GeoJSON Polygon or MultiPolygon, not {kind(value)}")
        return None
    if not _framed(value, pointer, faults):
        return None
    at, coordinates = f"{pointer}/coordinates", value["coordinates"]
    listed = [(at, coordinates)] if value["type"] == "Polygon" else _numbered(coordinates, at)
    if not _counted(listed, at, faults):
        return None
    return [_numbered(part, where) for where, part in listed]


def _counted(listed: list[tuple[str, Any]], pointer: str, faults: Faults) -> bool:
    """Whether there are parts with rings, and not too many parts or points."""
    before = len(faults)
    if not listed or any(part == [] for _, part in listed):
        faults.add(pointer, "is empty: draw the area again")
    if len(listed) > PARTS.authored:
        faults.add(pointer, f"has {len(listed):,} separate parts; at most {PARTS.authored:,} are allowed")
        return False
    for where, part in listed:
        if not isinstance(part, list):
            faults.add(where, f"must be a list of rings, not {kind(part)}")
    points = sum(len(ring) for _, part in listed if isinstance(part, list) for ring in part if isinstance(ring, list))
    if points > POINTS.authored:
        faults.add(pointer, f"has {points:,} points; at most {POINTS.authored:,} are allowed: simplify the shape")
    return len(faults) == before


def _framed(value: dict[str, Any], pointer: str, faults: Faults) -> bool:
    shape = value.get("type")
    before = len(faults)
    for name in getattr(value, "repeated", ()):
        faults.add(f"{pointer}/{token(name)}", "stands here more than once: keep one")
    if shape in ("Feature", "FeatureCollection"):
        faults.add(pointer, f"is a {shape}: send its geometry alone")
        return False
    for name in value:
        if name not in {"type", "coordinates"}:
            hint = did_you_mean(name, ("type", "coordinates")) or " Leave it out."
            faults.add(f"{pointer}/{token(name)}", f"is not a field of this object.{hint}")
    if "type" not in value:
        faults.add(f"{pointer}/type", "is missing and must be given")
    elif shape not in ("Polygon", "MultiPolygon"):
        said = f"“{shown(shape)}”" if isinstance(shape, str) else kind(shape)
        faults.add(f"{pointer}/type", f"must be Polygon or MultiPolygon, not {said}")
    if "coordinates" not in value:
        faults.add(f"{pointer}/coordinates", "is missing and must be given")
    elif not isinstance(value["coordinates"], list):
        faults.add(f"{pointer}/coordinates", f"must be a list, not {kind(value['coordinates'])}")
    return len(faults) == before


def _numbered(items: list[Any], pointer: str) -> list[tuple[str, Any]]:
    return [(f"{pointer}/{position}", item) for position, item in enumerate(items)]


def _ring(ring: Any, pointer: str, faults: Faults) -> Ring:
    if not isinstance(ring, list):
        faults.add(pointer, f"must be a ring, a list of points, not {kind(ring)}")
        return []
    read: Ring = []
    bad = 0
    for position, point in enumerate(ring):
        fault = _point_fault(point)
        if fault is None:
            read.append((float(point[0]), float(point[1])))
            continue
        bad += 1
        if bad <= _TOLD:
            faults.add(f"{pointer}/{position}", fault)
    if bad:
        return []
    return _closed(read, pointer, faults)


def _point_fault(point: Any) -> str | None:
    if not isinstance(point, list):
        return f"must be a point [longitude, latitude], not {kind(point)}"
    if len(point) != 2:
        return f"must be two numbers, [longitude, latitude], not {len(point)}"
    for number in point:
        if isinstance(number, bool) or not isinstance(number, int | float):
            return f"must hold numbers, not {kind(number)}"
    lon, lat = point
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        said = f"[{shown(str(lon), 20)}, {shown(str(lat), 20)}]"
        return f"{said} is no place on Earth: longitude goes from -180 to 180, latitude from -90 to 90"
    return None


def _closed(ring: Ring, pointer: str, faults: Faults) -> Ring:
    if ring and ring[0] != ring[-1]:
        faults.add(pointer, "is not closed: its last point must be its first")
    elif len(ring) < _RING_MINIMUM:
        faults.add(pointer, f"has {len(ring)} points; a closed ring has at least {_RING_MINIMUM}")
    return ring


def _enclosing(shape: BaseGeometry, pointer: str, faults: Faults) -> BaseGeometry | None:
    """The shape when it is simple and encloses something."""
    if not shape.is_valid:
        faults.add(pointer, _why_invalid(shape))
        return None
    if shape.area == 0:
        faults.add(pointer, "encloses nothing: draw the area again")
        return None
    return shape


def _why_invalid(shape: BaseGeometry) -> str:
    reason = explain_validity(shape)
    what, _, place = reason.partition("[")
    at = f" at [{', '.join(place.rstrip(']').split())}]" if place else ""
    if "Self-intersection" in what:
        return f"crosses itself{at}: draw the area again without crossing lines"
    return f"is not a proper shape ({what.strip().lower()}{at}): draw the area again"


def swapped(shape: BaseGeometry) -> BaseGeometry:
    """The shape with latitude and longitude exchanged, to find out whether they were."""
    return shapely.transform(shape, lambda points: points[:, ::-1])


def as_geojson(geometry: BaseGeometry) -> dict[str, Any]:
    """A geometry as GeoJSON made of lists and numbers, as it would be read back from JSON."""
    made: dict[str, Any] = json.loads(shapely.to_geojson(geometry))
    return made
