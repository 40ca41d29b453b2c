"""A million points with radii, asked which of them an area reaches, without measuring most of them.

Points are sorted by class of radius (each class twice the one before) and within a class along a Z-order curve, and packed into boxes: a
few neighbours into a box, a few boxes into a larger one, and so on. A question walks down from the largest: a box that lies wholly within
reach is taken, one out of reach is dropped, and only what is left at the rim is measured point by point. Each level is a handful
of vectorised steps, whatever its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from subscriptions.region import Floats, Region

LEAF = 16
"""Points in the smallest box: measuring so many costs no more than asking for smaller boxes."""
BRANCH = 16
"""Boxes in the next larger one."""
TOP = 2_048
"""Boxes with which a question starts, at most: dropping most of them at once costs less than another level."""

CURVE_BITS = 32
_CELLS = 1 << CURVE_BITS // 2
"""Along each side of the Z-order curve; it only decides who are neighbours."""
_FIRST_CLASS_M = 64.0

Ints = npt.NDArray[np.int64]


class PointTree:
    """Points that never change. `owner` is the row of the person whose point it is."""

    def __init__(self, x: Floats, y: Floats, radius: Floats, owner: npt.NDArray[np.int32]) -> None:
        order = np.argsort(_class_of(radius).astype(np.int64) << CURVE_BITS | curve(x, y))
        self.x, self.y, self.radius, self.owner = x[order], y[order], radius[order], owner[order]
        self._levels = [_Level.of_points(self.x, self.y, self.radius)] if len(x) else []
        while self._levels and len(self._levels[-1].x) > TOP:
            self._levels.append(self._levels[-1].larger())

    def __len__(self) -> int:
        return len(self.owner)

    def reached(self, region: Region) -> npt.NDArray[np.int32]:
        """The owner of each point whose distance to the region is no more than its radius."""
        if not self._levels:
            return self.owner
        boxes, taken = np.arange(len(self._levels[-1].x)), list[Ints]()
        for level in reversed(self._levels):
            whole, doubtful = level.asked(region, boxes)
            taken.append(_parts(whole, level.points, len(self)))
            boxes = _parts(doubtful, level.parts, level.parts_in_all)
        near = boxes[region.within(self.x[boxes], self.y[boxes], self.radius[boxes])]
        owners: npt.NDArray[np.int32] = self.owner[np.concatenate([near, *taken])]
        return owners


@dataclass(frozen=True, slots=True)
class _Level:
    """Boxes of one size: their extents, and the smallest and largest radius in each."""

    west: Floats
    south: Floats
    east: Floats
    north: Floats
    least: Floats
    most: Floats
    x: Floats
    y: Floats
    half: Floats
    """Middle and half diagonal."""
    points: int
    """In each box; the last may have fewer."""
    parts: int
    parts_in_all: int
    """What a box consists of: points or smaller boxes."""

    @classmethod
    def of_points(cls, x: Floats, y: Floats, radius: Floats) -> _Level:
        """The smallest boxes, of points in their order."""
        return cls._packed((x, y, radius), (x, y, radius), LEAF, LEAF)

    def larger(self) -> _Level:
        """The next level up."""
        lows, highs = (self.west, self.south, self.least), (self.east, self.north, self.most)
        return self._packed(lows, highs, self.points * BRANCH, BRANCH)

    @classmethod
    def _packed(cls, lows: Sequence[Floats], highs: Sequence[Floats], points: int, parts: int) -> _Level:
        """From the lowest and highest x, y and radius of each part."""
        start = np.arange(0, len(lows[0]), parts)
        west, south, least = (np.minimum.reduceat(column, start) for column in lows)
        east, north, most = (np.maximum.reduceat(column, start) for column in highs)
        middle, half = ((west + east) / 2, (south + north) / 2), np.hypot(east - west, north - south) / 2
        return cls(west, south, east, north, least, most, *middle, half, points, parts, len(lows[0]))

    def asked(self, region: Region, boxes: Ints) -> tuple[Ints, Ints]:
        """Which of these boxes are wholly within reach, and which must be looked into."""
        west, south, east, north = region.bounds
        far = self.most[boxes]
        meets = (self.west[boxes] <= east + far) & (self.east[boxes] >= west - far)
        meets &= (self.south[boxes] <= north + far) & (self.north[boxes] >= south - far)
        near = boxes[meets]
        whole, doubtful = region.boxes(self.x[near], self.y[near], self.half[near], self.least[near], far[meets])
        return near[whole], near[doubtful]


def _parts(boxes: Ints, each: int, in_all: int) -> Ints:
    """The numbers of all parts of these boxes."""
    parts: Ints = (boxes[:, None] * each + np.arange(each)).ravel()
    return parts[parts < in_all]


def _cells(along: Floats) -> Ints:
    """Coordinates as steps of the curve from the first of them to the last."""
    if not len(along):
        return np.zeros(0, dtype=np.int64)
    low, high = along.min(), along.max()
    cells: Ints = ((along - low) * ((_CELLS - 1) / max(high - low, 1.0))).astype(np.int64)
    return cells


def _class_of(radius: Floats) -> npt.NDArray[np.int8]:
    return np.ceil(np.log2(np.maximum(radius, _FIRST_CLASS_M) / _FIRST_CLASS_M)).astype(np.int8)


def curve(x: Floats, y: Floats) -> Ints:
    """Places along a Z-order curve through all points, 0 … 2**CURVE_BITS: who is near on it is near in the plane."""
    place: Ints = _spread(_cells(x)) | _spread(_cells(y)) << 1
    return place


def _spread(bits: Ints) -> Ints:
    bits = (bits | bits << 8) & 0x00FF00FF
    bits = (bits | bits << 4) & 0x0F0F0F0F
    bits = (bits | bits << 2) & 0x33333333
    spread: Ints = (bits | bits << 1) & 0x55555555
    return spread
