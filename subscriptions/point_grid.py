"""A million points with radii, asked which of them an area reaches, without measuring most of them.

Points are sorted by class of radius (each class twice the one before) and within a class along a Z-order curve, so that every square of a
quadtree is one slice. A question walks down from a few large squares: a square that lies wholly within reach is taken as a slice, one out
of reach is dropped, and only what is left at the rim is measured point by point. All classes walk together, so a question costs a handful
of vectorised steps whatever its size.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.ma
import numpy.typing as npt

from subscriptions.region import Flags, Floats, Region

LEVELS = 13
"""Halvings from the whole square to the smallest cell: 8192 cells a side, about 8 m each in New York."""
MEASURED = 24
"""Points in a square up to which measuring each costs no more than asking for its quarters."""

_SIDE = 1 << LEVELS
_CLASS_BITS = 2 * LEVELS
_CLASSES = 12
_FIRST_CLASS_M = 64.0
_FIRST_SQUARES = 16
"""A question starts with squares of a sixteenth of its width."""
_HALF_DIAGONAL = np.sqrt(0.5)

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Frame:
    """The square that the grid covers: its south-west corner and the side of the smallest cell, in metres."""

    west: float
    south: float
    cell: float

    @classmethod
    def around(cls, bounds: tuple[float, float, float, float], margin_m: float) -> Frame:
        """A square around bounds (west, south, east, north)."""
        west, south, east, north = bounds
        side = max(east - west, north - south) + 2 * margin_m
        return cls((west + east - side) / 2, (south + north - side) / 2, side / _SIDE)


class PointGrid:
    """Points that never change. `owner` is the row of the person whose point it is."""

    def __init__(self, frame: Frame, x: Floats, y: Floats, radius: Floats, owner: npt.NDArray[np.int32]) -> None:
        self._frame = frame
        column, row = (x - frame.west) / frame.cell, (y - frame.south) / frame.cell
        framed = (column >= 0) & (column < _SIDE) & (row >= 0) & (row < _SIDE)
        kind = np.where(framed, _class_of(radius), _CLASSES)
        code = _z_order(np.where(framed, column, 0).astype(np.int64), np.where(framed, row, 0).astype(np.int64))
        keys = (kind << _CLASS_BITS | code).astype(np.uint32)
        order = np.argsort(keys, kind="stable")
        self._keys = keys[order]
        self.x, self.y, self.radius, self.owner = x[order], y[order], radius[order], owner[order]
        self._starts = np.searchsorted(self._keys, np.arange(_CLASSES + 2, dtype=np.uint32) << np.uint32(_CLASS_BITS))
        self._least, self._most = self._radii()

    def __len__(self) -> int:
        return len(self._keys)

    def _radii(self) -> tuple[Floats, Floats]:
        """Smallest and largest radius that each class really has; points outside the frame are no class."""
        spans = [self.radius[start:end] for start, end in zip(self._starts[:-2], self._starts[1:-1], strict=True)]
        return np.array([span.min(initial=np.inf) for span in spans]), np.array([span.max(initial=-1.0) for span in spans])

    def reached(self, region: Region) -> npt.NDArray[np.int32]:
        """The owner of each point whose distance to the region is no more than its radius."""
        taken: list[tuple[Ints, Ints]] = []
        rim: list[tuple[Ints, Ints]] = [(self._starts[-2:-1], self._starts[-1:])]
        squares = self._first_squares(region)
        while len(squares.kind):
            squares = self._step(region, squares, taken, rim)
        left = _expanded(rim)
        near = region.within(self.x[left], self.y[left], self.radius[left])
        return np.concatenate([self.owner[left[near]], *(self.owner[start:end] for start, end in _merged(taken))])

    def _first_squares(self, region: Region) -> _Squares:
        kinds = np.flatnonzero(self._most >= 0)
        frame, reach = self._frame, float(self._most.max())
        west, south, east, north = region.bounds
        low, high = (west - reach - frame.west, south - reach - frame.south), (east + reach - frame.west, north + reach - frame.south)
        level = min(int(np.ceil(np.log2(max(1.0, max(high[0] - low[0], high[1] - low[1]) / frame.cell / _FIRST_SQUARES)))), LEVELS)
        columns, rows = (_steps(first / frame.cell, last / frame.cell, level) for first, last in zip(low, high, strict=True))
        column, row, kind = (grid.ravel() for grid in np.meshgrid(columns, rows, kinds))
        return _Squares(kind, np.full(len(kind), level), column, row)

    def _step(self, region: Region, squares: _Squares, taken: list[tuple[Ints, Ints]], rim: list[tuple[Ints, Ints]]) -> _Squares:
        """Decide what can be decided, and return the quarters of the rest."""
        key = squares.kind << _CLASS_BITS | _z_order(squares.column, squares.row)
        start = np.searchsorted(self._keys, key.astype(np.uint32))
        end = np.searchsorted(self._keys, (key + (1 << 2 * squares.level)).astype(np.uint32))
        squares, start, end = _where(end > start, squares, start, end)
        side = self._frame.cell * (1 << squares.level)
        x = self._frame.west + squares.column * self._frame.cell + side / 2
        y = self._frame.south + squares.row * self._frame.cell + side / 2
        whole, left = region.squares(x, y, side * _HALF_DIAGONAL, self._least[squares.kind], self._most[squares.kind])
        taken.append((start[whole], end[whole]))
        small = left & ((squares.level == 0) | (end - start <= MEASURED))
        rim.append((start[small], end[small]))
        return _quarters(_where(left & ~small, squares, start, end)[0])


def _steps(first: float, last: float, level: int) -> Ints:
    """Where squares of a level begin that together hold all cells between two."""
    low, high = np.clip(np.floor([first, last]), 0, _SIDE - 1).astype(np.int64).tolist()
    return np.arange(low >> level, (high >> level) + 1) << level


@dataclass(frozen=True, slots=True)
class _Squares:
    """Squares of the quadtree: class of radius, level (0 is a cell), and the column and row of the south-west cell."""

    kind: Ints
    level: Ints
    column: Ints
    row: Ints


def _where(keep: Flags, squares: _Squares, start: Ints, end: Ints) -> tuple[_Squares, Ints, Ints]:
    kept = _Squares(squares.kind[keep], squares.level[keep], squares.column[keep], squares.row[keep])
    return kept, start[keep], end[keep]


def _quarters(squares: _Squares) -> _Squares:
    level = np.repeat(squares.level - 1, 4)
    count = len(squares.kind)
    column = np.repeat(squares.column, 4) + (np.tile([0, 1, 0, 1], count) << level)
    row = np.repeat(squares.row, 4) + (np.tile([0, 0, 1, 1], count) << level)
    return _Squares(np.repeat(squares.kind, 4), level, column, row)


def _class_of(radius: Floats) -> Ints:
    doubled = np.ceil(np.log2(np.maximum(radius, 1.0) / _FIRST_CLASS_M))
    return np.clip(doubled, 0, _CLASSES - 1).astype(np.int64)


def _z_order(column: Ints, row: Ints) -> Ints:
    """Bits of column and row in turn, so that each quarter of a square is one run of numbers."""
    return _spread(column) | _spread(row) << 1


def _spread(bits: Ints) -> Ints:
    bits = (bits | bits << 8) & 0x00FF00FF
    bits = (bits | bits << 4) & 0x0F0F0F0F
    bits = (bits | bits << 2) & 0x33333333
    return (bits | bits << 1) & 0x55555555


def _merged(ranges: list[tuple[Ints, Ints]]) -> list[tuple[int, int]]:
    """Neighbouring slices as one."""
    start, end = (
        (np.concatenate(column) for column in zip(*ranges, strict=True)) if ranges else (np.zeros(0, np.int64), np.zeros(0, np.int64))
    )
    order = np.argsort(start)
    start, end = start[order], end[order]
    first = np.flatnonzero(np.concatenate([[True], start[1:] != end[:-1]])) if len(start) else start
    last = np.concatenate([first[1:], [len(start)]]) - 1 if len(start) else start
    return list(zip(start[first].tolist(), end[last].tolist(), strict=True))


def _expanded(ranges: list[tuple[Ints, Ints]]) -> Ints:
    """Every index of the slices."""
    start, end = (np.concatenate(column) for column in zip(*ranges, strict=True))
    count = end - start
    return np.repeat(start - (np.cumsum(count) - count), count) + np.arange(count.sum())
