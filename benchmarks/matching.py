"""Matching a million people and ten: named places and points, topics, severity, each person once, address ids by channel and language.

A million are matched beside PostGIS, which is asked the same and has to give the same answer. For ten million, and where PostGIS is not
installed, the yardstick is what one would write with shapely, which only finds the points. `value` is the best of the rounds in
milliseconds; `ratio` is how many times faster ours is, the median of pairs taken in turns. Drawn shapes are new in each round, so nothing
but what the hub keeps for every alert is kept.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Protocol, TypeVar

import numpy as np
import shapely
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from benchmarks.measure import Figure, Missing, figure
from benchmarks.people import Population, population
from benchmarks.postgis import Answer, postgis
from subscriptions import severity, topics
from subscriptions.areas import AreaCatalog, open_city
from subscriptions.audience import Audience
from subscriptions.columns import POINT, AddressKinds
from subscriptions.matching import Match, Target, reached_areas

ROUNDS = 9
BORDERLINE = 1e-5
"""Share of the addresses that two libraries may see on two sides of a border."""

T = TypeVar("T")

_EVERYONE = Target(citywide=True, topics=topics.mask(["weather"]), severity=severity.rank("Severe"))
_SHIFT_DEGREES = 0.0002
_NEIGHBOURHOOD = "Park Slope"


def million() -> dict[str, Figure]:
    """A neighbourhood drawn by hand, and all five boroughs by name."""
    catalog, audience, people = _subscribed(1_000_000)
    with _same_question(people, audience.kinds) as yardstick:
        return _figures("1m", catalog, _Pairs(catalog, audience, yardstick))


def ten_million() -> dict[str, Figure]:
    """The same with ten times as many people."""
    catalog, audience, people = _subscribed(10_000_000)
    return _figures("10m", catalog, _Pairs(catalog, audience, Tree(people)))


def _subscribed(count: int) -> tuple[AreaCatalog, Audience, Population]:
    catalog = open_city("nyc")
    audience = Audience(catalog)
    people = population(catalog, audience.kinds, count)
    audience.bulk(people.people, people.places, people.addresses)
    return catalog, audience, people


def _figures(size: str, catalog: AreaCatalog, pairs: _Pairs) -> dict[str, Figure]:
    drawn = catalog.resolve("neighborhood", _NEIGHBOURHOOD).geometry.simplify(0.0005)
    polygons = [translate(drawn, step * _SHIFT_DEGREES, step * _SHIFT_DEGREES) for step in range(ROUNDS)]
    city = shapely.union_all(catalog.metric[list(catalog.whole)])
    drawings = [replace(_EVERYONE, citywide=False, polygons=(polygon,)) for polygon in polygons]
    boroughs = [replace(_EVERYONE, citywide=False, areas=catalog.whole)] * pairs.yardstick.city_rounds
    return {
        f"match_neighbourhood_{size}": pairs.taken(drawings, [catalog.to_metric(polygon) for polygon in polygons]),
        f"match_city_{size}": pairs.taken(boroughs, [city] * len(boroughs)),
    }


class Yardstick(Protocol):
    """What others would answer the question with. `shape` is in metres; `areas` are those whose followers are reached."""

    name: str
    city_rounds: int

    def warm(self, target: Target, shape: BaseGeometry, areas: Sequence[int]) -> None:
        """Before a target's rounds."""

    def ask(self, target: Target, shape: BaseGeometry, areas: Sequence[int]) -> Answer | None:
        """Its answer, if it has a whole one."""


@contextmanager
def _same_question(people: Population, kinds: AddressKinds) -> Iterator[Yardstick]:
    try:
        with postgis(people, kinds) as server:
            yield server
    except Missing as reason:
        print(f"{reason}; shapely's tree is the yardstick", file=sys.stderr)
        yield Tree(people)


class Tree:
    """What shapely offers for points with radii. The tree is built beforehand, as our columns are; it finds only the points."""

    name = "shapely: STRtree of the same points, dwithin of each candidate"
    city_rounds = ROUNDS

    def __init__(self, people: Population) -> None:
        spots = np.flatnonzero(people.places.area == POINT)
        self._owner, self._radius = people.places.owner[spots], people.places.radius[spots]
        self._points = np.asarray(shapely.points(people.places.x[spots], people.places.y[spots]))
        self._tree = shapely.STRtree(self._points)
        self._furthest = float(self._radius.max())

    def warm(self, target: Target, shape: BaseGeometry, areas: Sequence[int]) -> None:
        """It keeps nothing."""

    def ask(self, _: Target, shape: BaseGeometry, __: Sequence[int]) -> None:
        """Owners of the points within their radius of a shape, each once."""
        west, south, east, north = shape.bounds
        far = self._furthest
        candidates = self._tree.query(shapely.box(west - far, south - far, east + far, north + far))
        shapely.prepare(shape)
        radius: Any = self._radius[candidates]
        np.unique(self._owner[candidates[shapely.dwithin(shape, self._points[candidates], radius)]])


class _Pairs:
    """Ours and theirs in turns."""

    def __init__(self, catalog: AreaCatalog, audience: Audience, yardstick: Yardstick) -> None:
        self._catalog, self._audience, self.yardstick = catalog, audience, yardstick

    def taken(self, targets: Sequence[Target], shapes: Sequence[BaseGeometry]) -> Figure:
        """One pair for each target and its shape in metres."""
        self.yardstick.warm(targets[0], shapes[0], self._areas(targets[0]))
        pairs = [self._pair(target, shape) for target, shape in zip(targets, shapes, strict=True)]
        return figure([ours for ours, _ in pairs], [theirs for _, theirs in pairs], "ms", self.yardstick.name, less_is_more=True)

    def _areas(self, target: Target) -> list[int]:
        areas: list[int] = reached_areas(self._catalog, target).tolist()
        return areas

    def _pair(self, target: Target, shape: BaseGeometry) -> tuple[float, float]:
        self._audience.remove(0)  # which nobody is: the audience must not answer from what it has just found
        ours, match = _milliseconds(lambda: self._audience.match(target))
        areas = self._areas(target)
        theirs, answer = _milliseconds(lambda: self.yardstick.ask(target, shape, areas))
        if answer is not None:
            _alike(match, answer)
        return ours, theirs


def _alike(match: Match, answer: Answer) -> None:
    """That both reach the same addresses in the same groups, and so the same people: none is without an address."""
    nobody = np.zeros(0, dtype=np.int64)
    groups = match.groups.keys() | answer.keys()
    differing = sum(len(np.setxor1d(match.groups.get(group, nobody), answer.get(group, nobody))) for group in groups)
    if differing:
        print(f"{differing} addresses of {sum(map(len, match.groups.values()))} are reached by one of the two only", file=sys.stderr)
    if differing > BORDERLINE * sum(map(len, match.groups.values())):
        raise AssertionError("the yardstick gives another answer")


def _milliseconds(run: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    found = run()
    return 1000 * (time.perf_counter() - start), found
