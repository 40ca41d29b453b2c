"""Where an alert holds, as a question to many points at once: which of you lie within so many metres of it?

Both kinds answer exactly for points. Whole boxes are asked through their middles, and may be left undecided: one looks into them then.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from subscriptions.area_overlaps import Geometries, Indices, real_overlap

SMALL_M = 12_000.0
"""Shapes up to this wide are worth a hull."""

_ANGLES = np.arange(32) * (2 * np.pi / 32)
_DIRECTIONS = np.column_stack([np.cos(_ANGLES), np.sin(_ANGLES)])
_STEPS = np.arange(64) / 64
_ROUNDING_M = 0.02
_ROUNDING_M2 = 100.0
"""What single precision may be wrong by, in a distance and in its square, as far as small shapes reach."""
_WORTH_SORTING_OUT = 64
_FEW_EDGES = 32
"""Up to so many, all distances from all points at once cost less than GEOS' search for the nearest edge of each."""
_AT_ONCE = 1_024
"""Points in one product: it stays in the cache, and BLAS shares nothing so small with threads, which wait long for a busy core. So many are
held against all edges at once, too."""

Floats = npt.NDArray[np.float64]
Singles = npt.NDArray[np.float32]
Flags = npt.NDArray[np.bool_]


class Region(Protocol):
    """A part of the plane, in metres."""

    bounds: tuple[float, float, float, float]
    """West, south, east, north."""

    def within(self, x: Floats, y: Floats, reach: Floats) -> Flags:
        """Which points are no further away than `reach` (≥ 0) metres."""

    def overlapping(self, shapes: Geometries, tree: shapely.STRtree) -> Indices:
        """Which drawn places it truly covers a part of; `tree` is over the same shapes."""

    def boxes(self, x: Floats, y: Floats, half: Floats, least: Floats, most: Floats) -> tuple[Flags, Flags]:
        """Boxes by their middles and half diagonals: which are sure to lie within `least` of it as a whole, and which of the others may
        have a point that is no further away than `most`."""


class Shape:
    """A polygon, or several that at most touch."""

    def __init__(self, geometry: BaseGeometry) -> None:
        self.geometry = geometry
        self._border = shapely.boundary(geometry)
        shapely.prepare([self.geometry, self._border])
        self._edges = _Edges(self._border) if shapely.get_num_coordinates(geometry) <= _FEW_EDGES else None
        west, south, east, north = geometry.bounds
        self.bounds = (west, south, east, north)
        self._hull = _Hull(geometry, self._border) if max(east - west, north - south) <= SMALL_M else None

    def within(self, x: Floats, y: Floats, reach: Floats) -> Flags:
        if self._hull is None or len(x) < _WORTH_SORTING_OUT:
            return self._near(x, y, reach)
        near, left = self._hull.sorted_out(x, y, reach)
        near[left] = self._near(x[left], y[left], reach[left])
        return near

    def _near(self, x: Floats, y: Floats, distance: Floats) -> Flags:
        if self._edges is None:
            return _dwithin(self.geometry, x, y, distance)
        return self._edges.within(x, y, distance) | shapely.contains_xy(self.geometry, x, y)

    def _near_border(self, x: Floats, y: Floats, distance: Floats) -> Flags:
        if self._edges is None or len(x) < _WORTH_SORTING_OUT:
            return _dwithin(self._border, x, y, distance)
        return self._edges.within(x, y, distance)

    def overlapping(self, shapes: Geometries, tree: shapely.STRtree) -> Indices:
        near: Indices = tree.query(self.geometry, predicate="intersects")
        return near[real_overlap(self.geometry, shapes[near])]

    def boxes(self, x: Floats, y: Floats, half: Floats, least: Floats, most: Floats) -> tuple[Flags, Flags]:
        sure = least - half
        if self._hull is None:
            whole = np.zeros(len(x), dtype=np.bool_)
            ask = np.flatnonzero(sure >= 0)
            whole[ask] = _dwithin(self.geometry, x[ask], y[ask], sure[ask])
            left = np.flatnonzero(~whole)
            left = left[_dwithin(self.geometry, x[left], y[left], most[left] + half[left])]
        else:
            nearest, furthest = self._hull.distances(x, y)
            whole = furthest <= sure - _ROUNDING_M
            left = np.flatnonzero(~whole & (nearest <= most + half + _ROUNDING_M))
        inside = left[shapely.contains_xy(self.geometry, x[left], y[left])]
        whole[inside] = (sure[inside] >= 0) | ~self._near_border(x[inside], y[inside], half[inside])
        doubtful = np.zeros(len(x), dtype=np.bool_)
        doubtful[left] = ~whole[left]
        return whole, doubtful


def _dwithin(geometry: BaseGeometry, x: Floats, y: Floats, distance: Any) -> Flags:
    """`distance` is an array, which shapely takes and its stubs don't know."""
    return np.asarray(shapely.dwithin(geometry, shapely.points(x, y), distance))


class _Edges:
    """The edges of a shape's border, each as a start, a way and its length."""

    def __init__(self, border: BaseGeometry) -> None:
        corners, line = shapely.get_coordinates(shapely.get_parts(border), return_index=True)
        first = np.flatnonzero(line[1:] == line[:-1])
        self._start = corners[first].T[:, :, None]
        self._way = corners[first + 1].T[:, :, None] - self._start
        self._squared = np.maximum(np.sum(self._way**2, axis=0), np.finfo(float).tiny)

    def within(self, x: Floats, y: Floats, distance: Floats) -> Flags:
        """Which points are no further from an edge than `distance`."""
        squared = np.empty(len(x))
        for start in range(0, len(x), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            squared[some] = self._least_squared(np.stack([x[some], y[some]]))
        near: Flags = squared <= distance**2
        return near

    def _least_squared(self, points: Floats) -> Floats:
        (east, north), (along_x, along_y) = points[:, None, :] - self._start, self._way
        part = np.clip((east * along_x + north * along_y) / self._squared, 0.0, 1.0)
        least: Floats = np.min((east - part * along_x) ** 2 + (north - part * along_y) ** 2, axis=0)
        return least


class _Hull:
    """Cheap bounds of the distance to a small shape, good for most points, so that few are left to be measured exactly.

    No point is nearer than it is to the shape's extent in any of 32 directions, and none further than to any of 64 marks on its border.
    Both are reckoned in single precision, which takes half the time.
    """

    def __init__(self, geometry: BaseGeometry, border: BaseGeometry) -> None:
        west, south, east, north = geometry.bounds
        self._x, self._y = (west + east) / 2, (south + north) / 2
        corners = shapely.get_coordinates(geometry) - (self._x, self._y)
        self._extents = np.column_stack([_DIRECTIONS, -np.max(_DIRECTIONS @ corners.T, axis=1)]).astype(np.float32)
        lines = shapely.get_parts(border)
        longest = lines[np.argmax(shapely.length(lines))]
        marks = shapely.get_coordinates(shapely.line_interpolate_point(longest, _STEPS, normalized=True)) - (self._x, self._y)
        self._marks = np.column_stack([2 * marks, -np.sum(marks**2, axis=1)]).astype(np.float32)

    def _placed(self, x: Floats, y: Floats) -> Singles:
        """Points from the middle on, with a row of ones: so all that is asked of them is one product of matrices."""
        placed = np.ones((3, len(x)), dtype=np.float32)
        np.subtract(x, self._x, out=placed[0], casting="same_kind")
        np.subtract(y, self._y, out=placed[1], casting="same_kind")
        return placed

    def distances(self, x: Floats, y: Floats) -> tuple[Singles, Singles]:
        """How near each point may be at least, negative for some within, and how far it is at most."""
        points = self._placed(x, y)
        return self._least(points), np.sqrt(np.maximum(self._most_squared(points), 0.0) + np.float32(_ROUNDING_M2))

    def sorted_out(self, x: Floats, y: Floats, reach: Floats) -> tuple[Flags, Indices]:
        """Which points surely are within reach, and the positions of those that may or may not be."""
        points = self._placed(x, y)
        possible = np.flatnonzero(self._least(points) <= reach + _ROUNDING_M)
        sure = self._most_squared(points[:, possible]) <= reach[possible] ** 2 - _ROUNDING_M2
        near = np.zeros(len(x), dtype=np.bool_)
        near[possible[sure]] = True
        return near, possible[~sure]

    def _least(self, points: Singles) -> Singles:
        return _greatest(self._extents, points)

    def _most_squared(self, points: Singles) -> Singles:
        most: Singles = points[0] ** 2 + points[1] ** 2 - _greatest(self._marks, points)
        return most


def _greatest(matrix: Singles, points: Singles) -> Singles:
    """The largest entry of each column of their product."""
    greatest = np.empty(points.shape[1], dtype=np.float32)
    for start in range(0, len(greatest), _AT_ONCE):
        end = start + _AT_ONCE
        np.max(matrix @ points[:, start:end], axis=0, out=greatest[start:end])
    return greatest


class Disc:
    """A circle, exact: it is never drawn as a polygon."""

    def __init__(self, x: float, y: float, radius_m: float) -> None:
        self._x, self._y, self._radius = x, y, radius_m
        self.bounds = (x - radius_m, y - radius_m, x + radius_m, y + radius_m)

    def within(self, x: Floats, y: Floats, reach: Floats) -> Flags:
        return self._beyond(x, y) <= reach

    def overlapping(self, shapes: Geometries, tree: shapely.STRtree) -> Indices:
        near: Indices = tree.query(shapely.Point(self._x, self._y), predicate="dwithin", distance=self._radius)
        return near

    def boxes(self, x: Floats, y: Floats, half: Floats, least: Floats, most: Floats) -> tuple[Flags, Flags]:
        beyond = self._beyond(x, y)
        whole = beyond <= least - half - _ROUNDING_M
        return whole, ~whole & (beyond <= most + half + _ROUNDING_M)

    def _beyond(self, x: Floats, y: Floats) -> Floats:
        """Metres from the border, negative inside."""
        beyond: Floats = np.hypot(x - self._x, y - self._y) - self._radius
        return beyond
