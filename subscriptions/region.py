"""Where an alert holds, as a question to many points at once: which of you lie within so many metres of it?

Both kinds answer exactly. Whole squares are asked through their middles: if the middle is deeper inside than half a diagonal, all of the
square is inside; if it is further away than half a diagonal and the radius, nothing in it is reached.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

SMALL_M = 12_000.0
"""Shapes up to this wide are worth a hull."""

_DIRECTIONS = 16
_MARKS = 64
_ROUNDING_M = 0.01
_WORTH_SORTING_OUT = 64

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Region(Protocol):
    """A part of the plane, in metres."""

    bounds: tuple[float, float, float, float]
    """West, south, east, north."""

    def within(self, x: Floats, y: Floats, reach: Floats) -> Flags:
        """Which points are no further away than `reach` (≥ 0) metres."""

    def covers(self, x: Floats, y: Floats) -> Flags:
        """Which points lie inside."""

    def holds(self, x: Floats, y: Floats, depth: Floats) -> Flags:
        """Which of the points, all inside, lie there with all that is nearer than `depth` metres to them."""


class Shape:
    """A polygon, or several that at most touch."""

    def __init__(self, geometry: BaseGeometry) -> None:
        self._geometry = geometry
        self._border = shapely.boundary(geometry)
        shapely.prepare([self._geometry, self._border])
        west, south, east, north = geometry.bounds
        self.bounds = (west, south, east, north)
        self._hull = _Hull(geometry) if max(east - west, north - south) <= SMALL_M else None

    def within(self, x: Floats, y: Floats, reach: Floats) -> Flags:
        if self._hull is None or len(x) < _WORTH_SORTING_OUT:
            return _dwithin(self._geometry, x, y, reach)
        near, doubtful = self._hull.sorted_out(x, y, reach)
        left = np.flatnonzero(doubtful)
        near[left] = _dwithin(self._geometry, x[left], y[left], reach[left])
        return near

    def covers(self, x: Floats, y: Floats) -> Flags:
        inside: Flags = shapely.contains_xy(self._geometry, x, y)
        return inside

    def holds(self, x: Floats, y: Floats, depth: Floats) -> Flags:
        return ~_dwithin(self._border, x, y, depth)


def _dwithin(geometry: BaseGeometry, x: Floats, y: Floats, distance: Any) -> Flags:
    """`distance` is an array, which shapely takes and its stubs don't know."""
    return np.asarray(shapely.dwithin(geometry, shapely.points(x, y), distance))


class _Hull:
    """Cheap bounds of the distance to a small shape, good for most points, so that few are left to be measured exactly.

    No point is nearer than it is to the shape's extent in any of 16 directions, and none further than to any of 64 marks on its border.
    """

    def __init__(self, geometry: BaseGeometry) -> None:
        centre = geometry.envelope.centroid
        self._centre = np.array([[centre.x], [centre.y]])
        angles = np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
        self._directions = np.column_stack([np.cos(angles), np.sin(angles)])
        corners = shapely.get_coordinates(geometry).T - self._centre
        self._extent = np.max(self._directions @ corners, axis=1, keepdims=True)
        border = shapely.get_parts(shapely.boundary(geometry))
        longest = border[np.argmax(shapely.length(border))]
        steps = np.arange(_MARKS) / _MARKS
        self._marks = shapely.get_coordinates(shapely.line_interpolate_point(longest, steps, normalized=True)) - self._centre.T
        self._marks_squared = np.sum(self._marks**2, axis=1, keepdims=True)

    def sorted_out(self, x: Floats, y: Floats, reach: Floats) -> tuple[Flags, Flags]:
        """Which points surely are within reach, and which may or may not be."""
        points = np.stack([x, y]) - self._centre
        least = np.max(self._directions @ points - self._extent, axis=0)
        possible = least <= reach + _ROUNDING_M
        chosen = points[:, possible]
        most = np.sum(chosen**2, axis=0) + np.min(self._marks_squared - 2 * (self._marks @ chosen), axis=0)
        near = np.zeros(len(x), dtype=np.bool_)
        near[possible] = most <= np.maximum(reach[possible] - _ROUNDING_M, 0) ** 2
        return near, possible & ~near


class Disc:
    """A circle, exact: it is never drawn as a polygon."""

    def __init__(self, x: float, y: float, radius_m: float) -> None:
        self._x, self._y, self._radius = x, y, radius_m
        self.bounds = (x - radius_m, y - radius_m, x + radius_m, y + radius_m)

    def within(self, x: Floats, y: Floats, reach: Floats) -> Flags:
        return np.hypot(x - self._x, y - self._y) <= self._radius + reach

    def covers(self, x: Floats, y: Floats) -> Flags:
        return np.hypot(x - self._x, y - self._y) <= self._radius

    def holds(self, x: Floats, y: Floats, depth: Floats) -> Flags:
        return np.hypot(x - self._x, y - self._y) + depth <= self._radius
