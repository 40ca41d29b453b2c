"""The rules of matching: which named areas, and which parts of the plane, an alert's target reaches.

- Named area × named place: by the catalogue's table (more than 5 % of the smaller in common, or more than 2 ha). Neighbours that only
  touch don't match.
- Drawn polygon × named place: by real overlap (more than 100 m², or more than 5 % of the smaller).
- Circle × named place: the place's polygon is nearer to the centre than the radius.
- Anything × shape that a resident drew: by real overlap, as above; a circle when the shape is nearer to its centre than the radius.
- Anything × point with radius: the point is no further from the alert's area than its radius; for a circle, than both radii together.
- A place that is the whole city gets every alert, and an alert for the whole city reaches everyone.

Everything is measured in metres in the city's own projection, never in degrees.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry.base import BaseGeometry

from subscriptions.area_overlaps import Indices, real_overlap
from subscriptions.areas import AreaCatalog
from subscriptions.region import Disc, Region, Shape

_REGIONS_KEPT = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom an alert is for: a union of areas (or the whole city), and what kind of alert it is."""

    areas: tuple[int, ...] = ()
    """Indices of the catalogue."""
    polygons: tuple[BaseGeometry, ...] = ()
    """Valid Polygons or MultiPolygons in degrees (lon, lat)."""
    circles: tuple[tuple[float, float, float], ...] = ()
    """(lon, lat, radius in metres)."""
    citywide: bool = False
    topics: int
    """`subscriptions.topics.mask`: whoever wants any of them."""
    severity: int
    """`subscriptions.severity.rank`: whoever wants alerts of this rank or of a milder one. Unknown reaches whom Minor reaches."""
    languages: frozenset[int] | None = None
    """Only readers of these (`subscriptions.languages.number`), None for everyone."""
    drill: bool = False
    """Only people who take drills."""


class Group(NamedTuple):
    """Addresses that get the same text by the same way. `language` is a BCP 47 tag."""

    channel: str
    language: str
    simulated: bool
    discreet: bool = False
    after: int = 0
    """Held back by quiet hours until then, milliseconds since 1970; 0 for nobody to be held back."""


@dataclass(frozen=True, slots=True)
class Match:
    """Who is reached: each person once, however many places match. The arrays are int64 and may be read-only views."""

    people: int
    groups: dict[Group, npt.NDArray[np.int64]]
    """Address ids; no group is empty."""
    subscribers: npt.NDArray[np.int64]
    """Subscriber ids, each once, in no order."""


@dataclass(frozen=True, slots=True)
class Reach:
    """A target, resolved: flags over the catalogue's areas for named places, regions for points."""

    everyone: bool
    areas: npt.NDArray[np.bool_]
    regions: tuple[Region, ...] = field(default=())
    named: tuple[int, ...] = ()
    """The areas that the first region is made of, where it is made of named ones."""


class Matching:
    """Resolves targets against a catalogue. Prepared shapes of recent targets are kept: a preview is followed by the launch."""

    def __init__(self, catalog: AreaCatalog) -> None:
        self._catalog = catalog
        self._recent: OrderedDict[tuple[int, ...] | bytes, Shape] = OrderedDict()
        self._city = Shape(catalog.union(catalog.whole))
        flags = np.zeros(len(catalog.areas), dtype=np.bool_)
        flags[catalog.matching(catalog.whole)] = True
        self.whole = Reach(False, flags, (self._city,), catalog.whole)
        """Of an alert that names all boroughs: the reach that is worth remembering the answer to."""

    def reach(self, target: Target) -> Reach:
        """What the target reaches, with all that measuring it needs."""
        flags = np.zeros(len(self._catalog.areas), dtype=np.bool_)
        if target.citywide:
            return Reach(True, ~flags)
        named = [self._named(target.areas)] if target.areas else []
        drawn = [self._drawn(polygon) for polygon in target.polygons]
        discs = [self._disc(*circle) for circle in target.circles]
        flags[_reached(self._catalog, target, [shape.geometry for shape in drawn])] = True
        return Reach(False, flags, (*named, *drawn, *discs), target.areas)

    def _named(self, areas: tuple[int, ...]) -> Shape:
        key = tuple(sorted(set(areas)))
        if key == self._catalog.whole:
            return self._city
        return self._remembered(key) or self._remember(key, self._catalog.union(key))

    def _drawn(self, polygon: BaseGeometry) -> Shape:
        key = shapely.to_wkb(polygon)
        return self._remembered(key) or self._remember(key, self._catalog.to_metric(polygon))

    def _disc(self, lon: float, lat: float, radius_m: float) -> Disc:
        x, y = self._catalog.projection.xy(lon, lat)
        return Disc(float(x), float(y), radius_m)

    def _remembered(self, key: tuple[int, ...] | bytes) -> Shape | None:
        if key in self._recent:
            self._recent.move_to_end(key)
        return self._recent.get(key)

    def _remember(self, key: tuple[int, ...] | bytes, metric: BaseGeometry) -> Shape:
        shape = self._recent[key] = Shape(metric)
        while len(self._recent) > _REGIONS_KEPT:
            self._recent.popitem(last=False)
        return shape


def reached_areas(catalog: AreaCatalog, target: Target) -> Indices:
    """Indices of the named areas whose followers the target reaches, sorted; all of them for the whole city."""
    if target.citywide:
        return np.arange(len(catalog.areas))
    return _reached(catalog, target, [catalog.to_metric(polygon) for polygon in target.polygons])


def _reached(catalog: AreaCatalog, target: Target, drawn: Sequence[BaseGeometry]) -> Indices:
    overlapping = [_overlapping(catalog, shape) for shape in drawn]
    circles = [_near(catalog, *circle) for circle in target.circles]
    return np.unique(np.concatenate([catalog.matching(target.areas), *overlapping, *circles]))


def _overlapping(catalog: AreaCatalog, drawn: BaseGeometry) -> Indices:
    candidates = catalog.meeting(drawn)
    return candidates[real_overlap(drawn, catalog.metric[candidates])]


def _near(catalog: AreaCatalog, lon: float, lat: float, radius_m: float) -> Indices:
    x, y = catalog.projection.xy(lon, lat)
    return catalog.within(shapely.Point(float(x), float(y)), radius_m)
