"""A place at a glance: the city as a silhouette with the place marked on it, as an SVG of a few hundred bytes."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from markupsafe import Markup
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry

from hub.web.residents.places import area_of

if TYPE_CHECKING:
    from subscriptions.areas import AreaCatalog
    from subscriptions.subscriber import PlaceRequest

SIZE = 48
EDGE = 3
LEAST = 4.0
"""Units across, below which a place would not be seen and gets a ring."""


class _Frame:
    """Metres of the city's projection → units of the picture."""

    def __init__(self, catalog: AreaCatalog) -> None:
        whole = catalog.metric[list(catalog.whole)]
        west, south, east, north = shapely.total_bounds(whole)
        self.unit = max(east - west, north - south) / (SIZE - 2 * EDGE)
        self._west, self._north = (west + east) / 2 - self.unit * SIZE / 2, (south + north) / 2 + self.unit * SIZE / 2
        # Simplified before they are joined: the city's shore has a hundred thousand corners.
        rough = shapely.buffer(shapely.simplify(whole, self.unit / 2), self.unit / 6, quad_segs=1)
        self.city = shapely.union_all(rough)
        self.ground = self.path(self.city)

    def path(self, geometry: BaseGeometry) -> Markup:
        simple = shapely.simplify(geometry, self.unit / 2)
        rings = [shapely.get_exterior_ring(part) for part in shapely.get_parts(simple) if part.geom_type == "Polygon"]
        return Markup("".join(self._ring(shapely.get_coordinates(ring)) for ring in rings))  # noqa: S704 - digits only

    def _ring(self, corners: Any) -> str:
        x, y = (corners[:, 0] - self._west) / self.unit, (self._north - corners[:, 1]) / self.unit
        points = [f"{left:.1f} {top:.1f}" for left, top in np.column_stack((x, y))[:-1]]
        return f"M{'L'.join(points)}z" if len(points) > 2 else ""

    def middle(self, geometry: BaseGeometry) -> tuple[float, float]:
        centre = geometry.centroid
        return round((centre.x - self._west) / self.unit, 1), round((self._north - centre.y) / self.unit, 1)


_frame = lru_cache(maxsize=4)(_Frame)


def picture(place: PlaceRequest, catalog: AreaCatalog) -> Markup:
    """The SVG. It says nothing that the name beside it does not, so it is hidden from screen readers."""
    frame = _frame(catalog)
    metric = _metric(place, catalog, frame.city)
    west, south, east, north = metric.bounds
    (x, y), small = frame.middle(metric), max(east - west, north - south) < LEAST * frame.unit
    ring = Markup('<circle class="ring" cx="{}" cy="{}" r="5"/>').format(x, y) if small else ""
    marked = Markup('<circle cx="{}" cy="{}" r="1.5"/>').format(x, y) if small else Markup('<path d="{}"/>').format(frame.path(metric))
    head = Markup('<svg class="where" viewBox="0 0 {0} {0}" width="{0}" height="{0}" aria-hidden="true">').format(SIZE)
    return head + Markup('<path class="city" d="{}"/>{}{}</svg>').format(frame.ground, marked, ring)


def _metric(place: PlaceRequest, catalog: AreaCatalog, city: BaseGeometry) -> BaseGeometry:
    """The place in metres; the whole city where it is none of the named ones."""
    if place.polygon is not None:
        return catalog.to_metric(shape(place.polygon))
    if place.lat is not None and place.lon is not None:
        return catalog.to_metric(Point(place.lon, place.lat)).buffer(place.radius_m or 1.0)
    area = area_of(place, catalog)
    return area.metric if area is not None else city
