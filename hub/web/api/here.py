"""Which alerts hold at a place that a stranger asks about: one ZIP, one point or one box, given in the query."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import partial

import shapely
from shapely.geometry import Point, box
from shapely.geometry.base import BaseGeometry

from hub.alerts.area import in_metres, shapes_of
from hub.alerts.faults import shown
from hub.alerts.store import StoredAlert
from hub.feeds.selection import touches
from hub.web.api.exchange import bad_parameter
from subscriptions.areas import AreaCatalog
from subscriptions.errors import UnknownArea

PARAMETERS = ("zip", "lat", "lon", "bbox")

Holds = Callable[[StoredAlert], bool]
Meets = Callable[[BaseGeometry], bool]

_INTERIORS_MEET = "T********"
"""DE-9IM: more than a shared border. Neighbouring ZIPs only touch."""


def read_place(asked: Mapping[str, str], catalog: AreaCatalog) -> Holds:
    """Whether an alert holds at the place that a query names; everywhere when it names none.

    Raises InvalidInput for more than one place, and for one that does not exist.
    """
    kinds = {"point" if name in {"lat", "lon"} else name for name in PARAMETERS if name in asked}
    match sorted(kinds):
        case []:
            return lambda _: True
        case ["zip"]:
            return _zip(asked["zip"], catalog)
        case ["point"]:
            return partial(_holds, catalog, _point(asked, catalog))
        case ["bbox"]:
            return partial(_holds, catalog, _box(asked["bbox"], catalog))
        case several:
            raise bad_parameter(several[-1], "ask for one place at a time: zip, or lat with lon, or bbox")


def _holds(catalog: AreaCatalog, meets: Meets, alert: StoredAlert) -> bool:
    named = (catalog.get(key) for key in alert.area.keys)
    return (
        alert.area.citywide
        or any(area is not None and meets(area.metric) for area in named)
        or any(meets(drawn) for drawn in shapes_of(alert.area, catalog))
    )


def _zip(text: str, catalog: AreaCatalog) -> Holds:
    try:
        area = catalog.resolve("zip", text)
    except UnknownArea as error:
        meant = f" Did you mean {' or '.join(error.suggestions[:3])}?" if error.suggestions else ""
        raise bad_parameter("zip", f"“{shown(text)}” is not a ZIP code of this city.{meant}") from None
    return lambda alert: touches(alert, area, catalog)


def _point(asked: Mapping[str, str], catalog: AreaCatalog) -> Meets:
    if "lat" not in asked or "lon" not in asked:
        raise bad_parameter("lon" if "lat" in asked else "lat", "is missing: a point needs both lat and lon")
    point = catalog.to_metric(Point(_number("lon", asked["lon"], 180), _number("lat", asked["lat"], 90)))
    return lambda outline: bool(outline.covers(point))


def _box(text: str, catalog: AreaCatalog) -> Meets:
    numbers = [_number("bbox", part, 180) for part in text.split(",")]
    if len(numbers) != 4 or not (numbers[0] < numbers[2] and -90 <= numbers[1] < numbers[3] <= 90):
        raise bad_parameter("bbox", "is west,south,east,north in degrees, such as -74.05,40.68,-73.93,40.75")
    west, south, east, north = numbers
    corner_to_corner = in_metres(box(west, south, east, north), catalog)
    return lambda outline: bool(shapely.relate_pattern(corner_to_corner, outline, _INTERIORS_MEET))


def _number(name: str, text: str, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -most <= value <= most:
        raise bad_parameter(name, f"“{shown(text)}” is not a number from -{most} to {most}")
    return value
