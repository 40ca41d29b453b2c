"""Matching a million people and ten, beside what one would write with shapely alone: an STRtree of the same points and `dwithin`.

Ours does more in its time: named places, topics, severity and language, each person once, and the address ids of every group. The
yardstick only finds the points. `value` is the best of the rounds in milliseconds; `ratio` is how many times faster ours is, the median of
pairs taken in turns. Drawn shapes are new in each round, so nothing but what the hub keeps for every alert is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from benchmarks.measure import Figure, figure
from benchmarks.people import Population, population
from subscriptions import severity, topics
from subscriptions.areas import open_city
from subscriptions.audience import Audience
from subscriptions.columns import POINT
from subscriptions.matching import Target

ROUNDS = 9
YARDSTICK = "shapely: STRtree of the same points, dwithin of each candidate"

_EVERYONE = Target(citywide=True, topics=topics.mask(["weather"]), severity=severity.rank("Severe"))
_SHIFT_DEGREES = 0.0002
_NEIGHBOURHOOD = "Park Slope"


def million() -> dict[str, Figure]:
    """A neighbourhood drawn by hand, and all five boroughs by name."""
    return _figures(1_000_000, "1m")


def ten_million() -> dict[str, Figure]:
    """The same with ten times as many people."""
    return _figures(10_000_000, "10m")


def _figures(count: int, size: str) -> dict[str, Figure]:
    catalog = open_city("nyc")
    audience = Audience(catalog)
    people = population(catalog, audience.kinds, count)
    audience.bulk(people.people, people.places, people.addresses)
    drawn = catalog.resolve("neighborhood", _NEIGHBOURHOOD).geometry.simplify(0.0005)
    polygons = [translate(drawn, step * _SHIFT_DEGREES, step * _SHIFT_DEGREES) for step in range(ROUNDS)]
    city = shapely.union_all(catalog.metric[list(catalog.whole)])
    drawings = [replace(_EVERYONE, citywide=False, polygons=(polygon,)) for polygon in polygons]
    boroughs = replace(_EVERYONE, citywide=False, areas=catalog.whole)
    pairs = _Pairs(audience, Tree(people))
    return {
        f"match_neighbourhood_{size}": pairs.taken(drawings, [catalog.to_metric(polygon) for polygon in polygons]),
        f"match_city_{size}": pairs.taken([boroughs] * ROUNDS, [city] * ROUNDS),
    }


class Tree:
    """What shapely offers for points with radii. The tree is built beforehand, as our columns are."""

    def __init__(self, people: Population) -> None:
        spots = np.flatnonzero(people.places.area == POINT)
        self._owner, self._radius = people.places.owner[spots], people.places.radius[spots]
        self._points = np.asarray(shapely.points(people.places.x[spots], people.places.y[spots]))
        self._tree = shapely.STRtree(self._points)
        self._furthest = float(self._radius.max())

    def near(self, shape: BaseGeometry) -> npt.NDArray[np.int64]:
        """Owners of the points within their radius of a shape, each once."""
        west, south, east, north = shape.bounds
        far = self._furthest
        candidates = self._tree.query(shapely.box(west - far, south - far, east + far, north + far))
        shapely.prepare(shape)
        radius: Any = self._radius[candidates]
        return np.unique(self._owner[candidates[shapely.dwithin(shape, self._points[candidates], radius)]])


class _Pairs:
    """Ours and theirs in turns."""

    def __init__(self, audience: Audience, tree: Tree) -> None:
        self._audience, self._tree = audience, tree

    def taken(self, targets: Sequence[Target], shapes: Sequence[BaseGeometry]) -> Figure:
        """One pair for each target and its shape in metres."""
        pairs = [self._pair(target, shape) for target, shape in zip(targets, shapes, strict=True)]
        return figure([ours for ours, _ in pairs], [theirs for _, theirs in pairs], "ms", YARDSTICK, less_is_more=True)

    def _pair(self, target: Target, shape: BaseGeometry) -> tuple[float, float]:
        self._audience.remove(0)  # which nobody is: the audience must not answer from what it has just found
        ours = _milliseconds(lambda: self._audience.match(target))
        return ours, _milliseconds(lambda: self._tree.near(shape))


def _milliseconds(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return 1000 * (time.perf_counter() - start)
