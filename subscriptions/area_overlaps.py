"""Which named areas belong together: a table computed once from the true common area of each pair, in square metres.

Plain `intersects` would alert the neighbours: of the 392 pairs of New York's ZIPs that intersect, all only touch or cross by a few square
metres. A pair matches when it shares more than 5 % of the smaller of the two, or more than 2 ha.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

LEAST_SHARE = 0.05
LEAST_COMMON_M2 = 20_000.0
SLIVER_M2 = 100.0
"""Common area up to which a hand-drawn border only follows another: about 10 cm along a kilometre."""

CLEAN_M2 = 50.0
"""Common area up to which two areas may be laid side by side as one shape: no point in it is further than 4 m from its border."""

_HEART_M = 10.0
"""A disc that alone is more than a sliver: an area that holds it need not be cut, which takes a millisecond for a borough."""

_THREADS = 2
_CHUNK = 64

Indices = npt.NDArray[np.intp]
Geometries = npt.NDArray[np.object_]


def matching_share(common: npt.NDArray[np.float64], one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Whether two named areas belong together, from their common and own square metres."""
    return (common > LEAST_COMMON_M2) | (common > LEAST_SHARE * np.minimum(one, other))


def real_overlap(drawn: BaseGeometry, areas: Geometries) -> npt.NDArray[np.bool_]:
    """Whether a drawn shape truly covers a part of each area: more than 100 m², or more than 5 % of the smaller of the two."""
    common = np.where(shapely.contains_properly(areas, drawn), drawn.area, 0.0)
    heart = drawn.point_on_surface().buffer(_HEART_M).intersection(drawn)
    common = np.maximum(common, np.where(shapely.contains_properly(areas, heart), heart.area, 0.0))
    open_ = common <= SLIVER_M2
    common[open_] = shapely.area(shapely.intersection(areas[open_], drawn))
    return (common > SLIVER_M2) | (common > LEAST_SHARE * np.minimum(shapely.area(areas), drawn.area))


@dataclass(frozen=True, slots=True)
class Overlaps:
    """For each area, sorted indices: those it matches (itself included), those it only touches, those it shares more than a sliver with."""

    matching: tuple[Indices, ...]
    touching: tuple[Indices, ...]
    crossing: tuple[Indices, ...]


def measure(areas: Geometries) -> Overlaps:
    """The table of all pairs. `areas` are metric; they are prepared on the way, which later queries use."""
    shapely.prepare(areas)
    one, other = shapely.STRtree(areas).query(areas)
    once = one < other
    one, other = _larger_first(areas, one[once], other[once])
    meeting = shapely.intersects(areas[one], areas[other])
    one, other = one[meeting], other[meeting]
    size = shapely.area(areas)
    common = _common(areas, one, other)
    matching, crossing = matching_share(common, size[one], size[other]), common > CLEAN_M2
    return Overlaps(
        matching=_rows(len(areas), one[matching], other[matching], own=True),
        touching=_rows(len(areas), one[~matching], other[~matching], own=False),
        crossing=_rows(len(areas), one[crossing], other[crossing], own=False),
    )


def _larger_first(areas: Geometries, one: Indices, other: Indices) -> tuple[Indices, Indices]:
    corners = shapely.get_num_coordinates(areas)
    swap = corners[one] < corners[other]
    return np.where(swap, other, one), np.where(swap, one, other)


def _common(areas: Geometries, one: Indices, other: Indices) -> npt.NDArray[np.float64]:
    """Square metres that each pair shares. GEOS works outside the interpreter's lock, so two threads halve the time."""
    inside = shapely.contains_properly(areas[one], areas[other])
    common = np.where(inside, shapely.area(areas[other]), 0.0)
    rest = np.flatnonzero(~inside)
    chunks = [rest[start : start + _CHUNK] for start in range(0, len(rest), _CHUNK)]
    with ThreadPoolExecutor(_THREADS) as pool:
        measured = pool.map(lambda chunk: shapely.area(shapely.intersection(areas[one[chunk]], areas[other[chunk]])), chunks)
    for chunk, values in zip(chunks, measured, strict=True):
        common[chunk] = values
    return common


def _rows(count: int, one: Indices, other: Indices, *, own: bool) -> tuple[Indices, ...]:
    selves = np.arange(count if own else 0)
    left, right = np.concatenate([one, other, selves]), np.concatenate([other, one, selves])
    order = np.lexsort((right, left))
    return tuple(np.split(right[order], np.searchsorted(left[order], np.arange(1, count))))
